using System.Globalization;
using System.Runtime.InteropServices;

namespace AutoCrunch.Benchmarks;

/// <summary>Every row of the table of goals in one run, each beside its reference, and whether it is met.</summary>
internal sealed class AllBenchmarks(BenchmarkOptions options)
{
    private readonly List<string> _rows = [];
    private int _notMet;

    public void Run()
    {
        int files = options.Files(20_000);
        int rounds = options.Rounds(5);
        try
        {
            Rows(files, rounds);
        }
        finally
        {
            Print(files, rounds); // what was measured before a run that failed, too
        }
    }

    private void Rows(int files, int rounds)
    {
        var contestants = new Contestants(options);
        IReadOnlyList<Contestant> tools = contestants.Dispatchers();
        Bursts(contestants, tools, files, rounds);
        Latencies(contestants, rounds);
        Parts(rounds);
        Trees(contestants, rounds);
        var idle = new IdleBenchmark(options, contestants).Run();
        Row(13, "idle", "MB resident", idle.ResidentMb, 60);
        Row(13, "idle", "ms CPU in 30 s", idle.CpuMs, 2);
        Row(13, "idle", "wake-ups in 30 s", idle.WakeUps, 5);
        double rate = new LedgerBenchmark(options).Run(files, rounds, 2);
        Row(14, "ledger", "15,000 jobs/s / its rate", 15_000 / rate, 1);
        (double latency, double burst) = new HistoryBenchmark(options, contestants)
            .Run(options.Number("--history", 1_000_000), files, rounds);
        Row(15, "history", "rename -> job p50 / none", latency, 1.3);
        Row(15, "history", "burst / none", burst, 1.3);
    }

    private void Bursts(Contestants contestants, IReadOnlyList<Contestant> tools, int files, int rounds)
    {
        var burst = new BurstBenchmark(options, contestants);
        foreach (Delivery delivery in Enum.GetValues<Delivery>())
        {
            bool isNew = delivery is Delivery.NewTrees or Delivery.RsyncNewTrees;
            var results = burst.Run(delivery, isNew ? Scenarios.NewTreeFiles : files, rounds, tools);
            foreach (string ours in new[] { Contestants.Ours, Contestants.OursRename })
            {
                Row(1, $"{ours}, {delivery}", "rounds not exact", results[ours].Count(one => !one.Tally.IsExact), 0);
                if (!isNew)
                    BurstRows($"{ours}, {delivery}", results, ours);
            }
        }

        var stopped = new BurstBenchmark(options, contestants, isFrozen: true);
        List<Contestant> exact = [.. tools.Where(tool => !tool.MayLose)];
        foreach (Delivery delivery in new[] { Delivery.Generator, Delivery.Rsync })
        {
            var results = stopped.Run(delivery, files, rounds, exact);
            foreach (string ours in new[] { Contestants.Ours, Contestants.OursRename })
                Row(2, $"{ours}, {delivery}, stopped", "s / C", Ratio(results, ours, Contestants.C, Drain), 1.4);
        }

        List<Contestant> both =
            [contestants.WithoutLedger(), tools.Single(tool => tool.Name == Contestants.Ours)];
        var memory = burst.Run(Delivery.Generator, files, rounds, both);
        Row(14, "burst", "s / without a ledger", Ratio(memory, Contestants.Ours, Contestants.NoLedger, Drain), 1.15);
    }

    private void BurstRows(string what, Dictionary<string, List<BurstResult>> results, string ours)
    {
        Row(5, what, "s / C", Ratio(results, ours, Contestants.C, Drain), 1.2);
        Row(5, what, "s / FileSystemWatcher + Process", Ratio(results, ours, Contestants.Naive, Drain), 0.9);
        Row(6, what, "CPU / C", Ratio(results, ours, Contestants.C, Cpu), 2);
        Row(6, what, "CPU / FileSystemWatcher + Process", Ratio(results, ours, Contestants.Naive, Cpu), 0.5);
        double peak = results[ours].Max(one => one.PeakMb);
        Row(7, what, "peak MB", peak, 120);
        BurstResult any = results[ours][0];
        double idle = results[ours].Select(one => one.IdleMb).Median();
        Row(7, what, "bytes a queued job above idle", (peak - idle) * 1e6 / any.Files, 250);
        Row(7, what, "peak / the original", Ratio(results, ours, Contestants.Original, Peak), 0.8);
    }

    private void Latencies(Contestants contestants, int rounds)
    {
        var benchmark = new LatencyBenchmark(options, contestants);
        Dictionary<string, Latency> jobs = benchmark.Run(500, rounds);
        foreach (string ours in new[] { Contestants.Ours, Contestants.OursRename })
        {
            Row(3, ours, "p50 / C", jobs[ours].P50 / jobs[Contestants.C].P50, 1.5);
            Row(3, ours, "p99 / C", jobs[ours].P99 / jobs[Contestants.C].P99, 2);
            Row(3, $"{ours}, first files", "p50 / C", jobs[ours].FirstP50 / jobs[Contestants.C].FirstP50, 1.5);
            Row(3, $"{ours}, first files", "p99 / C", jobs[ours].FirstP99 / jobs[Contestants.C].FirstP99, 2);
            Row(3, ours, "p50 / inotifywait+xargs", Ratio(jobs, ours, Contestants.OneLiner), 1);
            Row(3, ours, "p50 / the original", Ratio(jobs, ours, Contestants.Original), 0.6);
        }

        Dictionary<string, Latency> detected = benchmark.RunDetection(500, rounds);
        Row(4, "detection", "p50 above C, us", detected[Contestants.Ours].P50 - detected[Contestants.C].P50, 50);
        Row(4, "detection", "p50 / pyinotify", Ratio(detected, Contestants.Ours, Contestants.Original), 0.25);
    }

    private void Parts(int rounds)
    {
        foreach (int pool in new[] { 2, 4 })
        {
            Dictionary<string, double> rates = new SpawnBenchmark(options).Run(3_000, rounds, pool);
            double ours = rates[Contestants.Ours];
            Row(8, $"spawn, pool {pool}", "C's rate / ours", rates[Contestants.C] / ours, 1 / 0.8);
            Row(8, $"spawn, pool {pool}", "xargs' rate / ours", rates["xargs -P"] / ours, 1 / 2.5);
            Row(8, $"spawn, pool {pool}", "Process' rate / ours", rates["Process"] / ours, 1 / 1.7);
        }

        Dictionary<string, double> drain = new DrainBenchmark(options).Run(200_000, rounds);
        Row(9, "drain", "C's rate / ours", drain[Contestants.C] / drain[Contestants.Ours], 1 / 0.85);
        if (drain.TryGetValue(Contestants.Original, out double original))
            Row(9, "drain", "pyinotify's rate / ours", original / drain[Contestants.Ours], 1 / 30.0);
        Row(9, "drain", "bytes an event", AllocationBenchmark.Run(options.Scratch, 200_000), 0);
    }

    private void Trees(Contestants contestants, int rounds)
    {
        TreeResult directories = new TreeBenchmark(
            options, contestants, options.Number("--directories", 100_000), 0).Run(rounds);
        Row(10, "directories", "ms / C", directories.OfFloor, 1.5);
        Row(10, "directories", "ms / inotifywait -r", directories.OfInotifywait, 1.2);
        Row(10, "directories", "bytes a directory", directories.BytesPerDirectory, 300);
        TreeResult known = new TreeBenchmark(
            options, contestants, options.Number("--known", 1_000_000) / 1000, 1000).Run(rounds);
        Row(11, "known files", "ms / find", known.OfFloor, 2);
        Row(12, "start", "ms / bare worker", new PackagedBenchmark(options, contestants).Run(rounds), 2);
    }

    private static double Drain(BurstResult result) => result.DrainSeconds;

    private static double Cpu(BurstResult result) => result.CpuSeconds;

    private static double Peak(BurstResult result) => result.PeakMb;

    private static double Ratio(
        Dictionary<string, List<BurstResult>> results, string ours, string other, Func<BurstResult, double> what) =>
        results.TryGetValue(other, out List<BurstResult>? theirs)
            ? results[ours].Select(what).Median() / theirs.Select(what).Median()
            : double.NaN;

    private static double Ratio(Dictionary<string, Latency> results, string ours, string other) =>
        results.TryGetValue(other, out Latency theirs) ? results[ours].P50 / theirs.P50 : double.NaN;

    // Whatever is measured here must not be more than its goal.
    private void Row(int number, string what, string unit, double measured, double goal)
    {
        string met = "not measured";
        if (!double.IsNaN(measured))
            met = measured <= goal ? "met" : "**not met**";
        if (measured > goal)
            _notMet++;
        _rows.Add(string.Create(
            CultureInfo.InvariantCulture, $"| {number} | {what} | {unit} | {measured:0.##} | {goal:0.##} | {met} |"));
    }

    private void Print(int files, int rounds)
    {
        Console.WriteLine();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{DateTime.UtcNow:yyyy-MM-dd}, {Environment.ProcessorCount} cores, {RuntimeInformation.OSDescription}, "
            + $"{RuntimeInformation.FrameworkDescription}, {options.Directory}; {files} files, {rounds} rounds"));
        Console.WriteLine("| # | what | measured | | goal: at most | |");
        Console.WriteLine("|---|---|---|---|---|---|");
        _rows.ForEach(Console.WriteLine);
        Console.WriteLine($"{_rows.Count} figures, {_notMet} not met");
    }
}
