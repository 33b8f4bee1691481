using System.Globalization;

namespace AutoCrunch.Benchmarks;

/// <summary>
/// Processes a second: our posix_spawn and waitid on a thread each, with a session, a log and the whole environment,
/// beside C, xargs and System.Diagnostics.Process. They take turns in every round.
/// </summary>
internal sealed class SpawnBenchmark(BenchmarkOptions options)
{
    private readonly string _spawn = NativePrograms.Compile("spawn", options.Scratch, "-pthread");
    private readonly string _job = NativePrograms.Compile(
        "job", options.Scratch, "-static \"-DRECORD=\\\"/dev/null\\\"\"", "spawned");

    /// <summary>Medians by tool.</summary>
    public Dictionary<string, double> Run(int count, int rounds, int pool)
    {
        var tools = new Dictionary<string, Func<double>>(StringComparer.Ordinal)
        {
            [Contestants.C] = () => Parse(Shell.Run(_spawn, $"{count}", $"{pool}", _job)),
            [Contestants.Ours] = () => Peer("spawn", $"{count}", $"{pool}", _job, options.Scratch),
            ["xargs -P"] = () => Parse(Shell.Run(
                "sh", "-c", "s=$(date +%s%N); seq $0 | xargs -P $1 -n 1 \"$2\"; e=$(date +%s%N); "
                + "echo $(($0 * 1000000000 / (e - s)))", $"{count}", $"{pool}", _job)),
            ["Process"] = () => Peer("spawn-process", $"{count}", $"{pool}", _job),
        };
        var rates = tools.Keys.ToDictionary(name => name, _ => new List<double>(), StringComparer.Ordinal);
        for (int round = 0; round < rounds; round++)
        {
            foreach ((string name, Func<double> measure) in tools)
                rates[name].Add(measure());
        }

        Console.WriteLine();
        Console.WriteLine($"processes a second, pool {pool}; {count} each, {rounds} rounds");
        Console.WriteLine("| tool | a second | ours / it |");
        Console.WriteLine("|---|---|---|");
        var medians = rates.ToDictionary(pair => pair.Key, pair => pair.Value.Median(), StringComparer.Ordinal);
        foreach ((string name, double rate) in medians)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"| {name} | {rate:F0} | {medians[Contestants.Ours] / rate:F2} |"));
        }

        return medians;
    }

    private static double Peer(params string[] arguments)
    {
        string[] command = Contestants.Peer(arguments);
        return Parse(Shell.Run(command[0], command[1..]));
    }

    private static double Parse(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
