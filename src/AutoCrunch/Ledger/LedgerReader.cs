using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Ledger;

/// <summary>How many files and jobs of a rule are in the states that ask for attention.</summary>
internal sealed record RuleCounts(string Rule, long Held, long Queued, long Running, long Failed);

/// <summary>
/// Reads the ledger for people, beside a running service or without one, on a connection of its own. One thread at a
/// time.
/// </summary>
internal sealed partial class LedgerReader : IDisposable
{
    private readonly SqliteDatabase _db;
    private readonly StateLayout _layout;
    private readonly Dictionary<int, string> _rules = [];

    private LedgerReader(SqliteDatabase db, StateLayout layout)
    {
        _db = db;
        _layout = layout;
        Records = RuleRecord.ReadAll(db);
        foreach (RuleRecord record in Records.Values)
            _rules.Add(record.Id, record.Name);
    }

    /// <summary>
    /// True when nobody wrote the ledger when it was opened, and somebody does now: what is read may not fit together.
    /// </summary>
    public bool IsOvertaken => _db.IsImmutable && FileStatReader.TryReadTarget(_layout.Wal, out _) == 0;

    /// <inheritdoc cref="SqliteDatabase.StepsTaken"/>
    public long StepsTaken => _db.StepsTaken;

    /// <summary>What is recorded of rules, by name.</summary>
    public IReadOnlyDictionary<string, RuleRecord> Records { get; }

    /// <summary>Other rules than these that have jobs that wait.</summary>
    public IReadOnlyList<(string Rule, long Waiting)> WaitingOfOthers(IReadOnlyCollection<string> configured) =>
        RuleRecord.WaitingOfOthers(_db, configured);

    /// <inheritdoc cref="RuleRecord.RunningInEngines"/>
    public IReadOnlyList<(string Rule, long Running, string Engine)> RunningInEngines() =>
        RuleRecord.RunningInEngines(_db);

    /// <summary>The rules that the ledger has records of, configured or not.</summary>
    public IEnumerable<string> Rules => _rules.Values.Order(StringComparer.Ordinal);

    /// <summary>Opens for reading.</summary>
    /// <exception cref="LedgerUnusableException">There is no ledger, or none this program can read.</exception>
    /// <exception cref="SqliteException">The disk failed.</exception>
    public static LedgerReader Open(BytePath stateDirectory) =>
        new(LedgerFile.OpenReader(new StateLayout(stateDirectory)), new StateLayout(stateDirectory));

    /// <summary>
    /// What is believed of a file, and its name's latest job, which may be that of the file that had the name before;
    /// null when nothing is known of it.
    /// </summary>
    public (KnownEntry Known, long? LastJobId, bool IsOwnJob)? FindFile(string rule, BytePath path)
    {
        using SqliteStatement find = _db.Prepare($"""
            SELECT {LedgerRows.EntryColumns} FROM {LedgerRows.Entries}
            WHERE f.rule_id = (SELECT id FROM rules WHERE name = ?1) AND f.directory = ?2 AND f.name = ?3
            """);
        var split = new SplitPath(path);
        if (!find.Bind(1, rule).Bind(2, split.Directory).Bind(3, split.Name).Step())
            return null;
        EntryRow row = LedgerRows.ReadEntry(find);
        return (row.Known, row.LastJobId, row.JobId is not null);
    }

    /// <summary>When the newest job's file completed, nanoseconds since 1970; null when there is no job.</summary>
    public long? LastCompletedNs() => _db.QueryNumber("SELECT completed_ns FROM jobs ORDER BY id DESC LIMIT 1");

    /// <summary>The rules whose jobs are not started (<see cref="PauseReason"/>).</summary>
    public IReadOnlyList<string> PausedRules()
    {
        using SqliteStatement find = _db.Prepare("SELECT name FROM rules WHERE paused IS NOT NULL ORDER BY name");
        var paused = new List<string>();
        while (find.Step())
            paused.Add(find.Text(0)!);
        return paused;
    }

    /// <summary>Counts per rule, ordered by name. Costs what is counted, not what the history holds.</summary>
    public IReadOnlyList<RuleCounts> Counts()
    {
        Dictionary<int, long> held = Count("files INDEXED BY files_held", (int)EntryState.Held);
        Dictionary<int, long> queued = Count("jobs INDEXED BY jobs_open", (int)JobState.Queued);
        Dictionary<int, long> running = Count("jobs INDEXED BY jobs_open", (int)JobState.Running);
        Dictionary<int, long> failed = Count("jobs INDEXED BY jobs_failed", (int)JobState.Failed);
        return [.. from rule in _rules
                   orderby rule.Value
                   select new RuleCounts(
                       rule.Value, held.GetValueOrDefault(rule.Key), queued.GetValueOrDefault(rule.Key),
                       running.GetValueOrDefault(rule.Key), failed.GetValueOrDefault(rule.Key))];
    }

    public void Dispose() => _db.Dispose();

    private Job Read(SqliteStatement row) => LedgerRows.ReadJob(row, _rules[LedgerRows.RuleId(row)]);

    private Dictionary<int, long> Count(string table, int state)
    {
        using SqliteStatement count = _db.Prepare($"""
            SELECT r.id, (SELECT count(*) FROM {table} WHERE rule_id = r.id AND state = {state}) AS number FROM rules r
            WHERE number > 0
            """);
        var counts = new Dictionary<int, long>();
        while (count.Step())
            counts.Add(count.Int(0), count.Number(1));
        return counts;
    }
}
