using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;

namespace AutoCrunch.Tests.Ledger;

// Updates: Ignore. What comes to a name while its job runs is left alone, unless that comes to nothing.
public sealed class UpdatesIgnoredTests : IDisposable
{
    private readonly LedgerRig _rig = new LedgerRig(
        LedgerRig.Rule(completion: new CompletionPolicy { Updates = ProcessPolicy.Ignore })).Open();

    public void Dispose() => _rig.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_came_while_a_job_of_its_name_ran_is_left_alone_when_that_has_ended(bool fails)
    {
        _rig.StartClaims();
        _rig.CompleteBorn("a");
        Attempt claimed = _rig.Take();
        _rig.CompleteBorn("a", birthNs: 9);
        FileVersion last = _rig.CompleteBorn("a", birthNs: 10).Version;
        _rig.Settle(claimed, fails
            ? new AttemptOutcome.Failed("it failed", ExitCode: 1, IsPermanent: true) : AttemptOutcome.Succeeded.Value);

        _rig.CompleteBorn("a", last, 10, Evidence.Found); // a scan
        _rig.CompleteBorn("a", birthNs: 11);
        Assert.Equal([fails ? "a:Failed" : "a:Succeeded"], _rig.Story());
    }

    [Theory]
    [InlineData("first", false)]
    [InlineData("first", true)]
    [InlineData("update", false)]
    [InlineData("update", true)]
    [InlineData("directory", false)]
    public void What_came_while_a_job_of_its_name_ran_is_processed_whatever_was_renamed_before_that_was_called_off(
        string renamed, bool isChanged)
    {
        _rig.StartClaims();
        Completion first = _rig.CompleteBorn("d/a");
        Attempt claimed = _rig.Take();
        FileVersion second = _rig.CompleteBorn("d/a", birthNs: 9).Version;
        if (renamed == "first")
            _rig.CompleteBorn("d/b", first.Version, evidence: Evidence.Renamed, from: "d/a");
        else if (renamed == "update")
            _rig.CompleteBorn("d/b", second, 9, Evidence.Renamed, from: "d/a");
        else
            _rig.Ledger.KnownFiles.DirectoryMoved("raw", BytePath.Parse("d"), BytePath.Parse("e"));
        _rig.Settle(claimed, isChanged ? new AttemptOutcome.Changed(second) : AttemptOutcome.Gone.Value);

        var processed = new List<FileVersion>();
        while (_rig.Jobs().Any(job => job.State is JobState.Queued or JobState.Running))
        {
            Attempt attempt = _rig.Take();
            processed.Add(attempt.Job.Version);
            _rig.Settle(attempt, AttemptOutcome.Succeeded.Value);
        }

        Assert.Contains(second, processed);
    }

    [Fact]
    public async Task What_was_submitted_runs_although_it_was_an_update_of_what_has_run()
    {
        _rig.StartClaims();
        _rig.CompleteBorn("a");
        Attempt claimed = _rig.Take();
        Completion second = _rig.CompleteBorn("a", birthNs: 9);
        _rig.Sync();
        await _rig.Ledger.SubmitAsync("raw", [new SeenFile(second.Path, second.Stat, Clock.WallNs())]);
        _rig.Settle(claimed, AttemptOutcome.Succeeded.Value);

        Assert.Equal(second.Version, _rig.Take().Job.Version);
    }

    [Fact]
    public void An_unprocessed_file_that_was_moved_to_a_name_whose_job_ran_is_processed()
    {
        _rig.StartClaims();
        Completion first = _rig.CompleteBorn("a");
        Attempt claimed = _rig.Take();
        Completion other = _rig.CompleteBorn("b", birthNs: 9);
        _rig.CompleteBorn("a", other.Version, 9, Evidence.Renamed, from: "b");
        _rig.Settle(claimed, AttemptOutcome.Succeeded.Value);

        Assert.Equal(other.Version, _rig.Take().Job.Version);
        Assert.Equal(first.Version, _rig.Job(claimed.Job.Id).Version);
    }

    [Theory]
    [InlineData(LedgerRig.BirthNs, 9)]
    [InlineData(0, 0)]
    public void What_took_the_name_of_a_file_that_its_attempt_found_gone_is_processed(
        long birthNs, long nextBirthNs)
    {
        _rig.StartClaims();
        _rig.CompleteBorn("a", birthNs: birthNs);
        Attempt claimed = _rig.Take();
        _rig.CompleteBorn("a", birthNs: nextBirthNs); // between the look, which found nothing, and its answer
        _rig.Settle(claimed, AttemptOutcome.Gone.Value);

        AssertWaits();
    }

    [Theory]
    [InlineData(LedgerRig.BirthNs, 9, 10)]
    [InlineData(0, 0, 0)]
    public void A_name_of_which_nothing_was_processed_takes_the_next_file(
        long birthNs, long secondBirthNs, long thirdBirthNs)
    {
        _rig.StartClaims();
        _rig.CompleteBorn("a", birthNs: birthNs);
        Attempt claimed = _rig.Take();
        _rig.CompleteBorn("a", birthNs: secondBirthNs);
        _rig.Ledger.KnownFiles.Gone("raw", BytePath.Parse("a"));
        _rig.Settle(claimed, AttemptOutcome.Gone.Value);
        _rig.CompleteBorn("a", birthNs: thirdBirthNs);

        AssertWaits();
    }

    [Fact]
    public void An_update_that_runs_in_place_of_the_job_before_keeps_its_device()
    {
        _rig.StartClaims();
        _rig.CompleteBorn("a", device: 5);
        Attempt claimed = _rig.Take();
        Assert.Equal(5u, claimed.Device);
        FileVersion second = _rig.CompleteBorn("a", birthNs: 9, device: 5).Version;
        _rig.Settle(claimed, new AttemptOutcome.Changed(second));

        Assert.Equal(5u, _rig.Take().Device);
    }

    [Fact]
    public async Task An_update_that_was_adopted_as_done_does_not_run_in_place_of_the_job_before()
    {
        _rig.StartClaims();
        _rig.CompleteBorn("a");
        Attempt claimed = _rig.Take();
        Completion second = _rig.CompleteBorn("a", birthNs: 9);
        _rig.Ledger.StartClaims("raw", 0, _ => { });
        _rig.Sync();
        var seen = new SeenFile(BytePath.Parse("a"), second.Stat, AutoCrunch.Linux.Clock.WallNs());
        await _rig.Ledger.AdoptAsync("raw", [seen], AdoptAs.Done, isDry: false);
        _rig.Settle(claimed, new AttemptOutcome.Interrupted(ByCrash: false));

        Assert.DoesNotContain(_rig.Jobs(), job => job.State == JobState.Queued);
    }

    [Fact]
    public void What_took_the_name_of_a_file_before_its_first_attempt_began_is_processed()
    {
        _rig.StartClaims();
        _rig.CompleteBorn("a");
        Attempt claimed = _rig.Take();
        FileVersion second = _rig.CompleteBorn("a", birthNs: 9).Version;
        _rig.Settle(claimed, new AttemptOutcome.Changed(second));

        AssertWaits();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_name_whose_attempt_failed_or_was_interrupted_is_tried_again(bool isShutdown)
    {
        _rig.StartClaims();
        _rig.CompleteBorn("a");
        Attempt running = _rig.Take();
        _rig.CompleteBorn("a", birthNs: 9);
        _rig.Settle(running, isShutdown
            ? new AttemptOutcome.Interrupted(ByCrash: false) : new AttemptOutcome.Failed("it failed", ExitCode: 1));

        AssertWaits();
    }

    [Fact]
    public void What_took_the_name_of_a_file_whose_birth_is_not_known_is_processed()
    {
        _rig.StartClaims();
        _rig.CompleteBorn("a", birthNs: 0);
        Attempt claimed = _rig.Take();
        FileVersion second = _rig.CompleteBorn("a", birthNs: 0).Version;
        _rig.Settle(claimed, new AttemptOutcome.Changed(second));

        AssertWaits();
    }

    [Theory]
    [InlineData("file")]
    [InlineData("directory")]
    [InlineData("displaced")]
    public void A_held_file_that_left_a_processed_name_runs_under_its_new_one(string how)
    {
        _rig.StartClaims();
        _rig.CompleteBorn("d/a");
        _rig.Succeed(_rig.Take());
        FileVersion half = _rig.NewVersion();
        _rig.Hold("d/a", half, 9);
        if (how == "file")
            _rig.CompleteBorn("e/a", half, 9, Evidence.Renamed, from: "d/a");
        else if (how == "directory")
            _rig.Ledger.KnownFiles.DirectoryMoved("raw", BytePath.Parse("d"), BytePath.Parse("e"));
        else
        {
            _rig.CompleteBorn("d/a", birthNs: 10);
            _rig.CompleteBorn("e/a", half, 9);
        }

        KnownEntry held = _rig.Read(reader => reader.FindFile("raw", BytePath.Parse("e/a")))!.Value.Known;
        Assert.Equal(EntryState.Held, held.State);
        FileVersion whole = half with { MtimeNs = half.MtimeNs + 1 };
        _rig.CompleteBorn("e/a", whole, 9);

        Assert.Contains(_rig.Jobs(), job => job.Version == whole);
    }

    [Fact]
    public void A_held_file_that_took_the_name_of_one_that_had_left_it_runs_when_it_is_finished()
    {
        _rig.StartClaims();
        Completion first = _rig.CompleteBorn("a");
        Attempt claimed = _rig.Take();
        FileVersion half = _rig.NewVersion();
        _rig.Hold("a", half, 9);
        _rig.CompleteBorn("b", first.Version, evidence: Evidence.Renamed, from: "a");
        _rig.Succeed(claimed);
        FileVersion whole = half with { MtimeNs = half.MtimeNs + 1 };
        _rig.CompleteBorn("a", whole, 9);

        Assert.Contains(_rig.Jobs(), job => job.Version == whole);
    }

    [Fact]
    public void An_update_that_was_out_of_sight_when_the_job_before_was_called_off_runs_where_it_is_found()
    {
        _rig.StartClaims();
        _rig.CompleteBorn("a");
        Attempt claimed = _rig.Take();
        FileVersion second = _rig.CompleteBorn("a", birthNs: 9).Version;
        FileVersion third = _rig.CompleteBorn("a", birthNs: 10).Version;
        _rig.Settle(claimed, AttemptOutcome.Gone.Value);
        Assert.DoesNotContain(_rig.Jobs(), job => job.Version == second);
        _rig.CompleteBorn("b", second, 9, Evidence.Renamed, from: "a");

        Assert.Equal(
            [(second, "b"), (third, "a")],
            _rig.Jobs().Where(job => job.State is JobState.Queued or JobState.Running)
                .Select(job => (job.Version, job.Path.ToString())).OrderBy(job => job.Version.MtimeNs));
    }

    [Fact]
    public void A_held_file_that_was_removed_does_not_stand_for_a_processed_name()
    {
        _rig.Hold("a", _rig.NewVersion(), 9);
        _rig.Ledger.KnownFiles.Gone("raw", BytePath.Parse("a"));
        _rig.CompleteBorn("a", birthNs: 10);

        Assert.Equal(["a:Queued"], _rig.Story());
    }

    private void AssertWaits() =>
        Assert.Contains(_rig.Jobs(), job => job is { State: JobState.Queued or JobState.Running });
}
