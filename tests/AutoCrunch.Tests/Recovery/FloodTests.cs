using System.Diagnostics;
using System.Globalization;
using AutoCrunch.Core;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.Recovery;

/// <summary>The service is killed while rsync floods it.</summary>
public sealed class FloodTests
{
    private const int Files = 10_000;
    private const int KillsPerFlood = 3;

    // What arrives again in another version while the flood goes on.
    private const int Updated = 300;

    // Renamed into place, written in place with a kept mtime (which proves), and without one (quiet speaks for it).
    // The limits make a flood last some seconds, so that files are in flight whenever the service is killed.
    private const string Flood = $$"""
        rsync -a --bwlimit=8m $S/renamed $D/ &
        rsync -a --inplace --bwlimit=4m $S/inplace $D/ &
        rsync -r --inplace --bwlimit=1m $S/untimed $D/ &
        wait %1 && rsync -a --bwlimit=1m $B/again/renamed $D/
        wait %2; wait %3
        """;

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    [Fact]
    public void Killed_at_random_moments_of_a_flood_it_loses_nothing_and_labels_every_repeat()
    {
        int floods = LongRun.IsOn ? 10 : 1;
        for (int flood = 0; flood < floods; flood++)
            KillInFlood(seed: LongRun.IsOn ? Environment.TickCount + flood : 1);
    }

    private static void KillInFlood(int seed)
    {
        var random = new Random(seed);
        using var service = new ServiceUnderTest(new RuleText
        {
            Concurrency = 4,
            Job = ["dawdle=100"],

            // On a busy machine rsync may wait for long between its close and its utimensat, which makes two versions.
            Completion = """{ "QuietPeriod": "00:00:03" }""",
        })
        {
            MinimumLevel = "\"Information\"",
        };
        service.Start();
        var arena = new Arena(service);
        arena.Script($$"""
            mkdir $S/renamed $S/inplace $S/untimed $B/again $B/again/renamed
            $TOOL fill $S/renamed f {{Files * 7 / 10}} 1
            $TOOL fill $S/inplace f {{Files * 2 / 10}} 2
            $TOOL fill $S/untimed f {{Files / 10}} 3
            $TOOL fill $B/again/renamed f {{Updated}} 4
            """);
        Task arrivals = arena.ScriptBeside(Flood);
        for (int kill = 1; kill <= KillsPerFlood; kill++)
        {
            // The moment is random: in the first life and the last one while it works, in between while it starts.
            Wait.RandomMoment(random, TimeSpan.FromSeconds(kill == 2 ? 0.7 : 2.5));
            service.KillForGood();
            using (var left = new SurvivingLedger(Path.Combine(service.Base, "state")))
                left.AssertSound();
            if (kill == 1)
                service.Launch();
            else
                service.Start();
        }

        arrivals.GetAwaiter().GetResult();
        var versions = new Versions(arena);
        UntilAllRan(service, arena, versions);
        service.Quiesce();
        IReadOnlyList<LedgerJob> jobs;
        using (var ledger = new LedgerView(service.Base))
            jobs = ledger.Jobs();
        int repeats = versions.AssertNothingLostOrMislabelled(arena.Started(), jobs);
        service.Records.AssertNoOverlap();
        Assert.DoesNotContain(jobs, job => job.State == LedgerView.Failed);
        service.Stop();
        Console.WriteLine(
            $"flood {seed}: {Files} files, {KillsPerFlood} kills, {arena.Started().Count} jobs, {repeats} repeats");
    }

    // Progress is the fact that is waited for: a slow machine may take as long as it needs.
    private static void UntilAllRan(ServiceUnderTest service, Arena arena, Versions versions)
    {
        long progressAt = Stopwatch.GetTimestamp();
        int left = Files;
        service.Until(
            () =>
            {
                int now = versions.NotRun(arena.Started()).Length;
                if (now < left)
                    (left, progressAt) = (now, Stopwatch.GetTimestamp());
                return left == 0;
            },
            () => Stopwatch.GetElapsedTime(progressAt) > s_patience,
            () => $"{left} of {Files} files did not run: "
                + string.Join(' ', versions.NotRun(arena.Started()).Take(10)));
    }

    /// <summary>What was sent, and what jobs may have seen of it.</summary>
    private sealed class Versions
    {
        private readonly Dictionary<BytePath, (long, string)> _final = [];
        private readonly Dictionary<BytePath, (long, string)> _earlier;

        public Versions(Arena arena)
        {
            BytePath destination = BytePath.Parse(arena.Destination);
            _earlier = Below(destination, Arena.FilesIn(arena.Source));
            _final = new(_earlier);
            foreach ((BytePath path, (long, string) content) in
                Below(destination, Arena.FilesIn(Path.Combine(arena.Base, "again"))))
                _final[path] = content;
            Assert.Equal(Files, _final.Count);
            Assert.Equal(Updated, _final.Count(file => _earlier[file.Key] != file.Value));
        }

        /// <summary>The files that have not run to the end in their final version.</summary>
        public BytePath[] NotRun(IEnumerable<JobRecord> records)
        {
            var ran = records
                .Where(record => record.End is not null && _final[record.Path] == (record.SizeBytes, record.Hash))
                .Select(record => record.Path).ToHashSet();
            return [.. _final.Keys.Where(path => !ran.Contains(path))];
        }

        /// <summary>Returns how many starts were repeats.</summary>
        public int AssertNothingLostOrMislabelled(IReadOnlyList<JobRecord> records, IReadOnlyList<LedgerJob> jobs)
        {
            Dictionary<string, long> mtimes = jobs.ToDictionary(
                job => job.Id.ToString(CultureInfo.InvariantCulture), job => job.MtimeNs);
            Assert.Empty(NotRun(records));
            foreach (JobRecord record in records)
            {
                (long, string) seen = (record.SizeBytes, record.Hash);
                Assert.True(seen == _final[record.Path] || seen == _earlier[record.Path], $"partial: {record}");
            }

            int repeats = 0;

            // A file that is replaced between the last look and the first read runs for the version that was looked at,
            // and once more for its own: two versions, and the ledger says so.
            var own = records.Where(record =>
                _earlier[record.Path] == _final[record.Path] || mtimes[record.JobId] == record.MtimeNs);
            foreach (var runs in own.GroupBy(record => (record.Path, record.Hash)))
            {
                // An attempt that was killed before its program began has a number and no record.
                int[] attempts = [.. runs.Select(record => record.Attempt)];
                bool isLabelled = attempts.Distinct().Order().SequenceEqual(attempts)
                    && runs.DistinctBy(record => record.JobId).Count() == 1;
                Assert.True(isLabelled, string.Join('\n', runs.Select(run => $"{run}: inode {run.Inode}, "
                    + $"mtime {run.MtimeNs}, of a job for {mtimes[run.JobId]}, begun {run.StartNs}")));
                repeats += attempts.Length - 1;
            }

            return repeats;
        }

        private static Dictionary<BytePath, (long, string)> Below(
            BytePath directory, Dictionary<BytePath, (long, string)> files) =>
            files.ToDictionary(file => directory.Join(file.Key), file => file.Value);
    }
}
