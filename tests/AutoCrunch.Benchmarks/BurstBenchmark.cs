using System.Diagnostics;
using System.Globalization;

namespace AutoCrunch.Benchmarks;

/// <summary>How files come in a burst.</summary>
internal enum Delivery
{
    /// <summary>By Native/generate.c, as quickly as the machine can.</summary>
    Generator,

    /// <summary>By rsync.</summary>
    Rsync,

    /// <summary>By the generator, in new directories, each written into as soon as it is there.</summary>
    NewTrees,

    /// <summary>By rsync, in new directories.</summary>
    RsyncNewTrees,
}

/// <summary>What a burst came to for one tool in one round.</summary>
internal sealed record BurstResult(
    double DrainSeconds, double CpuSeconds, double PeakMb, double IdleMb, Tally Tally, int Files);

/// <summary>
/// Many files at once: how long until the last job has started, the tool's own processor time and peak memory, and
/// whether every file ran exactly once. By turns in every round; a file that AutoCrunch or the C reference misses or
/// runs twice fails the run.
/// </summary>
internal sealed class BurstBenchmark(BenchmarkOptions options, Contestants contestants, bool isFrozen = false)
{
    private const int Subdirectories = 100;
    private const int Depth = 4;

    // No job for so long: no more will come.
    private static readonly TimeSpan s_stall = TimeSpan.FromSeconds(8);

    private readonly JobRecord _record = new(contestants.RecordFile);

    /// <summary>Results by tool, of all rounds.</summary>
    public Dictionary<string, List<BurstResult>> Run(
        Delivery delivery, int files, int rounds, IReadOnlyList<Contestant> tools)
    {
        string? source = delivery is Delivery.Rsync or Delivery.RsyncNewTrees ? MakeSource(delivery, files) : null;
        var results = tools.ToDictionary(tool => tool.Name, _ => new List<BurstResult>(), StringComparer.Ordinal);
        for (int round = 0; round < rounds; round++)
        {
            foreach (Contestant tool in tools)
                results[tool.Name].Add(Measure(tool, delivery, files, source));
        }

        Print(delivery, files, rounds, results);
        if (source is not null)
            Shell.RemoveTree(source);
        return results;
    }

    private BurstResult Measure(Contestant contestant, Delivery delivery, int files, string? source)
    {
        bool isNew = delivery is Delivery.NewTrees or Delivery.RsyncNewTrees;
        using var arena = new Arena(options, isNew ? 0 : Subdirectories);
        _record.Clear();
        using RunningTool tool = contestant.Start(arena.Place);
        ToolUsage before = tool.Usage();
        if (isFrozen)
            tool.Freeze();
        long start = Stopwatch.GetTimestamp();
        Deliver(delivery, files, arena.Place.Incoming, source);
        if (isFrozen)
        {
            start = Stopwatch.GetTimestamp();
            tool.Thaw();
        }

        _record.Await(files, s_stall);
        ToolUsage after = tool.Usage();
        Tally tally = _record.Check(arena.Delivered());
        double seconds = tally.Starts.Count == 0
            ? double.NaN : (tally.LastNs - (start * (1e9 / Stopwatch.Frequency))) / 1e9;
        var result = new BurstResult(
            seconds, after.CpuSeconds - before.CpuSeconds, after.PeakBytes / 1e6, before.ResidentBytes / 1e6, tally,
            files);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"  {contestant.Name}: {seconds:F2} s, own CPU {result.CpuSeconds:F2} s, "
            + $"peak {result.PeakMb:F0} MB, {tally}"));
        if (!contestant.MayLose && !tally.IsExact)
            throw new InvalidOperationException($"{contestant.Name}, {delivery}: {tally} of {files}\n{tool.Said}");
        return result;
    }

    private void Deliver(Delivery delivery, int files, string incoming, string? source)
    {
        if (delivery == Delivery.Generator)
            Shell.Run(contestants.Generate, "burst", incoming, $"{files}", $"{Subdirectories}");
        else if (delivery == Delivery.NewTrees)
            Shell.Run(contestants.Generate, "deep", incoming, $"{files / Depth}", $"{Depth}");
        else
            Shell.Run("rsync", "-a", "--omit-dir-times", source + "/", incoming + "/");
    }

    private string MakeSource(Delivery delivery, int files)
    {
        string source = Path.Combine(options.Directory, "source");
        Shell.RemoveTree(source);
        for (int i = 0; i < Subdirectories && delivery == Delivery.Rsync; i++)
            Directory.CreateDirectory(Path.Combine(source, $"{i:D3}"));
        Directory.CreateDirectory(source);
        Deliver(delivery == Delivery.Rsync ? Delivery.Generator : Delivery.NewTrees, files, source, null);
        return source;
    }

    private void Print(
        Delivery delivery, int files, int rounds, Dictionary<string, List<BurstResult>> results)
    {
        string frozen = isFrozen ? ", stopped while they arrive" : "";
        Console.WriteLine();
        Console.WriteLine($"burst of {files} files, {delivery}{frozen}, pool 2, {rounds} rounds, {options.Directory}");
        Console.WriteLine("| tool | s | own CPU s | peak MB | all once | missed | s / C | CPU / C |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|");
        results.TryGetValue(Contestants.C, out List<BurstResult>? floor);
        foreach ((string name, List<BurstResult> all) in results)
        {
            double seconds = all.Select(one => one.DrainSeconds).Median();
            double cpu = all.Select(one => one.CpuSeconds).Median();
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {name} | {seconds:F2} | {cpu:F2} | {all.Max(one => one.PeakMb):F0} "
                + $"| {all.Count(one => one.Tally.IsExact)} of {all.Count} | {all.Max(one => one.Tally.Missed)} "
                + $"| {seconds / floor?.Select(one => one.DrainSeconds).Median():F2} "
                + $"| {cpu / floor?.Select(one => one.CpuSeconds).Median():F2} |"));
        }
    }
}
