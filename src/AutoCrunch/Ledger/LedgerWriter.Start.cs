using AutoCrunch.Core;

namespace AutoCrunch.Ledger;

/// <summary>What is put right when the ledger is opened.</summary>
internal sealed partial class LedgerWriter
{
    /// <summary>Brings due times and orphaned jobs in order. Before the ledger thread starts.</summary>
    public void PrepareStart(IReadOnlyCollection<LedgerRule> rules)
    {
        Begin();
        ShiftDueTimes();
        foreach (LedgerRule rule in rules)
            LimitDueTimes(rule);
        RecoverUnconfigured(rules);
        Commit();
    }

    /// <summary>From now on the rule's running jobs are in this engine; null for none.</summary>
    public static void RecordEngine(SqliteDatabase db, int ruleId, string? engine)
    {
        using SqliteStatement update = db.Prepare("UPDATE rules SET engine = ?2 WHERE id = ?1");
        update.Bind(1, ruleId).Bind(2, engine).Run();
    }

    /// <summary>What a crash has left of the rule's processes is no more, and its next jobs are its engine's.</summary>
    public bool RecordEngine(LedgerRule rule)
    {
        RecordEngine(_db, rule.Id, rule.Engine);
        return true;
    }

    // A job that was never tried was due when it was recorded. If that seems to be in the future, the clock has been
    // set back since: all due times move along, so that order and waits stay as they were.
    private void ShiftDueTimes()
    {
        long now = NowNs;
        long? newest = _db.QueryNumber($"""
            SELECT max(due_ns) FROM jobs INDEXED BY jobs_open
            WHERE state = {(int)JobState.Queued} AND attempts = 0 AND due_ns < {Job.NeverDueNs}
            """);
        if (newest is not { } dueNs || dueNs <= now)
            return;
        using SqliteStatement shift = _db.Prepare(
            "UPDATE jobs INDEXED BY jobs_open SET due_ns = due_ns - ?1 "
            + $"WHERE state = {(int)JobState.Queued} AND due_ns < {Job.NeverDueNs}");
        shift.Bind(1, dueNs - now).Run();
    }

    // The clock, or MaxDelay, may have been set back: nothing waits longer than the rule says today.
    private void LimitDueTimes(LedgerRule rule)
    {
        using SqliteStatement limit = _db.Prepare($"""
            UPDATE jobs INDEXED BY jobs_open SET due_ns = ?2
            WHERE state = {(int)JobState.Queued} AND rule_id = ?1 AND due_ns > ?2 AND due_ns < {Job.NeverDueNs}
            """);
        limit.Bind(1, rule.Id).Bind(2, NowNs + (long)rule.Rule.Retry.MaxDelay.TotalNanoseconds).Run();
    }

    // Jobs of rules that are configured no more: they stay queued, for the day the rule comes back; or running, where
    // they go on without the service.
    private void RecoverUnconfigured(IReadOnlyCollection<LedgerRule> rules)
    {
        var orphans = new List<LedgerRule>();
        using SqliteStatement find = _db.Prepare("SELECT id, name FROM rules WHERE engine IS NULL");
        while (find.Step())
            orphans.Add(new LedgerRule(find.Int(0), new WatchRule { Name = find.Text(1)!, Path = BytePath.Empty }));
        orphans.RemoveAll(orphan => rules.Any(rule => rule.Id == orphan.Id));
        foreach (LedgerRule orphan in orphans)
            foreach (Job job in FindRunning(orphan.Id, orphan.Name))
                RecoverCrashed(orphan, job);
    }
}
