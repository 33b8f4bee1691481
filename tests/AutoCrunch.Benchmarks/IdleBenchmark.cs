using System.Globalization;

namespace AutoCrunch.Benchmarks;

/// <summary>
/// What it costs when nothing happens: memory, processor time and how often a thread wakes up; at the same time that of
/// a worker that does nothing, as services in .NET are made.
/// </summary>
internal sealed class IdleBenchmark(BenchmarkOptions options, Contestants contestants)
{
    // Until late compilation is done, idle threads of the pool have ended, and the ledger has looked, a minute after
    // the start, for what may be forgotten.
    private static readonly TimeSpan s_settling = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(30);

    public (double ResidentMb, double CpuMs, long WakeUps) Run()
    {
        var worker = BareWorker.Publish(options.Scratch);
        using var arena = new Arena(options, subdirectories: 10);
        using var other = new Arena(options);
        Package.Configure(arena.Place.Home, arena.Place.Incoming, contestants.Job);
        using RunningTool tool = contestants.Package.Start(arena.Place.Home);
        using RunningTool bare = worker.Start(other.Place);
        bare.AwaitReady();
        Patience.Rest(s_settling);
        Snapshot ours = new(tool), least = new(bare);
        Patience.Rest(s_period);
        least.Report("bare worker");
        return ours.Report("AutoCrunch");
    }

    private sealed class Snapshot(RunningTool tool)
    {
        private readonly ToolUsage _usage = tool.Usage();
        private readonly Dictionary<string, (double Ms, long WakeUps)> _threads = tool.ThreadTimes();

        // What has been used since.
        public (double ResidentMb, double CpuMs, long WakeUps) Report(string name)
        {
            ToolUsage usage = tool.Usage();
            var threads = tool.ThreadTimes();
            double ms = threads.Sum(pair => pair.Value.Ms - _threads.GetValueOrDefault(pair.Key).Ms);
            long wakeUps = usage.WakeUps - _usage.WakeUps;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{name}, idle: {usage.ResidentBytes / 1e6:F1} MB resident, {ms:F2} ms CPU and {wakeUps} wake-ups in "
                + $"{s_period.TotalSeconds:F0} s"));
            foreach ((string thread, (double Ms, long WakeUps) now) in threads)
            {
                (double Ms, long WakeUps) before = _threads.GetValueOrDefault(thread);
                if (now.WakeUps > before.WakeUps)
                    Console.WriteLine(string.Create(
                        CultureInfo.InvariantCulture,
                        $"  {thread}: {now.WakeUps - before.WakeUps} wake-ups, {now.Ms - before.Ms:F2} ms"));
            }

            return (usage.ResidentBytes / 1e6, ms, wakeUps);
        }
    }
}
