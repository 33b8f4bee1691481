using AutoCrunch.Core;

namespace AutoCrunch.Tests.Ledger;

public sealed class RenameTests : IDisposable
{
    private readonly LedgerRig _rig = new LedgerRig().Open();

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void A_queued_job_moves_along_with_its_file()
    {
        Completion told = _rig.Complete("d/a");
        Rename("d/a", "e/b", told.Version);

        Assert.Equal(["e/b:Queued"], _rig.Story());
        Assert.Equal("e/b", _rig.StartClaims().Take().Job.Path.ToString());
        _rig.Complete("e/b", told.Version, Evidence.Found);
        Assert.Single(_rig.Story());
    }

    [Fact]
    public void A_processed_file_is_not_processed_again_under_its_new_name_and_its_old_name_is_free()
    {
        _rig.StartClaims();
        Completion told = _rig.Complete("a");
        _rig.Succeed(_rig.Take());
        Rename("a", "b", told.Version);
        Assert.Equal(["a:Succeeded"], _rig.Story());

        _rig.Complete("a");

        Assert.Equal("a", _rig.Take().Job.Path.ToString());
    }

    [Fact]
    public void A_rename_over_a_file_supersedes_that_ones_queued_job()
    {
        Completion a = _rig.Complete("a");
        _rig.Complete("b");
        Rename("a", "b", a.Version);

        Assert.Equal(["b:Queued", "b:Cancelled/Superseded"], _rig.Story());
    }

    [Fact]
    public void A_retry_follows_its_file()
    {
        _rig.StartClaims();
        Completion told = _rig.Complete("a");
        Attempt first = _rig.Take();
        Rename("a", "b", told.Version);
        _rig.Settle(first, new AttemptOutcome.Failed("no such file", 1));

        Attempt second = _rig.Take();
        Assert.Equal(("b", 2), (second.Job.Path.ToString(), second.Number));
    }

    [Fact]
    public void A_job_that_finds_its_file_gone_because_it_was_just_renamed_runs_under_the_new_name()
    {
        _rig.StartClaims();
        Completion told = _rig.Complete("a");
        Attempt first = _rig.Take();
        Rename("a", "b", told.Version);
        _rig.Settle(first, AttemptOutcome.Gone.Value);

        Attempt second = _rig.Take();
        Assert.Equal(("b", 1), (second.Job.Path.ToString(), second.Number));
        Assert.Equal(first.Job.Id, second.Job.Id);
    }

    [Fact]
    public void A_job_that_was_cancelled_before_the_rename_was_told_runs_under_the_new_name()
    {
        _rig.StartClaims();
        Completion told = _rig.Complete("a");
        _rig.Settle(_rig.Take(), AttemptOutcome.Gone.Value);
        Rename("a", "b", told.Version);

        Assert.Equal("b", _rig.Take().Job.Path.ToString());
        Assert.Equal(["b:Running"], _rig.Story());
    }

    [Fact]
    public void No_second_attempt_runs_under_the_name_a_running_jobs_file_was_moved_to()
    {
        _rig.StartClaims(concurrency: 3);
        Completion told = _rig.Complete("a");
        Attempt first = _rig.Take();
        Rename("a", "b", told.Version);
        _rig.Complete("b");
        _rig.AssertNothingClaimed();

        _rig.Succeed(first);

        Assert.Equal("b", _rig.Take().Job.Path.ToString());
    }

    [Fact]
    public void Renames_Process_makes_a_job_of_the_new_name_and_forgets_the_old_one()
    {
        _rig.Reopen(LedgerRig.Rule(completion: new CompletionPolicy { Renames = ProcessPolicy.Process }));
        Completion told = _rig.Complete("a");
        Rename("a", "b", told.Version);

        Assert.Equal(["a:Cancelled/Gone", "b:Queued"], _rig.Story());
    }

    [Fact]
    public void A_held_file_stays_held_under_its_new_name()
    {
        FileVersion version = _rig.NewVersion();
        _rig.Ledger.KnownFiles.Held("raw", BytePath.Parse("a"), LedgerRig.StatOf(version), HoldReason.ZeroMtime);
        Rename("a", "b", version);

        Assert.Empty(_rig.Story());
        KnownEntry entry = _rig.Read(reader => reader.FindFile("raw", BytePath.Parse("b")))!.Value.Known;
        Assert.Equal((EntryState.Held, HoldReason.ZeroMtime), (entry.State, entry.Held));
    }

    [Fact]
    public void A_held_file_found_under_another_name_after_its_old_one_was_missed_stays_held()
    {
        FileVersion version = _rig.NewVersion();
        _rig.Ledger.KnownFiles.Held("raw", BytePath.Parse("a"), LedgerRig.StatOf(version), HoldReason.ZeroMtime);
        _rig.Ledger.KnownFiles.Gone("raw", BytePath.Parse("a"));
        _rig.Complete("b", version, Evidence.Found);

        Assert.Empty(_rig.Story());
        Assert.Equal(
            EntryState.Held, _rig.Read(reader => reader.FindFile("raw", BytePath.Parse("b")))!.Value.Known.State);
    }

    [Theory]
    [InlineData(7, true)]
    [InlineData(8, false)] // another file on its inode
    public void A_held_file_that_was_touched_after_a_rename_nobody_saw_is_known_by_its_birth(long birthNs, bool isHeld)
    {
        FileVersion version = _rig.NewVersion();
        FileStat killed = LedgerRig.StatOf(version) with { Mode = 0x180, CtimeNs = version.MtimeNs, BirthNs = 7 };
        _rig.Ledger.KnownFiles.Held("raw", BytePath.Parse("a"), killed, HoldReason.OwnerOnly);
        _rig.Ledger.KnownFiles.Gone("raw", BytePath.Parse("a"));
        long nowNs = version.MtimeNs + 1;
        FileStat touched = killed with { MtimeNs = nowNs, CtimeNs = nowNs, BirthNs = birthNs };
        _rig.Complete("b", change: file => file with { Stat = touched, Evidence = Evidence.Renamed });

        Assert.Equal(isHeld ? [] : ["b:Queued"], _rig.Story());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_scan_takes_a_known_version_under_a_new_name_for_renamed_if_the_old_name_is_gone(bool isTold)
    {
        _rig.StartClaims();
        Completion told = _rig.Complete("a");
        _rig.Succeed(_rig.Take());
        if (isTold)
            _rig.Ledger.KnownFiles.Gone("raw", BytePath.Parse("a"));
        else
            _rig.NotThere.Add(BytePath.Parse("a"));

        _rig.Complete("b", told.Version, Evidence.Found);

        Assert.Equal(["a:Succeeded"], _rig.Story());
        Assert.NotNull(_rig.Read(reader => reader.FindFile("raw", BytePath.Parse("b"))));
        Assert.Null(_rig.Read(reader => reader.FindFile("raw", BytePath.Parse("a"))));
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(0, false)]   // who cannot tell when it was born cannot tell it from another file on the same inode
    public void A_scan_takes_a_version_that_rsync_dated_for_renamed_too(long birthNs, bool isRename)
    {
        Func<Completion, Completion> born = told => told with { Stat = told.Stat with { BirthNs = birthNs } };
        _rig.StartClaims();
        Completion told = _rig.Complete("a", change: born);
        _rig.Succeed(_rig.Take());
        _rig.Ledger.KnownFiles.Gone("raw", BytePath.Parse("a"));
        _rig.Complete("b", told.Version, Evidence.MtimeSet, change: born);
        _rig.Sync();

        Assert.Equal(isRename ? 1 : 2, _rig.Story().Count());
    }

    [Fact]
    public void A_hard_link_found_by_a_scan_is_an_arrival()
    {
        _rig.StartClaims();
        Completion told = _rig.Complete("a");
        _rig.Succeed(_rig.Take());
        _rig.Complete("b", told.Version, Evidence.Found);

        Assert.Equal("b", _rig.Take().Job.Path.ToString());
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]   // it may be at both places
    public void A_file_with_one_link_was_renamed_whatever_has_its_old_name_now(uint links, int jobs)
    {
        Func<Completion, Completion> born = told =>
            told with { Stat = told.Stat with { BirthNs = 1, LinkCount = links } };
        _rig.StartClaims();
        Completion told = _rig.Complete("a", change: born);
        _rig.Succeed(_rig.Take());
        _rig.Complete("b", told.Version, Evidence.Found, change: born);
        _rig.Sync();

        Assert.Equal(jobs, _rig.Story().Count());
    }

    [Fact]
    public void A_file_known_under_several_names_was_processed_if_it_was_under_one_of_them()
    {
        Func<Completion, Completion> born = told => told with { Stat = told.Stat with { BirthNs = 1 } };
        _rig.StartClaims();
        Completion told = _rig.Complete("a", change: born);
        _rig.Succeed(_rig.Take());
        _rig.Complete("b", told.Version, Evidence.Renamed, change: file => file with { RenamedFrom = told.Path });
        _rig.Ledger.KnownFiles.Gone("raw", BytePath.Parse("b"));
        _rig.Complete("c", told.Version, Evidence.MtimeSet, change: file =>
            born(file) with { RenamedFrom = BytePath.Parse("never/judged") });
        _rig.Sync();

        Assert.Single(_rig.Story());
    }

    [Fact]
    public void A_directory_that_was_renamed_away_unseen_and_is_back_keeps_what_was_known_of_it()
    {
        Func<Completion, Completion> born = told => told with { Stat = told.Stat with { BirthNs = 1 } };
        _rig.StartClaims();
        Completion told = _rig.Complete("d/a", change: born);
        _rig.Succeed(_rig.Take());
        _rig.Ledger.KnownFiles.DirectoryMoved("raw", BytePath.Parse("e"), BytePath.Parse("d"));
        _rig.Complete("d/a", told.Version, Evidence.Quiet, change: born);
        _rig.Sync();

        Assert.Equal(["d/a:Succeeded"], _rig.Story());
    }

    [Fact]
    public void A_file_born_at_another_time_is_not_the_renamed_one()
    {
        _rig.StartClaims();
        Completion told = _rig.Complete("a", change: file => file with { Stat = file.Stat with { BirthNs = 1 } });
        _rig.Succeed(_rig.Take());
        _rig.Ledger.KnownFiles.Gone("raw", BytePath.Parse("a"));
        FileStat reused = LedgerRig.StatOf(told.Version) with { BirthNs = 2 };
        _rig.Complete("b", told.Version, Evidence.Found, change: found => found with { Stat = reused });

        Assert.Equal("b", _rig.Take().Job.Path.ToString());
    }

    [Fact]
    public void A_renamed_directory_takes_its_files_and_jobs_along()
    {
        string[] paths = ["d/a", @"d/\xFF/b", "d2/c", "d"];
        FileVersion[] versions = [.. paths.Select(path => _rig.Complete(path).Version)];

        _rig.Ledger.KnownFiles.DirectoryMoved("raw", BytePath.Parse("d"), BytePath.Parse(@"x/\xFEy"));

        Assert.Equal([@"x/\xFEy/a:Queued", @"x/\xFEy/\xFF/b:Queued", "d2/c:Queued", "d:Queued"], _rig.Story());
        _rig.Complete(@"x/\xFEy/\xFF/b", versions[1], Evidence.Found);
        Assert.Equal(4, _rig.Story().Length);
        var files = new Dictionary<BytePath, KnownFile>();
        _rig.Ledger.KnownFiles.ReadDirectory("raw", BytePath.Parse(@"x/\xFEy"), files);
        Assert.Equal(versions[0], files[BytePath.Parse("a")].Version);
        Assert.Equal(
            [@"x/\xFEy", @"x/\xFEy/\xFF"],
            _rig.Ledger.KnownFiles.ReadDirectories("raw", BytePath.Parse("x")).Select(known => known.Path.ToString()));
    }

    [Fact]
    public void A_job_that_finds_its_file_gone_because_its_directory_was_just_renamed_runs_under_the_new_name()
    {
        _rig.StartClaims();
        foreach (string path in new[] { "d/a", "d/deleted", "d/done" })
            _rig.Complete(path);
        _rig.Settle(_rig.Take(), AttemptOutcome.Gone.Value);
        _rig.Settle(_rig.Take(), AttemptOutcome.Gone.Value);
        _rig.Succeed(_rig.Take());
        _rig.NotThere.Add(BytePath.Parse("e/deleted"));

        _rig.Ledger.KnownFiles.DirectoryMoved("raw", BytePath.Parse("d"), BytePath.Parse("e"));

        Assert.Equal("e/a", _rig.Take().Job.Path.ToString());
        Assert.Equal(
            ["e/a:Running", "d/deleted:Cancelled/Gone", "d/done:Succeeded"], _rig.Story());
    }

    [Fact]
    public void A_directory_renamed_to_where_one_was_before_replaces_what_was_known_there()
    {
        _rig.Complete("new/a");
        FileVersion moved = _rig.Complete("old/a").Version;
        _rig.Ledger.KnownFiles.DirectoryMoved("raw", BytePath.Parse("old"), BytePath.Parse("new"));

        Assert.Equal(["new/a:Cancelled/Gone", "new/a:Queued"], _rig.Story());
        Assert.Equal(
            moved, _rig.Read(reader => reader.FindFile("raw", BytePath.Parse("new/a")))!.Value.Known.Version);
    }

    [Fact]
    public void No_second_attempt_runs_in_a_directory_that_was_renamed_under_a_running_job()
    {
        _rig.StartClaims(concurrency: 3);
        _rig.Complete("d/a");
        Attempt first = _rig.Take();
        _rig.Ledger.KnownFiles.DirectoryMoved("raw", BytePath.Parse("d"), BytePath.Parse("e"));
        _rig.Complete("e/a");
        _rig.AssertNothingClaimed();

        _rig.Succeed(first);

        Assert.Equal("e/a", _rig.Take().Job.Path.ToString());
    }

    [Fact]
    public void A_job_that_missed_its_renamed_file_does_not_wait_beside_the_one_that_has_replaced_it()
    {
        _rig.StartClaims();
        Completion told = _rig.Complete("a");
        Attempt first = _rig.Take();
        Rename("a", "b", told.Version);
        _rig.Complete("b");

        _rig.Settle(first, AttemptOutcome.Gone.Value);

        Assert.Equal(2, _rig.Take().Job.Id);
        Assert.Equal(JobReason.Superseded, _rig.Job(1).Reason);
    }

    [Fact]
    public void What_waits_for_both_names_of_a_running_job_keeps_no_other_from_a_free_slot()
    {
        _rig.StartClaims(concurrency: 2);
        Completion told = _rig.Complete("a");
        _rig.Take();
        Rename("a", "b", told.Version);
        _rig.Complete("a");
        _rig.Complete("b");
        _rig.Complete("c");

        Assert.Equal("c", _rig.Take().Job.Path.ToString());
    }

    private void Rename(string from, string to, FileVersion version) => _rig.Complete(
        to, version, Evidence.Renamed, change: told => told with { RenamedFrom = BytePath.Parse(from) });
}
