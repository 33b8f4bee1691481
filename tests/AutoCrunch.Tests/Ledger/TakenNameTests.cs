using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;

namespace AutoCrunch.Tests.Ledger;

// More of files whose name another took: what operators do, directories, what is told.
public sealed class TakenNameTests : IDisposable
{
    private readonly LedgerRig _rig = new LedgerRig().Open();

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void A_hold_stays_although_the_job_of_the_version_before_is_forgotten()
    {
        _rig.StartClaims();
        FileVersion first = _rig.CompleteBorn("a").Version;
        _rig.Succeed(_rig.Take());
        FileVersion half = first with { MtimeNs = 5 };
        _rig.Hold("a", half, LedgerRig.BirthNs);
        _rig.Sync();
        using (SqliteDatabase db = SqliteDatabase.OpenWriter(_rig.StateDirectory.Join("ledger.db"u8)))
            db.Execute("DELETE FROM jobs WHERE id = 1");
        _rig.CompleteBorn("a", birthNs: 9);
        _rig.CompleteBorn("b", half);

        Assert.Equal(["a"], _rig.Jobs().Select(job => job.Path.ToString()));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Submit_or_adopt_of_what_took_a_name_does_not_forget_the_hold_of_its_file_before(bool adopts)
    {
        FileVersion half = _rig.NewVersion();
        _rig.Hold("a", half, LedgerRig.BirthNs, HoldReason.Unproven);
        await ByHand("a", adopts);
        _rig.CompleteBorn("b", half, evidence: Evidence.Found);

        KnownEntry entry = _rig.Read(reader => reader.FindFile("raw", BytePath.Parse("b")))!.Value.Known;
        Assert.Equal(EntryState.Held, entry.State);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Submit_or_adopt_of_what_took_a_name_does_not_make_its_file_before_run_again(bool adopts)
    {
        _rig.StartClaims();
        FileVersion version = _rig.CompleteBorn("a").Version;
        _rig.Succeed(_rig.Take());
        await ByHand("a", adopts);
        _rig.CompleteBorn("b", version, evidence: Evidence.Found);

        Assert.DoesNotContain(_rig.Jobs(), job => job.Path.ToString() == "b");
    }

    [Fact]
    public async Task Adopting_what_took_a_name_leaves_the_job_that_waits_of_its_file_before_to_that()
    {
        FileVersion version = _rig.CompleteBorn("a").Version;
        await ByHand("a", adopts: true);
        _rig.CompleteBorn("b", version, evidence: Evidence.Found);

        Assert.Contains(_rig.Jobs(), job => job is { State: JobState.Queued } && job.Version == version);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_ran_before_its_name_was_taken_runs_again_with_the_next_attempt(bool failsFirst)
    {
        _rig.StartClaims();
        FileVersion version = _rig.CompleteBorn("a").Version;
        Attempt first = _rig.Take();
        _rig.Ledger.StartClaims("raw", 0, _ => { });
        if (failsFirst)
            _rig.Settle(first, new AttemptOutcome.Failed("it failed", ExitCode: 1));
        _rig.Hold("a", _rig.NewVersion(), 9);
        if (!failsFirst)
            _rig.Settle(first, new AttemptOutcome.Interrupted(ByCrash: false));
        _rig.CompleteBorn("b", version);
        _rig.StartClaims();
        Attempt second = _rig.Take();

        Assert.Equal(("b", 2), (second.Job.Path.ToString(), second.Number));
    }

    [Fact]
    public void What_is_left_of_a_displaced_hold_does_not_hold_an_update_of_the_finished_file()
    {
        _rig.StartClaims();
        FileVersion half = _rig.NewVersion();
        _rig.Hold("a", half, LedgerRig.BirthNs, HoldReason.OwnerOnly);
        _rig.CompleteBorn("a", birthNs: 9);
        _rig.Succeed(_rig.Take());
        _rig.CompleteBorn("b", half with { MtimeNs = half.MtimeNs + 1 });
        _rig.Succeed(_rig.Take());
        FileVersion update = half with { SizeBytes = 2000, MtimeNs = half.MtimeNs + 2 };
        _rig.Complete("b", update, Evidence.Quiet, change: told => told with
        {
            Stat = told.Stat with { BirthNs = LedgerRig.BirthNs, Mode = 0x180, CtimeNs = update.MtimeNs },
        });

        Assert.Equal(update, _rig.Jobs()[^1].Version);
    }

    [Fact]
    public void A_held_file_whose_directory_was_renamed_unseen_before_another_took_its_name_stays_held()
    {
        FileVersion half = _rig.NewVersion();
        _rig.Hold("e/x", half, LedgerRig.BirthNs, HoldReason.Unproven);
        _rig.CompleteBorn("d/x", birthNs: 9);
        _rig.Ledger.KnownFiles.DirectoryMoved("raw", BytePath.Parse("d"), BytePath.Parse("e"));
        _rig.CompleteBorn("f/x", half, evidence: Evidence.Found);

        KnownEntry entry = _rig.Read(reader => reader.FindFile("raw", BytePath.Parse("f/x")))!.Value.Known;
        Assert.Equal(EntryState.Held, entry.State);
    }

    [Fact]
    public void A_processed_file_whose_directory_was_renamed_unseen_before_another_took_its_name_is_known()
    {
        _rig.StartClaims();
        FileVersion version = _rig.CompleteBorn("e/x").Version;
        _rig.Succeed(_rig.Take());
        _rig.CompleteBorn("d/x", birthNs: 9);
        _rig.Succeed(_rig.Take());
        _rig.Ledger.KnownFiles.DirectoryMoved("raw", BytePath.Parse("d"), BytePath.Parse("e"));
        _rig.CompleteBorn("f/x", version, evidence: Evidence.Found);

        Assert.Equal(2, _rig.Jobs().Length);
    }

    [Theory]
    [InlineData(false)] // it runs, under its new name
    [InlineData(true)] // it waits for its next attempt there
    public void Explain_says_of_a_held_file_that_it_is_held_whatever_the_file_before_does(bool fails)
    {
        _rig.StartClaims();
        FileVersion version = _rig.CompleteBorn("a").Version;
        Attempt running = _rig.Take();
        FileVersion half = _rig.NewVersion();
        _rig.Hold("a", half, 9);
        _rig.CompleteBorn("b", version);
        _rig.Ledger.StartClaims("raw", 0, _ => { });
        if (fails)
            _rig.Settle(running, new AttemptOutcome.Failed("it failed", ExitCode: 1));
        Explanation explanation = _rig.Read(reader =>
        {
            (KnownEntry known, long? last, bool isOwn) = reader.FindFile("raw", BytePath.Parse("a"))!.Value;
            IReadOnlyList<Job> jobs = reader.JobsOf(last, 20);
            var facts = new ExplanationFacts(
                _rig.Rules[0], BytePath.Parse("a"), new DiskFacts(LedgerRig.StatOf(half)),
                new ServiceFacts(ServiceAnswer.Running),
                new LedgerFacts
                {
                    Entry = known, Jobs = jobs, IsJobOfOther = !isOwn,
                },
                Clock.WallNs());
            return Explainer.Of(facts);
        });

        Assert.Equal(ExplanationReason.HeldZeroMtime, explanation.Reason);
    }

    [Fact]
    public void Of_what_is_known_of_a_displaced_file_twice_the_older_row_that_was_processed_counts()
    {
        _rig.StartClaims();
        FileVersion version = _rig.CompleteBorn("a").Version;
        _rig.Settle(_rig.Take(), AttemptOutcome.Gone.Value); // renamed, and that is read later
        _rig.CompleteBorn("b", version);
        _rig.Succeed(_rig.Take());
        _rig.CompleteBorn("b", birthNs: 8);
        _rig.Succeed(_rig.Take());
        _rig.CompleteBorn("a", birthNs: 9);
        _rig.Succeed(_rig.Take());
        _rig.CompleteBorn("c", version);

        Assert.DoesNotContain(_rig.Jobs(), job => job.Path.ToString() == "c");
    }

    [Fact]
    public void Of_what_is_known_of_a_displaced_file_twice_a_hold_counts()
    {
        _rig.StartClaims();
        FileVersion version = _rig.CompleteBorn("a").Version;
        _rig.Settle(_rig.Take(), AttemptOutcome.Gone.Value);
        _rig.Hold("b", version, LedgerRig.BirthNs, HoldReason.Unproven);
        _rig.CompleteBorn("b", birthNs: 8);
        _rig.Succeed(_rig.Take());
        _rig.CompleteBorn("a", birthNs: 9);
        _rig.Succeed(_rig.Take());
        _rig.CompleteBorn("c", version, evidence: Evidence.Found);

        Assert.DoesNotContain(_rig.Jobs(), job => job.Path.ToString() == "c");
    }

    [Theory]
    [InlineData(0)] // as it is without births
    [InlineData(9)]
    public void What_took_the_name_of_a_waiting_file_during_the_first_scan_is_processed(long birthNs)
    {
        _rig.Reopen(LedgerRig.Rule() with { ExistingFiles = ProcessPolicy.Ignore });
        _rig.CompleteBorn("a", birthNs: birthNs == 0 ? 0 : LedgerRig.BirthNs);
        FileVersion second = _rig.NewVersion();
        _rig.Complete("a", second, Evidence.Found, change: told => told with
        {
            Stat = told.Stat with { BirthNs = birthNs }, IsExisting = true, IsFound = true,
        });
        _rig.StartClaims();
        _rig.Settle(_rig.Take(), new AttemptOutcome.Changed(second));

        Assert.Contains(_rig.Jobs(), job => job is { State: JobState.Queued or JobState.Running });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_to_be_done_on_success_does_not_depend_on_when_the_rename_is_read(bool isReadFirst)
    {
        _rig.Reopen(LedgerRig.Rule() with
        {
            OnSuccess = new DisposalPolicy(DisposalKind.Delete, null, BytePath.Empty),
        });
        _rig.StartClaims();
        FileVersion version = _rig.CompleteBorn("a").Version;
        Attempt running = _rig.Take();
        _rig.Hold("a", _rig.NewVersion(), 9);
        if (isReadFirst)
            _rig.CompleteBorn("b", version);
        _rig.Settle(running, AttemptOutcome.Succeeded.Value);
        if (!isReadFirst)
            _rig.CompleteBorn("b", version);
        _rig.Sync();

        Assert.Single(await _rig.Ledger.IntendedAsync("raw", 0, 10));
    }

    [Fact]
    public async Task A_file_that_is_moved_to_a_name_whose_file_has_left_it_unseen_does_not_make_that_one_unknown()
    {
        _rig.Reopen(LedgerRig.Rule() with
        {
            OnSuccess = new DisposalPolicy(DisposalKind.Delete, null, BytePath.Empty),
        });
        FileVersion half = _rig.NewVersion();
        _rig.Hold("done/a", half, LedgerRig.BirthNs, HoldReason.Unproven);
        _rig.StartClaims();
        _rig.CompleteBorn("a", birthNs: 9);
        _rig.Succeed(_rig.Take());
        _rig.Sync();
        Disposal disposal = Assert.Single(await _rig.Ledger.IntendedAsync("raw", 0, 10));
        await _rig.Ledger.ExpectMovedAsync(
            "raw", disposal, BytePath.Parse("done/a"), LedgerRig.StatOf(disposal.Version) with { BirthNs = 9 });
        _rig.CompleteBorn("done/b", half, evidence: Evidence.Found);

        KnownEntry entry = _rig.Read(reader => reader.FindFile("raw", BytePath.Parse("done/b")))!.Value.Known;
        Assert.Equal(EntryState.Held, entry.State);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_held_file_is_told_of_once_also_when_its_name_was_taken(bool isTaken)
    {
        _rig.Reopen(LedgerRig.Rule() with { HeldWarning = TimeSpan.FromTicks(1) });
        FileVersion half = _rig.NewVersion();
        _rig.Hold("a", half, LedgerRig.BirthNs);
        _rig.Sync();
        Assert.Single(await _rig.Ledger.WarnHeldAsync(10));
        if (isTaken)
            _rig.CompleteBorn("a", birthNs: 9);
        _rig.CompleteBorn("b", half, evidence: Evidence.Renamed, from: "a");
        _rig.Sync();

        Assert.Empty(await _rig.Ledger.WarnHeldAsync(10));
    }

    private async Task ByHand(string path, bool adopts)
    {
        _rig.Sync();
        var seen = new SeenFile(
            BytePath.Parse(path), LedgerRig.StatOf(_rig.NewVersion()) with { BirthNs = 9 }, Clock.WallNs());
        if (adopts)
            await _rig.Ledger.AdoptAsync("raw", [seen], AdoptAs.Done, isDry: false);
        else
            await _rig.Ledger.SubmitAsync("raw", [seen]);
    }
}
