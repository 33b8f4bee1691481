using AutoCrunch.Core;
using AutoCrunch.Dispatch;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;

namespace AutoCrunch.Tests.Dispatch;

public sealed class DurableDispatcherTests : IDisposable
{
    // Counts who runs at the same time, without a lock: each sees at least those that started before it.
    private const string CountRunning =
        "mkdir run/$AUTOCRUNCH_JOB_ID; ls run | wc -l >> counts; sleep 0.05; rmdir run/$AUTOCRUNCH_JOB_ID";

    private readonly DispatchRig _rig = new();

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void Ten_thousand_files_in_a_burst_run_exactly_once()
    {
        const int Files = 10_000;
        _rig.Options = _rig.Options with
        {
            // mkdir fails when a file's job runs for the second time.
            Command = DispatchRig.Command("/bin/mkdir", "{name}"),
            Program = new BytePath("/bin/mkdir"u8),
            Concurrency = 4,
        };
        _rig.Start();
        for (int i = 0; i < Files; i++)
            _rig.Complete($"f{i}", "x");

        Job[] jobs = _rig.WaitForAll(TimeSpan.FromMinutes(5));

        Assert.Equal(Files, jobs.Length);
        Assert.All(jobs, job => Assert.Equal((JobState.Succeeded, 1), (job.State, job.Attempts)));
        Assert.Equal(Files, Directory.GetDirectories(_rig.Directory["out"].ToString()).Length);
    }

    [Fact]
    public void No_more_jobs_run_at_once_than_Concurrency_says()
    {
        _rig.Directory.MakeDirectory("out/run");
        _rig.Options = _rig.Options with { Concurrency = 3 };
        _rig.Start(CountRunning);
        for (int i = 0; i < 30; i++)
            _rig.Complete($"f{i}");

        _rig.WaitForAll();

        Assert.Equal(3, MostRunning());
    }

    [Fact]
    public void No_more_jobs_run_at_once_over_all_rules_than_MaxRunning_says()
    {
        _rig.Directory.MakeDirectory("out/run");
        _rig.MaxRunning = 3;
        WatchRule other = _rig.Rule with { Name = "other" };
        _rig.Start(CountRunning, other);
        for (int i = 0; i < 15; i++)
        {
            _rig.Complete($"f{i}");
            _rig.Tell($"f{i}", other);
        }

        _rig.WaitForAll();

        Assert.Equal(3, MostRunning());
    }

    [Fact]
    public void A_file_that_is_gone_is_not_run()
    {
        BlockFirst();
        _rig.Complete("gone");
        _rig.Directory.Unlink("in/gone");

        Assert.Equal(JobReason.Gone, EndAll()[1].Reason);
    }

    [Fact]
    public void A_file_that_became_a_directory_is_not_run()
    {
        BlockFirst();
        _rig.Complete("a");
        _rig.Directory.Unlink("in/a");
        _rig.Directory.MakeDirectory("in/a");

        Assert.Equal(JobReason.Gone, EndAll()[1].Reason);
    }

    [Fact]
    public void A_file_that_changed_is_not_run_before_it_has_completed_again()
    {
        BlockFirst();
        _rig.Complete("a", "one");
        _rig.Directory.Write("in/a", "two, longer");
        Job[] jobs = EndAll();
        Assert.Equal((JobState.Cancelled, JobReason.Superseded, 0), (jobs[1].State, jobs[1].Reason, jobs[1].Attempts));

        _rig.Tell("a");

        Job job = _rig.WaitForAll()[2];
        Assert.Equal((JobState.Succeeded, 11L), (job.State, job.Version.SizeBytes));
    }

    [Fact]
    public void Only_the_newest_version_of_a_file_that_waits_is_run()
    {
        BlockFirst();
        for (int i = 1; i <= 5; i++)
            _rig.Complete("a", new string('x', i));

        Job[] jobs = EndAll();

        Assert.All(jobs[1..5], job => Assert.Equal(JobReason.Superseded, job.Reason));
        Assert.Equal((JobState.Succeeded, 5L), (jobs[5].State, jobs[5].Version.SizeBytes));
    }

    [Fact]
    public void A_version_without_an_inode_is_compared_by_size_and_time()
    {
        _rig.Start("true");
        Completion told = _rig.Complete("first");
        _rig.Dispatcher.Dispatch(told with { Path = BytePath.Parse("b"), Stat = WriteStat("b") with { Inode = 0 } });

        Assert.All(_rig.WaitForAll(), job => Assert.Equal(JobState.Succeeded, job.State));
    }

    [Fact]
    public void While_the_root_is_away_its_jobs_wait()
    {
        BlockFirst();
        _rig.Complete("a");
        _rig.Directory.Rename("in", "away");
        _rig.Directory.Write("out/go");
        _rig.WaitForLine("cannot start at present");
        _rig.Directory.Rename("away", "in");

        Assert.All(_rig.WaitForAll(), job => Assert.Equal((JobState.Succeeded, 1), (job.State, job.Attempts)));
    }

    [Fact]
    public void A_stop_with_nothing_running_is_immediate()
    {
        _rig.ShutdownGrace = TimeSpan.FromMinutes(10);
        _rig.Start("true").Complete("a");
        _rig.WaitForAll();
        long start = Clock.MonotonicNs();

        _rig.Stop();

        Assert.InRange(Clock.MonotonicNs() - start, 0, 5_000_000_000); // on a machine busy with other tests
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(20)]
    public void Whenever_the_service_stops_no_job_is_left_behind_as_running(int jobsBefore)
    {
        _rig.Options = _rig.Options with { Concurrency = 3 };
        _rig.Start("true");
        for (int i = 0; i < 100; i++)
            _rig.Complete($"f{i}");
        Wait.Until(() => jobsBefore
            <= _rig.Log.Lines.Count(line => line.Contains(" succeeded: ", StringComparison.Ordinal)));

        _rig.Stop();

        using LedgerReader reader = LedgerReader.Open(_rig.Directory["state"]);
        IReadOnlyList<Job> jobs = reader.List(new JobQuery());
        Assert.Equal(100, jobs.Count);
        Assert.DoesNotContain(jobs, job => job.State == JobState.Running);
    }

    [Fact]
    public async Task A_dispatcher_that_throws_fails_the_attempt_and_not_the_service()
    {
        _rig.Start("true");
        _rig.Stop();
        using var ledger = JobLedger.Open(
            new LedgerOptions { StateDirectory = _rig.Directory["state"], Rules = [_rig.Rule] }, (_, _, _) => false,
            new Hosting.ListLogger<JobLedger>());
        ledger.Start();
        foreach (bool isLate in new[] { false, true })
        {
            using var dispatcher = new ThrowingDispatcher(_rig.Rule, ledger, isLate);
            dispatcher.Start();
            string name = $"a{isLate}";
            FileStat stat = WriteStat(name);
            dispatcher.Dispatch(new Completion("raw", BytePath.Parse(name), stat, Evidence.Quiet, 1, 2));
            Wait.Until(() => Last(ledger) is { State: JobState.Failed, Attempts: 3 } job
                && job.Path.ToString() == name);
            await dispatcher.StopAsync().WaitAsync(Wait.Bound); // the row is there before its slot is free again
        }

        Assert.Equal("the dispatcher failed: not foreseen", _rig.Attempts(1)[2].Reason);
    }

    [Fact]
    public async Task A_job_that_ends_within_the_grace_is_no_interruption_and_nothing_new_starts()
    {
        _rig.ShutdownGrace = TimeSpan.FromMinutes(10);
        _rig.Options = _rig.Options with { Concurrency = 1 };
        _rig.Start("touch started; while ! test -e go; do sleep 0.02; done").Complete("a");
        _rig.Complete("b");
        Wait.Until(() => _rig.Directory.Exists("out/started"));
        Task stop = _rig.Dispatcher.StopAsync();
        _rig.Directory.Write("out/go");

        await stop.WaitAsync(Wait.Bound);

        Assert.Equal([JobState.Succeeded, JobState.Queued], _rig.Jobs().Select(job => job.State));
    }

    [Fact]
    public void A_job_interrupted_by_a_stop_runs_again_at_the_next_start_without_counting()
    {
        _rig.Start("echo $AUTOCRUNCH_ATTEMPT >> attempts; test $AUTOCRUNCH_ATTEMPT = 2 || sleep 1000").Complete("a");
        Wait.Until(() => _rig.Directory.Exists("out/attempts"));
        _rig.Stop();

        _rig.Start("echo $AUTOCRUNCH_ATTEMPT >> attempts; test $AUTOCRUNCH_ATTEMPT = 2 || sleep 1000");
        Job job = _rig.WaitForAll().Single();

        Assert.Equal((JobState.Succeeded, 2, 0, 0), (job.State, job.Attempts, job.Failures, job.Crashes));
        Assert.Equal("1\n2\n", _rig.Directory.ReadText("out/attempts"));
        Assert.Equal(AttemptResult.Interrupted, _rig.Attempts(job.Id)[0].Result);
    }

    [Fact]
    public async Task What_a_crash_left_running_is_ended_before_its_job_runs_again()
    {
        LeaveRunning(out string ledgerId, out long jobId);
        byte[][] environment =
        [
            "PATH=/usr/bin:/bin"u8.ToArray(), JobEnvironment.LedgerEntry(ledgerId), JobEnvironment.JobIdEntry(jobId),
        ];
        _rig.Directory.Write(
            "out/survivor.sh", "trap '' TERM; env -i /bin/sleep 1000 & echo $! > pids; echo $$ >> pids; wait");
        var start = new ChildStart(
            new BytePath("/bin/sh"u8), ["sh"u8.ToArray(), "survivor.sh"u8.ToArray()], environment,
            _rig.Directory["out"], _rig.Directory["survivor.log"]);
        Assert.Equal(0, ChildProcess.TryStart(start, out ChildProcess? survivor));
        Task<ChildExit> exit = Task.Run(() => survivor!.Wait());
        Wait.Until(() => _rig.Directory.Exists("out/pids")
            && _rig.Directory.ReadText("out/pids").Count(c => c == '\n') == 2);

        // The job fails if it finds anybody of the earlier life.
        _rig.Start("for p in $(cat pids); do grep -q '^State:.[^ZX]' /proc/$p/status && exit 65; done; exit 0");
        Job job = _rig.WaitForAll().Single();

        Assert.Equal((JobState.Succeeded, 2, 1), (job.State, job.Attempts, job.Crashes));
        Assert.Equal(Signals.SIGKILL, (await exit.WaitAsync(Wait.Bound)).Signal);
    }

    [Fact]
    public void Processes_of_other_ledgers_are_left_alone()
    {
        LeaveRunning(out string ledgerId, out long jobId);
        string otherId = new('0', ledgerId.Length);
        var start = new ChildStart(
            new BytePath("/bin/sleep"u8), ["sleep"u8.ToArray(), "1000"u8.ToArray()],
            [JobEnvironment.LedgerEntry(otherId), JobEnvironment.JobIdEntry(jobId)],
            _rig.Directory["out"], _rig.Directory["other.log"]);
        Assert.Equal(0, ChildProcess.TryStart(start, out ChildProcess? other));

        _rig.Start("true");
        Assert.Equal(JobState.Succeeded, _rig.WaitForAll().Single().State);

        Assert.True(ProcessTable.TryRead(other!.Pid, out ProcessFacts facts) && !facts.IsZombie);
        other.Signal(Signals.SIGKILL);
        other.Wait();
    }

    // A ledger as a crash leaves it: a job recorded as running, nobody at work.
    private void LeaveRunning(out string ledgerId, out long jobId)
    {
        _rig.Directory.Write("in/a");
        var options = new LedgerOptions { StateDirectory = _rig.Directory["state"], Rules = [_rig.Rule] };
        using JobLedger ledger = JobLedger.Open(options, (_, _, _) => false, new Hosting.ListLogger<JobLedger>());
        var claimed = new TaskCompletionSource<Attempt>();
        ledger.Start();
        ledger.StartClaims("raw", 1, claimed.SetResult);
        ledger.Record(new Completion("raw", BytePath.Parse("a"), _rig.Directory.Stat("in/a"), Evidence.Quiet, 1, 2));
        Assert.True(claimed.Task.Wait(Wait.Bound));
        (ledgerId, jobId) = (ledger.Id, claimed.Task.Result.Job.Id);
    }

    // The first job holds the only slot until EndAll; what is told meanwhile waits.
    private void BlockFirst()
    {
        _rig.Options = _rig.Options with { Concurrency = 1 };
        _rig.Start("touch started; while ! test -e go; do sleep 0.02; done").Complete("first");
        Wait.Until(() => _rig.Directory.Exists("out/started"));
    }

    private Job[] EndAll()
    {
        _rig.Directory.Write("out/go");
        return _rig.WaitForAll();
    }

    private Job? Last(JobLedger ledger)
    {
        Assert.True(ledger.SyncAsync().Wait(Wait.Bound));
        using LedgerReader reader = LedgerReader.Open(_rig.Directory["state"]);
        return reader.List(new JobQuery { Limit = 1 }).SingleOrDefault();
    }

    private FileStat WriteStat(string path)
    {
        _rig.Directory.Write("in/" + path);
        return _rig.Directory.Stat("in/" + path);
    }

    private int MostRunning() => _rig.Directory.ReadText("out/counts")
        .Split('\n', StringSplitOptions.RemoveEmptyEntries).Max(int.Parse);

    private sealed class ThrowingDispatcher(WatchRule rule, JobLedger ledger, bool isLate)
        : DurableDispatcher(rule, 1, ledger, new Hosting.ListLogger<ThrowingDispatcher>())
    {
        protected override async Task<AttemptOutcome> RunAsync(Attempt attempt, CancellationToken stopping)
        {
            if (isLate)
                await Task.Yield();
            throw new IOException("not foreseen");
        }
    }
}
