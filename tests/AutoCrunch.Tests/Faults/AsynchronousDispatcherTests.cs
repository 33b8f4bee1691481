using System.Collections.Concurrent;
using AutoCrunch.Core;
using AutoCrunch.Dispatch;
using AutoCrunch.Ledger;
using AutoCrunch.Tests.Hosting;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Tests.Faults;

/// <summary>
/// A dispatcher whose jobs run elsewhere: however its tasks end, no job stays behind as running and stopping ends.
/// </summary>
public sealed class AsynchronousDispatcherTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly ListLogger<JobLedger> _log = new();
    private readonly WatchRule _rule;

    public AsynchronousDispatcherTests()
    {
        _directory.MakeDirectory("in");
        _rule = new WatchRule
        {
            Name = "raw",
            Path = _directory["in"],
            Retry = new RetryPolicy(1, TimeSpan.Zero, TimeSpan.Zero, []),
        };
    }

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void An_attempt_may_end_on_any_thread_and_frees_its_place_then()
    {
        var ends = new Queue<TaskCompletionSource<AttemptOutcome>>();
        int started = 0;
        Job[] jobs = Run(3, (_, _) =>
        {
            var end = new TaskCompletionSource<AttemptOutcome>();
            ends.Enqueue(end);
            Interlocked.Increment(ref started);
            return end.Task;
        }, () =>
        {
            for (int count = 1; count <= 3; count++)
            {
                Wait.Until(() => Volatile.Read(ref started) == count); // one at a time
                new Thread(() => ends.Dequeue().SetResult(AttemptOutcome.Succeeded.Value)).Start();
            }
        });

        Assert.All(jobs, job => Assert.Equal((JobState.Succeeded, 1), (job.State, job.Attempts)));
    }

    [Fact]
    public void An_exception_in_the_middle_fails_the_attempt()
    {
        Job[] jobs = Run(2, async (attempt, _) =>
        {
            await Task.Yield();
            throw new IOException($"the server of job {attempt.Job.Id} hung up");
        });

        Assert.All(jobs, job => Assert.Equal(JobState.Failed, job.State));
        Assert.Contains(_log.Lines, line => line.Contains("the server of job 2 hung up", StringComparison.Ordinal));
    }

    [Fact]
    public void A_cancellation_that_nobody_asked_for_is_a_failure() =>
        Assert.Equal(JobState.Failed, Run(1, (_, _) =>
            Task.FromCanceled<AttemptOutcome>(new CancellationToken(canceled: true))).Single().State);

    [Fact]
    public void A_cancellation_by_the_stop_is_an_interruption()
    {
        var isStarted = new ManualResetEventSlim();
        Job job = Run(1, async (_, stopping) =>
        {
            isStarted.Set();
            var never = new TaskCompletionSource<AttemptOutcome>();
            await using CancellationTokenRegistration end = stopping.Register(() => never.SetCanceled(stopping));
            return await never.Task;
        }, () => Assert.True(isStarted.Wait(Wait.Bound)), waitForEnd: false).Single();

        Assert.Equal((JobState.Queued, 1, 0), (job.State, job.Attempts, job.Failures));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void No_task_and_no_outcome_are_failures(bool isTask) =>
        Assert.Equal(JobState.Failed, Run(1, (_, _) =>
            isTask ? Task.FromResult<AttemptOutcome>(null!) : null!).Single().State);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_stop_does_not_wait_for_the_rest_after_what_could_not_start(bool isLate)
    {
        Job job = Run(1, async (_, _) =>
        {
            if (isLate)
                await Task.Yield();
            return new AttemptOutcome.NotStarted("no server to be had", TimeSpan.FromHours(1));
        }, () => Wait.Until(() => Said("no server to be had")), waitForEnd: false).Single();

        Assert.Equal((JobState.Queued, 0), (job.State, job.Attempts));
    }

    [Fact]
    public void What_hinders_all_is_said_when_it_begins_and_when_it_is_over()
    {
        int tries = 0;
        Run(3, (_, _) => Task.FromResult<AttemptOutcome>(Interlocked.Increment(ref tries) < 4
            ? new AttemptOutcome.NotStarted("no server to be had", TimeSpan.FromMilliseconds(1))
            : AttemptOutcome.Succeeded.Value));

        Assert.Equal(1, _log.Lines.Count(line => line.Contains("no server to be had", StringComparison.Ordinal)));
        Assert.Equal(1, _log.Lines.Count(line => line.Contains("jobs start again", StringComparison.Ordinal)));
    }

    [Fact]
    public void An_end_that_cannot_be_told_is_recorded()
    {
        Job job = Run(1, async (_, _) =>
        {
            await Task.Yield();
            return new AttemptOutcome.Failed("the end");
        }, outputFails: true).Single();

        Assert.Equal(JobState.Failed, job.State);
        Assert.Contains(_log.Lines, line => line.Contains("cannot be read: no such server", StringComparison.Ordinal));
    }

    [Fact]
    public void What_goes_on_without_the_service_is_taken_up_again_as_the_same_attempt_in_the_same_place()
    {
        Job[] left = Leave(files: 2);
        Assert.Equal([JobState.Running, JobState.Queued], left.OrderBy(job => job.Id).Select(job => job.State));

        var attempts = new ConcurrentQueue<(long Job, int Number, bool IsResumed)>();
        var end = new TaskCompletionSource<AttemptOutcome>();
        Job[] jobs = Run(0, (attempt, _) =>
        {
            attempts.Enqueue((attempt.Job.Id, attempt.Number, attempt.IsResumed));
            return attempt.IsResumed ? end.Task : Task.FromResult<AttemptOutcome>(AttemptOutcome.Succeeded.Value);
        }, () =>
        {
            Wait.Until(() => !attempts.IsEmpty);
            end.SetResult(AttemptOutcome.Succeeded.Value);
        }, outlives: true);

        // One at a time is what the rule allows: the other waits for the one that went on.
        Assert.Equal([(1, 1, true), (2, 1, false)], attempts);
        Assert.All(jobs, job => Assert.Equal((JobState.Succeeded, 1, 0), (job.State, job.Attempts, job.Crashes)));
    }

    [Fact]
    public void What_turns_out_not_to_have_gone_on_runs_again_with_the_next_number()
    {
        Leave(files: 1);

        Job job = Run(0, (attempt, _) => Task.FromResult<AttemptOutcome>(attempt.IsResumed
            ? new AttemptOutcome.Interrupted(ByCrash: true) : AttemptOutcome.Succeeded.Value), outlives: true).Single();

        Assert.Equal((JobState.Succeeded, 2, 1), (job.State, job.Attempts, job.Crashes));
    }

    [Fact]
    public void What_was_left_running_elsewhere_is_not_looked_for_in_the_engine_that_the_rule_has_now()
    {
        Leave(files: 1);

        var resumed = new ConcurrentQueue<bool>();
        Job job = Run(0, (attempt, _) =>
        {
            resumed.Enqueue(attempt.IsResumed);
            return Task.FromResult<AttemptOutcome>(AttemptOutcome.Succeeded.Value);
        }, outlives: true, engine: "Slurm").Single();

        Assert.Equal([false], resumed);
        Assert.Equal((JobState.Succeeded, 2, 1), (job.State, job.Attempts, job.Crashes));
    }

    [Fact]
    public void What_went_on_and_whose_file_is_gone_meanwhile_is_followed_to_its_end()
    {
        Leave(files: 1);
        _directory.Unlink("in/0");

        Job job = Run(0, (attempt, _) => Task.FromResult<AttemptOutcome>(AttemptOutcome.Succeeded.Value),
            outlives: true).Single();

        Assert.Equal((JobState.Succeeded, 1), (job.State, job.Attempts));
    }

    // A life of the service that leaves the first job running.
    private Job[] Leave(int files)
    {
        var isStarted = new ManualResetEventSlim();
        return Run(files, async (_, stopping) =>
        {
            isStarted.Set();
            var stopped = new TaskCompletionSource<AttemptOutcome>();
            await using CancellationTokenRegistration end = stopping.Register(
                () => stopped.SetResult(AttemptOutcome.LeftRunning.Value));
            return await stopped.Task;
        }, () => Assert.True(isStarted.Wait(Wait.Bound)), waitForEnd: false, outlives: true);
    }

    // Lets so many files complete, waits until all jobs have ended if wanted, stops, and returns the jobs.
    private Job[] Run(
        int files, Func<Attempt, CancellationToken, Task<AttemptOutcome>> run, Action? meanwhile = null,
        bool waitForEnd = true, bool outputFails = false, bool outlives = false, string? engine = null)
    {
        using var ledger = JobLedger.Open(
            new LedgerOptions
            {
                StateDirectory = _directory["state"],
                Rules = [_rule],
                Engines = engine is null
                    ? new Dictionary<string, string>()
                    : new Dictionary<string, string> { ["raw"] = engine },
            },
            (_, _, _) => false, _log);
        ledger.Start();
        using (var dispatcher = new TestDispatcher(_rule, ledger, _log, run, outputFails, outlives))
        {
            dispatcher.Start();
            for (int i = 0; i < files; i++)
            {
                _directory.Write($"in/{i}");
                dispatcher.Dispatch(new Completion(
                    "raw", BytePath.Parse($"{i}"), _directory.Stat($"in/{i}"), Evidence.Quiet, 1, 2));
            }

            meanwhile?.Invoke();
            if (waitForEnd)
                Wait.Until(() => Jobs(ledger) is var jobs && jobs.Length >= files
                    && jobs.All(job => job.State > JobState.Running));
            Assert.True(dispatcher.StopAsync().Wait(Wait.Bound), "the dispatcher did not stop");
        }

        return Jobs(ledger);
    }

    private Job[] Jobs(JobLedger ledger)
    {
        Assert.True(ledger.SyncAsync().Wait(Wait.Bound));
        using LedgerReader reader = LedgerReader.Open(_directory["state"]);
        return [.. reader.List(new JobQuery())];
    }

    private bool Said(string text) => _log.Lines.Any(line => line.Contains(text, StringComparison.Ordinal));

    private sealed class TestDispatcher(
        WatchRule rule, JobLedger ledger, ILogger log, Func<Attempt, CancellationToken, Task<AttemptOutcome>> run,
        bool outputFails, bool outlives)
        : DurableDispatcher(rule, concurrency: 1, ledger, log)
    {
        protected override Task<AttemptOutcome> RunAsync(Attempt attempt, CancellationToken stopping) =>
            run(attempt, stopping);

        protected override bool Outlives => outlives;

        protected override string LastOutput(Attempt attempt) =>
            outputFails ? throw new IOException("no such server") : "";
    }
}
