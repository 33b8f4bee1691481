using System.Diagnostics;
using System.Globalization;

namespace AutoCrunch.Benchmarks;

/// <summary>
/// The program as it is packaged beside a worker of the Generic Host that does nothing, published the
/// same way: from exec to READY=1, and the memory both hold when nothing happens. They take turns in every round.
/// </summary>
internal sealed class PackagedBenchmark(BenchmarkOptions options, Contestants contestants)
{
    // The time in which a runtime that has started settles down: late compilation, the first collections.
    private static readonly TimeSpan s_settling = TimeSpan.FromSeconds(3);

    /// <summary>AutoCrunch's start as a multiple of the bare worker's.</summary>
    public double Run(int rounds)
    {
        var worker = BareWorker.Publish(options.Scratch);
        List<(double Ms, double Mb, double StopMs)> ours = [];
        List<(double Ms, double Mb, double StopMs)> bare = [];
        for (int round = 0; round < rounds; round++)
        {
            bare.Add(Measure(worker.Start));
            ours.Add(Measure(place =>
            {
                Package.Configure(place.Home, place.Incoming, contestants.Job);
                return contestants.Package.Start(place.Home);
            }));
        }

        Console.WriteLine();
        Console.WriteLine($"start, idle memory and stop, {rounds} rounds, {options.Directory}");
        Console.WriteLine("| | exec -> READY, ms (median, max) | resident, MB | SIGTERM -> end, ms (median, max) |");
        Console.WriteLine("|---|---|---|---|");
        Print("AutoCrunch", ours);
        Print("bare worker", bare);
        return ours.Select(one => one.Ms).Median() / bare.Select(one => one.Ms).Median();
    }

    private static void Print(string name, List<(double Ms, double Mb, double StopMs)> all) =>
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {name} | {all.Select(one => one.Ms).Median():F0}, {all.Max(one => one.Ms):F0} "
            + $"| {all.Select(one => one.Mb).Median():F1} "
            + $"| {all.Select(one => one.StopMs).Median():F0}, {all.Max(one => one.StopMs):F0} |"));

    private (double Ms, double Mb, double StopMs) Measure(Func<Place, RunningTool> start)
    {
        using var arena = new Arena(options);
        using RunningTool tool = start(arena.Place);
        tool.AwaitReady();
        Patience.Rest(s_settling);
        double mb = tool.Usage().ResidentBytes / 1e6;
        long stop = Stopwatch.GetTimestamp();
        tool.Dispose();
        return (tool.ReadyMs, mb, Stopwatch.GetElapsedTime(stop).TotalMilliseconds);
    }
}
