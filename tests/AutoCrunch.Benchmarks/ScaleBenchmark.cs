using System.Diagnostics;
using System.Globalization;
using AutoCrunch.Core;
using AutoCrunch.Dispatch;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoCrunch.Benchmarks;

/// <summary>
/// What a big site costs: the real ledger and the real base of all dispatchers, with an engine in memory instead of
/// Slurm or a broker. Three stories: files that are processed as they come, jobs that are all submitted and run for
/// hours, and an engine that cannot be reached for a day. A day of 10 million files is ten times a run of a million, as
/// long as the last tenth is as quick as the first.
/// </summary>
internal sealed class ScaleBenchmark(string workDirectory, int files, int submitted)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromHours(1);

    public int Run()
    {
        string home = Path.Combine(workDirectory, "scale-" + Path.GetRandomFileName());
        Directory.CreateDirectory(home);
        try
        {
            Console.WriteLine($"| {files:N0} files, {submitted:N0} submitted jobs | |");
            Console.WriteLine("|---|---|");
            Process(home);
            Submit(home);
            BeAway(home);
            return 0;
        }
        finally
        {
            Directory.Delete(home, recursive: true);
        }
    }

    // Each file is recorded, claimed, run and settled.
    private void Process(string home)
    {
        var engine = new Engine(outlives: false)
        {
            Answer = static _ => Task.FromResult<AttemptOutcome>(AttemptOutcome.Succeeded.Value),
        };
        using Site site = Site.Open(home, "processed", files, concurrency: 16, engine);
        var rates = new List<double>();
        for (int tenth = 0; tenth < 10; tenth++)
        {
            long start = Stopwatch.GetTimestamp();
            site.Complete(files / 10);
            site.UntilIn(JobState.Succeeded, (tenth + 1) * (files / 10));
            rates.Add(files / 10 / Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        Print("processed as they come, first / last tenth", $"{rates[0]:N0} / {rates[^1]:N0} jobs/s");
        Print("ledger per processed file", $"{site.LedgerBytes / files:N0} bytes");
        Print("managed memory after all", $"{Memory() / 1e6:N1} MB");
    }

    // All submitted at once; the service is stopped and started; then all end.
    private void Submit(string home)
    {
        long before = Memory();
        var engine = new Engine(outlives: true);
        using (Site site = Site.Open(home, "submitted", submitted, concurrency: submitted, engine))
        {
            long start = Stopwatch.GetTimestamp();
            site.Complete(submitted);
            engine.UntilUnderWay(submitted);
            Print("until all are submitted", $"{Stopwatch.GetElapsedTime(start).TotalSeconds:N1} s");
            Print("managed memory per submitted job", $"{(Memory() - before) / submitted:N0} bytes");
        }

        engine = new Engine(outlives: true);
        long restart = Stopwatch.GetTimestamp();
        using Site again = Site.Open(home, "submitted", submitted, concurrency: submitted, engine, isAgain: true);
        engine.UntilUnderWay(submitted);
        Print("until all are followed again after a restart",
            $"{Stopwatch.GetElapsedTime(restart).TotalSeconds:N1} s");
        long ends = Stopwatch.GetTimestamp();
        engine.EndAll();
        again.UntilIn(JobState.Succeeded, submitted);
        Print("until all ends are recorded, if they come at once",
            $"{Stopwatch.GetElapsedTime(ends).TotalSeconds:N1} s");
    }

    // Nothing can be handed over: all wait in the ledger. Then the engine is back.
    private void BeAway(string home)
    {
        bool isAway = true;
        var engine = new Engine(outlives: false)
        {
            Answer = _ => Task.FromResult<AttemptOutcome>(Volatile.Read(ref isAway)
                ? new AttemptOutcome.NotStarted("the broker cannot be reached", TimeSpan.FromMilliseconds(100))
                : AttemptOutcome.Succeeded.Value),
        };
        using Site site = Site.Open(home, "waiting", files, concurrency: 16, engine);
        long before = Memory();
        site.Complete(files);
        site.Sync();
        Print("ledger per waiting job", $"{site.LedgerBytes / files:N0} bytes");
        Print("managed memory for all waiting jobs together", $"{(Memory() - before) / 1e6:N1} MB");
        Volatile.Write(ref isAway, false);
        long start = Stopwatch.GetTimestamp();
        site.UntilIn(JobState.Succeeded, files);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        Print("worked off when the engine is back", $"{files / seconds:N0} jobs/s");
    }

    private static long Memory() => GC.GetTotalMemory(forceFullCollection: true);

    private static void Print(string what, string figure) => Console.WriteLine($"| {what} | {figure} |");

    /// <summary>One rule's ledger and dispatcher over files of its own.</summary>
    private sealed class Site : IDisposable
    {
        private readonly JobLedger _ledger;
        private readonly EngineDispatcher _dispatcher;
        private readonly string _state;
        private readonly BytePath _incoming;
        private int _completed;

        private Site(string state, JobLedger ledger, EngineDispatcher dispatcher, BytePath incoming)
        {
            (_state, _ledger, _dispatcher, _incoming) = (state, ledger, dispatcher, incoming);
            ledger.Start();
            dispatcher.Start();
        }

        public long LedgerBytes =>
            new FileInfo(Path.Combine(_state, "ledger.db")).Length
            + new FileInfo(Path.Combine(_state, "ledger.db-wal")).Length;

        public static Site Open(
            string home, string name, int files, int concurrency, Engine engine, bool isAgain = false)
        {
            string incoming = Path.Combine(home, name);
            Directory.CreateDirectory(incoming);
            for (int i = 0; i < files && !isAgain; i++)
            {
                if (i % 1000 == 0)
                    Directory.CreateDirectory(Path.Combine(incoming, DirectoryOf(i)));
                File.WriteAllBytes(Path.Combine(incoming, NameOf(i)), []);
            }

            var rule = new WatchRule
            {
                Name = "raw",
                Path = BytePath.Parse(incoming),
                Retry = new RetryPolicy(3, TimeSpan.Zero, TimeSpan.Zero, []),
            };
            string state = Path.Combine(home, name + "-state");
            var ledger = JobLedger.Open(
                new LedgerOptions { StateDirectory = BytePath.Parse(state), Rules = [rule], PendingMax = int.MaxValue },
                (_, _, _) => false, NullLogger<JobLedger>.Instance);
            return new Site(state, ledger, new EngineDispatcher(rule, concurrency, ledger, engine), rule.Path);
        }

        public void Complete(int count)
        {
            for (int end = _completed + count; _completed < end; _completed++)
            {
                BytePath path = BytePath.Parse(NameOf(_completed));
                FileStatReader.TryRead(_incoming.Join(path), out FileStat stat);
                _dispatcher.Dispatch(new Completion("raw", path, stat, Evidence.RenamedFromTemporary, 1, 2));
            }
        }

        public void Sync() => _ledger.SyncAsync().Wait(s_patience);

        public void UntilIn(JobState state, long count)
        {
            using SqliteDatabase ledger = LedgerFile.OpenReader(new StateLayout(BytePath.Parse(_state)));
            string sql = string.Create(
                CultureInfo.InvariantCulture, $"SELECT count(*) FROM jobs WHERE state = {(int)state}");
            long start = Stopwatch.GetTimestamp();
            while (ledger.QueryNumber(sql) < count)
            {
                if (Stopwatch.GetElapsedTime(start) > s_patience)
                    throw new TimeoutException("the jobs do not end");
                Thread.Sleep(20);
            }
        }

        public void Dispose()
        {
            _dispatcher.StopAsync().Wait(s_patience);
            _ledger.Dispose();
            _dispatcher.Dispose();
        }

        private static string DirectoryOf(int file) => string.Create(CultureInfo.InvariantCulture, $"{file / 1000:D5}");

        private static string NameOf(int file) =>
            string.Create(CultureInfo.InvariantCulture, $"{DirectoryOf(file)}/exposure-{file:D8}.fits");
    }

    /// <summary>What runs the jobs: nothing, but it answers as it is told.</summary>
    private sealed class Engine(bool outlives)
    {
        private readonly List<TaskCompletionSource<AttemptOutcome>> _underWay = [];

        public bool Outlives { get; } = outlives;

        public Func<Attempt, Task<AttemptOutcome>>? Answer { get; init; }

        public Task<AttemptOutcome> Run(Attempt attempt, CancellationToken stopping)
        {
            if (Answer is not null)
                return Answer(attempt);
            var end = new TaskCompletionSource<AttemptOutcome>();
            stopping.Register(() => end.TrySetResult(AttemptOutcome.LeftRunning.Value));
            lock (_underWay)
                _underWay.Add(end);
            return end.Task;
        }

        public void UntilUnderWay(int count)
        {
            long start = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(start) < s_patience)
            {
                lock (_underWay)
                    if (_underWay.Count == count)
                        return;
                Thread.Sleep(5);
            }

            throw new TimeoutException("the jobs are not submitted");
        }

        public void EndAll() => _underWay.ForEach(end => end.TrySetResult(AttemptOutcome.Succeeded.Value));
    }

    private sealed class EngineDispatcher(WatchRule rule, int concurrency, JobLedger ledger, Engine engine)
        : DurableDispatcher(rule, concurrency, ledger, NullLogger.Instance, threads: 2)
    {
        protected override bool Outlives => engine.Outlives;

        protected override Task<AttemptOutcome> RunAsync(Attempt attempt, CancellationToken stopping) =>
            engine.Run(attempt, stopping);
    }
}
