using System.Globalization;
using AutoCrunch.Core;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Ledger;

/// <summary>The rules themselves: what is remembered of them, and what a change of them means.</summary>
internal sealed partial class JobLedger
{
    // What a changed rule means for files that exist is said here, before any of them is looked at.
    private static Dictionary<string, LedgerRule> LoadRules(
        SqliteDatabase db, LedgerOptions options, ILogger logger)
    {
        IReadOnlyList<WatchRule> rules = options.Rules;
        Dictionary<string, RuleRecord> before = RuleRecord.ReadAll(db);
        string[] names = [.. rules.Select(rule => rule.Name)];
        foreach (WatchRule rule in rules)
            foreach (string sentence in RuleChanges.Of(rule, names, before))
                LedgerLog.RuleChanged(logger, rule.Name, sentence);
        foreach ((string rule, long waiting) in RuleRecord.WaitingOfOthers(db, names))
            LedgerLog.RuleMissing(logger, rule, waiting);
        foreach ((string rule, long running, string engine) in RuleRecord.RunningInEngines(db))
            if (!names.Contains(rule))
                LedgerLog.LeftInEngine(logger, rule, running, engine);

        using SqliteStatement insert = db.Prepare("INSERT INTO rules (name) VALUES (?1) ON CONFLICT DO NOTHING");
        using SqliteStatement scope = db.Prepare("UPDATE rules SET path = ?2, patterns = ?3 WHERE id = ?1");
        foreach (WatchRule rule in rules)
            insert.Bind(1, rule.Name).Run();
        Dictionary<string, RuleRecord> records = RuleRecord.ReadAll(db);
        var loaded = new Dictionary<string, LedgerRule>(StringComparer.Ordinal);
        foreach (WatchRule rule in rules)
        {
            RuleRecord record = records[rule.Name];
            string? engine = options.Engines.GetValueOrDefault(rule.Name);
            if (!options.IsByHand)
                RecordEngine(db, record, engine);
            if (record is { FirstScanDone: true, Path: null }) // by a version that did not record it
                scope.Bind(1, record.Id).Bind(2, rule.Path.Span).Bind(3, RuleRecord.PatternsOf(rule)).Run();
            loaded.Add(rule.Name, new LedgerRule(record.Id, rule)
            {
                Engine = engine,
                EngineBefore = record.Engine,
                FirstScanDone = record.FirstScanDone,
                IsScanned = record.IsSameScope(rule),
                Paused = record.Paused,
            });
        }

        return loaded;
    }

    // What still runs in another engine must not be started in this one beside it.
    private static void RecordEngine(SqliteDatabase db, RuleRecord record, string? engine)
    {
        if (record.Engine == engine)
            return;
        long running = CountRunning(db, record);
        if (record.Engine is not null && running > 0)
            throw new LedgerUnusableException(RuleRecord.WhyKept(record.Name, running, record.Engine));
        if (running > 0)
            return; // processes, which the next start must look for if this one does not come to it: RecoverCrashed
        LedgerWriter.RecordEngine(db, record.Id, engine);
    }

    private static long CountRunning(SqliteDatabase db, RuleRecord record) => db.QueryNumber(string.Create(
        CultureInfo.InvariantCulture, $"""
        SELECT count(*) FROM jobs INDEXED BY jobs_open
        WHERE state = {(int)JobState.Running} AND rule_id = {record.Id}
        """)) ?? 0;

    // Ledger thread.
    private void ScanRecorded(LedgerRule rule, WholeScan scan)
    {
        if (rule.FoundByScans > 0)
            LedgerLog.FoundByScan(_logger, rule.Name, rule.FoundByScans);
        rule.FoundByScans = 0;
        if (scan.Paused == PauseReason.ManyFiles)
            LedgerLog.TooManyFiles(
                _logger, rule.Name, Number(scan.Files), Number(rule.Rule.MaxExistingFiles),
                RuleChanges.HowToResume(rule.Name));
    }

    /// <summary>
    /// A path that the loop guard has paused goes on. False when there is no such rule, or the path is not paused.
    /// </summary>
    public Task<bool> ResumePathAsync(string rule, BytePath path) => _rules.TryGetValue(rule, out LedgerRule? known)
        ? Request(writer => writer.ResumePath(known, path))
        : Task.FromResult(false);

    // Ledger thread. What pauses by itself says so, once.
    private void TellPauses()
    {
        foreach ((LedgerRule rule, BytePath? path) in _writer.TakePauseNews())
        {
            if (path is { } looping)
                LedgerLog.PathPaused(
                    _logger, looping, rule.Name, rule.Rule.PauseAfterRepeats,
                    RuleChanges.HowToResumePath(rule.Name, looping));
            else
                LedgerLog.PausedAfterFailures(
                    _logger, rule.Name, rule.Rule.PauseAfterFailures, RuleChanges.HowToResume(rule.Name));
        }
    }

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
