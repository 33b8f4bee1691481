using System.Globalization;
using AutoCrunch.Core;
using AutoCrunch.Ledger;

namespace AutoCrunch.Benchmarks;

/// <summary>
/// Does a long history slow down what happens now? Latency and burst with millions of finished jobs in the ledger, by
/// turns with an empty one.
/// </summary>
internal sealed class HistoryBenchmark(BenchmarkOptions options, Contestants contestants)
{
    private const string Full = "AutoCrunch with a history";

    public (double Latency, double Burst) Run(int jobs, int files, int rounds)
    {
        string ledger = MakeLedger(jobs);
        try
        {
            var tools = new List<Contestant>
            {
                new(Contestants.Ours, place => Start(place, null)),
                new(Full, place => Start(place, ledger)),
            };
            Dictionary<string, Latency> latencies = new LatencyBenchmark(options, contestants)
                .Run(500, rounds, tools);
            Dictionary<string, List<BurstResult>> bursts = new BurstBenchmark(options, contestants)
                .Run(Delivery.Generator, files, rounds, tools);
            double latency = latencies[Full].P50 / latencies[Contestants.Ours].P50;
            double burst = Drain(bursts[Full]) / Drain(bursts[Contestants.Ours]);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{jobs} jobs of history, as a multiple of none: rename -> job p50 {latency:F2}, burst {burst:F2}"));
            return (latency, burst);
        }
        finally
        {
            File.Delete(ledger);
        }
    }

    private static double Drain(List<BurstResult> results) => results.Select(one => one.DrainSeconds).Median();

    private RunningTool Start(Place place, string? ledger)
    {
        string state = Path.Combine(place.Home, "state");
        Directory.CreateDirectory(state);
        if (ledger is not null)
            File.Copy(ledger, Path.Combine(state, "ledger.db"));
        Package.Configure(place.Home, place.Incoming, contestants.Job);
        return contestants.Package.Start(place.Home);
    }

    // A ledger as the service makes it, of a rule of the same name, filled by SQL: files that are gone since, each with
    // a job that succeeded at the first attempt, all within KeepHistory.
    private string MakeLedger(int jobs)
    {
        string directory = Path.Combine(options.Directory, "history-" + Path.GetRandomFileName());
        string file = Path.Combine(options.Directory, "history.db");
        using (var arena = new Arena(options))
        {
            Package.Configure(arena.Place.Home, arena.Place.Incoming, contestants.Job);
            using (contestants.Package.Start(arena.Place.Home))
            {
                // It makes the ledger and its rule.
            }

            Directory.Move(Path.Combine(arena.Place.Home, "state"), directory);
        }

        using (SqliteDatabase db = SqliteDatabase.OpenWriter(BytePath.Parse(Path.Combine(directory, "ledger.db"))))
        {
            long now = (DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() - 86_400_000) * 1_000_000;
            db.Execute("PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF; PRAGMA cache_size = -200000");
            db.Execute(string.Create(CultureInfo.InvariantCulture, $"""
                BEGIN;
                CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {jobs})
                    SELECT i FROM n;
                INSERT INTO jobs (id, rule_id, directory, name, inode, size, mtime_ns, evidence, state, due_ns,
                    attempts, arrived_ns, completed_ns, started_ns, finished_ns)
                SELECT i, (SELECT id FROM rules), CAST(printf('night-%05d', i / 1000) AS BLOB),
                    CAST(printf('exposure-%08d.raw', i) AS BLOB), i + 1000000000, 1024, i, 0,
                    {(int)JobState.Succeeded}, {now} + i, 1, {now} + i, {now} + i, {now} + i, {now} + i FROM n;
                INSERT INTO attempts (job_id, number, started_ns, finished_ns, result, exit_code)
                SELECT i, 1, {now} + i, {now} + i, {(int)AttemptResult.Succeeded}, 0 FROM n;
                INSERT INTO files (rule_id, directory, name, inode, size, mtime_ns, state, gone_ns, job_id,
                    recorded_ns)
                SELECT rule_id, directory, name, inode, size, mtime_ns, {(int)EntryState.Gone}, completed_ns, id,
                    completed_ns FROM jobs;
                COMMIT;
                """));
        }

        File.Move(Path.Combine(directory, "ledger.db"), file, overwrite: true);
        Shell.RemoveTree(directory);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"ledger of {jobs} jobs: {new FileInfo(file).Length / 1e6:F0} MB"));
        return file;
    }
}
