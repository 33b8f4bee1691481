namespace AutoCrunch.Benchmarks;

/// <summary>What can be asked for by name on the command line.</summary>
internal static class Scenarios
{
    // 2,000 files in new trees are enough: what matters is what happens between mkdir and the watch.
    public const int NewTreeFiles = 2_000;

    private static readonly Dictionary<string, Action<BenchmarkOptions>> s_all = new(StringComparer.Ordinal)
    {
        ["all"] = options => new AllBenchmarks(options).Run(),
        ["latency"] = options => new LatencyBenchmark(options, new Contestants(options))
            .Run(options.Files(500), options.Rounds(5)),
        ["detect"] = options => new LatencyBenchmark(options, new Contestants(options))
            .RunDetection(options.Files(500), options.Rounds(5)),
        ["burst"] = options => Burst(options, isFrozen: false, Delivery.Generator, Delivery.Rsync),
        ["trees"] = options => Burst(options, isFrozen: false, Delivery.NewTrees, Delivery.RsyncNewTrees),
        ["stopped"] = options => Burst(options, isFrozen: true, Delivery.Generator, Delivery.Rsync),
        ["memory"] = BurstWithoutLedger,
        ["spawn"] = options =>
        {
            foreach (int pool in new[] { 2, 4 })
                new SpawnBenchmark(options).Run(options.Number("--jobs", 5_000), options.Rounds(5), pool);
        },
        ["drain"] = options => new DrainBenchmark(options).Run(options.Number("--events", 200_000), options.Rounds(5)),
        ["directories"] = options => new TreeBenchmark(
            options, new Contestants(options), options.Number("--directories", 100_000), 0).Run(options.Rounds(5)),
        ["files"] = options => new TreeBenchmark(
            options, new Contestants(options), options.Files(1_000_000) / 1000, 1000).Run(options.Rounds(5)),
        ["start"] = options => new PackagedBenchmark(options, new Contestants(options)).Run(options.Rounds(7)),
        ["idle"] = options => new IdleBenchmark(options, new Contestants(options)).Run(),
        ["ledger"] = options => new LedgerBenchmark(options)
            .Run(options.Files(100_000), options.Rounds(5), options.Number("--pool", 2)),
        ["history"] = options => new HistoryBenchmark(options, new Contestants(options))
            .Run(options.Number("--history", 10_000_000), options.Files(20_000), options.Rounds(5)),
        ["allocations"] = options => AllocationBenchmark.Run(options.Scratch, options.Number("--events", 200_000)),
        ["scale"] = options => new ScaleBenchmark(
            options.Directory, options.Files(1_000_000), options.Number("--submitted", 100_000)).Run(),
    };

    public static IEnumerable<string> Names => s_all.Keys;

    public static Action<BenchmarkOptions>? Find(string name) => s_all.GetValueOrDefault(name);

    private static void Burst(BenchmarkOptions options, bool isFrozen, params Delivery[] deliveries)
    {
        var contestants = new Contestants(options);
        var benchmark = new BurstBenchmark(options, contestants, isFrozen);
        IReadOnlyList<Contestant> tools = contestants.Dispatchers();
        foreach (Delivery delivery in deliveries)
        {
            int files = delivery is Delivery.NewTrees or Delivery.RsyncNewTrees
                ? options.Files(NewTreeFiles) : options.Files(100_000);
            benchmark.Run(delivery, files, options.Rounds(5), tools);
        }
    }

    private static void BurstWithoutLedger(BenchmarkOptions options)
    {
        var contestants = new Contestants(options);
        List<Contestant> tools = [.. contestants.Dispatchers(), contestants.WithoutLedger()];
        new BurstBenchmark(options, contestants).Run(
            Delivery.Generator, options.Files(100_000), options.Rounds(5), tools);
    }
}
