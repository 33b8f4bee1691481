using AutoCrunch.Core;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.EndToEnd;

/// <summary>What survives a stop, a crash and a start.</summary>
public sealed class RestartTests
{
    private static readonly BytePath s_file = BytePath.Parse("f.raw");

    [Fact]
    public void Pain_4_files_dropped_while_the_service_is_down_run_once_and_done_ones_do_not()
    {
        using var service = new ServiceUnderTest();
        service.Start();
        var arena = new Arena(service);
        arena.Runs("new $S/f.raw; rsync -a $S/ $D/; cp $S/f.raw $D/g.raw", "f.raw", "g.raw");
        service.Stop();
        arena.Script("new $S/sub/h.raw; rsync -a $S/ $D/; cp $S/f.raw $D/i.raw");
        service.Start();
        arena.ExpectOneMore([BytePath.Parse("sub/h.raw"), BytePath.Parse("i.raw")]);
        arena.Nothing();
        service.Stop();
        service.Start();
        arena.Nothing();
        service.Stop();
    }

    [Fact]
    public void Pain_16_touch_chmod_and_chown_make_no_job_live_or_at_the_next_start()
    {
        using var service = new ServiceUnderTest();
        service.Start();
        var arena = new Arena(service);
        arena.Runs("new $S/f.raw; rsync -a $S/ $D/; cp $S/f.raw $D/g.raw", "f.raw", "g.raw");
        arena.Runs(
            "touch $D/*.raw; chmod 640 $D/f.raw; chown $(id -u):$(id -g) $D/g.raw; touch -d 2001-01-01 $D/g.raw");
        service.Stop();
        arena.Script("chmod 600 $D/*.raw; chown $(id -u):$(id -g) $D/*.raw");
        service.Start();
        arena.Nothing();
        service.Stop();
    }

    [Fact]
    public void Metadata_changed_in_the_middle_of_a_job_makes_no_second_job()
    {
        using var service = new ServiceUnderTest();
        string release = Path.Combine(service.Base, "release");
        service.Configure(new RuleText { Job = [$"wait-for={release}"] });
        service.Start();
        var arena = new Arena(service);
        arena.Script("new $S/f.raw; rsync -a $S/ $D/");
        service.Until(() => arena.Started().Count == 1, () => "the job");
        arena.Script("touch $D/f.raw; chmod 600 $D/f.raw");
        File.WriteAllText(release, "");
        arena.Expected(s_file);
        arena.Nothing();
        service.Stop();
    }

    [Fact]
    public void Held_files_stay_held_over_a_restart_and_run_when_resumed_while_the_service_is_down()
    {
        using var service = new ServiceUnderTest();
        service.Start();
        var arena = new Arena(service);
        arena.Holds("""
            new $S/f.raw 4194304
            interrupt sender KILL "$D/.f.raw.??????" -a --partial
            """, "f.raw", "mtime 0");
        var killed = new Arena(service);
        killed.Holds("""
            new $S/f.raw 4194304
            interrupt sender KILL $D/f.raw -a --inplace
            """, "f.raw", "killed rsync --inplace");
        service.Stop();
        service.Start();
        arena.Nothing();
        killed.Nothing();
        service.Stop();
        arena.Script("resume -a --partial");
        killed.Script("resume -a --inplace");
        service.Start();
        arena.ExpectOneMore([s_file]);
        killed.ExpectOneMore([s_file]);
        arena.Nothing();
        killed.Nothing();
        service.Stop();
    }

    [Fact]
    public void A_transfer_in_flight_over_a_restart_runs_when_it_ends()
    {
        using var service = new ServiceUnderTest();
        service.Start();
        var arena = new Arena(service);
        arena.Script("""
            new $S/f.raw 6291456; new $S/g.raw 6291456
            slow -a $S/f.raw h:$D/; echo $slow >pids
            midway "$D/.f.raw.??????"
            slow -a --inplace $S/g.raw h:$D/; echo $slow >>pids
            midway "$D/g.raw"
            disown -a
            """);
        service.Stop();
        service.Start();
        arena.Script("for pid in $(cat pids); do while kill -0 $pid 2>/dev/null; do sleep 0.02; done; done");
        arena.ExpectOneMore([s_file, BytePath.Parse("g.raw")]);
        arena.Nothing();
        service.Stop();
    }

    [Fact]
    public void An_attempt_interrupted_by_SIGTERM_runs_again_with_the_next_number()
    {
        using var service = new ServiceUnderTest("""{ "ShutdownGrace": "00:00:01" }""");
        string release = Path.Combine(service.Base, "release");
        service.Configure(new RuleText
        {
            Job = ["children=2", $"wait-for={release}"],
            Retry = """{ "MaxAttempts": 1 }""",
            Dispatcher = """{ "KillGrace": "00:00:01" }""",
        });
        service.Start();
        var arena = new Arena(service);
        arena.Script("new $S/f.raw; rsync -a $S/ $D/");
        service.Until(() => arena.Started().Count == 1, () => "the first attempt");
        service.Stop();
        Assert.Empty(Kill.ProcessesWith("AUTOCRUNCH_PATH=" + service.Base));
        File.WriteAllText(release, "");
        service.Start();
        service.Until(() => arena.Started().LastOrDefault()?.End is not null, () => "the second attempt");
        Assert.Equal([1, 2], arena.Started().Select(record => record.Attempt));
        Assert.Single(arena.Started().Select(record => record.JobId).Distinct());
        service.UntilIdle();
        using (var ledger = new LedgerView(service.Base))
            Assert.Equal(LedgerView.Succeeded, Assert.Single(ledger.Jobs()).State);
        service.Stop();
    }

    [Fact]
    public void Survivors_of_a_killed_service_are_ended_before_their_job_runs_again()
    {
        using var service = new ServiceUnderTest();
        string release = Path.Combine(service.Base, "release");
        service.Configure(new RuleText
        {
            Job = ["ignore-term=", "children=3", $"wait-for={release}"],
            Concurrency = 4,
            Dispatcher = """{ "KillGrace": "00:00:00.500" }""",
        });
        service.Start();
        var arena = new Arena(service);
        arena.Script("for i in 1 2 3; do new $S/f$i.raw; done; rsync -a $S/ $D/");
        service.Until(() => arena.Started().Count == 3, () => "three jobs");
        int[] survivors = [];
        service.Until(
            () => (survivors = Kill.ProcessesWith("AUTOCRUNCH_PATH=" + service.Base)).Length == 12,
                () => "their children");
        service.KillForGood();
        Assert.Equal(survivors, Kill.ProcessesWith("AUTOCRUNCH_PATH=" + service.Base));
        service.Start();
        service.Until(() => arena.Started().Count == 6, () => "three second attempts");
        Assert.Empty(survivors.Intersect(Kill.ProcessesWith("AUTOCRUNCH_PATH=" + service.Base)));
        File.WriteAllText(release, "");
        service.UntilIdle();
        Assert.Equal(3, arena.Started().Count(record => record is { Attempt: 2, End.ExitCode: 0 }));
        Assert.Equal(6, arena.Started().Count);
        service.Stop();
    }

    [Fact]
    public void Nothing_is_lost_or_run_unlabelled_when_the_service_is_killed_again_and_again_in_a_burst()
    {
        const int Count = 600;
        using var service = new ServiceUnderTest(new RuleText { Concurrency = 4 });
        service.Start();
        var arena = new Arena(service);
        for (int life = 0; life < 4; life++)
        {
            int before = service.Records.Read().Count;
            arena.Script($"$TOOL burst $D life{life}- {Count / 4}");
            service.Until(() => service.Records.Read().Count > before + 20, () => "some jobs");
            service.KillForGood();
            service.Start();
        }

        service.Until(
            () => arena.Started().Where(record => record.End is not null).Select(record =>
                record.Path).Distinct().Count()
                == Count,
            () => $"{Count} files processed");
        service.UntilIdle();
        Assert.All(arena.Started().GroupBy(record => record.Path), runs =>
        {
            // An attempt that was killed before its program began has a number and no record.
            int[] attempts = [.. runs.Select(record => record.Attempt)];
            Assert.Equal(attempts.Distinct().Order(), attempts);
            Assert.Single(runs.Select(record => record.JobId).Distinct());
        });
        service.Records.AssertNoOverlap();
        service.Stop();
    }

    [Fact]
    public void Queued_jobs_run_once_at_the_next_start()
    {
        using var service = new ServiceUnderTest("""{ "ShutdownGrace": "00:00:01" }""");
        string release = Path.Combine(service.Base, "release");
        service.Configure(new RuleText { Job = [$"wait-for={release}"], Concurrency = 1 });
        service.Start();
        var arena = new Arena(service);
        arena.Script("$TOOL burst $D f 30");
        service.Until(() => arena.Started().Count == 1, () => "the first job");
        using (var ledger = new LedgerView(service.Base))
            service.Until(() => ledger.UnfinishedJobs() == 30, () => "30 jobs in the ledger");
        service.Stop();
        File.WriteAllText(release, "");
        service.Start();
        service.Until(() => arena.Started().Count == 31, () => "30 jobs and one attempt more");
        service.UntilIdle();
        Assert.Equal(30, arena.Started().Count(record => record.End is not null));
        service.Stop();
    }

    [Fact]
    public void Links_updated_in_place_under_another_name_are_found_by_the_next_scan()
    {
        // rsync -H --inplace writes through one name; the others change without any event of their own.
        using var service = new ServiceUnderTest();
        service.Start();
        var arena = new Arena(service);
        arena.Runs("new $S/a.raw; ln $S/a.raw $S/b.raw; rsync -aH $S/ $D/", "a.raw", "b.raw");
        arena.Runs("echo more >>$S/a.raw; touch -d 2021-01-01 $S/a.raw; rsync -aH --inplace $S/ $D/", "a.raw");
        service.Stop();
        service.Start();
        arena.ExpectOneMore([BytePath.Parse("b.raw")]);
        arena.Nothing();
        service.Stop();
    }
}
