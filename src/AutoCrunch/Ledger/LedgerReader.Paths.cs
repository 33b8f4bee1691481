using AutoCrunch.Core;

namespace AutoCrunch.Ledger;

/// <content>What the ledger has of one path: every question is answered by an index.</content>
internal sealed partial class LedgerReader
{
    /// <summary>
    /// The jobs of a file, the latest first: those that the ledger's entry of the path leads to, also from before a
    /// rename. Nothing when there is no entry, or what it led to is forgotten.
    /// </summary>
    public IReadOnlyList<Job> JobsOf(long? latestJobId, int most)
    {
        var jobs = new List<Job>();
        for (long? id = latestJobId; id is { } next && jobs.Count < most;)
        {
            if (Find(next) is not { } job)
                break;
            jobs.Add(job);
            id = job.PreviousId;
        }

        return jobs;
    }

    /// <summary>How many queued jobs of its rule are claimed before this one; counted up to a limit.</summary>
    public int QueuedBefore(Job job, int most)
    {
        ArgumentNullException.ThrowIfNull(job);
        using SqliteStatement count = _db.Prepare($"""
            SELECT count(*) FROM (
                SELECT 1 FROM jobs INDEXED BY jobs_open
                WHERE state = {(int)JobState.Queued} AND rule_id = ?1 AND (due_ns, id) < (?2, ?3) LIMIT ?4)
            """);
        return count.Bind(1, RuleIdOf(job.Rule)).Bind(2, job.DueNs).Bind(3, job.Id).Bind(4, most).Step()
            ? count.Int(0) : 0;
    }

    /// <summary>The jobs that run, of all rules.</summary>
    public IReadOnlyList<Job> RunningJobs() => List(new JobQuery { State = JobState.Running });

    private int RuleIdOf(string rule) => Records.GetValueOrDefault(rule)?.Id ?? 0;
}
