using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace AutoCrunch.Core;

/// <summary>What the placeholders of a command stand for, for one attempt.</summary>
/// <param name="Rule">The rule's name.</param>
/// <param name="Root">The rule's directory, absolute.</param>
/// <param name="Relative">The file, relative to <paramref name="Root"/>.</param>
/// <param name="Job">The job's id.</param>
/// <param name="Attempt">The attempt's number, from 1.</param>
public readonly record struct CommandValues(string Rule, BytePath Root, BytePath Relative, long Job, int Attempt);

/// <summary>
/// One argument of a rule's command, compiled: text as UTF-8 bytes, and placeholders that put in a file's bytes as they
/// are. No shell reads the result, so nothing is quoted. A <c>{name}</c> or <c>{relative}</c> may begin with a dash:
/// the command has to say <c>--</c> before it. Immutable.
/// </summary>
public sealed class CommandTemplate
{
    private static readonly (string Name, Placeholder Placeholder)[] s_placeholders =
    [
        ("path", Placeholder.Path), ("relative", Placeholder.Relative), ("name", Placeholder.Name),
        ("stem", Placeholder.Stem), ("extension", Placeholder.Extension), ("directory", Placeholder.Directory),
        ("rule", Placeholder.Rule), ("job", Placeholder.Job), ("attempt", Placeholder.Attempt),
    ];

    private readonly Part[] _parts;

    private CommandTemplate(string text, Part[] parts)
    {
        Text = text;
        _parts = parts;
    }

    private enum Placeholder : byte { None, Path, Relative, Name, Stem, Extension, Directory, Rule, Job, Attempt }

    /// <summary>The placeholders there are, without braces.</summary>
    public static IReadOnlyList<string> PlaceholderNames { get; } = Array.ConvertAll(s_placeholders, p => p.Name);

    /// <summary>The argument as written.</summary>
    public string Text { get; }

    /// <summary>True when the argument differs from file to file.</summary>
    public bool HasPlaceholders => Array.Exists(_parts, p => p.Placeholder != Placeholder.None);

    /// <summary>Compiles one argument.</summary>
    /// <param name="text">The text; <c>{{</c> and <c>}}</c> are braces.</param>
    /// <param name="template">The compiled argument; null when false is returned.</param>
    /// <param name="error">What is wrong and what to write instead; empty when true is returned.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out CommandTemplate? template, out string error)
    {
        ArgumentNullException.ThrowIfNull(text);
        template = null;
        error = text.Contains('\0', StringComparison.Ordinal) ? "an argument cannot contain a NUL byte" : "";
        var parts = new List<Part>();
        var literal = new StringBuilder();
        for (int i = 0; i < text.Length && error.Length == 0; i++)
        {
            char c = text[i];
            if (c is not ('{' or '}'))
            {
                literal.Append(c);
            }
            else if (i + 1 < text.Length && text[i + 1] == c)
            {
                literal.Append(c);
                i += 1;
            }
            else if (c == '{' && text.IndexOf('}', i) is > 0 and int close)
            {
                AddLiteral(parts, literal);
                error = AddPlaceholder(parts, text[(i + 1)..close]);
                i = close;
            }
            else
            {
                error = $"the '{c}' at position {i + 1} has no partner; write '{c}{c}' for a brace";
            }
        }

        if (error.Length > 0)
            return false;
        AddLiteral(parts, literal);
        template = new CommandTemplate(text, [.. parts]);
        return true;
    }

    /// <summary>The argument for one attempt, without a terminating NUL.</summary>
    public byte[] Expand(in CommandValues values)
    {
        BytePath path = values.Root.Join(values.Relative);
        var expanded = new List<byte>();
        foreach (Part part in _parts)
        {
            switch (part.Placeholder)
            {
                case Placeholder.None: expanded.AddRange(part.Literal); break;
                case Placeholder.Path: expanded.AddRange(path.Span); break;
                case Placeholder.Relative: expanded.AddRange(values.Relative.Span); break;
                case Placeholder.Name: expanded.AddRange(path.Name.Span); break;
                case Placeholder.Stem: expanded.AddRange(StemOf(path.Name.Span)); break;
                case Placeholder.Extension: expanded.AddRange(ExtensionOf(path.Name.Span)); break;
                case Placeholder.Directory: expanded.AddRange(path.Directory.Span); break;
                case Placeholder.Rule: expanded.AddRange(Encoding.UTF8.GetBytes(values.Rule)); break;
                case Placeholder.Job: expanded.AddRange(Number(values.Job)); break;
                case Placeholder.Attempt: expanded.AddRange(Number(values.Attempt)); break;
            }
        }

        return [.. expanded];
    }

    /// <summary>
    /// The name without <see cref="ExtensionOf"/>: "a.tar" of "a.tar.gz", all of ".hidden". Both together are the name.
    /// </summary>
    public static ReadOnlySpan<byte> StemOf(ReadOnlySpan<byte> name) => name[..^ExtensionOf(name).Length];

    /// <summary>
    /// The last dot of the name and what follows it: ".gz" of "a.tar.gz", "." of "a.". Dots in front are no extension:
    /// it is empty for ".hidden" and "..x", as it is for names without a dot.
    /// </summary>
    public static ReadOnlySpan<byte> ExtensionOf(ReadOnlySpan<byte> name)
    {
        int dot = name.LastIndexOf((byte)'.');
        return dot < 0 || !name[..dot].ContainsAnyExcept((byte)'.') ? [] : name[dot..];
    }

    private static void AddLiteral(List<Part> parts, StringBuilder literal)
    {
        if (literal.Length > 0)
            parts.Add(new Part(Encoding.UTF8.GetBytes(literal.ToString()), Placeholder.None));
        literal.Clear();
    }

    private static string AddPlaceholder(List<Part> parts, string name)
    {
        foreach ((string known, Placeholder placeholder) in s_placeholders)
        {
            if (!string.Equals(known, name, StringComparison.Ordinal))
                continue;
            parts.Add(new Part([], placeholder));
            return "";
        }

        return $"the placeholder '{{{name}}}' is unknown; there are {{{string.Join("}, {", PlaceholderNames)}}}, "
            + "and '{{' for a brace";
    }

    private static byte[] Number(long value) => Encoding.ASCII.GetBytes(value.ToString(CultureInfo.InvariantCulture));

    private readonly record struct Part(byte[] Literal, Placeholder Placeholder);
}
