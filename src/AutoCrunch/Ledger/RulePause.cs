using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Ledger;

/// <summary>What came of pausing a rule, or of letting it go on.</summary>
/// <param name="Before">Why it was paused before; null when it was not.</param>
/// <param name="Waiting">How many of its jobs wait.</param>
internal sealed record RulePause(PauseReason? Before, long Waiting)
{
    /// <summary>Writes it into a ledger that no service has open.</summary>
    /// <param name="stateDirectory">Where the ledger is.</param>
    /// <param name="rule">The rule's name.</param>
    /// <param name="paused">Null: it goes on.</param>
    /// <param name="rules">The rules the ledger knows, when it does not know this one: null is returned then.</param>
    /// <exception cref="LedgerLockedException">A service runs.</exception>
    /// <exception cref="LedgerUnusableException">There is no ledger, or none that can be used.</exception>
    public static RulePause? TrySet(
        BytePath stateDirectory, string rule, PauseReason? paused, out IReadOnlyList<string> rules)
    {
        var layout = new StateLayout(stateDirectory);
        if (FileStatReader.TryReadTarget(layout.Ledger, out _) == Errno.ENOENT)
            throw new LedgerUnusableException(
                $"There is no ledger '{layout.Ledger}': the service has not run yet with this StateDirectory.");
        using FileLock taken = StateDirectory.Take(layout);
        using SqliteDatabase db = LedgerFile.OpenWriter(layout, out _);
        Dictionary<string, RuleRecord> records = RuleRecord.ReadAll(db);
        rules = [.. records.Keys.Order(StringComparer.Ordinal)];
        if (!records.TryGetValue(rule, out RuleRecord? record))
            return null;
        long waiting = RuleRecord.WaitingOfOthers(db, []).Find(other => other.Rule == rule).Waiting;
        using SqliteStatement update = db.Prepare("UPDATE rules SET paused = ?2, failures = 0 WHERE id = ?1");
        update.Bind(1, record.Id).Bind(2, (long?)paused).Run();
        return new RulePause(record.Paused, waiting);
    }
}
