namespace AutoCrunch.Core.Tests;

/// <summary>
/// Situations that cannot easily be made with real parts, and the very sentence that <c>explain</c> gives for each.
/// </summary>
public sealed class ExplainerTests
{
    private const long SecondNs = 1_000_000_000;
    private const long NowNs = 1_700_000_000 * SecondNs;
    private static readonly FileVersion s_version = new(7, 1000, NowNs - (3600 * SecondNs));

    private static readonly ExplanationFacts s_there = new(
        new WatchRule
        {
            Name = "raw", Path = BytePath.Parse("/in"), Retry = new RetryPolicy(3, TimeSpan.Zero, TimeSpan.Zero, []),
        },
        BytePath.Parse("d/a.raw"),
        new DiskFacts(new FileStat(FileType.Regular, 1, 7, 1000, s_version.MtimeNs, NowNs, 0, 0b110_100_100, 1)),
        new ServiceFacts(ServiceAnswer.Running),
        new LedgerFacts(),
        NowNs) { Concurrency = 2 };

    [Fact]
    public void A_file_nobody_has_looked_at_yet_waits_for_a_rescan() => Says(
        s_there, ExplanationReason.NotSeenYet,
        "It has not been judged yet; a rescan would find it, every 5 min.",
        "Wait for the next rescan, or have it processed now: autocrunch submit.");

    [Fact]
    public void A_file_nobody_has_looked_at_yet_that_is_written() => Says(
        s_there with
        {
            Disk = s_there.Disk with
            {
                Writers = [new(12, BytePath.Parse("rsync")), new(13, BytePath.Parse("cp"))],
            },
        },
        ExplanationReason.NotSeenYet,
        "It has not been judged yet; a rescan would find it, every 5 min. It is open for writing, by rsync (pid 12) "
            + "and cp "
            + "(pid 13).",
        "Wait for the next rescan, or have it processed now: autocrunch submit.");

    [Fact]
    public void A_file_on_a_network_file_system() => Says(
        With(new ServiceFacts(ServiceAnswer.Running) { Coverage = Coverage.Remote }), ExplanationReason.NotSeenYet,
        "It has not been judged yet: it is on a network file system, where only rescans show what other machines "
            + "do, every "
            + "5 min.",
        "Wait for the next rescan.");

    [Fact]
    public void A_file_while_the_tree_is_scanned() => Says(
        With(new ServiceFacts(ServiceAnswer.Running) { IsScanning = true }), ExplanationReason.WaitsForScan,
        "It has not been judged yet: a scan of rule raw is under way.",
        "Wait for the scan (autocrunch sync).");

    [Fact]
    public void A_file_when_the_configuration_was_changed_since_the_start() => Says(
        With(new ServiceFacts(ServiceAnswer.Running) { HasRule = false }), ExplanationReason.RuleNotRunning,
        "It has not been judged yet: the service runs without rule raw as it is configured now, as the "
            + "configuration was "
            + "changed after its start.",
        "Restart the service (systemctl restart autocrunch).");

    [Fact]
    public void A_file_when_the_service_must_not_be_asked() => Says(
        With(new ServiceFacts(ServiceAnswer.NotAsked) { Problem = "it is allowed to root" }),
        ExplanationReason.ServiceNotAsked,
        "It has not been judged yet, as far as the ledger tells; what the service knows could not be asked: it is "
            + "allowed "
            + "to root.",
        "Ask as root: sudo autocrunch explain /in/d/a.raw.");

    [Fact]
    public void A_file_in_flight_whose_writer_cannot_be_told() => Says(
        InFlight(InFlightState.WaitsForWriter, untilNs: NowNs + (40 * SecondNs)), ExplanationReason.WaitsForWriter,
        "It was not seen closed, and the service cannot tell whether anybody has it open; it looks again in 40 s.",
        "Wait for the writer to close it; with AmbientCapabilities=CAP_LEASE in its unit the service could tell.");

    [Fact]
    public void A_file_in_flight_that_the_service_cannot_look_at() => Says(
        InFlight(InFlightState.Unreadable, untilNs: NowNs + (4 * SecondNs)), ExplanationReason.Unreadable,
        "The service cannot look at it; it tries again in 4 s.",
        "Give the service's user access to it and to every directory above it (namei -l /in/d/a.raw shows them).");

    [Fact]
    public void A_file_that_is_written_by_somebody_who_is_hidden() => Says(
        InFlight(InFlightState.BeingWritten, untilNs: null), ExplanationReason.BeingWritten,
        "It is still being written; last sign of life 9 s ago.",
        "Wait until it is closed; if its writer hangs, end it (fuser -v /in/d/a.raw tells its pid) and send the file "
            + "again.");

    [Fact]
    public void A_file_that_is_looked_at_just_now() => Says(
        InFlight(InFlightState.Asked, untilNs: null), ExplanationReason.BeingLookedAt,
        "It is being looked at just now.", "Ask again in a second.");

    [Fact]
    public void A_file_whose_events_were_lost() => Says(
        InFlight(InFlightState.WaitsForScan, untilNs: null), ExplanationReason.WaitsForScan,
        "Events were lost, so the scan that is under way decides.", "Wait for the scan (autocrunch sync).");

    [Fact]
    public void A_new_version_that_arrives_while_the_old_one_is_processed() => Says(
        InFlight(InFlightState.WaitsForQuiet, untilNs: NowNs + (3 * SecondNs)) with
        {
            Ledger = Ledger(Job(JobState.Running)),
        },
        ExplanationReason.WaitsForQuiet,
        "It is closed and its quiet period runs: if nothing more happens to it, it counts as finished in 3 s. Job "
            + "12 runs "
            + "for what was there before.",
        "Wait; what is sent with its modification time (rsync -t) needs no quiet period.");

    [Fact]
    public void A_stale_temporary_that_a_scan_found() => Says(
        s_there with
        {
            Path = BytePath.Parse(".a.raw.AbC123"),
            Ledger = new LedgerFacts
            {
                Entry = new KnownEntry(s_version, EntryState.Held, 0, null, null) { Held = HoldReason.TemporaryName },
            },
        },
        ExplanationReason.HeldTemporaryName,
        "Held: found by a scan under a name shaped like one of rsync's temporaries.",
        "If it is a leftover, delete it; if it is a real file, rename it; to run it as it is: autocrunch submit "
            + "--rule raw "
            + "/in/.a.raw.AbC123.");

    [Fact]
    public void A_job_that_was_cancelled_by_hand() => Says(
        Done(JobState.Cancelled, JobReason.ByHand), ExplanationReason.CancelledByHand,
        "Job 12 was cancelled by hand 3 min ago.", "To run it all the same: autocrunch retry 12.");

    [Fact]
    public void A_job_whose_file_was_gone_and_is_back() => Says(
        Done(JobState.Cancelled, JobReason.Gone), ExplanationReason.CancelledGone,
        "The file was gone when job 12 was to start, 3 min ago.", "To run it now: autocrunch retry 12.");

    [Fact]
    public void A_job_whose_file_was_replaced_before_it_started() => Says(
        Done(JobState.Cancelled, JobReason.Superseded) with
        {
            Ledger = Ledger(Job(JobState.Cancelled, JobReason.Superseded), EntryState.Changed),
        },
        ExplanationReason.Changed,
        "It is not the version that was judged last (job 12 for that was called off), and what is there now has not "
            + "been "
            + "judged yet; a rescan would find it, every 5 min.",
        "Wait for the next rescan, or have it processed now: autocrunch submit.");

    [Fact]
    public void A_job_whose_file_cannot_be_looked_at_by_whoever_asks() => Says(
        Done(JobState.Cancelled, JobReason.Superseded) with
        {
            Disk = new DiskFacts((FileStat?)null) { Problem = "Permission denied" },
        },
        ExplanationReason.Superseded,
        "Job 12 was called off 3 min ago: the file was replaced, or changed, before it started.",
        "The new version runs when it has finished arriving; to run what is there now: autocrunch submit --rule raw "
            + "/in/d/a.raw.");

    [Fact]
    public void A_job_while_the_disk_of_the_ledger_is_full() => Says(
        Queued() with { Service = new ServiceFacts(ServiceAnswer.Running) { LedgerPaused = "disk full" } },
        ExplanationReason.LedgerPaused,
        "Job 12 waits: the ledger cannot be written (disk full).", "Mend that: it goes on by itself.");

    [Fact]
    public void A_job_of_a_rule_that_is_paused_by_hand() => Says(
        Queued() with { Ledger = Ledger(Job(JobState.Queued)) with { RulePaused = "by hand" } },
        ExplanationReason.RulePaused,
        "Job 12 waits: rule raw is paused, by hand.", "Let the rule go on: autocrunch resume raw.");

    [Fact]
    public void A_job_that_was_put_off() => Says(
        Queued() with { Ledger = Ledger(Job(JobState.Queued) with { DueNs = NowNs + (90 * SecondNs) }) },
        ExplanationReason.PutOff,
        "Job 12 was put off, as its file could not be looked at; the next try is in 90 s.",
        "Give the service's user access to it and to every directory above it (namei -l /in/d/a.raw shows them).");

    [Fact]
    public void A_job_before_the_first_scan_has_ended() => Says(
        Queued() with { Ledger = Ledger(Job(JobState.Queued)) with { FirstScanDone = false } },
        ExplanationReason.WaitsForFirstScan,
        "Job 12 waits for the end of the first scan of rule raw.", "Wait for the scan (autocrunch sync).");

    [Fact]
    public void A_job_behind_another_of_the_same_path() => Says(
        Queued() with { Ledger = Ledger(Job(JobState.Queued)) with { RunningOfPath = 11 } },
        ExplanationReason.QueuedBehindItself,
        "Job 12 waits for job 11 of the same path, which runs.", "Wait for job 11.");

    [Fact]
    public void A_job_when_all_slots_of_all_rules_are_taken() => Says(
        Queued() with
        {
            MaxRunning = 4,
            Ledger = Ledger(Job(JobState.Queued)) with { RunningOfAll = 4, Ahead = 1000, IsAheadCut = true },
        },
        ExplanationReason.Queued,
        "Job 12 waits for a free slot: more than 1000 jobs are before it, and 4 of all rules run.",
        "Wait, or raise MaxRunning (now 4) and restart the service (systemctl restart autocrunch).");

    [Fact]
    public void A_job_that_is_about_to_start() => Says(
        Queued(), ExplanationReason.Queued, "Job 12 is about to start.", "Ask again in a second.");

    [Fact]
    public void A_file_that_is_gone_before_its_job_started() => Says(
        Queued() with { Disk = new DiskFacts((FileStat?)null) }, ExplanationReason.Gone,
        "It is gone; job 12, which waits, is called off when its turn comes.",
        "Send it again: it runs when it has finished arriving.");

    [Fact]
    public void A_file_that_was_adopted() => Says(
        s_there with
        {
            Ledger = new LedgerFacts { Entry = new KnownEntry(s_version, EntryState.Present, 0, null, null) },
        },
        ExplanationReason.LeftAlone,
        "It is recorded as done without a job: it was there when such files were to be left alone, it was adopted, "
            + "or its "
            + "history was forgotten (KeepHistory).",
        "To run it: autocrunch submit --rule raw /in/d/a.raw.");

    [Fact]
    public void A_file_that_whoever_asks_may_not_look_at() => Says(
        s_there with { Disk = new DiskFacts((FileStat?)null) { Problem = "Permission denied" } },
        ExplanationReason.NotLookedAt,
        "The user who asks cannot look at it (Permission denied), and rule raw has no record of it.",
        "Ask as root: sudo autocrunch explain /in/d/a.raw.");

    [Fact]
    public void A_file_that_was_moved_when_its_job_had_succeeded()
    {
        var moved = new Disposal
        {
            Id = 1, JobId = 12, Kind = DisposalKind.Move, Source = s_there.AbsolutePath, Version = s_version,
            Destination = BytePath.Parse("/done/a.raw"), State = DisposalState.Done,
        };
        Says(
            s_there with
            {
                Disk = new DiskFacts((FileStat?)null),
                Ledger = Ledger(Job(JobState.Succeeded), EntryState.Gone) with { Disposal = moved },
            },
            ExplanationReason.Succeeded,
            "Job 12 succeeded 3 min ago (attempt 0). Its file was then moved to /done/a.raw.",
            $"Move it back, then: autocrunch submit --rule {s_there.Rule.Name} {s_there.AbsolutePath}. Or: "
                + "Send it again: it runs when it has finished arriving.");
    }

    [Fact]
    public void A_path_that_is_too_long()
    {
        var path = new BytePath(Enumerable.Repeat((byte)'a', 4092).ToArray());
        Says(s_there with { Path = path }, ExplanationReason.PathTooLong,
            "Its path is longer than any program can open (4095 bytes).", "Move it further up.");
    }

    [Fact]
    public void Every_reason_has_words_of_its_own() => Assert.Distinct(
        Enum.GetValues<ExplanationReason>().Select(ExplanationText.Of));

    [Theory]
    [InlineData("a/b", false)]
    [InlineData(".a/b", true)]
    [InlineData("a/.b/c/d", true)]
    [InlineData("a/b/.c", true)]
    [InlineData("", false)]
    public void An_ignored_directory_is_found_at_any_depth(string directory, bool isIgnored) => Assert.Equal(
        isIgnored, PathScope.OfDirectory(s_there.Rule, BytePath.Parse(directory)) is { Scope: Scope.IgnoredDirectory });

    private static void Says(ExplanationFacts facts, ExplanationReason reason, string sentence, string remedy) =>
        Assert.Equal(new Explanation(reason, sentence, remedy), Explainer.Of(facts));

    private static ExplanationFacts With(ServiceFacts service) => s_there with { Service = service };

    private static ExplanationFacts InFlight(InFlightState state, long? untilNs) =>
        With(new ServiceFacts(ServiceAnswer.Running)
        {
            InFlight = new InFlight("raw", s_there.Path, state, NowNs, NowNs - (9 * SecondNs)) { UntilNs = untilNs },
        });

    private static ExplanationFacts Queued() => s_there with { Ledger = Ledger(Job(JobState.Queued)) };

    private static ExplanationFacts Done(JobState state, JobReason reason) =>
        s_there with { Ledger = Ledger(Job(state, reason)) };

    private static LedgerFacts Ledger(Job job, EntryState state = EntryState.Present) => new()
    {
        Entry = new KnownEntry(s_version, state, 0, job.State, job.Reason), Jobs = [job],
    };

    private static Job Job(JobState state, JobReason? reason = null) => new()
    {
        Id = 12, Rule = "raw", Path = s_there.Path, Version = s_version, Evidence = Evidence.Quiet, State = state,
        Reason = reason, DueNs = NowNs, CompletedNs = NowNs, FinishedNs = NowNs - (200 * SecondNs),
    };
}
