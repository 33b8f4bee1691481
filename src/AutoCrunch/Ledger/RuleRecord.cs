using System.Globalization;
using AutoCrunch.Core;

namespace AutoCrunch.Ledger;

/// <summary>Why no job of a rule starts. The numbers are kept in the ledger: never renumber.</summary>
internal enum PauseReason : byte
{
    /// <summary>A scan found more files than MaxExistingFiles.</summary>
    ManyFiles = 0,

    /// <summary>An operator's pause.</summary>
    ByHand = 1,

    /// <summary>The last PauseAfterFailures jobs all failed.</summary>
    Failures = 2,
}

/// <summary>What the ledger has recorded of a rule itself.</summary>
/// <param name="Id">Its row in <c>rules</c>.</param>
/// <param name="Name">Its name.</param>
/// <param name="FirstScanDone">Its whole tree has been scanned once.</param>
/// <param name="Paused">Why no job of it starts; null when they do.</param>
/// <param name="Path">Its Path when its tree was scanned last; null when that was not recorded.</param>
/// <param name="Patterns">Its patterns then (<see cref="PatternsOf"/>).</param>
/// <param name="Engine">Where its running jobs go on without the service; null when they end with it.</param>
internal sealed record RuleRecord(
    int Id, string Name, bool FirstScanDone, PauseReason? Paused, BytePath? Path, string? Patterns, string? Engine)
{
    /// <summary>All records, by name.</summary>
    public static Dictionary<string, RuleRecord> ReadAll(SqliteDatabase db)
    {
        using SqliteStatement read = db.Prepare(
            "SELECT id, name, first_scan_ns, paused, path, patterns, engine FROM rules");
        var records = new Dictionary<string, RuleRecord>(StringComparer.Ordinal);
        while (read.Step())
        {
            BytePath? path = read.IsNull(4) ? null : new BytePath(read.Blob(4));
            string name = read.Text(1)!;
            records.Add(name, new RuleRecord(
                read.Int(0), name, !read.IsNull(2), (PauseReason?)read.OptionalInt(3), path, read.Text(5),
                read.Text(6)));
        }

        return records;
    }

    /// <summary>Rules that are configured no longer and have jobs that wait, with how many.</summary>
    public static List<(string Rule, long Waiting)> WaitingOfOthers(
        SqliteDatabase db, IReadOnlyCollection<string> configured)
    {
        using SqliteStatement count = db.Prepare($"""
            SELECT r.name, (SELECT count(*) FROM jobs j INDEXED BY jobs_open
                WHERE j.state = {(int)JobState.Queued} AND j.rule_id = r.id) AS waiting
            FROM rules r WHERE waiting > 0 ORDER BY r.name
            """);
        var others = new List<(string Rule, long Waiting)>();
        while (count.Step())
            if (count.Text(0) is { } name && !configured.Contains(name))
                others.Add((name, count.Number(1)));
        return others;
    }

    /// <summary>Rules that have jobs which were left running in an engine, with how many and where.</summary>
    public static List<(string Rule, long Running, string Engine)> RunningInEngines(SqliteDatabase db)
    {
        using SqliteStatement count = db.Prepare($"""
            SELECT r.name, r.engine, (SELECT count(*) FROM jobs j INDEXED BY jobs_open
                WHERE j.state = {(int)JobState.Running} AND j.rule_id = r.id) AS running
            FROM rules r WHERE r.engine IS NOT NULL AND running > 0 ORDER BY r.name
            """);
        var rules = new List<(string Rule, long Running, string Engine)>();
        while (count.Step())
            rules.Add((count.Text(0)!, count.Number(2), count.Text(1)!));
        return rules;
    }

    /// <summary>Why a rule cannot be given to another engine: what still runs must not be started beside it.</summary>
    public static string WhyKept(string rule, long running, string engine) => string.Create(
        CultureInfo.InvariantCulture,
        $"{running} {(running == 1 ? "job" : "jobs")} of rule '{rule}' {(running == 1 ? "was" : "were")} left "
        + $"running in {engine}, and would run a second time beside that: put its Dispatcher section back until "
        + $"they have ended or are cancelled, then change it");

    /// <summary>Which names a rule takes, as text: "*.raw !*~", what it does not enter after a second '!'.</summary>
    public static string PatternsOf(WatchRule rule)
    {
        ArgumentNullException.ThrowIfNull(rule);
        string taken = string.Join(' ', rule.Include.Patterns.Select(Quote));
        string left = string.Concat(rule.Exclude.Patterns.Select(pattern => " !" + Quote(pattern)));
        string ignored = rule.Recursive
            ? string.Concat(rule.Completion.IgnoredDirectories.Patterns.Select(pattern => $" !{Quote(pattern)}/"))
            : " !*/";
        return taken + left + ignored;
    }

    /// <summary>True when a scan with the rule as it is now takes what the last one took.</summary>
    public bool IsSameScope(WatchRule rule) => FirstScanDone
        && (Path is null || Path == rule.Path) && (Patterns is null || Patterns == PatternsOf(rule));

    private static string Quote(string pattern) =>
        pattern.AsSpan().ContainsAny(' ', '!') ? $"\"{pattern}\"" : pattern;
}
