using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Ledger;

/// <summary>What was recorded at the end of a scan of a rule's whole tree.</summary>
/// <param name="Paused">Why no job of the rule starts from now on; null when they do.</param>
/// <param name="Files">How many files were found, or wait already.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct WholeScan(PauseReason? Paused, long Files);

/// <summary>The rules themselves.</summary>
internal sealed partial class LedgerWriter
{
    private SqliteStatement _firstScan;
    private SqliteStatement _putRule;
    private SqliteStatement _countWaiting;

    /// <summary>
    /// The whole tree has been scanned with the rule as it is now. More files than it allows pause it, in the same
    /// transaction: after a crash none of their jobs can start by mistake.
    /// </summary>
    public WholeScan WholeScanFinished(LedgerRule rule, long found)
    {
        WatchRule settings = rule.Rule;
        _firstScan.Bind(1, rule.Id).Bind(2, Clock.WallNs()).Run();
        bool isFirst = _db.Changes == 1;
        bool isLeftAlone = isFirst && settings.ExistingFiles == ProcessPolicy.Ignore;
        PauseReason? paused = rule.Paused;
        long files = 0;
        if (settings.MaxExistingFiles > 0 && !isLeftAlone)
        {
            // An earlier life may have recorded a part of them, and ended before the scan did.
            files = isFirst ? Math.Max(found, CountWaiting(rule)) : found;
            if (files > settings.MaxExistingFiles && paused is null)
            {
                paused = PauseReason.ManyFiles;
                Pause(rule, paused);
            }
        }

        _putRule.Bind(1, rule.Id).Bind(2, (long?)paused).Bind(3, settings.Path.Span)
            .Bind(4, RuleRecord.PatternsOf(settings)).Run();
        return new WholeScan(paused, files);
    }

    private long CountWaiting(LedgerRule rule)
    {
        Invariant.That(_countWaiting.Bind(1, rule.Id).Step());
        long count = _countWaiting.Number(0);
        _countWaiting.Reset();
        return count;
    }

    [MemberNotNull(nameof(_firstScan), nameof(_putRule), nameof(_countWaiting))]
    private void PrepareRules()
    {
        _firstScan = _db.Prepare("UPDATE rules SET first_scan_ns = ?2 WHERE id = ?1 AND first_scan_ns IS NULL");
        _putRule = _db.Prepare("UPDATE rules SET paused = ?2, path = ?3, patterns = ?4 WHERE id = ?1");
        _countWaiting = _db.Prepare($"""
            SELECT count(*) FROM jobs INDEXED BY jobs_open
            WHERE state = {(int)JobState.Queued} AND rule_id = ?1 AND attempts = 0
                AND evidence <> {(int)Evidence.ByHand}
            """);
    }
}
