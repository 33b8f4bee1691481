using System.Diagnostics;
using System.Globalization;

namespace AutoCrunch.Benchmarks;

/// <summary>
/// From rename(2) to the job's first instruction, AutoCrunch beside <c>inotifywait | xargs</c> and a C reference,
/// taking turns in one run: medians of medians, and every file of every round must have run exactly once.
/// </summary>
internal sealed class LatencyBenchmark(string workDirectory, int files, int rounds)
{
    private const int PauseUs = 4000;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    public int Run()
    {
        Directory.CreateDirectory(workDirectory);
        string job = NativePrograms.Compile(
            "job", workDirectory, $"-static \"-DRECORD=\\\"{Path.Combine(workDirectory, "record")}\\\"\"");
        string generate = NativePrograms.Compile("generate", workDirectory);
        string reference = NativePrograms.Compile("reference", workDirectory);
        var tools = new List<(string Name, Func<string, Tool> Start)>
        {
            ("C reference", directory => StartAndAwait(reference, $"{directory} {job}", "ready")),
            ("inotifywait | xargs", directory => StartAndAwait(
                "/bin/sh",
                $"-c \"exec inotifywait -q -m -e moved_to --format '%w%f' {directory} | xargs -P 2 -n 1 {job}\"",
                watches: directory)),
            ("AutoCrunch", _ => new Tool(ServiceProcess.Start(workDirectory, job, "RenameAndInPlace"))),
            ("AutoCrunch, Rename", _ => new Tool(ServiceProcess.Start(workDirectory, job, "Rename"))),
        };
        var medians = tools.ToDictionary(tool => tool.Name, _ => new List<(double P50, double P99, double Max)>());
        for (int round = 0; round < rounds; round++)
        {
            foreach ((string name, Func<string, Tool> start) in tools)
                medians[name].Add(Measure(name, start, generate));
        }

        Print(medians);
        return 0;
    }

    private void Print(Dictionary<string, List<(double P50, double P99, double Max)>> medians)
    {
        Console.WriteLine();
        Console.WriteLine($"rename -> job's first instruction, us; {files} files, {rounds} rounds, in {workDirectory}");
        Console.WriteLine("| tool | p50 | p99 | max | p50 / C | p99 / C |");
        Console.WriteLine("|---|---|---|---|---|---|");
        (double p50C, double p99C, _) = Middle(medians["C reference"]);
        foreach ((string name, List<(double, double, double)> all) in medians)
        {
            (double p50, double p99, double max) = Middle(all);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {name} | {p50:F0} | {p99:F0} | {max:F0} | {p50 / p50C:F2} | {p99 / p99C:F2} |"));
        }
    }

    private (double P50, double P99, double Max) Measure(string name, Func<string, Tool> start, string generate)
    {
        string directory = Path.Combine(workDirectory, "incoming-" + Path.GetRandomFileName());
        Directory.CreateDirectory(directory);
        string record = Path.Combine(workDirectory, "record");
        File.Delete(record);
        using Tool tool = start(directory);
        Dictionary<string, long> renamed = Generate(generate, tool.Incoming ?? directory);
        var started = new Dictionary<string, long>(StringComparer.Ordinal);
        var patience = Stopwatch.StartNew();
        while (started.Count < files && patience.Elapsed < s_patience)
        {
            Thread.Sleep(20);
            started = File.Exists(record) ? ReadRecord(record, name) : started;
        }

        if (started.Count != files)
            throw new InvalidOperationException($"{name}: {started.Count} of {files} files ran");
        double[] us = [.. renamed.Select(pair => (started[pair.Key] - pair.Value) / 1000.0).Order()];
        return (us[us.Length / 2], us[us.Length * 99 / 100], us[^1]);
    }

    private Dictionary<string, long> Generate(string generate, string directory)
    {
        using Process generator = Start(generate, $"{directory} {files} {PauseUs}");
        string output = generator.StandardOutput.ReadToEnd();
        generator.WaitForExit();
        return Parse(output.Split('\n', StringSplitOptions.RemoveEmptyEntries), "generator");
    }

    private static Dictionary<string, long> ReadRecord(string record, string name) =>
        Parse(File.ReadAllLines(record), name);

    private static Dictionary<string, long> Parse(IEnumerable<string> lines, string name)
    {
        var times = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (string line in lines)
        {
            int space = line.IndexOf(' ', StringComparison.Ordinal);
            if (!times.TryAdd(line[(space + 1)..], long.Parse(line.AsSpan(0, space), CultureInfo.InvariantCulture)))
                throw new InvalidOperationException($"{name}: ran twice: {line}");
        }

        return times;
    }

    private static Tool StartAndAwait(
        string program, string arguments, string? line = null, string? watches = null)
    {
        Process process = Start(program, arguments);
        while (line is not null && process.StandardOutput.ReadLine() is { } read && read != line)
            continue;

        // inotifywait -q says nothing: its watch shows in /proc/PID/fdinfo of some process of the pipeline.
        var patience = Stopwatch.StartNew();
        while (watches is not null && !SomebodyWatches(watches) && patience.Elapsed < s_patience)
            Thread.Sleep(5);
        return new Tool(process);
    }

    private static bool SomebodyWatches(string directory)
    {
        foreach (Process process in Process.GetProcessesByName("inotifywait"))
        {
            string arguments = File.ReadAllText($"/proc/{process.Id}/cmdline");
            bool isWatching = arguments.Contains(directory, StringComparison.Ordinal) && Directory
                .EnumerateFiles($"/proc/{process.Id}/fdinfo")
                .Any(file => File.ReadAllText(file).Contains("inotify wd:", StringComparison.Ordinal));
            if (isWatching)
                return true;
        }

        return false;
    }

    private static Process Start(string program, string arguments) =>
        Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;

    private static (double P50, double P99, double Max) Middle(List<(double P50, double P99, double Max)> all) =>
        (Median(all.Select(one => one.P50)), Median(all.Select(one => one.P99)), all.Max(one => one.Max));

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }

    /// <summary>A running tool; ended with everything it started.</summary>
    private sealed class Tool(Process process) : IDisposable
    {
        private readonly ServiceProcess? _service;

        public Tool(ServiceProcess service)
            : this(Process.GetProcessById(service.Pid)) => _service = service;

        /// <summary>The directory it watches, if it chose one of its own.</summary>
        public string? Incoming => _service?.Incoming;

        public void Dispose()
        {
            _service?.Dispose();
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            process.Dispose();
        }
    }
}
