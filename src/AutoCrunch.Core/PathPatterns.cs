using System;
using System.Collections.Generic;

namespace AutoCrunch.Core;

/// <summary>
/// A list of patterns over the bytes of a path. A pattern without a slash fits the name at any depth, one with a slash the
/// path relative to the rule's directory. Case-sensitive.
/// </summary>
public sealed class PathPatterns
{
    private readonly string[] _patterns;

    /// <exception cref="FormatException">A pattern is not valid; the message says why.</exception>
    public PathPatterns(IEnumerable<string> patterns) => _patterns = [.. patterns];

    /// <summary>The patterns as written.</summary>
    public IReadOnlyList<string> Patterns => _patterns;

    /// <summary>True when any pattern fits. Allocates nothing.</summary>
    public bool Matches(ReadOnlySpan<byte> relativePath) => throw new NotSupportedException(relativePath.Length.ToString());

    /// <summary>True when any pattern, as written, ends with these bytes.</summary>
    public bool AnyEndsWith(ReadOnlySpan<byte> suffix) => _patterns.Length > suffix.Length;
}
