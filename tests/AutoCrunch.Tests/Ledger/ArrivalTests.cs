using AutoCrunch.Core;

namespace AutoCrunch.Tests.Ledger;

public sealed class ArrivalTests : IDisposable
{
    private readonly LedgerRig _rig = new LedgerRig().Open();

    public void Dispose() => _rig.Dispose();

    [Theory]
    [InlineData("a.raw")]
    [InlineData("run 1/b/c.raw")]
    [InlineData(@"\xFF\xFE/\x0A'\xC3.raw")]
    public void A_completion_becomes_a_job_that_carries_it_unchanged(string path)
    {
        Completion told = _rig.Complete(path, evidence: Evidence.MtimeSet);

        Attempt attempt = _rig.StartClaims().Take();

        Assert.Equal(1, attempt.Number);
        Assert.Equal(BytePath.Parse(path), attempt.Job.Path);
        Assert.Equal(told.Version, attempt.Job.Version);
        Assert.Equal(Evidence.MtimeSet, attempt.Job.Evidence);
        Assert.Equal((told.ArrivedNs, told.CompletedNs), (attempt.Job.ArrivedNs, attempt.Job.CompletedNs));
        Assert.Equal(attempt.Job, _rig.Job(attempt.Job.Id));
    }

    [Fact]
    public void Extreme_versions_are_kept_exactly()
    {
        var version = new FileVersion(ulong.MaxValue, long.MaxValue, long.MinValue);

        _rig.Complete("a", version);

        Assert.Equal(version, _rig.Jobs().Single().Version);
    }

    [Fact]
    public void A_version_that_comes_again_makes_no_second_job_also_after_a_restart()
    {
        FileVersion version = _rig.NewVersion();
        _rig.Complete("a", version);
        _rig.Complete("a", version, Evidence.Found);
        _rig.Reopen();
        _rig.Complete("a", version, Evidence.Found);
        _rig.CrashAndReopen();
        _rig.Complete("a", version, Evidence.Quiet);

        Assert.Equal(["a:Queued"], _rig.Story());
    }

    [Fact]
    public void A_new_version_supersedes_the_queued_job()
    {
        _rig.Complete("a");
        _rig.Complete("b");
        Completion second = _rig.Complete("a");

        Assert.Equal(["a:Cancelled/Superseded", "b:Queued", "a:Queued"], _rig.Story());
        Assert.Equal(second.Version, _rig.Jobs()[2].Version);
        Assert.Equal(_rig.Jobs()[0].Id, _rig.Jobs()[2].PreviousId);
    }

    [Fact]
    public void A_new_version_waits_for_the_running_job_of_its_path()
    {
        _rig.StartClaims(concurrency: 5);
        _rig.Complete("a");
        Attempt first = _rig.Take();
        _rig.Complete("a");
        Completion third = _rig.Complete("a");
        _rig.Complete("b");
        Attempt other = _rig.Take();
        _rig.AssertNothingClaimed();
        Assert.Equal("b", other.Job.Path.ToString());

        _rig.Succeed(first);

        Assert.Equal(third.Version, _rig.Take().Job.Version);
        Assert.Equal(["a:Succeeded", "a:Cancelled/Superseded", "a:Running", "b:Running"], _rig.Story());
    }

    [Fact]
    public void A_failed_job_whose_file_was_replaced_meanwhile_leaves_the_field_to_the_new_one()
    {
        _rig.StartClaims();
        _rig.Complete("a");
        Attempt first = _rig.Take();
        Completion second = _rig.Complete("a");

        _rig.Settle(first, new AttemptOutcome.Failed("exited with code 1", 1));

        Assert.Equal(second.Version, _rig.Take().Job.Version);
        Assert.Equal(["a:Cancelled/Superseded", "a:Running"], _rig.Story());
        Assert.Equal(AttemptResult.Failed, _rig.Read(reader => reader.Attempts(first.Job.Id)).Single().Result);
    }

    [Fact]
    public void A_deleted_file_cancels_its_queued_job_and_comes_back_as_an_arrival()
    {
        FileVersion version = _rig.NewVersion();
        _rig.Complete("d/a", version);
        _rig.Ledger.KnownFiles.Gone("raw", BytePath.Parse("d/a"));
        Assert.Equal(["d/a:Cancelled/Gone"], _rig.Story());

        _rig.Complete("d/a", version);

        Assert.Equal(["d/a:Cancelled/Gone", "d/a:Queued"], _rig.Story());
    }

    [Fact]
    public void A_deleted_directory_takes_along_what_is_in_it_and_nothing_beside_it()
    {
        foreach (string path in new[] { "d/a", "d/e/f", "d", "d.x/a", "da/b", @"d\xFF/a", "d/" + new string('n', 255) })
            _rig.Complete(path);

        _rig.Ledger.KnownFiles.DirectoryGone("raw", BytePath.Parse("d"), 0);

        Assert.Equal(
            ["d:Queued", "d.x/a:Queued", "da/b:Queued", @"d\xFF/a:Queued"],
            _rig.Story().Where(line => line.EndsWith("Queued", StringComparison.Ordinal)));
        _rig.Ledger.KnownFiles.DirectoryGone("raw", BytePath.Empty, 0);
        Assert.DoesNotContain(_rig.Jobs(), job => job.State == JobState.Queued);
    }

    [Fact]
    public void A_held_file_has_no_job_until_it_completes()
    {
        FileVersion version = _rig.NewVersion();
        _rig.Complete("a");
        _rig.Ledger.KnownFiles.Held("raw", BytePath.Parse("a"), LedgerRig.StatOf(version), HoldReason.OwnerOnly);
        Assert.Equal(["a:Cancelled/Superseded"], _rig.Story());
        Assert.Equal(1, _rig.Read(reader => reader.Counts()).Single().Held);

        _rig.Complete("a", version with { MtimeNs = 5 }, Evidence.MtimeSet);

        Assert.Equal(["a:Cancelled/Superseded", "a:Queued"], _rig.Story());
        Assert.Equal(0, _rig.Read(reader => reader.Counts()).Single().Held);
    }

    [Fact]
    public void A_completed_version_is_not_held_afterwards()
    {
        FileVersion version = _rig.NewVersion();
        _rig.Complete("a", version);
        _rig.Ledger.KnownFiles.Held("raw", BytePath.Parse("a"), LedgerRig.StatOf(version), HoldReason.Unproven);

        Assert.Equal(["a:Queued"], _rig.Story());
        Assert.Equal(0, _rig.Read(reader => reader.Counts()).Single().Held);
    }

    [Fact]
    public void A_touched_file_makes_no_job_also_after_a_restart_and_its_queued_job_follows()
    {
        Completion told = _rig.Complete("a");
        FileVersion touched = told.Version with { MtimeNs = 5 };
        _rig.Ledger.KnownFiles.MetadataChanged("raw", told.Path, LedgerRig.StatOf(touched));
        _rig.Reopen();

        _rig.Complete("a", touched, Evidence.Found);

        Assert.Equal(touched, _rig.Jobs().Single().Version);
        Assert.Equal(touched, _rig.StartClaims().Take().Job.Version);
    }

    [Theory]
    [InlineData(1, 2)]   // it has another link by now
    [InlineData(2, 1)]   // it had one when it completed
    public void A_new_time_of_a_file_with_several_links_is_no_mere_change_of_metadata(uint before, uint now)
    {
        Completion told = _rig.Complete(
            "a", change: file => file with { Stat = file.Stat with { LinkCount = before } });
        FileVersion written = told.Version with { MtimeNs = 5 };
        FileStat stat = LedgerRig.StatOf(written) with { LinkCount = now };
        _rig.Ledger.KnownFiles.MetadataChanged("raw", told.Path, stat);
        _rig.Complete("a", written, Evidence.Found);

        Assert.Equal(["a:Cancelled/Superseded", "a:Queued"], _rig.Story());
    }

    [Fact]
    public void A_new_time_of_a_held_file_is_for_the_next_scan_to_judge()
    {
        FileVersion version = _rig.NewVersion();
        _rig.Ledger.KnownFiles.Held("raw", BytePath.Parse("a"), LedgerRig.StatOf(version), HoldReason.ZeroMtime);
        FileVersion dated = version with { MtimeNs = 5 };
        _rig.Ledger.KnownFiles.MetadataChanged("raw", BytePath.Parse("a"), LedgerRig.StatOf(dated));
        _rig.Complete("a", dated, Evidence.Found);

        Assert.Equal(["a:Queued"], _rig.Story());
    }

    [Fact]
    public void A_change_of_metadata_of_another_file_than_the_one_judged_is_no_verdict()
    {
        Completion told = _rig.Complete("a");
        FileVersion other = told.Version with { SizeBytes = 1 };
        _rig.Ledger.KnownFiles.MetadataChanged("raw", told.Path, LedgerRig.StatOf(other));
        _rig.Complete("a", other, Evidence.Found);

        Assert.Equal(["a:Cancelled/Superseded", "a:Queued"], _rig.Story());
    }

    [Fact]
    public void Updates_Ignore_processes_each_name_once()
    {
        _rig.Reopen(LedgerRig.Rule(completion: new CompletionPolicy { Updates = ProcessPolicy.Ignore }));
        _rig.StartClaims();
        _rig.Complete("a");
        _rig.Succeed(_rig.Take());

        Completion second = _rig.Complete("a");
        _rig.Complete("a", second.Version, Evidence.Found);

        Assert.Equal(["a:Succeeded"], _rig.Story());
        Assert.Equal(
            second.Version, _rig.Read(reader => reader.FindFile("raw", BytePath.Parse("a")))!.Value.Known.Version);
    }

    [Fact]
    public void Existing_files_are_remembered_without_a_job_where_the_rule_says_so()
    {
        _rig.Reopen(LedgerRig.Rule() with { ExistingFiles = ProcessPolicy.Ignore });
        FileVersion version = _rig.NewVersion();
        _rig.Complete("a", version, Evidence.Found, change: told => told with { IsExisting = true });
        _rig.Complete("a", version, Evidence.Found);
        Assert.Empty(_rig.Story());

        _rig.Complete("a");

        Assert.Equal(["a:Queued"], _rig.Story());
    }

    [Fact]
    public void Rules_do_not_know_each_others_files()
    {
        _rig.Reopen(LedgerRig.Rule(), LedgerRig.Rule("other"));
        FileVersion version = _rig.NewVersion();
        _rig.Complete("a", version);
        _rig.Complete("a", version, rule: "other");
        _rig.Ledger.KnownFiles.DirectoryGone("other", BytePath.Empty, 0);

        Assert.Equal([JobState.Queued, JobState.Cancelled], _rig.Jobs().Select(job => job.State));
        Assert.Equal(["raw", "other"], _rig.Jobs().Select(job => job.Rule));
    }
}
