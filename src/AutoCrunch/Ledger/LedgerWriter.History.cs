using System.Diagnostics.CodeAnalysis;
using AutoCrunch.Core;

namespace AutoCrunch.Ledger;

/// <summary>A job that was forgotten: its logs are to be removed.</summary>
internal readonly record struct PrunedJob(long Id, int Attempts);

/// <summary>Forgetting, in steps that are small beside a round of real work.</summary>
internal sealed partial class LedgerWriter
{
    private const int RowsPerStep = 200;

    private SqliteStatement _jobsAfter;
    private SqliteStatement _deleteJob;
    private SqliteStatement _deleteAttempts;
    private SqliteStatement _deleteGone;

    /// <summary>The oldest job that is remembered; null when there is none.</summary>
    public long? OldestJobId => _db.QueryNumber("SELECT min(id) FROM jobs");

    /// <summary>One step through the jobs in the order of their ids, which is about that of their completion.</summary>
    /// <param name="beforeNs">Jobs that were finished before this moment are forgotten, whatever their outcome, unless
    /// their file is still to be moved or deleted.</param>
    /// <param name="afterId">Where the last step ended; moved on.</param>
    /// <param name="pruned">Takes what was forgotten.</param>
    /// <returns>False when there is nothing more to look at.</returns>
    public bool PruneJobs(long beforeNs, ref long afterId, List<PrunedJob> pruned)
    {
        int seen = 0;
        bool isRecent = false;
        _jobsAfter.Bind(1, afterId).Bind(2, RowsPerStep);
        while (_jobsAfter.Step())
        {
            seen += 1;
            afterId = _jobsAfter.Number(0);
            bool isDisposed = _jobsAfter.Int(4) != 0;
            if (isDisposed && _jobsAfter.OptionalNumber(2) is { } finishedNs && finishedNs < beforeNs)
                pruned.Add(new PrunedJob(afterId, _jobsAfter.Int(1)));
            isRecent = _jobsAfter.Number(3) >= beforeNs;
        }

        foreach (PrunedJob job in pruned)
        {
            _deleteAttempts.Bind(1, job.Id).Run();
            DeleteDisposal(job.Id);
            _deleteJob.Bind(1, job.Id).Run();
        }

        return seen == RowsPerStep && !isRecent;
    }

    /// <summary>
    /// One step through the files that are gone, oldest first. False when there is none left to forget.
    /// </summary>
    public bool PruneFiles(long beforeNs)
    {
        _deleteGone.Bind(1, beforeNs).Bind(2, RowsPerStep).Run();
        bool isMore = _db.Changes == RowsPerStep;
        PruneGuarded();
        return isMore;
    }

    [MemberNotNull(nameof(_jobsAfter), nameof(_deleteJob), nameof(_deleteAttempts), nameof(_deleteGone))]
    private void PrepareHistory()
    {
        _jobsAfter = _db.Prepare($"""
            SELECT id, attempts, finished_ns, completed_ns, NOT EXISTS (SELECT 1 FROM disposals d
                WHERE d.job_id = jobs.id AND d.state = {(int)DisposalState.Intended})
            FROM jobs WHERE id > ?1 ORDER BY id LIMIT ?2
            """);
        _deleteJob = _db.Prepare("DELETE FROM jobs WHERE id = ?1");
        _deleteAttempts = _db.Prepare("DELETE FROM attempts WHERE job_id = ?1");
        _deleteGone = _db.Prepare($"""
            DELETE FROM files WHERE (rule_id, directory, name) IN (
                SELECT rule_id, directory, name FROM files INDEXED BY files_gone
                WHERE state = {(int)EntryState.Gone} AND gone_ns < ?1 ORDER BY gone_ns LIMIT ?2)
            """);
    }
}
