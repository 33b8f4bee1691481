using System.Diagnostics.CodeAnalysis;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Ledger;

/// <summary>Something the ledger has paused by itself.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="Path">The path that completes again and again; null when it is the whole rule, after failures.</param>
internal sealed record PauseNews(LedgerRule Rule, BytePath? Path);

/// <summary>Pauses that nobody asked for: the loop guard's, and those after failures.</summary>
internal sealed partial class LedgerWriter
{
    private readonly List<(LedgerRule Rule, PauseReason? Before)> _pausedInRound = [];
    private readonly List<PauseNews> _pauseNews = [];
    private SqliteStatement _findGuarded;
    private SqliteStatement _putGuarded;
    private SqliteStatement _resumeGuarded;
    private SqliteStatement _resumeJob;
    private SqliteStatement _findCompleted;
    private SqliteStatement _pruneGuarded;
    private SqliteStatement _countFailure;
    private SqliteStatement _forgetFailures;
    private SqliteStatement _pauseRule;
    private bool _hasGuarded;

    /// <summary>What the round has paused, once it is committed.</summary>
    public PauseNews[] TakePauseNews()
    {
        if (_pauseNews.Count == 0)
            return [];
        PauseNews[] news = [.. _pauseNews];
        _pauseNews.Clear();
        return news;
    }

    /// <summary>
    /// A path that the loop guard has paused goes on: its job, if one waits, is due now, and what completed before
    /// counts no more. False when the path is not paused.
    /// </summary>
    public bool ResumePath(LedgerRule rule, BytePath path)
    {
        var split = new SplitPath(path);
        if (!IsPathPaused(rule, split))
            return false;
        EntryRow? known = Find(rule, path);
        _resumeGuarded.Bind(1, rule.Id).Bind(2, split.Directory).Bind(3, split.Name)
            .Bind(4, known?.LastJobId ?? 0).Run();
        _resumeJob.Bind(1, known?.JobId).Bind(2, NowNs).Run();
        rule.NextDueNs = 0;
        return true;
    }

    /// <summary>How many jobs of the rule have failed one after the other, counts from 0 again.</summary>
    public void ForgetFailures(LedgerRule rule) => _forgetFailures.Bind(1, rule.Id).Run();

    private void InsertGuarded(LedgerRule rule, Completion completion, EntryRow? known)
    {
        if (rule.Rule.PauseAfterRepeats > 0 && known?.LastJobId is { } last && IsLoop(rule, completion, last))
        {
            var split = new SplitPath(completion.Path);
            _putGuarded.Bind(1, rule.Id).Bind(2, split.Directory).Bind(3, split.Name).Bind(4, Clock.WallNs()).Run();
            _hasGuarded = true;
            _pauseNews.Add(new PauseNews(rule, completion.Path));
        }

        InsertJob(rule, completion, known);
    }

    // Costs a look at one job for most files that come again: the one before is older than that.
    private bool IsLoop(LedgerRule rule, Completion completion, long last)
    {
        var guard = new LoopGuard(rule.Rule.PauseAfterRepeats, completion.CompletedNs);
        long afterJobId = 0;
        if (_hasGuarded && FindGuarded(rule, new SplitPath(completion.Path)) is { } guarded)
        {
            if (guarded.IsPaused)
                return false; // that was said
            afterJobId = guarded.AfterJobId;
        }

        for (long? id = last; id > afterJobId && _findCompleted.Bind(1, id).Step();)
        {
            bool goOn = guard.Count(_findCompleted.Number(0));
            id = _findCompleted.OptionalNumber(1);
            _findCompleted.Reset();
            if (!goOn)
                break;
        }

        return guard.IsLoop;
    }

    // When a job of this path is due that is recorded now.
    private long DueOf(LedgerRule rule, SplitPath path) => IsPathPaused(rule, path) ? Job.NeverDueNs : NowNs;

    private bool IsPathPaused(LedgerRule rule, SplitPath path) =>
        _hasGuarded && FindGuarded(rule, path) is { IsPaused: true };

    private (bool IsPaused, long AfterJobId)? FindGuarded(LedgerRule rule, SplitPath path)
    {
        _findGuarded.Bind(1, rule.Id).Bind(2, path.Directory).Bind(3, path.Name);
        if (!_findGuarded.Step())
            return null;
        (bool, long) found = (!_findGuarded.IsNull(0), _findGuarded.Number(1));
        _findGuarded.Reset();
        return found;
    }

    private void CountFailures(LedgerRule rule, JobState state)
    {
        int most = rule.Rule.PauseAfterFailures;
        if (most == 0)
            return;
        if (state == JobState.Succeeded)
            ForgetFailures(rule);
        if (state != JobState.Failed)
            return;
        Invariant.That(_countFailure.Bind(1, rule.Id).Step());
        long failures = _countFailure.Number(0);
        _countFailure.Reset();
        if (failures < most || rule.Paused is not null)
            return;
        _pauseRule.Bind(1, rule.Id).Run();
        Pause(rule, PauseReason.Failures);
        _pauseNews.Add(new PauseNews(rule, null));
    }

    // At once: what follows in the same transaction, and its claims, go by it.
    private void Pause(LedgerRule rule, PauseReason? paused)
    {
        _pausedInRound.Add((rule, rule.Paused));
        rule.Paused = paused;
    }

    private void ForgetPauses()
    {
        for (int i = _pausedInRound.Count - 1; i >= 0; i--)
            _pausedInRound[i].Rule.Paused = _pausedInRound[i].Before;
        _pausedInRound.Clear();
        _pauseNews.Clear();
    }

    private void PruneGuarded()
    {
        if (_hasGuarded)
            _pruneGuarded.Run();
    }

    [MemberNotNull(nameof(_findGuarded), nameof(_putGuarded), nameof(_resumeGuarded), nameof(_resumeJob))]
    [MemberNotNull(nameof(_findCompleted), nameof(_pruneGuarded), nameof(_countFailure), nameof(_forgetFailures))]
    [MemberNotNull(nameof(_pauseRule))]
    private void PrepareGuard()
    {
        _hasGuarded = _db.QueryNumber("SELECT 1 FROM guarded_paths LIMIT 1") is not null;
        _findGuarded = _db.Prepare("""
            SELECT paused_ns, after_job_id FROM guarded_paths WHERE rule_id = ?1 AND directory = ?2 AND name = ?3
            """);
        _putGuarded = _db.Prepare("""
            INSERT INTO guarded_paths (rule_id, directory, name, paused_ns) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT DO UPDATE SET paused_ns = ?4
            """);
        _resumeGuarded = _db.Prepare("""
            UPDATE guarded_paths SET paused_ns = NULL, after_job_id = ?4
            WHERE rule_id = ?1 AND directory = ?2 AND name = ?3
            """);
        _resumeJob = _db.Prepare($"""
            UPDATE jobs SET due_ns = ?2
            WHERE id = ?1 AND state = {(int)JobState.Queued} AND due_ns = {Job.NeverDueNs}
            """);
        _findCompleted = _db.Prepare("SELECT completed_ns, previous_id FROM jobs WHERE id = ?1");
        _pruneGuarded = _db.Prepare("""
            DELETE FROM guarded_paths WHERE NOT EXISTS (SELECT 1 FROM files f WHERE f.rule_id = guarded_paths.rule_id
                AND f.directory = guarded_paths.directory AND f.name = guarded_paths.name)
            """);
        _countFailure = _db.Prepare(
            "UPDATE rules SET failures = failures + 1 WHERE id = ?1 RETURNING failures");
        _forgetFailures = _db.Prepare("UPDATE rules SET failures = 0 WHERE id = ?1 AND failures > 0");
        _pauseRule = _db.Prepare(
            $"UPDATE rules SET paused = {(int)PauseReason.Failures} WHERE id = ?1 AND paused IS NULL");
    }
}
