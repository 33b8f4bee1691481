using AutoCrunch.Core;

namespace AutoCrunch.Ledger;

/// <content>For metrics.</content>
internal sealed partial class LedgerReader
{
    /// <summary>When the file of each rule's first job in the queue completed; not of rules without one.</summary>
    public IReadOnlyDictionary<string, long> OldestQueued()
    {
        using SqliteStatement find = _db.Prepare($"""
            SELECT completed_ns FROM jobs INDEXED BY jobs_open
            WHERE state = {(int)JobState.Queued} AND rule_id = ?1 ORDER BY due_ns LIMIT 1
            """);
        var oldest = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach ((int id, string rule) in _rules)
        {
            if (FirstNumber(find, id) is { } completedNs)
                oldest.Add(rule, completedNs);
        }

        return oldest;
    }
}
