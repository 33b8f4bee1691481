using System.Globalization;
using AutoCrunch.Core;

namespace AutoCrunch.Ledger;

/// <content>Jobs and their attempts.</content>
internal sealed partial class LedgerReader
{
    // Jobs of one state are few beside the history, and have an index that holds all that is needed to find them. One
    // that is looked for by time needs its row.
    private const string ByState = """
        SELECT {0} FROM jobs j WHERE j.completed_ns >= ?2 AND {5} AND j.id IN (
            SELECT i.id FROM jobs i INDEXED BY {1} WHERE i.state = {2} AND i.id < ?1 {3} {4})
        ORDER BY j.id DESC LIMIT ?3
        """;

    private const string ById = """
        SELECT {0} FROM jobs j WHERE j.id < ?1 AND j.completed_ns >= ?2 {3} {4} AND {5} ORDER BY j.id DESC LIMIT ?3
        """;

    private SqliteStatement? _lastAttempt;

    /// <summary>Jobs, newest first.</summary>
    public IReadOnlyList<Job> List(JobQuery query)
    {
        ArgumentNullException.ThrowIfNull(query);
        using SqliteStatement list = Prepare(LedgerRows.JobColumns, query, query.Paths is null ? query.Limit : -1);
        var jobs = new List<Job>();
        while (jobs.Count < query.Limit && list.Step())
        {
            string rule = _rules[LedgerRows.RuleId(list)];
            if (query.Paths?.Include(rule, list.Blob(2), list.Blob(3)) != false)
                jobs.Add(LedgerRows.ReadJob(list, rule));
        }

        return jobs;
    }

    /// <summary>
    /// How many jobs <see cref="List"/> would give, but no more than <see cref="JobQuery.Limit"/>, which bounds what it
    /// costs.
    /// </summary>
    public long Count(JobQuery query)
    {
        ArgumentNullException.ThrowIfNull(query);
        if (query.Paths is not null)
            return List(query).Count;
        using SqliteStatement list = Prepare("j.id", query, query.Limit);
        long count = 0;
        while (list.Step())
            count++;
        return count;
    }

    /// <summary>Those of these jobs that have ended, as they are; null for those that are forgotten.</summary>
    /// <exception cref="OperationCanceledException">Nobody wants to know any more.</exception>
    public IReadOnlyList<(long Id, Job? Job)> FindEnded(IReadOnlyList<long> jobIds, CancellationToken stopping)
    {
        using SqliteStatement find = _db.Prepare($"SELECT {LedgerRows.JobColumns} FROM jobs j WHERE j.id = ?1");
        var ended = new List<(long Id, Job? Job)>();
        foreach (long id in jobIds)
        {
            stopping.ThrowIfCancellationRequested();
            Job? job = find.Bind(1, id).Step() ? Read(find) : null;
            find.Reset();
            if (job is not { State: JobState.Queued or JobState.Running })
                ended.Add((id, job));
        }

        return ended;
    }

    /// <summary>One job; null when there is none with this id (any more).</summary>
    public Job? Find(long jobId)
    {
        using SqliteStatement find = _db.Prepare($"SELECT {LedgerRows.JobColumns} FROM jobs j WHERE j.id = ?1");
        return find.Bind(1, jobId).Step() ? Read(find) : null;
    }

    /// <summary>The attempts of a job that have ended, in order.</summary>
    public IReadOnlyList<AttemptRecord> Attempts(long jobId)
    {
        using SqliteStatement list = _db.Prepare(
            $"SELECT {LedgerRows.AttemptColumns} FROM attempts WHERE job_id = ?1 ORDER BY number");
        list.Bind(1, jobId);
        var attempts = new List<AttemptRecord>();
        while (list.Step())
            attempts.Add(LedgerRows.ReadAttempt(list));
        return attempts;
    }

    /// <summary>The last attempt of a job that has ended; null when none has.</summary>
    public AttemptRecord? LastAttempt(long jobId)
    {
        _lastAttempt ??= _db.Prepare($"""
            SELECT {LedgerRows.AttemptColumns} FROM attempts WHERE job_id = ?1 ORDER BY number DESC LIMIT 1
            """);
        AttemptRecord? last = _lastAttempt.Bind(1, jobId).Step() ? LedgerRows.ReadAttempt(_lastAttempt) : null;
        _lastAttempt.Reset();
        return last;
    }

    private SqliteStatement Prepare(string columns, JobQuery query, int limit)
    {
        string? index = query.State switch
        {
            JobState.Queued or JobState.Running => "jobs_open",
            JobState.Failed => "jobs_failed",
            _ => null,
        };
        string prefix = index is null ? "j" : "i";

        // The index has rules before states: with every rule named, only the state that is asked for is looked at.
        string all = index is null ? "" : "AND i.rule_id IN (SELECT id FROM rules)";
        string rule = query.Rule is null ? all : $"AND {prefix}.rule_id = ?4";

        // The newest ids suffice where nothing else is asked that would leave some of them out.
        string rest = index is null
            ? query.State is { } state ? $"AND j.state = {(int)state}" : ""
            : query.SinceNs is null && limit >= 0 ? "ORDER BY i.id DESC LIMIT ?3" : "";
        string sql = index is null ? ById : ByState;
        SqliteStatement list = _db.Prepare(string.Format(
            CultureInfo.InvariantCulture, sql, columns, index, (int?)query.State, rule, rest,
            query.Paths?.Condition(_rules) ?? "TRUE"));
        list.Bind(1, query.BeforeId ?? long.MaxValue).Bind(2, query.SinceNs ?? long.MinValue).Bind(3, limit);
        if (query.Rule is { } name)
            list.Bind(4, _rules.FirstOrDefault(known => known.Value == name).Key);
        return list;
    }
}
