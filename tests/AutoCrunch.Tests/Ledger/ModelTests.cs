using System.Globalization;
using AutoCrunch.Core;
using AutoCrunch.Ledger;

namespace AutoCrunch.Tests.Ledger;

/// <summary>
/// The SQL does what the decisions say, whatever it is told in whatever order. Half of the sequences are stories of a
/// real tree, told late and with gaps: at their end nothing may be lost.
/// </summary>
public sealed class ModelTests
{
    private const string CountVariable = "AUTOCRUNCH_LEDGER_SEQUENCES";
    private const int Sequences = 300;
    private const int FailuresMax = 3;

    [Fact]
    public void The_ledger_does_what_the_decisions_say()
    {
        int count = Environment.GetEnvironmentVariable(CountVariable) is { Length: > 0 } asked
            ? int.Parse(asked, CultureInfo.InvariantCulture) : Sequences;
        var failures = new List<string>();
        for (int seed = 1; seed <= count && failures.Count < FailuresMax; seed++)
        {
            if (Fails(seed, Steps(seed)) is { } failed)
                failures.Add(Explain(seed, failed.Kind));
        }

        Assert.True(failures.Count == 0, string.Join("\n\n", failures));
    }

    internal static List<LedgerStep> Steps(int seed)
    {
        var random = new Random(seed);
        var kinds = new List<LedgerStepKind>();
        foreach (LedgerStepKind kind in Enum.GetValues<LedgerStepKind>())
        {
            int weight = kind switch
            {
                >= LedgerStepKind.SayCompleted when IsStory(seed) => 0,
                LedgerStepKind.SayCompleted => 12,
                >= LedgerStepKind.Retry and <= LedgerStepKind.Adopt => seed % 3 == 0 ? 2 : 0,
                LedgerStepKind.Crash => 1,
                LedgerStepKind.Deliver or LedgerStepKind.Claim or LedgerStepKind.GoOn => 6,
                LedgerStepKind.Write or LedgerStepKind.Rename => 4,
                _ => 2,
            };
            if (random.Next(8) != 0 || kind is LedgerStepKind.Write or LedgerStepKind.SayCompleted)
                kinds.AddRange(Enumerable.Repeat(kind, weight));
        }

        return [.. Enumerable.Range(0, random.Next(5, 60)).Select(_ => new LedgerStep(
            kinds[random.Next(kinds.Count)], random.Next(5040), random.Next(5040), random.Next(5040)))];
    }

    internal static PairException? Fails(int seed, List<LedgerStep> steps, List<string>? log = null)
    {
        var random = new Random(-seed);
        WatchRule rule = LedgerRig.Rule(completion: new CompletionPolicy
        {
            Updates = (ProcessPolicy)random.Next(2),
            Renames = (ProcessPolicy)random.Next(2),
        }) with { ExistingFiles = random.Next(4) == 0 ? ProcessPolicy.Ignore : ProcessPolicy.Process };
        log?.Add($"Updates {rule.Completion.Updates}, Renames {rule.Completion.Renames}, "
            + $"ExistingFiles {rule.ExistingFiles}");
        using var world = new LedgerWorld(rule, random.Next(4) != 0, IsStory(seed));
        try
        {
            foreach (LedgerStep step in steps)
                world.Play(step);
            if (IsStory(seed))
                world.Finish();
            return null;
        }
        catch (PairException e)
        {
            return e;
        }
        catch (Exception e) when (e is InvariantException or SqliteException)
        {
            return new PairException("thrown " + e.Message, e.ToString());
        }
        finally
        {
            log?.AddRange(world.Log);
        }
    }

    // Leaves out steps as long as it fails in the same way.
    internal static string Explain(int seed, string kind)
    {
        List<LedgerStep> steps = Steps(seed);
        for (int piece = steps.Count / 2; piece > 0; piece /= 2)
        {
            for (int at = 0; at + piece <= steps.Count;)
            {
                List<LedgerStep> shorter = [.. steps[..at], .. steps[(at + piece)..]];
                if (Fails(seed, shorter)?.Kind == kind)
                    steps = shorter;
                else
                    at += piece;
            }
        }

        var log = new List<string>();
        PairException? failed = Fails(seed, steps, log);
        return $"Sequence {seed}, shrunk to {steps.Count} steps:\n{string.Join('\n', log)}\n{failed?.Message}";
    }

    private static bool IsStory(int seed) => seed % 2 == 0;
}
