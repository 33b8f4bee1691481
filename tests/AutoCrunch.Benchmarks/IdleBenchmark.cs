using System.Globalization;

namespace AutoCrunch.Benchmarks;

/// <summary>What it costs when nothing happens: memory, processor time and how often a thread wakes up.</summary>
internal sealed class IdleBenchmark(BenchmarkOptions options, Contestants contestants)
{
    // Until late compilation is done, idle threads of the pool have ended, and the ledger has looked, a minute after
    // the start, for what may be forgotten.
    private static readonly TimeSpan s_settling = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(30);

    public (double ResidentMb, double CpuMs, long WakeUps) Run()
    {
        using var arena = new Arena(options, subdirectories: 10);
        Package.Configure(arena.Place.Home, arena.Place.Incoming, contestants.Job);
        using RunningTool tool = contestants.Package.Start(arena.Place.Home);
        Patience.Rest(s_settling);
        var before = tool.ThreadTimes();
        ToolUsage start = tool.Usage();
        Patience.Rest(s_period);
        ToolUsage end = tool.Usage();
        double ms = tool.ThreadTimes().Sum(pair => pair.Value.Ms - before.GetValueOrDefault(pair.Key).Ms);
        long wakeUps = end.WakeUps - start.WakeUps;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"idle: {end.ResidentBytes / 1e6:F1} MB resident, {ms:F2} ms CPU and {wakeUps} wake-ups in "
            + $"{s_period.TotalSeconds:F0} s"));
        foreach ((string thread, (double Ms, long WakeUps) after) in tool.ThreadTimes())
        {
            (double Ms, long WakeUps) earlier = before.GetValueOrDefault(thread);
            if (after.WakeUps > earlier.WakeUps)
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"  {thread}: {after.WakeUps - earlier.WakeUps} wake-ups, {after.Ms - earlier.Ms:F2} ms"));
        }

        return (end.ResidentBytes / 1e6, ms, wakeUps);
    }
}
