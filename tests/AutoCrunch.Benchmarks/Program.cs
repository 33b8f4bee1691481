using System.Globalization;
using AutoCrunch.Benchmarks;
using BenchmarkDotNet.Running;

// One command a question; README.md says what each prints.
int Number(string name, int otherwise)
{
    int at = Array.IndexOf(args, name);
    return at >= 0 ? int.Parse(args[at + 1], CultureInfo.InvariantCulture) : otherwise;
}

string work = Array.IndexOf(args, "--dir") is >= 0 and var dir ? args[dir + 1] : "/dev/shm/autocrunch-benchmarks";
switch (args.FirstOrDefault())
{
    case "latency":
        return new LatencyBenchmark(work, Number("--files", 500), Number("--rounds", 5)).Run();
    case "start":
        return new StartBenchmark(work, Number("--rounds", 10)).Run();
    case "packaged":
        return new PackagedBenchmark(work, Number("--rounds", 10)).Run();
    case "files":
        return new TreeBenchmark(work, Number("--files", 1_000_000) / 1000, 1000, Number("--rounds", 5)).Run();
    case "directories":
        return new TreeBenchmark(work, Number("--directories", 100_000), 0, Number("--rounds", 5)).Run();
    case "allocations":
        return AllocationBenchmark.Run(work, Number("--events", 200_000));
    case "scale":
        return new ScaleBenchmark(work, Number("--files", 1_000_000), Number("--submitted", 100_000)).Run();
    case "micro":
        BenchmarkRunner.Run<MicroBenchmarks>(args: [.. args.Skip(1)]);
        return 0;
    default:
        Console.Error.WriteLine(
            "usage: AutoCrunch.Benchmarks latency [--files N] [--rounds N] | start [--rounds N] | packaged [--rounds N]"
            + " | files [--files N] [--rounds N] | directories [--directories N] [--rounds N]"
            + " | allocations [--events N] | scale [--files N] [--submitted N]"
            + " | micro [BenchmarkDotNet options]   [--dir WORK]");
        return 64;
}
