using System.Diagnostics;
using System.Globalization;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoCrunch.Benchmarks;

/// <summary>
/// What the ledger alone can do: each file is recorded, its job claimed and settled, with nothing in between. The ends
/// of attempts come from threads of their own, as those of slots do.
/// </summary>
internal sealed class LedgerBenchmark(BenchmarkOptions options)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(10);

    /// <summary>Jobs a second, the median of all rounds.</summary>
    public double Run(int jobs, int rounds, int concurrency)
    {
        _ = Measure(2_000, concurrency); // compiles what runs often
        double[] rates = [.. Enumerable.Range(0, rounds).Select(_ => Measure(jobs, concurrency))];
        double rate = rates.Median();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"ledger: {rate:F0} jobs/s recorded, claimed and settled, {concurrency} at a time; {jobs} jobs, "
            + $"{rounds} rounds ({rates.Min():F0} to {rates.Max():F0}), {options.Directory}"));
        return rate;
    }

    private double Measure(int jobs, int concurrency)
    {
        string state = Path.Combine(options.Directory, "ledger-" + Path.GetRandomFileName());
        var rule = new WatchRule { Name = "raw", Path = BytePath.Parse(options.Directory) };
        var ledgerOptions = new LedgerOptions
        {
            StateDirectory = BytePath.Parse(state),
            Rules = [rule],
            PendingMax = int.MaxValue,
        };
        double seconds;
        using (var ledger = JobLedger.Open(
            ledgerOptions, (_, _, _) => false, NullLogger<JobLedger>.Instance))
        using (var ended = new CountdownEvent(jobs))
        {
            ledger.Settled = (_, _, _) => ended.Signal();
            ledger.Start();
            ledger.KnownFiles.WholeScanFinished(rule.Name, 0);
            using var slots = new Slots(ledger, rule, concurrency);
            ledger.StartClaims(rule.Name, concurrency, slots.Give);
            Completion[] completions = [.. Enumerable.Range(0, jobs).Select(Complete)];
            long start = Stopwatch.GetTimestamp();
            foreach (Completion completion in completions)
                ledger.Record(completion);
            if (!ended.Wait(s_patience))
                throw new TimeoutException("the jobs do not end");
            seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            ledger.StopClaims(rule.Name).Wait(s_patience);
        }

        Shell.RemoveTree(state);
        return jobs / seconds;
    }

    private static Completion Complete(int number)
    {
        BytePath path = BytePath.Parse($"site-{number / 1000:D3}/exposure-{number:D8}.fits");
        var stat = new FileStat(
            FileType.Regular, 7, (ulong)number + 1, 1024, 4_000_000_000, 5_000_000_000, 0, 0x1A4, 1);
        return new Completion("raw", path, stat, Evidence.RenamedFromTemporary, 1, 2);
    }

    /// <summary>Threads that end an attempt as soon as they have it.</summary>
    private sealed class Slots : IDisposable
    {
        private readonly AutoCrunch.Dispatch.SlotThreads _threads;

        public Slots(JobLedger ledger, WatchRule rule, int most)
        {
            _threads = new AutoCrunch.Dispatch.SlotThreads(rule.Name, most, static () => { }, attempt =>
            {
                JobTransition transition = JobTransitions.After(
                    JobCounts.Of(attempt.Job), AttemptOutcome.Succeeded.Value, rule.Retry, ledger.NowNs, random: 0);
                ledger.Settle(attempt, AttemptOutcome.Succeeded.Value, transition);
            });
            _threads.WarmUp();
        }

        public void Give(Attempt attempt) => _threads.Give(attempt);

        public void Dispose() => _threads.Stop();
    }
}
