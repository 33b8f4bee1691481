using AutoCrunch.Core;

namespace AutoCrunch.Ledger;

/// <summary>
/// Paths that an operator asks for: a pattern as a rule's Include has it (no slash: the name at any depth; a slash: the
/// path relative to the rule's directory), one that begins with a slash for absolute paths, or the very path of a file
/// or directory, which stands for all below it.
/// </summary>
internal sealed class JobPaths
{
    private const byte Slash = (byte)'/';

    private readonly Func<string, BytePath?> _rootOf;
    private readonly PathPatterns? _patterns;
    private readonly BytePath? _exact;
    private readonly bool _isAbsolute;

    /// <param name="text">As typed; <c>\xNN</c> stands for a byte, <c>\\</c> for a backslash.</param>
    /// <param name="rootOf">The directory of a rule; null when it is not known.</param>
    /// <exception cref="FormatException">It is neither a pattern nor a path; the message says why.</exception>
    public JobPaths(string text, Func<string, BytePath?> rootOf)
    {
        ArgumentException.ThrowIfNullOrEmpty(text);
        _rootOf = rootOf;
        _isAbsolute = text[0] == '/';
        string relative = text.Trim('/');

        // A directory's own name is no pattern that fits files below it, and a name may hold a lone bracket.
        BytePath exact = BytePath.Parse(relative);
        _exact = _isAbsolute || text.Contains('/', StringComparison.Ordinal) || !IsPattern(relative) ? exact : null;
        try
        {
            _patterns = relative.Length == 0 ? null : new PathPatterns([relative]);
        }
        catch (FormatException) when (_exact is not null)
        {
            _patterns = null;
        }
    }

    /// <summary>True when the path of a job of a rule, as the ledger has it, is asked for.</summary>
    public bool Include(string rule, ReadOnlySpan<byte> directory, ReadOnlySpan<byte> name)
    {
        BytePath path = SplitPath.Join(directory, name);
        if (_isAbsolute)
        {
            if (_rootOf(rule) is not { } root)
                return false;
            path = new BytePath(root.Join(path).Span.TrimStart(Slash));
        }

        return (_exact is { } exact && path.IsAtOrBelow(exact)) || _patterns?.Matches(path.Span) == true;
    }

    private static bool IsPattern(string text) => text.AsSpan().ContainsAny('*', '?', '[');
}
