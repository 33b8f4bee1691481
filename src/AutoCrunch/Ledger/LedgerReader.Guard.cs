using AutoCrunch.Core;

namespace AutoCrunch.Ledger;

/// <summary>A path that the loop guard has paused.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="Path">Relative to the rule's directory.</param>
/// <param name="PausedNs">Since when, nanoseconds since 1970.</param>
internal sealed record PausedPath(string Rule, BytePath Path, long PausedNs);

/// <summary>Paths that are paused.</summary>
internal sealed partial class LedgerReader
{
    /// <summary>Paused paths of one rule, or of all for null; by rule and path, no more than a limit.</summary>
    public IReadOnlyList<PausedPath> PausedPaths(string? rule, int limit)
    {
        using SqliteStatement list = _db.Prepare("""
            SELECT r.name, g.directory, g.name, g.paused_ns FROM guarded_paths g JOIN rules r ON r.id = g.rule_id
            WHERE g.paused_ns IS NOT NULL AND (?1 IS NULL OR r.name = ?1)
            ORDER BY r.name, g.directory, g.name LIMIT ?2
            """);
        list.Bind(1, rule).Bind(2, limit);
        var paused = new List<PausedPath>();
        while (list.Step())
            paused.Add(new PausedPath(list.Text(0)!, SplitPath.Join(list.Blob(1), list.Blob(2)), list.Number(3)));
        return paused;
    }

    /// <summary>Since when the loop guard has this path paused, nanoseconds since 1970; null when it has not.</summary>
    public long? FindPausedPath(string rule, BytePath path)
    {
        using SqliteStatement find = _db.Prepare("""
            SELECT paused_ns FROM guarded_paths
            WHERE rule_id = (SELECT id FROM rules WHERE name = ?1) AND directory = ?2 AND name = ?3
            """);
        var split = new SplitPath(path);
        return find.Bind(1, rule).Bind(2, split.Directory).Bind(3, split.Name).Step() ? find.OptionalNumber(0) : null;
    }
}
