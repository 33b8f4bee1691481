using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace AutoCrunch.Benchmarks;

/// <summary>
/// How quickly the kernel's queue is emptied when nothing is done with the events: our reader beside C and pyinotify.
/// The readers are stopped while the queue fills. Needs root, to make that queue long enough for a while.
/// </summary>
internal sealed class DrainBenchmark(BenchmarkOptions options)
{
    private const string QueueLimit = "/proc/sys/fs/inotify/max_queued_events";

    private readonly string _drain = NativePrograms.Compile("drain", options.Scratch);
    private readonly string _generate = NativePrograms.Compile("generate", options.Scratch);

    /// <summary>Median events a second by tool.</summary>
    public Dictionary<string, double> Run(int events, int rounds)
    {
        var tools = new Dictionary<string, Func<string, string[]>>(StringComparer.Ordinal)
        {
            [Contestants.C] = directory => [_drain, directory, $"{events}"],
            [Contestants.Ours] = directory => Contestants.Peer("count", directory, $"{events}"),
        };
        if (Contestants.Python is { } python)
            tools[Contestants.Original] = directory => [python, Contestants.PythonScript, directory, "+", $"{events}"];
        var rates = tools.Keys.ToDictionary(name => name, _ => new List<double>(), StringComparer.Ordinal);
        string limit = File.ReadAllText(QueueLimit);
        using PosixSignalRegistration killed = PosixSignalRegistration.Create(
            PosixSignal.SIGTERM, _ => File.WriteAllText(QueueLimit, limit));
        try
        {
            File.WriteAllText(QueueLimit, "4000000");
            for (int round = 0; round < rounds; round++)
            {
                foreach ((string name, Func<string, string[]> command) in tools)
                    rates[name].Add(Measure(name, command, events));
            }
        }
        finally
        {
            File.WriteAllText(QueueLimit, limit);
        }

        Print(events, rounds, rates);
        return rates.ToDictionary(pair => pair.Key, pair => pair.Value.Median(), StringComparer.Ordinal);
    }

    private double Measure(string name, Func<string, string[]> command, int events)
    {
        string directory = Path.Combine(options.Scratch, "drain-" + Path.GetRandomFileName());
        Directory.CreateDirectory(directory);
        Shell.Run(_generate, "names", directory, $"{events}");
        string[] words = command(directory);
        using Process reader = Process.Start(
            new ProcessStartInfo(words[0], words[1..]) { RedirectStandardOutput = true })!;
        if (reader.StandardOutput.ReadLine() != "ready")
            throw new InvalidOperationException($"{name} is not ready");
        Patience.Rest(TimeSpan.FromMilliseconds(300)); // until it waits in read(2) or poll(2)
        Shell.Run("kill", "-STOP", $"{reader.Id}");
        Shell.Run(_generate, "renames", directory, $"{events}");
        Shell.Run("kill", "-CONT", $"{reader.Id}");
        string[] told = reader.StandardOutput.ReadToEnd().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        reader.WaitForExit();
        Shell.RemoveTree(directory);
        if (told.Length < 3 || told[0] != $"{events}" || told[1] != "0")
            throw new InvalidOperationException($"{name}: {string.Join(' ', told)} instead of {events} events");
        return events / double.Parse(told[2], CultureInfo.InvariantCulture);
    }

    private static void Print(int events, int rounds, Dictionary<string, List<double>> rates)
    {
        double ours = rates[Contestants.Ours].Median();
        Console.WriteLine();
        Console.WriteLine($"drain of {events} queued events, {rounds} rounds");
        Console.WriteLine("| reader | events a second | ours / it |");
        Console.WriteLine("|---|---|---|");
        foreach ((string name, List<double> all) in rates)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"| {name} | {all.Median():F0} | {ours / all.Median():F2} |"));
        }
    }
}
