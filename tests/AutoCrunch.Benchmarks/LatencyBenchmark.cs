using System.Globalization;

namespace AutoCrunch.Benchmarks;

/// <summary>Microseconds of one round: of a tool that has run for a while, and of its first files.</summary>
internal readonly record struct Latency(double P50, double P99, double Max, double FirstP50, double FirstP99);

/// <summary>
/// From rename(2) to the job's first instruction, or to the moment the tool knows of the file: AutoCrunch, the C
/// reference and the peers take turns in every round, and every file of every round must have been found exactly once.
/// </summary>
internal sealed class LatencyBenchmark(BenchmarkOptions options, Contestants contestants)
{
    private const int PauseUs = 4000;

    // Between the first files and those that count: in these ten seconds a runtime compiles what is hot anew.
    private const int WarmUpFiles = 2_500;

    private static readonly TimeSpan s_stall = TimeSpan.FromSeconds(5);

    private readonly JobRecord _record = new(contestants.RecordFile);

    /// <summary>Rename to job.</summary>
    public Dictionary<string, Latency> Run(int files, int rounds, IReadOnlyList<Contestant>? tools = null) => Rounds(
        "rename -> job's first instruction", files, rounds, tools ?? contestants.Dispatchers(), endsFirst: false);

    /// <summary>Rename to the tool's knowledge.</summary>
    public Dictionary<string, Latency> RunDetection(int files, int rounds)
    {
        string record = contestants.RecordFile;
        var tools = new List<Contestant>
        {
            Detector(Contestants.C, place => [contestants.Dispatcher, place.Incoming, "-", record]),
            Detector(Contestants.Ours, place => Contestants.Peer("detect", place.Incoming, record)),
        };
        if (Contestants.Python is { } python)
        {
            tools.Add(Detector(
                Contestants.Original, place => [python, Contestants.PythonScript, place.Incoming, "-", record]));
        }

        return Rounds("rename -> detected", files, rounds, tools, endsFirst: true);
    }

    private static Contestant Detector(string name, Func<Place, string[]> command) => new(name, place =>
    {
        RunningTool tool = RunningTool.Start(Path.Combine(place.Home, "output"), command(place));
        tool.AwaitWatches(place.Directories);
        return tool;
    });

    private Dictionary<string, Latency> Rounds(
        string title, int files, int rounds, IReadOnlyList<Contestant> tools, bool endsFirst)
    {
        var all = tools.ToDictionary(tool => tool.Name, _ => new List<Latency>(), StringComparer.Ordinal);
        for (int round = 0; round < rounds; round++)
        {
            foreach (Contestant tool in tools)
                all[tool.Name].Add(Measure(tool, files, endsFirst));
        }

        var middle = all.ToDictionary(one => one.Key, one => new Latency(
            one.Value.Select(latency => latency.P50).Median(), one.Value.Select(latency => latency.P99).Median(),
            one.Value.Max(latency => latency.Max), one.Value.Select(latency => latency.FirstP50).Median(),
            one.Value.Select(latency => latency.FirstP99).Median()), StringComparer.Ordinal);
        Print($"{title}, us; the first {files} files and, after {WarmUpFiles} more, {files} others, "
            + $"{PauseUs / 1000} ms apart, {rounds} rounds, {options.Directory}", middle);
        return middle;
    }

    private Latency Measure(Contestant contestant, int files, bool endsFirst)
    {
        int all = files + WarmUpFiles + files;
        using var arena = new Arena(options);
        _record.Clear();
        using RunningTool tool = contestant.Start(arena.Place);
        (long Ns, string Path)[] renames = [.. JobRecord.Parse(
            Shell.Run(contestants.Generate, "paced", arena.Place.Incoming, $"{all}", $"{PauseUs}")
                .Split('\n', StringSplitOptions.RemoveEmptyEntries))];
        if (endsFirst)
            tool.Dispose(); // it writes the record at its end
        else
            _record.Await(all, s_stall);
        Tally tally = _record.Check([.. renames.Select(rename => rename.Path)]);
        double[] Us(IEnumerable<(long Ns, string Path)> of) =>
        [
            .. from rename in of
               where tally.Starts.ContainsKey(rename.Path)
               select (tally.Starts[rename.Path] - rename.Ns) / 1000.0,
        ];
        double[] first = Us(renames.Take(files));
        double[] us = Us(renames.TakeLast(files));
        var latency = new Latency(
            us.Percentile(50), us.Percentile(99), us.DefaultIfEmpty().Max(), first.Percentile(50),
            first.Percentile(99));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"  {contestant.Name}: p50 {latency.P50:F0} us, p99 {latency.P99:F0} us, max {latency.Max:F0} us; "
            + $"first p50 {latency.FirstP50:F0} us, p99 {latency.FirstP99:F0} us; {tally}"));
        if (!contestant.MayLose && !tally.IsExact)
            throw new InvalidOperationException($"{contestant.Name}: {tally} of {all}\n{tool.Said}");
        return latency;
    }

    private static void Print(string title, Dictionary<string, Latency> all)
    {
        Console.WriteLine();
        Console.WriteLine(title);
        Console.WriteLine("| tool | p50 | p99 | max | p50 / C | p99 / C | first: p50 | p99 | p50 / C | p99 / C |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|");
        all.TryGetValue(Contestants.C, out Latency floor);
        foreach ((string name, Latency latency) in all)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {name} | {latency.P50:F0} | {latency.P99:F0} | {latency.Max:F0} "
                + $"| {latency.P50 / floor.P50:F2} | {latency.P99 / floor.P99:F2} "
                + $"| {latency.FirstP50:F0} | {latency.FirstP99:F0} "
                + $"| {latency.FirstP50 / floor.FirstP50:F2} | {latency.FirstP99 / floor.FirstP99:F2} |"));
        }
    }
}
