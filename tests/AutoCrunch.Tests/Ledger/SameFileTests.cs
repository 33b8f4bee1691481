using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;

namespace AutoCrunch.Tests.Ledger;

// Whether it is the same file; then its job goes on, under its id and with the next attempt.
public sealed class SameFileTests
{
    [Fact]
    public void A_file_that_is_back_while_its_job_waits_for_its_retry_is_tried_again_and_not_anew()
    {
        using LedgerRig rig = new LedgerRig(LedgerRig.Rule(
            retry: new RetryPolicy(3, TimeSpan.FromHours(1), TimeSpan.FromHours(1), []))).Open();
        rig.StartClaims();
        Completion first = rig.CompleteBorn("a");
        Attempt one = rig.Take();
        rig.Ledger.KnownFiles.Gone("raw", BytePath.Parse("a")); // moved out
        rig.Settle(one, new AttemptOutcome.Failed("bad", ExitCode: 1));
        rig.CompleteBorn("a", first.Version, evidence: Evidence.Found); // and in
        Assert.Single(rig.Jobs());
    }

    [Fact]
    public async Task The_same_version_never_runs_twice_as_attempt_1()
    {
        using LedgerRig rig = new LedgerRig().Open();
        rig.StartClaims();
        Completion first = rig.CompleteBorn("a");
        Attempt one = rig.Take();
        rig.Ledger.KnownFiles.Gone("raw", BytePath.Parse("a"));
        rig.Sync();
        await rig.Ledger.StopClaims("raw");
        rig.Settle(one, new AttemptOutcome.Interrupted(ByCrash: false)); // the service stops
        rig.Reopen();
        rig.CompleteBorn("a", first.Version, evidence: Evidence.Found); // back when it starts
        Attempt again = rig.StartClaims().Take();
        Assert.Equal(one.Job.Version, again.Job.Version);
        Assert.Equal(2, again.Number);
    }

    [Fact]
    public async Task A_job_that_was_retried_when_its_file_was_back_keeps_its_id_when_that_is_read()
    {
        using LedgerRig rig = new LedgerRig().Open();
        rig.StartClaims();
        Completion first = rig.CompleteBorn("a");
        Attempt one = rig.Take();
        rig.Settle(one, new AttemptOutcome.Failed("bad", ExitCode: 1, IsPermanent: true));
        rig.Ledger.KnownFiles.Gone("raw", BytePath.Parse("a"));
        rig.Ledger.StartClaims("raw", 0, _ => { });
        FoundJob found = (await rig.Ledger.FindAsync([one.Job.Id]))[0]!;
        Assert.True((await rig.Ledger.RetryAsync([found]))[0]);
        rig.CompleteBorn("a", first.Version, evidence: Evidence.Found);
        Assert.Equal(["a:Queued"], rig.Story());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_tried_again_after_it_was_only_touched_is_labelled_whatever_is_read_first(bool isSettledFirst)
    {
        using LedgerRig rig = new LedgerRig().Open();
        rig.StartClaims();
        Completion first = rig.CompleteBorn("a");
        rig.Settle(rig.Take(), new AttemptOutcome.Failed("bad", ExitCode: 1));
        Attempt second = rig.Take();
        Assert.Equal(2, second.Number);
        FileStat touched = first.Stat with { MtimeNs = first.Stat.MtimeNs + 5 };
        if (isSettledFirst)
            rig.Settle(second, new AttemptOutcome.Changed(touched.Version));
        rig.Ledger.KnownFiles.MetadataChanged("raw", first.Path, touched);
        if (!isSettledFirst)
            rig.Settle(second, new AttemptOutcome.Changed(touched.Version));
        Attempt next = rig.Take();
        Assert.Equal((1L, 2, 1), (next.Job.Id, next.Number, next.Job.Failures));
    }

    [Theory]
    [InlineData("file", true)]
    [InlineData("directory", true)]
    [InlineData("file", false)]
    public void A_held_file_with_the_inode_number_of_what_was_processed_runs_under_its_new_name(
        string how, bool isGoneTold)
    {
        using LedgerRig rig = new LedgerRig(
            LedgerRig.Rule(completion: new CompletionPolicy { Updates = ProcessPolicy.Ignore })).Open();
        rig.StartClaims();
        Completion first = rig.CompleteBorn("d/a");
        rig.Succeed(rig.Take());
        rig.Sync();
        if (isGoneTold)
            rig.Ledger.KnownFiles.Gone("raw", BytePath.Parse("d/a"));
        FileVersion half = first.Version with { SizeBytes = 5, MtimeNs = 99 };
        rig.Hold("d/a", half, 9, HoldReason.OwnerOnly);
        if (how == "file")
            rig.CompleteBorn("e/a", half, 9, Evidence.Renamed, from: "d/a");
        else
            rig.Ledger.KnownFiles.DirectoryMoved("raw", BytePath.Parse("d"), BytePath.Parse("e"));
        FileVersion whole = half with { MtimeNs = half.MtimeNs + 1, SizeBytes = 10 };
        rig.CompleteBorn("e/a", whole, 9);
        Assert.Contains(rig.Jobs(), job => job.Version == whole);
    }

    [Fact]
    public async Task What_has_the_inode_number_of_a_running_jobs_file_is_not_that_file()
    {
        using LedgerRig rig = new LedgerRig(LedgerRig.Rule() with
        {
            OnSuccess = new DisposalPolicy(DisposalKind.Delete, null, BytePath.Empty),
        }).Open();
        rig.StartClaims();
        Completion first = rig.CompleteBorn("a");
        Attempt one = rig.Take();
        FileStat other = first.Stat with { BirthNs = 9, MtimeNs = first.Stat.MtimeNs + 5 };
        rig.Ledger.KnownFiles.MetadataChanged("raw", first.Path, other);
        rig.Settle(one, AttemptOutcome.Succeeded.Value);
        rig.Sync();

        Assert.DoesNotContain(
            await rig.Ledger.IntendedAsync("raw", 0, 10), disposal => disposal.Version == other.Version);
    }

    [Fact]
    public void Of_a_directory_that_was_renamed_while_a_job_ran_in_another_engine_no_path_runs_twice_after_a_restart()
    {
        using LedgerRig rig = InEngine();
        Completion first = rig.CompleteBorn("d/a");
        rig.Take();
        rig.CompleteBorn("d/a", first.Version with { SizeBytes = 2000 }); // in place: waits
        rig.Ledger.KnownFiles.DirectoryMoved("raw", BytePath.Parse("d"), BytePath.Parse("e"));
        rig.AssertNothingClaimed();
        rig.Reopen();
        AssertOnlyResumed(rig);
    }

    [Fact]
    public void The_name_that_a_running_attempt_was_given_is_not_run_beside_it_after_a_restart()
    {
        using LedgerRig rig = InEngine();
        Completion first = rig.CompleteBorn("a");
        rig.Take();
        rig.CompleteBorn("b", first.Version, evidence: Evidence.Renamed, from: "a");
        rig.CompleteBorn("a", birthNs: 9);
        rig.AssertNothingClaimed();
        rig.Reopen();
        AssertOnlyResumed(rig);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_file_that_was_away_when_it_was_looked_at_and_is_back_runs_whatever_is_read_first(bool isSettledFirst)
    {
        using LedgerRig rig = new LedgerRig().Open();
        rig.StartClaims();
        Completion first = rig.CompleteBorn("a");
        Attempt one = rig.Take();
        if (isSettledFirst)
            rig.Settle(one, AttemptOutcome.Gone.Value);
        rig.Ledger.KnownFiles.Gone("raw", BytePath.Parse("a"));
        rig.CompleteBorn("a", first.Version, evidence: Evidence.Renamed);
        if (!isSettledFirst)
            rig.Settle(one, AttemptOutcome.Gone.Value);
        Assert.Contains(rig.Jobs(), job => job.State is JobState.Queued or JobState.Running);
    }

    [Fact]
    public void What_was_renamed_before_its_attempt_was_taken_up_again_does_not_run_beside_itself()
    {
        using LedgerRig rig = InEngine();
        Completion first = rig.CompleteBorn("a");
        rig.Take();
        rig.Reopen();
        rig.CompleteBorn("b", first.Version, evidence: Evidence.Found); // the first scan: renamed while it was down
        rig.CompleteBorn("b", first.Version with { SizeBytes = 2000 });
        rig.NotThere.Add(BytePath.Parse("a"));
        AssertOnlyResumed(rig);
    }

    [Fact]
    public async Task A_retry_of_a_file_that_was_renamed_since_it_was_found_runs_under_its_new_name()
    {
        using LedgerRig rig = new LedgerRig().Open();
        rig.StartClaims();
        Completion first = rig.CompleteBorn("a");
        Attempt one = rig.Take();
        rig.Settle(one, new AttemptOutcome.Failed("bad", ExitCode: 1, IsPermanent: true));
        FoundJob found = (await rig.Ledger.FindAsync([one.Job.Id]))[0]!;
        rig.CompleteBorn("b", first.Version, evidence: Evidence.Renamed, from: "a");
        Assert.True((await rig.Ledger.RetryAsync([found]))[0]);

        Assert.Equal("b", rig.Take().Job.Path.ToString());
    }

    [Fact]
    public async Task A_held_version_that_is_submitted_while_the_job_of_the_version_before_waits_runs()
    {
        using LedgerRig rig = new LedgerRig(LedgerRig.Rule(
            retry: new RetryPolicy(3, TimeSpan.FromHours(1), TimeSpan.FromHours(1), []))).Open();
        rig.StartClaims();
        Completion first = rig.CompleteBorn("a");
        Attempt one = rig.Take();
        FileVersion half = first.Version with { SizeBytes = 2000, MtimeNs = 99 }; // in place, and killed
        rig.Hold("a", half, LedgerRig.BirthNs, HoldReason.OwnerOnly);
        rig.Settle(one, new AttemptOutcome.Failed("bad", ExitCode: 1)); // waits for its retry
        rig.Sync();
        Assert.Equal(["a:Queued"], rig.Story());
        FileStat stat = LedgerRig.StatOf(half) with { BirthNs = LedgerRig.BirthNs };
        await rig.Ledger.SubmitAsync("raw", [new SeenFile(first.Path, stat, Clock.WallNs())]);

        Assert.Equal(half, rig.Take().Job.Version);
    }

    // Its attempts go on while the ledger is closed.
    private static LedgerRig InEngine()
    {
        var rig = new LedgerRig();
        rig.Options = rig.Options with { Engines = new Dictionary<string, string> { ["raw"] = "Slurm" } };
        return rig.Open().StartClaims(concurrency: 4);
    }

    private static void AssertOnlyResumed(LedgerRig rig)
    {
        rig.Ledger.Resume("raw", attempt => rig.Claimed.Add(attempt));
        rig.Ledger.StartClaims("raw", 4, attempt => rig.Claimed.Add(attempt));
        Assert.True(rig.Take().IsResumed);
        rig.AssertNothingClaimed();
    }
}
