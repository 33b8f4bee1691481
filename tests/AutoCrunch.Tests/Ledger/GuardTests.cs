using AutoCrunch.Core;
using AutoCrunch.Ledger;

namespace AutoCrunch.Tests.Ledger;

/// <summary>What the ledger pauses by itself: a path that completes without end, a rule whose jobs all fail.</summary>
public sealed class GuardTests
{
    private const int Repeats = 5;

    private static readonly BytePath s_loop = BytePath.Parse(@"d/l\xFFop.raw");

    [Fact]
    public void Pain_17_a_path_that_completes_again_and_again_is_paused_once_and_recorded_still()
    {
        using LedgerRig rig = Loop();

        Completion last = rig.Complete(s_loop.ToString());
        rig.Complete("another");
        Assert.Equal("another", rig.Take().Job.Path.ToString());
        rig.Complete(s_loop.ToString());
        rig.AssertNothingClaimed();

        Assert.Single(rig.Log.Lines, line => line.Contains("Paused: " + s_loop, StringComparison.Ordinal)
            && line.Contains($"autocrunch resume raw --path '{s_loop}'", StringComparison.Ordinal));
        Job[] jobs = [.. rig.Jobs().Where(job => job.Path == s_loop)];
        Assert.Equal(Repeats + 2, jobs.Length);
        Assert.Equal((JobState.Cancelled, last.Version), (jobs[^2].State, jobs[^2].Version));
        Assert.True(jobs[^1].IsPathPaused);
    }

    [Fact]
    public void A_paused_path_stays_so_through_a_crash_and_says_nothing_more()
    {
        using LedgerRig rig = Loop();
        rig.Complete(s_loop.ToString());
        rig.Sync();
        Wait.Until(() => rig.Log.Lines.Any(line => line.Contains("Paused:", StringComparison.Ordinal)));

        rig.CrashAndReopen();
        rig.StartClaims().Complete(s_loop.ToString());
        rig.AssertNothingClaimed();
        rig.Reopen();
        rig.StartClaims().AssertNothingClaimed();

        Assert.Equal(1, rig.Log.Lines.Count(line => line.Contains("Paused:", StringComparison.Ordinal)));
        Assert.Equal([(s_loop, true)], rig.Read(reader => reader.PausedPaths("raw", 10))
            .Select(paused => (paused.Path, paused.PausedNs > 0)));
    }

    [Fact]
    public async Task A_resumed_path_runs_its_newest_version_and_may_complete_as_often_again()
    {
        using LedgerRig rig = Loop();
        rig.Complete(s_loop.ToString());
        Completion newest = rig.Complete(s_loop.ToString());

        Assert.True(await rig.Ledger.ResumePathAsync("raw", s_loop));

        Attempt attempt = rig.Take();
        Assert.Equal(newest.Version, attempt.Job.Version);
        rig.Succeed(attempt);
        for (int i = 0; i < Repeats; i++)
        {
            rig.Complete(s_loop.ToString());
            rig.Succeed(rig.Take());
        }

        rig.Complete(s_loop.ToString());
        rig.AssertNothingClaimed();
        Assert.Equal(2, rig.Log.Lines.Count(line => line.Contains("Paused:", StringComparison.Ordinal)));
        Assert.False(await rig.Ledger.ResumePathAsync("raw", BytePath.Parse("another")));
        Assert.False(await rig.Ledger.ResumePathAsync("unknown", s_loop));
    }

    [Fact]
    public void What_completes_seldom_is_never_paused()
    {
        using LedgerRig rig = new LedgerRig(Rule()).Open().StartClaims();
        long now = 1_000_000_000_000_000_000;
        for (int i = 0; i < 3 * Repeats; i++)
        {
            now += (long)LoopGuard.Span.TotalNanoseconds / Repeats;
            rig.Complete("seldom", change: completion => completion with { CompletedNs = now });
            rig.Succeed(rig.Take());
        }

        Assert.Empty(rig.Log.Lines);
    }

    [Fact]
    public async Task A_job_that_is_run_again_by_hand_runs_though_its_path_is_paused()
    {
        using LedgerRig rig = Loop();
        rig.Complete(s_loop.ToString());
        Job waiting = rig.Jobs()[^1];

        Assert.True(await rig.Ledger.RetryAsync(waiting.Id));

        Assert.Equal(waiting.Id, rig.Take().Job.Id);
    }

    [Fact]
    public void A_file_that_leaves_a_paused_path_by_a_rename_runs_under_its_new_name()
    {
        using LedgerRig rig = Loop();
        Completion last = rig.Complete(s_loop.ToString());
        rig.Complete("fresh.raw", last.Version, Evidence.Renamed, change: completion => completion with
        {
            RenamedFrom = s_loop,
        });

        Assert.Equal("fresh.raw", rig.Take().Job.Path.ToString());
    }

    [Fact]
    public void A_file_whose_directory_is_renamed_runs_there()
    {
        using LedgerRig rig = Loop();
        rig.Complete(s_loop.ToString());
        rig.Ledger.KnownFiles.DirectoryMoved("raw", BytePath.Parse("d"), BytePath.Parse("e"));

        Assert.Equal(@"e/l\xFFop.raw", rig.Take().Job.Path.ToString());
    }

    [Fact]
    public async Task A_rule_whose_last_jobs_all_failed_pauses_itself_until_resumed()
    {
        using LedgerRig rig = new LedgerRig(LedgerRig.Rule(retry: Once) with { PauseAfterFailures = 3 })
            .Open().StartClaims(concurrency: 1);
        foreach (bool isGood in new[] { false, false, true, false, false, false })
        {
            rig.Complete("f");
            End(rig, isGood);
        }

        rig.Complete("waits");
        rig.AssertNothingClaimed();

        Assert.Single(rig.Log.Lines, line => line.Contains("its last 3 jobs all failed", StringComparison.Ordinal));
        Assert.Equal(PauseReason.Failures, rig.Read(reader => reader.Records["raw"].Paused));
        rig.Reopen();
        rig.StartClaims().AssertNothingClaimed();
        Assert.Equal(PauseReason.Failures, (await rig.Ledger.SetPausedAsync("raw", null))!.Before);
        End(rig, isGood: false);
        rig.Complete("goes on");
        End(rig, isGood: false);
    }

    [Fact]
    public void Of_the_round_that_pauses_a_rule_no_more_jobs_start()
    {
        using LedgerRig rig = new LedgerRig(LedgerRig.Rule(retry: Once) with { PauseAfterFailures = 2 }).Open();
        for (int i = 0; i < 10; i++)
            rig.Complete($"f{i}");
        rig.StartClaims(concurrency: 2);
        Attempt first = rig.Take(), second = rig.Take();

        rig.SettleNow(first, new AttemptOutcome.Failed("exited with code 1", 1));
        Attempt third = rig.Take();
        rig.SettleNow(second, new AttemptOutcome.Failed("exited with code 1", 1));
        rig.SettleNow(third, AttemptOutcome.Succeeded.Value);
        rig.AssertNothingClaimed();

        Assert.Equal(7, rig.Jobs().Count(job => job.State == JobState.Queued));
    }

    private static RetryPolicy Once => new(1, TimeSpan.Zero, TimeSpan.Zero, []);

    private static void End(LedgerRig rig, bool isGood)
    {
        Attempt attempt = rig.Take();
        rig.SettleNow(attempt, isGood ? AttemptOutcome.Succeeded.Value : new AttemptOutcome.Failed("code 1", 1));
        rig.Sync();
    }

    // A path that has completed and run as often as it may.
    private static LedgerRig Loop()
    {
        LedgerRig rig = new LedgerRig(Rule()).Open().StartClaims();
        for (int i = 0; i < Repeats; i++)
        {
            rig.Complete(s_loop.ToString());
            rig.Succeed(rig.Take());
        }

        Assert.Empty(rig.Log.Lines);
        return rig;
    }

    private static WatchRule Rule() => LedgerRig.Rule() with { PauseAfterRepeats = Repeats };
}
