using AutoCrunch.Benchmarks;
using BenchmarkDotNet.Running;

// One command a question; README.md says what each prints.
string verb = args.FirstOrDefault() ?? "";
if (verb == "peer")
    return PeerPrograms.Run(args[1..]);
if (verb == "micro")
{
    BenchmarkSwitcher.FromTypes([typeof(MicroBenchmarks), typeof(PartBenchmarks)])
        .Run(args.Length > 1 ? args[1..] : ["--filter", "*"]);
    return 0;
}

using var options = new BenchmarkOptions(args);
if (Scenarios.Find(verb) is { } scenario)
{
    scenario(options);
    return 0;
}

Console.Error.WriteLine($"""
    usage: AutoCrunch.Benchmarks {string.Join(" | ", Scenarios.Names)} | micro [BenchmarkDotNet options]
      --files N    --rounds N    --dir WHERE    --program PUBLISHED_AUTOCRUNCH    --only CONTESTANT,...
    """);
return 64;
