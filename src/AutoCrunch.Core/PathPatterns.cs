using System;
using System.Collections.Generic;

namespace AutoCrunch.Core;

/// <summary>
/// A list of patterns over the bytes of a path. A pattern without a slash fits the name at any depth, one with a slash
/// the path relative to the rule's directory. <c>**</c> as a whole component spans zero or more directories (at the
/// end: everything below), <c>*</c> and <c>?</c> match any bytes but '/', leading dots too, <c>[abc]</c>, <c>[a-z]</c>
/// and <c>[!x]</c> one byte. Case-sensitive. The text is UTF-8, with <c>\xNN</c> for a byte and <c>\\</c> for a
/// backslash, which always stand for themselves. Immutable.
/// </summary>
public sealed class PathPatterns
{
    private readonly string[] _texts;
    private readonly PathPattern[] _patterns;

    /// <exception cref="FormatException">A pattern is not valid; the message says which and why.</exception>
    public PathPatterns(IEnumerable<string> patterns)
    {
        _texts = [.. patterns];
        _patterns = Array.ConvertAll(_texts, PathPattern.Compile);
    }

    /// <summary>The patterns as written.</summary>
    public IReadOnlyList<string> Patterns => _texts;

    /// <summary>True when any pattern fits; none fits the empty path. Allocates nothing.</summary>
    public bool Matches(ReadOnlySpan<byte> relativePath)
    {
        foreach (PathPattern pattern in _patterns)
        {
            if (!relativePath.IsEmpty && pattern.Matches(relativePath))
                return true;
        }

        return false;
    }

    /// <summary>The first pattern that fits, as written; null when none does.</summary>
    public string? FirstMatch(ReadOnlySpan<byte> relativePath)
    {
        for (int i = 0; i < _patterns.Length && !relativePath.IsEmpty; i++)
        {
            if (_patterns[i].Matches(relativePath))
                return _texts[i];
        }

        return null;
    }

    /// <summary>True when a pattern asks for names that end with these very bytes.</summary>
    public bool AnyEndsWith(ReadOnlySpan<byte> suffix)
    {
        foreach (PathPattern pattern in _patterns)
        {
            if (pattern.LiteralEnd.EndsWith(suffix))
                return true;
        }

        return false;
    }

    /// <summary>True when a pattern asks for names that begin with these very bytes.</summary>
    public bool AnyStartsWith(ReadOnlySpan<byte> prefix)
    {
        foreach (PathPattern pattern in _patterns)
        {
            if (pattern.LiteralStart.StartsWith(prefix))
                return true;
        }

        return false;
    }
}
