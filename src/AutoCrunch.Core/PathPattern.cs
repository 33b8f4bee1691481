using System;
using System.Collections.Generic;
using System.Text;

namespace AutoCrunch.Core;

/// <summary>One pattern of a <see cref="PathPatterns"/> list, compiled.</summary>
internal sealed class PathPattern
{
    private const byte Slash = (byte)'/';

    private readonly NamePattern[] _components;
    private readonly bool _anyDepth;

    private PathPattern(NamePattern[] components, bool anyDepth)
    {
        _components = components;
        _anyDepth = anyDepth;
    }

    /// <summary>The bytes the name of every match begins with.</summary>
    public ReadOnlySpan<byte> LiteralStart => _components[^1].LiteralStart;

    /// <summary>The bytes the name of every match ends with.</summary>
    public ReadOnlySpan<byte> LiteralEnd => _components[^1].LiteralEnd;

    /// <exception cref="FormatException">The message names the pattern and says what is wrong with it.</exception>
    public static PathPattern Compile(string text)
    {
        try
        {
            return Compile(Encoding.UTF8.GetBytes(text));
        }
        catch (FormatException e)
        {
            throw new FormatException($"'{text}': {e.Message}", e);
        }
    }

    /// <summary>True when it fits; allocates nothing.</summary>
    public bool Matches(ReadOnlySpan<byte> relativePath) => _anyDepth
        ? _components[0].Matches(relativePath[(relativePath.LastIndexOf(Slash) + 1)..])
        : MatchesComponents(relativePath);

    private static PathPattern Compile(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty)
            throw new FormatException("a pattern cannot be empty");
        if (text[0] == Slash)
            throw new FormatException("a pattern is relative to the rule's Path; leave the leading '/' out");
        if (text[^1] == Slash)
            throw new FormatException("leave the trailing '/' out; everything below a directory is 'directory/**'");
        var components = new List<NamePattern>();
        foreach (Range range in text.Split(Slash))
        {
            ReadOnlySpan<byte> component = text[range];
            if (component.IsEmpty)
                throw new FormatException("there is nothing between two slashes");
            if (component.SequenceEqual("."u8) || component.SequenceEqual(".."u8))
                throw new FormatException("a pattern is relative to the rule's Path and cannot contain '.' or '..'");
            bool isAnyDirectories = component.SequenceEqual("**"u8);
            if (!isAnyDirectories)
                components.Add(NamePattern.Compile(component));
            else if (components.Count == 0 || components[^1] != NamePattern.AnyDirectories)
                components.Add(NamePattern.AnyDirectories);
        }

        // What '**' spans are directories: at the end it stands for everything in them.
        if (components[^1] == NamePattern.AnyDirectories)
            components.Add(NamePattern.AnyName);
        bool anyDepth = components.Count == 1 || (components.Count == 2 && components[0] == NamePattern.AnyDirectories);
        return new PathPattern(anyDepth ? [components[^1]] : [.. components], anyDepth);
    }

    // As in NamePattern: only the last '**' ever needs to take one directory more.
    private bool MatchesComponents(ReadOnlySpan<byte> path)
    {
        int component = 0, at = 0, retryComponent = -1, retryAt = 0;
        while (at <= path.Length)
        {
            int length = path[at..].IndexOf(Slash);
            if (length < 0)
                length = path.Length - at;
            if (component < _components.Length && _components[component] == NamePattern.AnyDirectories)
            {
                retryComponent = ++component;
                retryAt = at;
            }
            else if (component < _components.Length && _components[component].Matches(path.Slice(at, length)))
            {
                component += 1;
                at += length + 1;
            }
            else if (retryComponent >= 0)
            {
                int taken = path[retryAt..].IndexOf(Slash);
                if (taken < 0)
                    return false;
                component = retryComponent;
                retryAt += taken + 1;
                at = retryAt;
            }
            else
            {
                return false;
            }
        }

        return component == _components.Length;
    }
}
