using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;

namespace AutoCrunch.Tests.Ledger;

// What comes to a name whose job is not over, where updates or existing files are left alone.
public sealed class OpenNameTests
{
    [Fact]
    public async Task What_was_adopted_as_pending_runs_although_it_is_an_update()
    {
        using LedgerRig rig = new LedgerRig(Ignoring()).Open();
        rig.StartClaims();
        rig.CompleteBorn("a");
        Attempt one = rig.Take();
        Completion second = rig.CompleteBorn("a", birthNs: 9);
        rig.Sync();
        await rig.Ledger.AdoptAsync("raw", [Seen(second)], AdoptAs.Pending, isDry: false);
        rig.Settle(one, AttemptOutcome.Succeeded.Value);
        Assert.Contains(rig.Jobs(), job => job.Version == second.Version
            && job.State is JobState.Queued or JobState.Running);
    }

    [Fact]
    public async Task What_is_submitted_twice_while_the_name_runs_keeps_its_first_job()
    {
        using LedgerRig rig = new LedgerRig(Ignoring()).Open();
        rig.StartClaims();
        rig.CompleteBorn("a");
        Attempt one = rig.Take();
        Completion second = rig.CompleteBorn("a", birthNs: 9);
        rig.Sync();
        Submitted first = (await rig.Ledger.SubmitAsync("raw", [Seen(second)]))[0];
        Submitted again = (await rig.Ledger.SubmitAsync("raw", [Seen(second)]))[0];
        Assert.Equal((first.JobId, true), (again.JobId, again.HasWaited));
    }

    [Fact]
    public async Task What_is_submitted_while_the_service_is_down_and_its_name_runs_elsewhere_runs()
    {
        using LedgerRig rig = new LedgerRig(Ignoring());
        var slurm = new Dictionary<string, string> { ["raw"] = "Slurm" };
        rig.Options = rig.Options with { Engines = slurm };
        rig.Open().StartClaims();
        rig.CompleteBorn("a");
        rig.Take();
        Completion second = rig.CompleteBorn("a", birthNs: 9);
        rig.Sync();
        rig.Options = rig.Options with { IsByHand = true, Engines = new Dictionary<string, string>() };
        rig.Reopen();
        await rig.Ledger.SubmitAsync("raw", [Seen(second)]);
        rig.Options = rig.Options with { IsByHand = false, Engines = slurm };
        rig.Reopen();
        rig.Ledger.Resume("raw", attempt => rig.Claimed.Add(attempt));
        Attempt one = rig.Take();
        rig.Ledger.StartClaims("raw", 1, attempt => rig.Claimed.Add(attempt));
        rig.Settle(one, AttemptOutcome.Succeeded.Value);
        Assert.Equal(second.Version, rig.Take().Job.Version);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_the_first_scan_finds_under_the_name_of_a_running_job_that_is_called_off_is_processed(bool isIgnore)
    {
        using LedgerRig rig = new LedgerRig(LedgerRig.Rule(completion: new CompletionPolicy
        {
            Updates = isIgnore ? ProcessPolicy.Ignore : ProcessPolicy.Process,
        }) with { ExistingFiles = ProcessPolicy.Ignore }).Open();
        rig.StartClaims();
        rig.CompleteBorn("a");
        Attempt one = rig.Take();
        FileVersion second = rig.NewVersion();
        rig.Complete("a", second, Evidence.Found, change: told => told with
        {
            Stat = told.Stat with { BirthNs = 9 },
            IsExisting = true,
        });
        rig.Settle(one, new AttemptOutcome.Changed(second));
        rig.CompleteBorn("a", second, 9, Evidence.Found);
        Assert.Contains(rig.Jobs(), job => job.Version == second);
    }

    [Fact]
    public void What_the_first_scan_finds_in_place_of_a_running_job_that_fails_is_processed()
    {
        using LedgerRig rig = new LedgerRig(LedgerRig.Rule() with { ExistingFiles = ProcessPolicy.Ignore }).Open();
        rig.StartClaims();
        rig.CompleteBorn("a");
        Attempt one = rig.Take();
        FileVersion second = rig.NewVersion();
        rig.Complete("a", second, Evidence.Found, change: told => told with
        {
            Stat = told.Stat with { BirthNs = 9 },
            IsExisting = true,
        });
        rig.Settle(one, new AttemptOutcome.Failed("bad", ExitCode: 1)); // the first of three
        rig.Complete("a", second, Evidence.Found, change: told => told with { Stat = told.Stat with { BirthNs = 9 } });
        Assert.Contains(rig.Jobs(), job => job.State is JobState.Queued or JobState.Running);
    }

    [Theory]
    [InlineData("gone")]
    [InlineData("held")]
    public void An_update_of_a_processed_name_is_left_alone_whatever_became_of_one_before(string how)
    {
        using LedgerRig rig = new LedgerRig(Ignoring()).Open();
        rig.StartClaims();
        rig.CompleteBorn("a");
        Attempt one = rig.Take();
        rig.CompleteBorn("a", birthNs: 9);
        if (how == "gone")
            rig.Ledger.KnownFiles.Gone("raw", BytePath.Parse("a"));
        else
            rig.Hold("a", rig.NewVersion(), 10);
        rig.Settle(one, AttemptOutcome.Succeeded.Value);
        rig.CompleteBorn("a", birthNs: 11);
        Assert.DoesNotContain(rig.Jobs(), job => job.State is JobState.Queued or JobState.Running);
    }

    [Fact]
    public void A_job_that_touches_its_input_and_fails_is_tried_no_more_often_than_MaxAttempts()
    {
        using LedgerRig rig = new LedgerRig(Ignoring()).Open();
        rig.StartClaims();
        FileVersion version = rig.CompleteBorn("a").Version;
        for (int i = 0; i < 3; i++)
        {
            Attempt attempt = rig.Take();
            version = version with { MtimeNs = version.MtimeNs + 1, SizeBytes = version.SizeBytes + 1 };
            rig.CompleteBorn("a", version);
            rig.Settle(attempt, new AttemptOutcome.Failed("bad", ExitCode: 1));
        }

        rig.AssertNothingClaimed();
        Assert.Equal(["a:Failed"], rig.Story());
    }

    [Fact]
    public void Updates_that_are_ignored_pause_no_path()
    {
        using LedgerRig rig = new LedgerRig(Ignoring() with { PauseAfterRepeats = 5 }).Open();
        rig.StartClaims();
        rig.CompleteBorn("a");
        Attempt one = rig.Take();
        for (int i = 0; i < 6; i++)
            rig.CompleteBorn("a", birthNs: 10 + i);
        rig.Settle(one, AttemptOutcome.Succeeded.Value);
        rig.Sync();
        Assert.Empty(rig.Read(reader => reader.PausedPaths("raw", 10)));
    }

    [Fact]
    public void A_name_whose_first_attempt_failed_is_tried_again_however_often_it_was_updated_meanwhile()
    {
        using LedgerRig rig = new LedgerRig(Ignoring() with { PauseAfterRepeats = 5 }).Open();
        rig.StartClaims();
        rig.CompleteBorn("a");
        Attempt one = rig.Take();
        for (int i = 0; i < 6; i++)
            rig.CompleteBorn("a", birthNs: 10 + i);
        rig.Settle(one, new AttemptOutcome.Failed("bad", ExitCode: 1));

        Assert.Equal("a", rig.Take().Job.Path.ToString());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_took_the_name_of_a_renamed_file_is_the_same_whatever_is_read_first(bool isSettledFirst)
    {
        using LedgerRig rig = new LedgerRig(Ignoring()).Open();
        rig.StartClaims();
        Completion first = rig.CompleteBorn("a");
        Attempt one = rig.Take();
        Completion second = rig.CompleteBorn("a", birthNs: 9);
        if (isSettledFirst)
            rig.Settle(one, AttemptOutcome.Succeeded.Value);
        rig.CompleteBorn("a.1", first.Version, evidence: Evidence.Renamed, from: "a");
        if (!isSettledFirst)
            rig.Settle(one, AttemptOutcome.Succeeded.Value);
        Assert.Contains(rig.Jobs(), job => job.Version == second.Version
            && job.State is JobState.Queued or JobState.Running);
    }

    private static WatchRule Ignoring() =>
        LedgerRig.Rule(completion: new CompletionPolicy { Updates = ProcessPolicy.Ignore });

    private static SeenFile Seen(Completion completion) => new(completion.Path, completion.Stat, Clock.WallNs());
}
