using System.Globalization;
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
    private const string Always = "TRUE";
    private const string Never = "FALSE";

    private readonly Func<string, BytePath?> _rootOf;
    private readonly PathPattern? _pattern;
    private readonly BytePath? _exact;
    private readonly BytePath _start;
    private readonly bool _isAbsolute;
    private readonly bool _isLiteral;

    // The path that is looked at: a history of a million jobs is looked at without making a million of them.
    private byte[] _path = new byte[4096];

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
        _start = BytePath.Parse(string.Join('/', relative.Split('/')[..^1].TakeWhile(part => !IsPattern(part))));
        _isLiteral = !IsPattern(relative);
        try
        {
            _pattern = relative.Length == 0 ? null : PathPattern.Compile(relative);
        }
        catch (FormatException) when (_exact is not null)
        {
            _pattern = null;
        }
    }

    /// <summary>True when the path of a job of a rule, as the ledger has it, is asked for.</summary>
    public bool Include(string rule, ReadOnlySpan<byte> directory, ReadOnlySpan<byte> name)
    {
        int length = 0;
        if (_isAbsolute)
        {
            if (_rootOf(rule) is not { } root)
                return false;
            Append(root.Span.Trim(Slash), ref length);
        }

        Append(directory, ref length);
        Append(name, ref length);
        ReadOnlySpan<byte> path = _path.AsSpan(0, length);
        return (_exact is { } exact && IsAtOrBelow(path, exact.Span)) || _pattern?.Matches(path) == true;
    }

    /// <summary>
    /// A condition on <c>jobs j</c> that every job fulfils that <see cref="Include"/> takes, and few others: SQLite
    /// leaves a row out many times faster than it can be handed out to be looked at.
    /// </summary>
    /// <param name="rules">The names of the rules by their ids.</param>
    public string Condition(IReadOnlyDictionary<int, string> rules)
    {
        if (!_isAbsolute)
            return Any([BelowExact(_exact), FitsPattern(_start)]);
        return Any(rules.Select(rule => All(
        [
            string.Create(CultureInfo.InvariantCulture, $"j.rule_id = {rule.Key}"),
            _rootOf(rule.Value) is { } root ? InRoot(new BytePath(root.Span.Trim(Slash))) : Never,
        ])));
    }

    private void Append(ReadOnlySpan<byte> part, ref int length)
    {
        if (part.IsEmpty)
            return;
        int needed = length + 1 + part.Length;
        if (needed > _path.Length)
            Array.Resize(ref _path, 2 * needed);
        if (length > 0)
            _path[length++] = Slash;
        part.CopyTo(_path.AsSpan(length));
        length += part.Length;
    }

    private static bool IsAtOrBelow(ReadOnlySpan<byte> path, ReadOnlySpan<byte> above) => above.IsEmpty
        || (path.StartsWith(above) && (path.Length == above.Length || path[above.Length] == Slash));

    private string InRoot(BytePath root) => Any(
    [
        _exact is { } exact ? Below(exact, root, BelowExact) : Never,
        Below(_start, root, FitsPattern),
    ]);

    // What a path that is asked for is within a root: all of it, a part, or nothing.
    private static string Below(BytePath asked, BytePath root, Func<BytePath, string> condition)
    {
        if (root.IsAtOrBelow(asked))
            return condition(BytePath.Empty);
        return asked.IsAtOrBelow(root) ? condition(new BytePath(asked.Span[root.Length..].TrimStart(Slash))) : Never;
    }

    private static string BelowExact(BytePath? exact) => exact is { } path ? BelowExact(path) : Never;

    // The file itself, or any in the directory of that path.
    private static string BelowExact(BytePath path) => path.IsEmpty ? Always : Any(
    [
        All([$"j.name = {Blob(path.Name.Span)}", $"j.directory = {Blob(path.Directory.Span)}"]),
        $"j.directory = {Blob(path.Span)}", StartsWith("j.directory", [.. path.Span, Slash]),
    ]);

    private string FitsPattern(BytePath start) => _pattern is null ? Never : All(
    [
        StartsWith("j.directory", start.Span), StartsWith("j.name", _pattern.LiteralStart),
        _isLiteral ? Always : EndsWith("j.name", _pattern.LiteralEnd),
    ]);

    // As a range: comparing is cheaper than cutting. The range ends where the last byte that can be, is one higher.
    private static string StartsWith(string column, ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
            return Always;
        byte[] end = bytes.TrimEnd((byte)0xFF).ToArray();
        if (end.Length == 0)
            return $"{column} >= {Blob(bytes)}";
        end[^1]++;
        return $"({column} >= {Blob(bytes)} AND {column} < {Blob(end)})";
    }

    private static string EndsWith(string column, ReadOnlySpan<byte> bytes) => bytes.IsEmpty ? Always
        : string.Create(CultureInfo.InvariantCulture, $"substr({column}, -{bytes.Length}) = {Blob(bytes)}");

    private static string Any(IEnumerable<string> conditions)
    {
        string[] some = [.. conditions.Where(condition => condition != Never).Distinct(StringComparer.Ordinal)];
        if (some.Contains(Always, StringComparer.Ordinal))
            return Always;
        return some.Length == 0 ? Never : $"({string.Join(" OR ", some)})";
    }

    private static string All(IEnumerable<string> conditions)
    {
        string[] all = [.. conditions.Where(condition => condition != Always).Distinct(StringComparer.Ordinal)];
        if (all.Contains(Never, StringComparer.Ordinal))
            return Never;
        return all.Length == 0 ? Always : $"({string.Join(" AND ", all)})";
    }

    private static string Blob(ReadOnlySpan<byte> bytes) => $"X'{Convert.ToHexString(bytes)}'";

    private static bool IsPattern(string text) => text.AsSpan().ContainsAny('*', '?', '[');
}
