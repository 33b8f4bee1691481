using AutoCrunch.Core;

namespace AutoCrunch.Ledger;

/// <summary>What was done with the files of jobs.</summary>
internal sealed partial class LedgerReader
{
    /// <summary>What is, or was, done with the file of a job when it had ended; null when it is kept.</summary>
    public Disposal? FindDisposal(long jobId)
    {
        using SqliteStatement find = _db.Prepare(
            $"SELECT {LedgerRows.DisposalColumns} FROM disposals WHERE job_id = ?1");
        return find.Bind(1, jobId).Step() ? LedgerRows.ReadDisposal(find) : null;
    }

    /// <summary>
    /// How many files of a rule are still to be moved or deleted, and since when the first of them; nanoseconds since
    /// 1970.
    /// </summary>
    public (long Count, long OldestNs) DisposalsWaiting(string rule)
    {
        using SqliteStatement count = _db.Prepare($"""
            SELECT count(*), min(intended_ns) FROM disposals INDEXED BY disposals_intended
            WHERE state = {(int)DisposalState.Intended} AND rule_id = (SELECT id FROM rules WHERE name = ?1)
            """);
        return count.Bind(1, rule).Step() && count.Number(0) > 0 ? (count.Number(0), count.Number(1)) : (0, 0);
    }
}
