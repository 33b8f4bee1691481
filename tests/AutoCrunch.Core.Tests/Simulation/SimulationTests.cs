using System.Diagnostics;
using System.Globalization;
using Xunit.Abstractions;

namespace AutoCrunch.Core.Tests.Simulation;

public sealed class SimulationTests(ITestOutputHelper output)
{
    /// <summary>How many schedules to play; AUTOCRUNCH_SIMULATION_SCHEDULES, 30,000 when not set.</summary>
    private static ulong Schedules => ulong.Parse(
        Environment.GetEnvironmentVariable("AUTOCRUNCH_SIMULATION_SCHEDULES") ?? "30000", CultureInfo.InvariantCulture);

    [Fact]
    public void No_random_schedule_loses_a_file_or_runs_an_unfinished_one()
    {
        ulong seed = ulong.TryParse(Environment.GetEnvironmentVariable("AUTOCRUNCH_SIMULATION_SEED"), out ulong given)
            ? given : 1;
        var totals = new SortedDictionary<string, long>(StringComparer.Ordinal);
        var stopwatch = Stopwatch.StartNew();
        for (ulong end = seed + Schedules; seed < end; seed++)
        {
            var choices = new Choices(seed);
            var simulation = new Simulation(choices);
            if (Violation(simulation) is { } message)
                Assert.Fail($"seed {seed}: {message}\n{Shrunk([.. choices.Made], message)}");
            Count(totals, simulation);
        }

        foreach ((string name, long count) in totals)
            output.WriteLine($"{name}: {count}");
        output.WriteLine($"{totals["schedules"] / stopwatch.Elapsed.TotalSeconds:F0} schedules/s");
    }

    [Fact]
    public void The_same_seed_gives_the_same_schedule()
    {
        var first = new Choices(42);
        var second = new Choices(42);
        _ = Violation(new Simulation(first));
        _ = Violation(new Simulation(second));
        Assert.Equal(first.Made, second.Made);
    }

    private static string? Violation(Simulation simulation)
    {
        try
        {
            simulation.Run();
            return null;
        }
        catch (Exception e) when (e is ViolationException or InvariantException)
        {
            return e.Message;
        }
    }

    // Leaves out ever smaller pieces of the list as long as some violation remains.
    private static string Shrunk(ulong[] made, string message)
    {
        for (int piece = made.Length / 2; piece > 0; piece = piece == 1 ? 0 : (piece + 1) / 2)
        {
            for (int at = 0; at + piece <= made.Length;)
            {
                ulong[] shorter = [.. made[..at], .. made[(at + piece)..]];
                if (Violation(new Simulation(new Choices(shorter))) is { } found && Kind(found) == Kind(message))
                    (made, message) = (shorter, found);
                else
                    at += piece;
            }
        }

        var last = new Simulation(new Choices(made)) { World = { Log = [] } };
        _ = Violation(last);
        return $"shrunk to {made.Length} choices: {message}\n{string.Join('\n', last.World.Log)}";
    }

    // The end of the sentence says what is wrong, its beginning with which file.
    private static string Kind(string message) => string.Join(' ', message.Split(' ')[^3..]);

    private static void Count(SortedDictionary<string, long> totals, Simulation simulation)
    {
        void Add(string name, long count) => totals[name] = totals.GetValueOrDefault(name) + count;
        Add("schedules", 1);
        Add("overflows", simulation.World.Overflows);
        Add("crashes", simulation.Crashes);
        Add("kills", simulation.Kills);
        Add("clock steps", simulation.ClockSteps);
        foreach ((FileEventKind kind, long count) in simulation.World.Counts)
            Add($"event {kind}", count);
        foreach ((Evidence evidence, long count) in simulation.Ledger.Counts)
            Add($"completion {evidence}", count);
    }
}
