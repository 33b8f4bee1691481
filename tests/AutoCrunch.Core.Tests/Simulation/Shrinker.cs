using System.Diagnostics;

namespace AutoCrunch.Core.Tests.Simulation;

/// <summary>Makes a failing schedule as short and as simple as it can, as long as it fails in the same way.</summary>
internal static class Shrinker
{
    private const int LinesMax = 160;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    /// <summary>Plays a list of choices; what it broke, or null.</summary>
    public static string? Violation(Simulation simulation)
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

    /// <summary>The end of the sentence says what is wrong, its beginning with which file.</summary>
    public static string Kind(string message) => string.Join(' ', message.Split(' ')[^5..]);

    /// <summary>The shrunk schedule with everything that happens in it, for people.</summary>
    public static string Explain(ulong[] made, string message)
    {
        string kind = Kind(message);
        var stopwatch = Stopwatch.StartNew();
        int before;
        do
        {
            before = made.Length;
            made = LeaveOut(made, kind, stopwatch);
            made = Simplify(made, kind, stopwatch);
        }
        while (made.Length < before && stopwatch.Elapsed < s_patience);

        var last = new Simulation(new Choices(made), log: []);
        message = Violation(last) ?? message;
        List<string> log = last.World.Log!;
        if (log.Count > LinesMax)
            log = [.. log.Take(LinesMax / 2), "...", .. log.TakeLast(LinesMax / 2)];
        return $"shrunk to {made.Length} choices: {message}\n{string.Join('\n', log)}";
    }

    private static bool Fails(ulong[] made, string kind) =>
        Violation(new Simulation(new Choices(made))) is { } found && Kind(found) == kind;

    // Leaves out ever smaller pieces of the list.
    private static ulong[] LeaveOut(ulong[] made, string kind, Stopwatch stopwatch)
    {
        for (int piece = made.Length / 2; piece > 0; piece = piece == 1 ? 0 : (piece + 1) / 2)
        {
            for (int at = 0; at + piece <= made.Length && stopwatch.Elapsed < s_patience;)
            {
                ulong[] shorter = [.. made[..at], .. made[(at + piece)..]];
                if (Fails(shorter, kind))
                    made = shorter;
                else
                    at += piece;
            }
        }

        return made;
    }

    // Then puts the simplest choice in place of every other.
    private static ulong[] Simplify(ulong[] made, string kind, Stopwatch stopwatch)
    {
        for (int at = 0; at < made.Length && stopwatch.Elapsed < s_patience; at++)
        {
            ulong was = made[at];
            if (was == 0)
                continue;
            made[at] = 0;
            if (!Fails(made, kind))
                made[at] = was;
        }

        return made;
    }
}
