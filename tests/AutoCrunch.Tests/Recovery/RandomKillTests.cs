using System.Diagnostics;
using System.Globalization;
using AutoCrunch.Core;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.Recovery;

/// <summary>The ledger is killed at random points, again and again on the same files.</summary>
public sealed class RandomKillTests
{
    private const int LivesPerLedger = 20;

    // One in four is killed while it opens the ledger, or soon after.
    private static readonly TimeSpan s_life = TimeSpan.FromSeconds(0.15);

    [Fact]
    public void The_ledger_is_sound_and_has_all_it_said_it_has_wherever_it_is_killed()
    {
        int points = LongRun.IsOn ? 1000 : 60;
        int seed = LongRun.IsOn ? Environment.TickCount : 1;
        int starts = 0, told = 0, inOpen = 0;
        Parallel.For(0, points / LivesPerLedger, new ParallelOptions { MaxDegreeOfParallelism = 2 }, ledger =>
        {
            LedgerEvidence evidence = KillAgainAndAgain(seed + ledger);
            Interlocked.Add(ref starts, evidence.Starts);
            Interlocked.Add(ref told, evidence.Told);
            Interlocked.Add(ref inOpen, evidence.KilledInOpen);
        });
        Console.WriteLine(
            $"killed at {points} random points (seed {seed}), {inOpen} of them while the ledger was opened: "
            + $"{told} facts told, {starts} attempts, nothing lost or mislabelled");
    }

    private static LedgerEvidence KillAgainAndAgain(int seed)
    {
        var random = new Random(seed);
        using var directory = new TempDirectory();
        LedgerEvidence? evidence = null;
        for (int life = 0; life < LivesPerLedger; life++)
        {
            using (Process child = Start(directory.Text, random.Next(), isLast: false))
            {
                Assert.Equal(LedgerChild.Opening, child.StandardOutput.ReadLine());
                if (random.Next(4) != 0)
                    Assert.Equal(LedgerChild.Working, child.StandardOutput.ReadLine());
                Wait.RandomMoment(random, s_life);
                Kill.Send(child.Id, Kill.ForGood);
                child.WaitForExit();
                Assert.Equal(128 + Kill.ForGood, child.ExitCode);
            }

            evidence = new LedgerEvidence(directory.Text);
            evidence.AssertKept();
        }

        using (Process last = Start(directory.Text, seed: 0, isLast: true))
        {
            last.WaitForExit();
            Assert.True(last.ExitCode == 0, last.StandardError.ReadToEnd());
        }

        evidence = new LedgerEvidence(directory.Text);
        evidence.AssertKept();
        evidence.AssertAllRan();
        return evidence;
    }

    private static Process Start(string directory, int seed, bool isLast) => Process.Start(new ProcessStartInfo(
        "dotnet",
        [
            typeof(LedgerChild).Assembly.Location, LedgerChild.Verb, directory,
            seed.ToString(CultureInfo.InvariantCulture), isLast.ToString(),
        ])
    {
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;
}

/// <summary>What a killed <see cref="LedgerChild"/> has written down, held against what its ledger has.</summary>
internal sealed class LedgerEvidence
{
    private readonly string _directory;
    private readonly List<LedgerLine> _story;

    // What was told of files before this line is in the ledger: each life tells all again that it found there.
    private readonly int _acknowledged;

    // The ends of attempts that the ledger said it has: each life's, before the last time it said so.
    private readonly List<LedgerLine> _settled = [];

    public LedgerEvidence(string directory)
    {
        _directory = directory;
        _story = LedgerLine.ReadAll(LedgerChild.StoryOf(directory));
        int said = _story.FindLastIndex(line => line.Kind == 'A');
        _acknowledged = said < 0 ? 0 : _story.FindLastIndex(said, line => line.Kind == 'F');
        var ended = new List<LedgerLine>();
        foreach (LedgerLine line in _story)
        {
            if (line.Kind == 'E')
                ended.Add(line);
            if (line.Kind == 'A')
                _settled.AddRange(ended);
            if (line.Kind is 'A' or 'L')
                ended.Clear();
        }
    }

    public int Starts => _story.Count(line => line.Kind == 'S');

    public int Told => _story.Count(line => line.Kind is 'T' or 'H' or 'G');

    public int KilledInOpen => _story.Zip(_story.Skip(1)).Count(pair => pair is { First.Kind: 'L', Second.Kind: 'L' });

    /// <summary>
    /// Whatever was acknowledged or acted on is in the ledger, and no attempt's number was given twice.
    /// </summary>
    public void AssertKept()
    {
        using var ledger = new SurvivingLedger(Path.Combine(_directory, "state"));
        ledger.AssertSound();
        AssertStarts();
        if (_story.TrueForAll(line => line.Kind == 'L'))
            return;
        Dictionary<long, (int State, int Attempts)> jobs = ledger
            .Rows("SELECT id, state, attempts FROM jobs", row => (row.GetInt64(0), (row.GetInt32(1), row.GetInt32(2))))
            .ToDictionary();
        foreach (LedgerLine start in _story.Where(line => line.Kind == 'S'))
            Assert.True(jobs[start.Job].Attempts >= start.Number, $"not recorded before it was acted on: {start}");
        var attempts = ledger.Rows(
            "SELECT job_id, number, result FROM attempts",
            row => (row.GetInt64(0), row.GetInt32(1), (AttemptResult)row.GetInt32(2))).ToHashSet();
        foreach (LedgerLine end in _settled)
            Assert.True(attempts.Contains((end.Job, end.Number, end.Result!.Value)), $"lost: {end}");
        AssertFiles(ledger);
    }

    /// <summary>After a life that ended when nothing was left to do: each file's last version has succeeded.</summary>
    public void AssertAllRan()
    {
        using var ledger = new SurvivingLedger(Path.Combine(_directory, "state"));
        Assert.Equal(0, ledger.Number("SELECT count(*) FROM jobs WHERE state < 2"));
        var succeeded = _story.Where(line => line.Result == AttemptResult.Succeeded)
            .Select(line => line.Version).ToHashSet();
        var givenUp = ledger.Rows(
            $"SELECT size FROM jobs WHERE state = 3 AND crashes >= {JobTransitions.CrashesMax}",
            row => row.GetInt64(0));
        succeeded.UnionWith(givenUp);
        foreach (LedgerLine line in LastTold(_story.Count).Values.Where(line => line.Kind == 'T'))
            Assert.True(succeeded.Contains(line.Version), $"never ran: {line}");
    }

    private void AssertStarts()
    {
        var running = new HashSet<string>();
        foreach (LedgerLine line in _story)
        {
            switch (line.Kind)
            {
                case 'L':
                    running.Clear();
                    break;
                case 'S':
                    Assert.True(running.Add(line.Path), $"two attempts at a time: {line}");
                    break;
                case 'E':
                    running.Remove(line.Path);
                    break;
                default:
                    break;
            }
        }

        foreach (IGrouping<long, LedgerLine> version in
            _story.Where(line => line.Kind == 'S').GroupBy(line => line.Version))
        {
            int[] numbers = [.. version.Select(line => line.Number)];
            Assert.Equal(numbers.Distinct().Order(), numbers);
            Assert.Single(version.Select(line => line.Job).Distinct());
        }

        foreach (LedgerLine end in _settled.Where(line => line.Result == AttemptResult.Succeeded))
            Assert.DoesNotContain(
                _story, line => line.Kind == 'S' && line.Version == end.Version && line.Number > end.Number);
    }

    private void AssertFiles(SurvivingLedger ledger)
    {
        var known = ledger.Rows(
            "SELECT CAST(name AS TEXT), size, state FROM files",
            row => (row.GetString(0), (Version: row.GetInt64(1), State: (EntryState)row.GetInt32(2))))
            .ToDictionary();
        var jobs = ledger.Rows("SELECT size FROM jobs", row => row.GetInt64(0)).ToHashSet();
        Dictionary<string, LedgerLine> acknowledged = LastTold(_acknowledged);
        ILookup<string, LedgerLine> since = _story.Skip(_acknowledged)
            .Where(line => line.Kind is 'T' or 'H' or 'G').ToLookup(line => line.Path);
        foreach ((string path, LedgerLine last) in acknowledged)
        {
            if (last.Kind == 'T')
                Assert.True(jobs.Contains(last.Version), $"no job: {last}");
            bool isAsTold = since[path].Prepend(last).Any(told => Fits(told, known));
            Assert.True(isAsTold, $"told {last}, known {known.GetValueOrDefault(path)}");
        }
    }

    private static bool Fits(LedgerLine told, Dictionary<string, (long Version, EntryState State)> known)
    {
        if (!known.TryGetValue(told.Path, out (long Version, EntryState State) entry))
            return told.Kind == 'G';
        return told.Kind switch
        {
            'G' => entry.State == EntryState.Gone,
            'H' => entry == (told.Version, EntryState.Held),
            _ => entry.Version == told.Version && entry.State is EntryState.Present or EntryState.Changed,
        };
    }

    private Dictionary<string, LedgerLine> LastTold(int before) => _story.Take(before)
        .Where(line => line.Kind is 'T' or 'H' or 'G').GroupBy(line => line.Path)
        .ToDictionary(lines => lines.Key, lines => lines.Last());
}
