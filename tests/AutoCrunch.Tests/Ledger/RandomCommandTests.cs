using AutoCrunch.Core;
using AutoCrunch.Ledger;

namespace AutoCrunch.Tests.Ledger;

/// <summary>
/// Whatever is told in whatever order, the ledger's own rules hold (its CHECKs fail the round otherwise).
/// </summary>
public sealed class RandomCommandTests
{
    private static readonly string[] s_paths = ["a", "b", "d/a", "d/b", "d/e/c", "x/a"];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Never_two_attempts_of_one_path_and_every_final_version_runs(int seed)
    {
        using LedgerRig rig = new LedgerRig().Open();
        rig.StartClaims(concurrency: 3);
        var random = new Random(seed);
        var running = new List<Attempt>();
        var current = new Dictionary<string, FileVersion>();
        var succeeded = new HashSet<FileVersion>();

        void Drain(bool isQuiet)
        {
            if (isQuiet || random.Next(4) == 0) // else ends of attempts overtake what was told before
                rig.Sync();
            while (rig.Claimed.TryTake(out Attempt? attempt))
            {
                Assert.DoesNotContain(running, other => other.Job.Path == attempt.Job.Path);
                running.Add(attempt);
            }
        }

        void EndOne(bool isFailing)
        {
            Attempt attempt = running[random.Next(running.Count)];
            running.Remove(attempt);
            AttemptOutcome outcome = Outcome(attempt, current, isFailing && random.Next(4) == 0);
            if (outcome is AttemptOutcome.Succeeded)
                succeeded.Add(attempt.Job.Version);
            rig.SettleNow(attempt, outcome);
        }

        for (int step = 0; step < 2000; step++)
        {
            Drain(isQuiet: false);
            if (running.Count > 0 && random.Next(3) == 0)
                EndOne(isFailing: true);
            else
                Change(rig, random, current, succeeded);
        }

        Drain(isQuiet: true);
        while (running.Count > 0)
        {
            EndOne(isFailing: false);
            Drain(isQuiet: true);
        }

        Assert.DoesNotContain(rig.Jobs(), job => job.State is JobState.Queued or JobState.Running);
        Assert.All(current.Values, version => Assert.Contains(version, succeeded));
    }

    private static AttemptOutcome Outcome(Attempt attempt, Dictionary<string, FileVersion> current, bool isFailing)
    {
        if (!current.TryGetValue(attempt.Job.Path.ToString(), out FileVersion there))
            return AttemptOutcome.Gone.Value;
        if (there != attempt.Job.Version)
            return new AttemptOutcome.Changed(there);
        return isFailing
            ? new AttemptOutcome.Interrupted(ByCrash: false)
            : AttemptOutcome.Succeeded.Value;
    }

    private static void Change(
        LedgerRig rig, Random random, Dictionary<string, FileVersion> current, HashSet<FileVersion> succeeded)
    {
        KnownFiles known = rig.Ledger.KnownFiles;
        string path = s_paths[random.Next(s_paths.Length)];
        switch (random.Next(8))
        {
            case 0 when current.Remove(path):
                known.Gone("raw", BytePath.Parse(path));
                break;
            case 1 when current.TryGetValue(path, out FileVersion touched):
                current[path] = touched with { MtimeNs = random.Next() };
                if (succeeded.Contains(touched))
                    succeeded.Add(current[path]);
                known.MetadataChanged("raw", BytePath.Parse(path), LedgerRig.StatOf(current[path]));
                break;
            case 2 when current.Remove(path, out FileVersion moved):
                string to = s_paths[random.Next(s_paths.Length)];
                current[to] = moved;
                BytePath from = BytePath.Parse(path);
                if (to != path)
                    rig.Complete(to, moved, Evidence.Renamed, change: told => told with { RenamedFrom = from });
                break;
            case 3:
                foreach (string inside in s_paths.Where(name => name.StartsWith("d/", StringComparison.Ordinal)))
                    current.Remove(inside);
                known.DirectoryGone("raw", BytePath.Parse("d"), 0);
                break;
            case 4 when current.Remove("x/a", out FileVersion inDirectory):
                current.Remove("d/b");
                current.Remove("d/e/c");
                current["d/a"] = inDirectory;
                known.DirectoryMoved("raw", BytePath.Parse("x"), BytePath.Parse("d"));
                break;
            case 5 when current.TryGetValue(path, out FileVersion again):
                rig.Complete(path, again, Evidence.Found);
                break;
            default:
                current[path] = rig.Complete(path).Version;
                break;
        }
    }
}
