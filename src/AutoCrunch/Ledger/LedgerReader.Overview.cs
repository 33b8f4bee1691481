using AutoCrunch.Core;

namespace AutoCrunch.Ledger;

/// <summary>What the ledger has to say of one rule at a glance. Times are nanoseconds since 1970.</summary>
/// <param name="Counts">What asks for attention.</param>
/// <param name="Paused">Why none of its jobs starts; null when they do.</param>
/// <param name="OldestQueuedNs">When the file of the job completed that is due first; null when none waits.</param>
/// <param name="LastArrivalNs">
/// When its newest file completed; null when none is among the latest <see cref="LedgerReader.LatestJobs"/> jobs.
/// </param>
/// <param name="LastMinute">Jobs whose files completed in the last minute.</param>
/// <param name="LastHour">Jobs whose files completed in the last hour.</param>
/// <param name="FailedLastHour">Those of the last hour that have failed.</param>
internal sealed record RuleOverview(
    RuleCounts Counts, PauseReason? Paused, long? OldestQueuedNs, long? LastArrivalNs, long LastMinute, long LastHour,
    long FailedLastHour);

/// <content>Everything at a glance, at the cost of what happened lately and not of the whole history.</content>
internal sealed partial class LedgerReader
{
    /// <summary>How far back the last arrival of a rule is looked for.</summary>
    public const int LatestJobs = 20_000;

    private const long MinuteNs = 60_000_000_000;

    /// <summary>All rules that the ledger knows, by name.</summary>
    public IReadOnlyList<RuleOverview> Overview(long nowNs)
    {
        Dictionary<int, (long Minute, long Hour, long Failed)> recent = CountRecent(nowNs);
        long newestId = _db.QueryNumber("SELECT max(id) FROM jobs") ?? 0;
        using SqliteStatement oldest = _db.Prepare($"""
            SELECT completed_ns FROM jobs INDEXED BY jobs_open
            WHERE state = {(int)JobState.Queued} AND rule_id = ?1 ORDER BY due_ns LIMIT 1
            """);
        using SqliteStatement last = _db.Prepare(
            "SELECT completed_ns FROM jobs WHERE id > ?2 AND +rule_id = ?1 ORDER BY id DESC LIMIT 1");
        var rules = new List<RuleOverview>();
        foreach (RuleCounts counts in Counts())
        {
            RuleRecord record = Records[counts.Rule];
            (long minute, long hour, long failed) = recent.GetValueOrDefault(record.Id);
            last.Bind(2, newestId - LatestJobs);
            rules.Add(new RuleOverview(
                counts, record.Paused, FirstNumber(oldest, record.Id), FirstNumber(last, record.Id), minute, hour,
                failed));
        }

        return rules;
    }

    /// <summary>
    /// Jobs that have ended lately, the latest first: looked for among the newest ones and, as a long queue is worked
    /// off from its old end, among those before the one that is due first.
    /// </summary>
    public IReadOnlyList<Job> LatelyEnded(int limit)
    {
        const int LookedAt = 500;
        long newestId = _db.QueryNumber("SELECT max(id) FROM jobs") ?? 0;
        var ids = new List<long> { newestId + 1 };
        using SqliteStatement due = _db.Prepare($"""
            SELECT id FROM jobs INDEXED BY jobs_open
            WHERE state = {(int)JobState.Queued} AND rule_id = ?1 ORDER BY due_ns LIMIT 1
            """);
        foreach (int rule in _rules.Keys)
            if (FirstNumber(due, rule) is { } id)
                ids.Add(id);
        using SqliteStatement list = _db.Prepare($"""
            SELECT {LedgerRows.JobColumns} FROM jobs j
            WHERE j.id < ?1 AND j.id >= ?2 AND j.finished_ns IS NOT NULL
            ORDER BY j.finished_ns DESC LIMIT ?3
            """);
        var jobs = new Dictionary<long, Job>();
        foreach (long id in ids)
        {
            list.Bind(1, id).Bind(2, id - LookedAt).Bind(3, limit);
            while (list.Step())
                jobs[list.Number(0)] = Read(list);
        }

        return [.. jobs.Values.OrderByDescending(job => job.FinishedNs).Take(limit)];
    }

    // Ids ascend with time, so the first one of the last hour is found by halving, and only what follows is read. Where
    // the clock was set back meanwhile this may leave some out: these are numbers for people.
    private Dictionary<int, (long Minute, long Hour, long Failed)> CountRecent(long nowNs)
    {
        using SqliteStatement count = _db.Prepare($"""
            SELECT rule_id, sum(completed_ns >= ?3), count(*), sum(state = {(int)JobState.Failed}) FROM jobs
            WHERE id >= ?1 AND completed_ns >= ?2 GROUP BY rule_id
            """);
        long hourAgo = nowNs - (60 * MinuteNs);
        count.Bind(1, FirstIdSince(hourAgo)).Bind(2, hourAgo).Bind(3, nowNs - MinuteNs);
        var counts = new Dictionary<int, (long, long, long)>();
        while (count.Step())
            counts.Add(count.Int(0), (count.Number(1), count.Number(2), count.Number(3)));
        return counts;
    }

    private long FirstIdSince(long ns)
    {
        using SqliteStatement next = _db.Prepare(
            "SELECT id, completed_ns FROM jobs WHERE id >= ?1 ORDER BY id LIMIT 1");
        long low = _db.QueryNumber("SELECT min(id) FROM jobs") ?? 0;
        long high = (_db.QueryNumber("SELECT max(id) FROM jobs") ?? 0) + 1;
        while (low < high)
        {
            long middle = low + ((high - low) / 2);
            if (!next.Bind(1, middle).Step() || next.Number(1) >= ns)
                high = middle;
            else
                low = next.Number(0) + 1;
            next.Reset();
        }

        return low;
    }

    private static long? FirstNumber(SqliteStatement statement, int rule)
    {
        long? number = statement.Bind(1, rule).Step() ? statement.Number(0) : null;
        statement.Reset();
        return number;
    }
}
