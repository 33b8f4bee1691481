using System.Collections.Concurrent;
using AutoCrunch.Core;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.Recovery;

/// <summary>
/// The service is killed at the steps of one file's life: the ledger is made, the tree is listed, an arrival is
/// recorded, a job is claimed, started, ended and settled, the log is flushed, moved into the database and removed.
/// </summary>
public sealed class StepTests
{
    private const int AtOnce = 2;

    [ProgramFact("strace", "rsync")]
    public void Killed_between_any_two_steps_of_a_first_life_it_loses_nothing() => KillAtSteps(hasLedger: false);

    [ProgramFact("strace", "rsync")]
    public void Killed_between_any_two_steps_of_a_later_life_it_loses_nothing() => KillAtSteps(hasLedger: true);

    private static void KillAtSteps(bool hasLedger)
    {
        (string directory, List<SystemCallStep> steps) = Record(hasLedger);
        Assert.NotEmpty(steps);
        int known = steps.Count, killed = 0;
        var missed = new ConcurrentQueue<SystemCallStep>();
        if (!LongRun.IsOn)
            steps = [.. OneOfEachKind(steps).Where((_, number) => number % 3 == 1)];
        Parallel.ForEach(steps, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, step =>
        {
            using var life = new OneLife(hasLedger);
            var here = step with { Path = step.Path?.Replace(directory, life.Directory, StringComparison.Ordinal) };
            if (life.Live(here.Killer))
                Interlocked.Increment(ref killed);
            else
                missed.Enqueue(step);
            life.AssertRecovered(here);
        });
        Console.WriteLine(
            $"{(hasLedger ? "a later" : "the first")} life: killed at {killed} of {known} steps: "
            + string.Join(", ", steps) + "; not met again: " + string.Join(", ", missed));
        // Threads do not always do the same in the same order; and most steps of a life are always there.
        Assert.InRange(killed, steps.Count * 3 / 4, steps.Count);
    }

    private static (string Directory, List<SystemCallStep> Steps) Record(bool hasLedger)
    {
        using var life = new OneLife(hasLedger);
        string record = Path.Combine(life.Directory, "strace");
        Assert.False(life.Live(SystemCallStep.Recorder(record)));
        return (life.Directory, SystemCallStep.Read(record, life.Directory));
    }

    // Of each system call on each file the one in the middle: of many writes the first ones are of one page.
    private static List<SystemCallStep> OneOfEachKind(List<SystemCallStep> steps) =>
        [.. steps.GroupBy(step => (step.Call, step.Path)).Select(kind => kind.ElementAt(kind.Count() / 2))];

    /// <summary>A service for which two files arrive: one before it starts, one while it runs.</summary>
    private sealed class OneLife : IDisposable
    {
        private readonly ServiceUnderTest _service = new() { MinimumLevel = "\"Information\"" };
        private readonly Arena _arena;

        public OneLife(bool hasLedger)
        {
            if (hasLedger)
            {
                _service.Start();
                _service.Stop();
            }

            _arena = new Arena(_service);
        }

        public string Directory => _service.Base;

        /// <summary>Lives until it is killed (true) or has done everything and is stopped.</summary>
        public bool Live(string[] wrapper)
        {
            _arena.Script("new $S/a.raw 3000; new $S/b.raw 5000; rsync -a $S/a.raw $D/");
            _service.Launch(wrapper);
            _service.Until(() => _service.IsReady || !_service.IsRunning, () => "READY=1, or the end");
            _arena.Script("rsync -a $S/b.raw $D/");
            _service.Until(() => !_service.IsRunning || HasFlushed(), () => "two jobs, or the end");
            if (_service.IsRunning)
                Kill.Send(_service.Pid, Kill.Terminate);
            _service.Until(() => !_service.IsRunning, () => "the end");
            return !_service.HasEndedWell;
        }

        public void AssertRecovered(SystemCallStep step)
        {
            try
            {
                using (var left = new SurvivingLedger(Path.Combine(Directory, "state")))
                    left.AssertSound();
                _service.Start();
                _service.Until(() => Ended() == 2, () => "both jobs");
                _service.UntilIdle();
                AssertRuns();
                _service.Stop();
                using (var left = new SurvivingLedger(Path.Combine(Directory, "state")))
                    left.AssertSound();
            }
            catch (Exception failure)
            {
                throw new InvalidOperationException($"killed before {step}: {failure.Message}", failure);
            }
        }

        public void Dispose() => _service.Dispose();

        // The flusher has done its part when both jobs are settled, and a moment later brought to disk.
        private bool HasFlushed() => Ended() == 2 && _service.LogCount("succeeded") == 2;

        private int Ended() =>
            _arena.Started().Where(record => record.End is not null).DistinctBy(record => record.Path).Count();

        private void AssertRuns()
        {
            Dictionary<BytePath, (long, string)> contents = Arena.FilesIn(_arena.Source);
            foreach (IGrouping<BytePath, JobRecord> runs in _arena.Started().GroupBy(record => record.Path))
            {
                int[] attempts = [.. runs.Select(record => record.Attempt)];
                Assert.Equal(attempts.Distinct().Order(), attempts);
                Assert.Single(runs.Select(record => record.JobId).Distinct());
                Assert.All(runs, run =>
                    Assert.Equal(contents[new BytePath(run.Path.Name.Span)], (run.SizeBytes, run.Hash)));
            }

            _service.Records.AssertNoOverlap();
            using var ledger = new LedgerView(Directory);
            Assert.Equal(2, ledger.Jobs().Count);
            Assert.All(ledger.Jobs(), job => Assert.Equal(LedgerView.Succeeded, job.State));
            foreach (LedgerJob job in ledger.Jobs())
            {
                int last = _arena.Started().Where(run => run.JobId == $"{job.Id}").Max(run => run.Attempt);
                Assert.Equal(job.Attempts, last);
            }
        }
    }
}
