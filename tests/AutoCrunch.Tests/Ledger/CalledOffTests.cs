using AutoCrunch.Core;
using AutoCrunch.Ledger;

namespace AutoCrunch.Tests.Ledger;

// What a name's previous job leaves behind when it is called off, and what goes along with a rename.
public sealed class CalledOffTests : IDisposable
{
    private readonly LedgerRig _rig = new LedgerRig().Open();

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void A_processed_file_whose_new_directory_takes_the_place_of_its_old_one_does_not_run_again()
    {
        _rig.StartClaims();
        FileVersion version = _rig.CompleteBorn("d/a").Version;
        _rig.Succeed(_rig.Take());
        _rig.Ledger.KnownFiles.DirectoryMoved("raw", BytePath.Parse("new"), BytePath.Parse("d"));
        _rig.CompleteBorn("d/a", version, evidence: Evidence.Renamed, from: "d/a");
        _rig.CompleteBorn("d/a", version, evidence: Evidence.Found); // a scan

        Assert.Single(_rig.Jobs());
    }

    [Fact]
    public void A_file_that_is_back_under_its_own_name_after_its_attempt_missed_it_runs_once()
    {
        _rig.StartClaims();
        FileVersion version = _rig.CompleteBorn("a").Version;
        _rig.Settle(_rig.Take(), AttemptOutcome.Gone.Value);
        _rig.CompleteBorn("a", version, evidence: Evidence.Renamed, from: "a");
        _rig.Succeed(_rig.Take());
        Assert.NotNull(_rig.Read(reader => reader.FindFile("raw", BytePath.Parse("a"))));
        _rig.CompleteBorn("a", version, evidence: Evidence.Found); // a scan

        Assert.Single(_rig.Jobs(), job => job.State != JobState.Cancelled);
    }

    [Fact]
    public void A_held_file_that_is_back_under_its_own_name_stays_held()
    {
        FileVersion half = _rig.NewVersion();
        _rig.Hold("a", half, LedgerRig.BirthNs);
        _rig.Ledger.KnownFiles.Gone("raw", BytePath.Parse("a"));
        _rig.CompleteBorn("a", half, evidence: Evidence.Renamed, from: "a");
        _rig.CompleteBorn("a", half, evidence: Evidence.Found);

        Assert.Empty(_rig.Jobs());
    }

    [Fact]
    public async Task What_was_kept_when_its_job_ended_is_not_deleted_because_its_name_was_taken()
    {
        _rig.StartClaims();
        FileVersion version = _rig.CompleteBorn("a").Version;
        _rig.Succeed(_rig.Take());
        _rig.Reopen(LedgerRig.Rule() with
        {
            OnSuccess = new DisposalPolicy(DisposalKind.Delete, null, BytePath.Empty),
        });
        _rig.CompleteBorn("a", birthNs: 9);
        _rig.CompleteBorn("b", version, evidence: Evidence.Renamed);
        _rig.Sync();

        Assert.Empty(await _rig.Ledger.IntendedAsync("raw", 0, 10));
    }

    [Fact]
    public void Of_a_path_one_job_waits_at_most_also_where_what_took_its_name_is_gone()
    {
        _rig.StartClaims();
        _rig.CompleteBorn("a");
        Attempt first = _rig.Take();
        _rig.Hold("a", _rig.NewVersion(), 9);
        _rig.Ledger.KnownFiles.Gone("raw", BytePath.Parse("a"));
        _rig.Ledger.StartClaims("raw", 0, _ => { });
        _rig.Settle(first, new AttemptOutcome.Interrupted(ByCrash: false));
        _rig.CompleteBorn("a", birthNs: 10);

        Assert.Single(_rig.Jobs(), job => job.State == JobState.Queued && job.Path == BytePath.Parse("a"));
    }

    [Fact]
    public void Two_jobs_that_wait_for_one_path_keep_no_slot_from_another()
    {
        _rig.CompleteBorn("a");
        _rig.CompleteBorn("b", birthNs: 9);
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

    [Theory]
    [InlineData("file")] // renamed
    [InlineData("directory")] // renamed with its directory
    [InlineData("back")] // gone for a while
    public void What_ran_once_before_it_was_missed_runs_again_with_the_next_attempt(string how)
    {
        _rig.StartClaims();
        FileVersion version = _rig.CompleteBorn("d/a").Version;
        _rig.Settle(_rig.Take(), new AttemptOutcome.Failed("it failed", ExitCode: 1));
        _rig.Settle(_rig.Take(), AttemptOutcome.Gone.Value);
        if (how == "file")
            _rig.CompleteBorn("e/a", version, evidence: Evidence.Renamed, from: "d/a");
        else if (how == "directory")
            _rig.Ledger.KnownFiles.DirectoryMoved("raw", BytePath.Parse("d"), BytePath.Parse("e"));
        else
            _rig.CompleteBorn("d/a", version, evidence: Evidence.Found);

        Assert.Equal(2, _rig.Take().Number);
    }
}
