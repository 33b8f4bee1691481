using AutoCrunch.Core;
using AutoCrunch.Ledger;

namespace AutoCrunch.Tests.Ledger;

// What a name's previous job leaves behind when it is called off, and what goes along with a rename.
public sealed class CalledOffTests : IDisposable
{
    private const long BirthNs = 7;

    private static readonly WatchRule s_ignoresUpdates =
        LedgerRig.Rule(completion: new CompletionPolicy { Updates = ProcessPolicy.Ignore });

    private readonly LedgerRig _rig = new LedgerRig().Open();

    public void Dispose() => _rig.Dispose();

    [Theory]
    [InlineData(BirthNs, 9)]
    [InlineData(0, 0)]
    public void Updates_ignored_what_took_the_name_of_a_file_that_its_attempt_found_gone_is_processed(
        long birthNs, long nextBirthNs)
    {
        _rig.Reopen(s_ignoresUpdates);
        _rig.StartClaims();
        Complete("a", birthNs: birthNs);
        Attempt claimed = _rig.Take();
        Complete("a", birthNs: nextBirthNs); // between the look, which found nothing, and its answer
        _rig.Settle(claimed, AttemptOutcome.Gone.Value);

        AssertWaits();
    }

    [Theory]
    [InlineData(BirthNs, 9, 10)]
    [InlineData(0, 0, 0)]
    public void Updates_ignored_a_name_of_which_nothing_was_processed_takes_the_next_file(
        long birthNs, long secondBirthNs, long thirdBirthNs)
    {
        _rig.Reopen(s_ignoresUpdates);
        _rig.StartClaims();
        Complete("a", birthNs: birthNs);
        Attempt claimed = _rig.Take();
        Complete("a", birthNs: secondBirthNs);
        _rig.Ledger.KnownFiles.Gone("raw", BytePath.Parse("a"));
        _rig.Settle(claimed, AttemptOutcome.Gone.Value);
        Complete("a", birthNs: thirdBirthNs);

        AssertWaits();
    }

    [Fact]
    public void A_processed_file_whose_new_directory_takes_the_place_of_its_old_one_does_not_run_again()
    {
        _rig.StartClaims();
        FileVersion version = Complete("d/a").Version;
        _rig.Succeed(_rig.Take());
        _rig.Ledger.KnownFiles.DirectoryMoved("raw", BytePath.Parse("new"), BytePath.Parse("d"));
        Complete("d/a", version, evidence: Evidence.Renamed, from: "d/a");
        Complete("d/a", version, evidence: Evidence.Found); // a scan

        Assert.Single(_rig.Jobs());
    }

    [Fact]
    public void A_file_that_is_back_under_its_own_name_after_its_attempt_missed_it_runs_once()
    {
        _rig.StartClaims();
        FileVersion version = Complete("a").Version;
        _rig.Settle(_rig.Take(), AttemptOutcome.Gone.Value);
        Complete("a", version, evidence: Evidence.Renamed, from: "a");
        _rig.Succeed(_rig.Take());
        Assert.NotNull(_rig.Read(reader => reader.FindFile("raw", BytePath.Parse("a"))));
        Complete("a", version, evidence: Evidence.Found); // a scan

        Assert.Single(_rig.Jobs(), job => job.State != JobState.Cancelled);
    }

    [Fact]
    public void A_held_file_that_is_back_under_its_own_name_stays_held()
    {
        FileVersion half = _rig.NewVersion();
        Hold("a", half, BirthNs);
        _rig.Ledger.KnownFiles.Gone("raw", BytePath.Parse("a"));
        Complete("a", half, evidence: Evidence.Renamed, from: "a");
        Complete("a", half, evidence: Evidence.Found);

        Assert.Empty(_rig.Jobs());
    }

    [Fact]
    public async Task What_was_kept_when_its_job_ended_is_not_deleted_because_its_name_was_taken()
    {
        _rig.StartClaims();
        FileVersion version = Complete("a").Version;
        _rig.Succeed(_rig.Take());
        _rig.Reopen(LedgerRig.Rule() with
        {
            OnSuccess = new DisposalPolicy(DisposalKind.Delete, null, BytePath.Empty),
        });
        Complete("a", birthNs: 9);
        Complete("b", version, evidence: Evidence.Renamed);
        _rig.Sync();

        Assert.Empty(await _rig.Ledger.IntendedAsync("raw", 0, 10));
    }

    [Fact]
    public void An_update_that_runs_in_place_of_the_job_before_keeps_its_device()
    {
        _rig.Reopen(s_ignoresUpdates);
        _rig.StartClaims();
        Complete("a", device: 5);
        Attempt claimed = _rig.Take();
        Assert.Equal(5u, claimed.Device);
        FileVersion second = Complete("a", birthNs: 9, device: 5).Version;
        _rig.Settle(claimed, new AttemptOutcome.Changed(second));

        Assert.Equal(5u, _rig.Take().Device);
    }

    [Fact]
    public void Of_a_path_one_job_waits_at_most_also_where_what_took_its_name_is_gone()
    {
        _rig.StartClaims();
        Complete("a");
        Attempt first = _rig.Take();
        Hold("a", _rig.NewVersion(), 9);
        _rig.Ledger.KnownFiles.Gone("raw", BytePath.Parse("a"));
        _rig.Ledger.StartClaims("raw", 0, _ => { });
        _rig.Settle(first, new AttemptOutcome.Interrupted(ByCrash: false));
        Complete("a", birthNs: 10);

        Assert.Single(_rig.Jobs(), job => job.State == JobState.Queued && job.Path == BytePath.Parse("a"));
    }

    [Fact]
    public void Two_jobs_that_wait_for_one_path_keep_no_slot_from_another()
    {
        Complete("a");
        Complete("b", birthNs: 9);
        _rig.Sync();
        const string columns = "rule_id, directory, name, inode, size, mtime_ns, evidence, arrived_ns, completed_ns";
        using (SqliteDatabase db = SqliteDatabase.OpenWriter(_rig.StateDirectory.Join("ledger.db"u8)))
            db.Execute($"""
                UPDATE jobs SET due_ns = id;
                INSERT INTO jobs ({columns}, due_ns) SELECT {columns}, 1 FROM jobs WHERE id = 1
                """);
        _rig.StartClaims(concurrency: 2);

        Assert.Equal(["a", "b"], new[] { _rig.Take(), _rig.Take() }.Select(attempt => attempt.Job.Path.ToString()));
    }

    [Fact]
    public async Task An_update_that_was_adopted_as_done_does_not_run_in_place_of_the_job_before()
    {
        _rig.Reopen(s_ignoresUpdates);
        _rig.StartClaims();
        Complete("a");
        Attempt claimed = _rig.Take();
        Completion second = Complete("a", birthNs: 9);
        _rig.Ledger.StartClaims("raw", 0, _ => { });
        _rig.Sync();
        var seen = new SeenFile(BytePath.Parse("a"), second.Stat, AutoCrunch.Linux.Clock.WallNs());
        await _rig.Ledger.AdoptAsync("raw", [seen], AdoptAs.Done, isDry: false);
        _rig.Settle(claimed, new AttemptOutcome.Interrupted(ByCrash: false));

        Assert.DoesNotContain(_rig.Jobs(), job => job.State == JobState.Queued);
    }

    [Theory]
    [InlineData("file")] // renamed
    [InlineData("directory")] // renamed with its directory
    [InlineData("back")] // gone for a while
    public void What_ran_once_before_it_was_missed_runs_again_with_the_next_attempt(string how)
    {
        _rig.StartClaims();
        FileVersion version = Complete("d/a").Version;
        _rig.Settle(_rig.Take(), new AttemptOutcome.Failed("it failed", ExitCode: 1));
        _rig.Settle(_rig.Take(), AttemptOutcome.Gone.Value);
        if (how == "file")
            Complete("e/a", version, evidence: Evidence.Renamed, from: "d/a");
        else if (how == "directory")
            _rig.Ledger.KnownFiles.DirectoryMoved("raw", BytePath.Parse("d"), BytePath.Parse("e"));
        else
            Complete("d/a", version, evidence: Evidence.Found);

        Assert.Equal(2, _rig.Take().Number);
    }

    private void AssertWaits() =>
        Assert.Contains(_rig.Jobs(), job => job is { State: JobState.Queued or JobState.Running });

    private void Hold(string path, FileVersion version, long birthNs, HoldReason reason = HoldReason.ZeroMtime) =>
        _rig.Ledger.KnownFiles.Held(
            "raw", BytePath.Parse(path), LedgerRig.StatOf(version) with { BirthNs = birthNs }, reason);

    private Completion Complete(
        string path, FileVersion? version = null, long birthNs = BirthNs, Evidence evidence = Evidence.MtimeSet,
        string? from = null, ulong device = 1) => _rig.Complete(path, version, evidence, change: told => told with
        {
            Stat = told.Stat with { BirthNs = birthNs, Device = device },
            RenamedFrom = from is null ? null : BytePath.Parse(from),
        });
}
