namespace AutoCrunch.Core.Tests;

public sealed class ArrivalDecisionTests
{
    private const long Born = 1_000;

    private static readonly FileVersion s_version = new(7, 100, 5);
    private static readonly FileVersion s_other = new(8, 100, 5);
    private static readonly CompletionPolicy s_policy = new();
    private static readonly CompletionPolicy s_onlyNew = new() { Updates = ProcessPolicy.Ignore };

    private static readonly (JobState? State, JobReason? Reason)[] s_jobs =
    [
        (null, null), (JobState.Queued, null), (JobState.Running, null), (JobState.Succeeded, null),
        (JobState.Failed, null), (JobState.Cancelled, JobReason.Gone), (JobState.Cancelled, JobReason.Superseded),
        (JobState.Cancelled, JobReason.ByHand),
    ];

    [Fact]
    public void A_new_name_gets_a_job() => Assert.Equal(ArrivalAction.Job, Of(Arrived(), null));

    [Theory]
    [InlineData(JobState.Queued)]
    [InlineData(JobState.Running)]
    [InlineData(JobState.Succeeded)]
    [InlineData(JobState.Failed)]
    [InlineData(null)]
    public void A_version_that_is_known_gets_no_second_job(JobState? job) =>
        Assert.Equal(ArrivalAction.Nothing, Of(Arrived(), Known(job: job)));

    [Fact]
    public void Another_version_gets_a_job() =>
        Assert.Equal(ArrivalAction.Job, Of(Arrived(), Known(version: s_other, job: JobState.Succeeded)));

    [Theory]
    [InlineData(7ul, 100, 6)]
    [InlineData(7ul, 101, 5)]
    [InlineData(8ul, 100, 5)]
    public void Inode_size_and_mtime_each_make_another_version(ulong inode, long size, long mtime) =>
        Assert.Equal(
            ArrivalAction.Job, Of(Arrived(new FileVersion(inode, size, mtime)), Known(job: JobState.Succeeded)));

    [Theory]
    [InlineData(Evidence.MtimeSet)] // the clock was set: an mtime that a sender sets makes another version
    [InlineData(Evidence.Renamed)]
    [InlineData(Evidence.Quiet)]
    [InlineData(Evidence.Found)]
    public void A_held_version_gets_no_job_whatever_speaks_for_it_later(Evidence evidence) =>
        Assert.Equal(ArrivalAction.Nothing, Of(Arrived() with { Evidence = evidence }, Held()));

    [Fact]
    public void A_held_file_gets_its_job_when_its_sender_finishes_it() => Assert.Equal(
        ArrivalAction.Job, Of(Arrived(s_other) with { Evidence = Evidence.MtimeSet }, Held()));

    [Theory]
    [InlineData(1, 9, true)]
    [InlineData(2, 9, false)]   // it may be at both places
    [InlineData(1, 8, false)]   // another file on its inode
    [InlineData(1, 0, false)]   // not known
    public void A_file_with_one_link_and_the_same_birth_has_left_its_old_name(uint links, long birthNs, bool expected)
    {
        Completion arrived = Arrived();
        arrived = arrived with { Stat = arrived.Stat with { LinkCount = links, BirthNs = birthNs } };

        Assert.Equal(expected, ArrivalDecision.HasLeft(Known(job: JobState.Succeeded) with { BirthNs = 9 }, arrived));
    }

    [Fact]
    public void A_held_version_gets_its_job_when_the_rule_does_not_hold_it_any_more() => Assert.Equal(
        ArrivalAction.Job, Of(Arrived(), Held(), policy: s_policy with { OwnerOnly = HoldPolicy.Process }));

    [Fact]
    public void Another_version_of_a_held_file_gets_a_job() =>
        Assert.Equal(ArrivalAction.Job, Of(Arrived(s_other), Held()));

    [Fact]
    public void A_held_file_stays_held_under_whatever_name()
    {
        Completion renamed = Arrived() with { RenamedFrom = BytePath.Parse("old") };
        foreach (ProcessPolicy renames in Enum.GetValues<ProcessPolicy>())
            foreach (EntryState state in new[] { EntryState.Held, EntryState.Gone })
                Assert.Equal(
                    ArrivalAction.MoveEntry,
                    Of(renamed, null, Held() with { State = state }, s_policy with { Renames = renames }));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(Born - 1)]
    [InlineData(Born + 1)]
    public void A_file_that_was_gone_is_a_new_arrival_unless_it_is_known_to_be_the_old_one(long birthNs)
    {
        foreach (KnownEntry known in new[] { Known(job: JobState.Succeeded), Held() })
            Assert.Equal(
                ArrivalAction.Job, Of(Arrived(birthNs: birthNs), known with { State = EntryState.Gone }));
    }

    [Fact]
    public void The_very_file_that_was_gone_makes_no_job_when_it_is_back()
    {
        foreach (JobState? job in new JobState?[] { null, JobState.Running, JobState.Succeeded, JobState.Failed })
            foreach (Evidence evidence in Enum.GetValues<Evidence>())
                Assert.Equal(
                    ArrivalAction.ReviveEntry,
                    Of(Arrived(birthNs: Born) with { Evidence = evidence }, Known(EntryState.Gone, job: job)));
        Assert.Equal(
            ArrivalAction.ReviveEntry,
            Of(Arrived(birthNs: Born), Known(EntryState.Gone, job: JobState.Cancelled, reason: JobReason.ByHand)));
        Assert.Equal(
            ArrivalAction.Job, Of(Arrived(s_other, birthNs: Born), Known(EntryState.Gone, job: JobState.Succeeded)));
    }

    [Fact]
    public void A_file_that_is_back_leaves_the_entry_of_its_other_link_to_that()
    {
        KnownEntry gone = Known(EntryState.Gone, job: JobState.Succeeded);
        Completion back = Arrived(birthNs: Born) with { Evidence = Evidence.MtimeSet };
        Assert.Equal(ArrivalAction.ReviveEntry, Of(back, gone, source: gone));
        Assert.Equal(
            ArrivalAction.MoveEntry, Of(back with { RenamedFrom = BytePath.Parse("old") }, gone, source: gone));
    }

    [Fact]
    public void The_very_file_that_was_gone_before_its_job_ran_has_it_again_when_it_is_back() => Assert.Equal(
        ArrivalAction.ReviveEntry,
        Of(Arrived(birthNs: Born), Known(EntryState.Gone, job: JobState.Cancelled, reason: JobReason.Gone)));

    [Fact]
    public void A_held_file_that_was_gone_is_held_when_it_is_back_unless_its_sender_has_finished_it()
    {
        KnownEntry gone = Held() with { State = EntryState.Gone };
        Completion back = Arrived(birthNs: Born);
        Assert.Equal(ArrivalAction.ReviveEntry, Of(back, gone));
        Assert.Equal(ArrivalAction.Job, Of(back with { Evidence = Evidence.MtimeSet }, gone));
        Assert.Equal(ArrivalAction.Job, Of(back, gone, policy: s_policy with { OwnerOnly = HoldPolicy.Process }));
    }

    [Fact]
    public void A_file_moved_out_and_in_runs_again_only_where_renames_do()
    {
        KnownEntry gone = Known(EntryState.Gone, job: JobState.Succeeded);
        CompletionPolicy policy = s_policy with { Renames = ProcessPolicy.Process };
        Assert.Equal(ArrivalAction.Job, Of(Arrived(birthNs: Born), gone, policy: policy));
        Completion found = Arrived(birthNs: Born) with { Evidence = Evidence.Found };
        Assert.Equal(ArrivalAction.ReviveEntry, Of(found, gone, policy: policy));
    }

    [Fact]
    public void A_held_file_that_was_renamed_and_touched_is_held_also_where_it_is_gone_from_its_old_name()
    {
        Completion touched = Arrived(s_version with { MtimeNs = 0 }, Born) with { RenamedFrom = BytePath.Parse("old") };
        touched = touched with { Stat = touched.Stat with { Mode = 0x180 } };
        KnownEntry gone = Held() with { State = EntryState.Gone };
        Assert.Equal(ArrivalAction.MoveEntry, Of(touched, null, Held()));
        Assert.Equal(ArrivalAction.MoveEntry, Of(touched, null, gone));
        Assert.Equal(ArrivalAction.Job, Of(touched, null, gone with { BirthNs = Born + 1 }));

        // Nobody tells where it came from: its birth does.
        Assert.Equal(ArrivalAction.MoveEntry, Of(touched with { RenamedFrom = null }, null, gone));
        Assert.True(ArrivalDecision.HasLeft(Held(), touched));
    }

    [Fact]
    public void A_file_seen_changed_before_its_attempt_is_new_even_with_the_same_version() => Assert.Equal(
        ArrivalAction.Job,
        Of(Arrived(), Known(EntryState.Changed, job: JobState.Cancelled, reason: JobReason.Superseded)));

    [Fact]
    public void A_renamed_file_takes_its_entry_along()
    {
        Completion renamed = Arrived() with { RenamedFrom = BytePath.Parse("old") };
        foreach (EntryState state in new[] { EntryState.Present, EntryState.Gone })
            foreach (JobState? job in new JobState?[] { null, JobState.Running, JobState.Succeeded, JobState.Failed })
                Assert.Equal(ArrivalAction.MoveEntry, Of(renamed, null, Known(state, job: job)));
        Assert.Equal(ArrivalAction.MoveEntry, Of(renamed, null, Known(job: JobState.Queued)));
        Assert.Equal(
            ArrivalAction.MoveEntry,
            Of(renamed, Known(version: s_other, job: JobState.Succeeded), Known(job: JobState.Succeeded)));
    }

    [Fact]
    public void A_renamed_file_takes_a_job_that_was_called_off_along_unless_it_was_seen_to_differ()
    {
        Completion renamed = Arrived() with { RenamedFrom = BytePath.Parse("old") };
        foreach (JobReason reason in new[] { JobReason.Gone, JobReason.Superseded })
            Assert.Equal(
                ArrivalAction.MoveEntry,
                Of(renamed, null, Known(EntryState.Gone, job: JobState.Cancelled, reason: reason)));
        Assert.Equal(
            ArrivalAction.Job,
            Of(renamed, null, Known(EntryState.Changed, job: JobState.Cancelled, reason: JobReason.Superseded)));
    }

    [Fact]
    public void Where_a_file_is_known_under_several_names_what_was_processed_or_held_says_most()
    {
        Completion renamed = Arrived() with { RenamedFrom = BytePath.Parse("old") };
        int Rank(KnownEntry source) => ArrivalDecision.RankOf(source, renamed, new CompletionPolicy());

        Assert.Equal(2, Rank(Known(job: JobState.Succeeded)));
        Assert.Equal(2, Rank(Known(EntryState.Held) with { Held = HoldReason.ZeroMtime }));
        Assert.Equal(1, Rank(Known(job: JobState.Cancelled, reason: JobReason.Gone)));
        Assert.Equal(1, Rank(Known(job: JobState.Queued)));
        Assert.Equal(0, Rank(Known(EntryState.Changed, job: JobState.Succeeded)));
    }

    [Fact]
    public void A_held_name_that_is_gone_was_not_processed() => Assert.Equal(
        [true, true, false],
        new[]
        {
            Known(EntryState.Held) with { Held = HoldReason.ZeroMtime },
            Known(EntryState.Gone) with { Held = HoldReason.ZeroMtime },
            Known(EntryState.Gone) with { Held = HoldReason.ZeroMtime, IsUpdate = true },
        }.Select(known => known.IsUnprocessed));

    [Fact]
    public void A_job_cancelled_by_hand_does_not_come_back_by_a_rename() => Assert.Equal(
        ArrivalAction.MoveEntry,
        Of(Arrived() with { RenamedFrom = BytePath.Parse("old") }, null,
            Known(job: JobState.Cancelled, reason: JobReason.ByHand)));

    [Fact]
    public void A_file_that_was_written_before_it_was_renamed_is_an_arrival() => Assert.Equal(
        ArrivalAction.Job,
        Of(Arrived() with { RenamedFrom = BytePath.Parse("old") }, null,
            Known(version: s_other, job: JobState.Succeeded)));

    [Fact]
    public void Renames_Process_makes_a_job() => Assert.Equal(
        ArrivalAction.Job,
        Of(Arrived() with { RenamedFrom = BytePath.Parse("old") }, null, Known(job: JobState.Succeeded),
            s_policy with { Renames = ProcessPolicy.Process }));

    [Fact]
    public void A_scan_takes_a_file_for_renamed_only_if_it_was_not_born_at_another_time()
    {
        KnownEntry source = Known(EntryState.Gone, job: JobState.Succeeded);
        Completion found = Arrived(birthNs: Born) with { Evidence = Evidence.Found };

        Assert.Equal(ArrivalAction.MoveEntry, Of(found, null, source));
        Assert.Equal(
            ArrivalAction.Job,
            Of(Arrived(birthNs: Born + 1) with { Evidence = Evidence.Found }, null, source));
        Assert.Equal(ArrivalAction.MoveEntry, Of(Arrived(birthNs: 0) with { Evidence = Evidence.Found }, null, source));
        Assert.Equal(ArrivalAction.MoveEntry, Of(found, null, source with { BirthNs = 0 }));
        Assert.Equal(ArrivalAction.MoveEntry, Of(found with { Evidence = Evidence.MtimeSet }, null, source));
        foreach (Evidence evidence in new[] { Evidence.MtimeSet, Evidence.Renamed })
            Assert.Equal(ArrivalAction.Job, Of(found with { Evidence = evidence }, null, source with { BirthNs = 0 }));
    }

    [Fact]
    public void Updates_Ignore_takes_only_names_that_were_never_processed()
    {
        foreach ((EntryState state, JobState? job, JobReason? reason) in AllEntries())
        {
            ArrivalAction action = Of(Arrived(), Known(state, s_other, job, reason), policy: s_onlyNew);

            bool wasProcessed = state != EntryState.Changed && job is not JobState.Queued
                && !(job is null && state == EntryState.Held)
                && !(job is JobState.Cancelled && reason is not JobReason.ByHand);
            Assert.Equal(wasProcessed ? ArrivalAction.RecordOnly : ArrivalAction.Job, action);
        }
    }

    [Fact]
    public void Existing_files_are_recorded_only_if_the_rule_says_so()
    {
        Completion existing = Arrived() with { IsExisting = true };

        Assert.Equal(ArrivalAction.Job, Of(existing, null));
        Assert.Equal(ArrivalAction.RecordOnly, Of(existing, null, existing: ProcessPolicy.Ignore));
        Assert.Equal(ArrivalAction.Job, Of(Arrived(), null, existing: ProcessPolicy.Ignore));
    }

    [Fact]
    public void Under_the_default_policy_no_version_is_ever_dropped()
    {
        foreach ((EntryState state, JobState? job, JobReason? reason) in AllEntries())
            foreach (FileVersion version in new[] { s_version, s_other })
            {
                KnownEntry known = Known(state, version, job, reason);
                ArrivalAction action = Of(Arrived(), known);

                Assert.NotEqual(ArrivalAction.RecordOnly, action);
                Assert.NotEqual(ArrivalAction.MoveEntry, action);
                if (action == ArrivalAction.Nothing)
                    Assert.True(version == s_version && state is EntryState.Present or EntryState.Held);
            }
    }

    [Theory]
    [InlineData(EntryState.Present, true, ChangeAction.Adopt)]
    [InlineData(EntryState.Present, false, ChangeAction.SupersedeAndExpect)]
    [InlineData(EntryState.Changed, true, ChangeAction.SupersedeAndExpect)]
    [InlineData(EntryState.Changed, false, ChangeAction.SupersedeAndExpect)]
    [InlineData(EntryState.Held, true, ChangeAction.Supersede)]
    [InlineData(EntryState.Gone, true, ChangeAction.Supersede)]
    public void What_was_seen_changed_before_an_attempt_is_expected_again_unless_it_is_recorded(
        EntryState state, bool isRecordedVersion, ChangeAction expected)
    {
        KnownEntry known = Known(state, s_version, JobState.Running);

        FileVersion observed = isRecordedVersion ? s_version : s_other;
        Assert.Equal(expected, ArrivalDecision.OfChange(observed, known, isLatest: true));
        Assert.Equal(ChangeAction.Supersede, ArrivalDecision.OfChange(observed, known, isLatest: false));
        Assert.Equal(ChangeAction.Supersede, ArrivalDecision.OfChange(observed, null, isLatest: false));
    }

    private static IEnumerable<(EntryState State, JobState? Job, JobReason? Reason)> AllEntries() =>
        from state in Enum.GetValues<EntryState>()
        from job in s_jobs
        select (state, job.State, job.Reason);

    private static ArrivalAction Of(
        Completion completion, KnownEntry? known, KnownEntry? source = null, CompletionPolicy? policy = null,
        ProcessPolicy existing = ProcessPolicy.Process) =>
        ArrivalDecision.Of(completion, policy ?? s_policy, existing, known, source);

    private static KnownEntry Known(
        EntryState state = EntryState.Present, FileVersion? version = null, JobState? job = null,
        JobReason? reason = null) =>
        new(version ?? s_version, state, Born, job, reason);

    private static KnownEntry Held() => Known(EntryState.Held) with { Held = HoldReason.OwnerOnly };

    private static Completion Arrived(FileVersion? version = null, long birthNs = 0)
    {
        FileVersion v = version ?? s_version;
        var stat = new FileStat(FileType.Regular, 1, v.Inode, v.SizeBytes, v.MtimeNs, 0, birthNs, 0x1A4, 1);
        return new Completion("raw", BytePath.Parse("new"), stat, Evidence.Renamed, 1, 2);
    }
}
