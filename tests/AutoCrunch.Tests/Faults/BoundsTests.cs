using System.Globalization;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.Faults;

/// <summary>Memory and transactions stay small however many files are held, in flight or forgotten.</summary>
public sealed class BoundsTests
{
    private const int FilesPerDirectory = 1000;
    private const long PeakBytes = 400L * 1024 * 1024;

    // A million files on a machine that is busy with other things.
    private static readonly TimeSpan s_bound = TimeSpan.FromMinutes(10);

    private static readonly int s_files = LongRun.IsOn ? 1_000_000 : 100_000;

    [Fact]
    public void Held_files_take_room_in_the_ledger_and_not_in_memory()
    {
        using ServiceUnderTest service = Silent("{}");
        Write(service, "held", s_files, file => File.SetLastWriteTimeUtc(file, DateTime.UnixEpoch));
        Start(service);
        using (var ledger = new LedgerView(service.Base))
            Wait.Until(() => ledger.HeldFiles() == s_files, s_bound);
        long first = Peak(service);
        service.Stop();

        Start(service); // all of them are told again by its first scan
        service.Quiesce("other");
        long second = Peak(service);
        Assert.InRange(service.Stop(), TimeSpan.Zero, TimeSpan.FromSeconds(5));

        Print($"{s_files} held files: peak {first >> 20} MiB, {second >> 20} MiB when they are known");
        Assert.InRange(first, 0, PeakBytes);
        Assert.InRange(second, 0, PeakBytes);
        Assert.DoesNotContain(service.Started(), record => record.Rule == "raw");
    }

    [Fact]
    public void Files_in_flight_take_bounded_memory_and_hold_up_nobody_else()
    {
        using ServiceUnderTest service = Silent("""{ "QuietPeriod": "01:00:00" }""");
        service.Start();
        Write(service, "f", s_files);
        Write(service, ".g.raw.Ab01x", s_files / 10); // temporaries: forgotten at once

        service.Quiesce("other");
        long peak = Peak(service);
        Assert.InRange(service.Stop(), TimeSpan.Zero, TimeSpan.FromSeconds(5));

        Print($"{s_files} files in flight: peak {peak >> 20} MiB");
        Assert.InRange(peak, 0, PeakBytes);
        Assert.DoesNotContain(service.Started(), record => record.Rule == "raw");
    }

    [Fact]
    public void Forgetting_goes_in_small_transactions_and_lets_claims_pass()
    {
        const int StepMax = 200;
        const int Count = 100_000;
        using var directory = new TempDirectory();
        var layout = new StateLayout(directory["state"]);
        using (var rig = new Ledger.LedgerRig(directory).Open())
        {
            rig.Complete("waits");
            rig.Sync();
        }

        using (SqliteDatabase db = SqliteDatabase.OpenWriter(layout.Ledger))
            db.Execute(History(Count));

        using SqliteDatabase connection = LedgerFile.OpenWriter(layout, out _);
        var writer = new LedgerWriter(connection, (_, _, _) => false);
        var rule = new LedgerRule(1, Ledger.LedgerRig.Rule()) { IsScanned = true, Concurrency = 1, Run = _ => { } };
        var claimed = new List<Attempt>();
        long longestNs = 0, cursor = 0;
        int jobs = 0, steps = 0;
        bool isMore = true;
        while (isMore)
        {
            long startNs = Clock.MonotonicNs(), filesBefore = Rows(connection, "files");
            var pruned = new List<PrunedJob>();
            writer.Begin();
            isMore = writer.PruneJobs(long.MaxValue, ref cursor, pruned) | writer.PruneFiles(long.MaxValue);
            writer.Commit();
            longestNs = Math.Max(longestNs, Clock.MonotonicNs() - startNs);
            Assert.InRange(pruned.Count, 0, StepMax);
            Assert.InRange(filesBefore - Rows(connection, "files"), 0, StepMax);
            jobs += pruned.Count;
            if (++steps == 10)
            {
                writer.Begin();
                writer.Claim(rule, 1, claimed);
                writer.Commit();
            }
        }

        Print($"{Count} jobs and files forgotten in {steps} steps, the longest {longestNs / 1e6:0.0} ms");
        Assert.Equal("waits", Assert.Single(claimed).Job.Path.ToString());
        Assert.Equal(Count, jobs);
        Assert.Equal((1, 1), (Rows(connection, "jobs"), Rows(connection, "files")));
    }

    // So many lines would be all that a test sees: the log says nothing but the worst. And so many files are quickly
    // written and removed only in memory.
    private static ServiceUnderTest Silent(string completion)
    {
        var service = new ServiceUnderTest { MinimumLevel = "\"Fatal\"" };
        service.Configure(
            new RuleText { Completion = completion, Path = Path.Combine(service.OtherFileSystem, "incoming") },
            new RuleText("other") { Path = "elsewhere" });
        Directory.CreateDirectory(service.Incoming("other"));
        return service;
    }

    private static void Start(ServiceUnderTest service)
    {
        service.Launch();
        Wait.Until(() => service.IsReady, s_bound);
    }

    private static void Write(ServiceUnderTest service, string prefix, int count, Action<string>? then = null)
    {
        string directory = "";
        for (int i = 0; i < count; i++)
        {
            if (i % FilesPerDirectory == 0)
                directory = Directory.CreateDirectory(
                    Path.Combine(service.Incoming(), $"{i / FilesPerDirectory}")).FullName;
            string file = Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"{prefix}{i:D7}"));
            File.Create(file).Dispose();
            then?.Invoke(file);
        }
    }

    private static long Peak(ServiceUnderTest service)
    {
        string line = File.ReadLines($"/proc/{service.Pid}/status")
            .First(text => text.StartsWith("VmHWM:", StringComparison.Ordinal));
        string kibibytes = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];
        return long.Parse(kibibytes, CultureInfo.InvariantCulture) * 1024;
    }

    private static long Rows(SqliteDatabase db, string table) =>
        db.QueryNumber($"SELECT count(*) FROM {table}")!.Value;

    private static string History(int count) => $"""
        BEGIN;
        WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i <= {count})
        INSERT INTO files (rule_id, directory, name, inode, size, mtime_ns, state, recorded_ns, gone_ns)
        SELECT 1, x'', CAST('gone' || i AS BLOB), 0, 1, 1, {(int)EntryState.Gone}, 1, 1 FROM n;
        WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i <= {count})
        INSERT INTO jobs (id, rule_id, directory, name, inode, size, mtime_ns, evidence, state, due_ns, attempts,
            arrived_ns, completed_ns, started_ns, finished_ns)
        SELECT i, 1, x'', CAST('gone' || i AS BLOB), 0, 1, 1, 0, {(int)JobState.Succeeded}, 1, 1, 1, 1, 1, 1 FROM n;
        INSERT INTO attempts (job_id, number, started_ns, finished_ns, result)
        SELECT id, 1, 1, 1, {(int)AttemptResult.Succeeded} FROM jobs WHERE id > 1;
        COMMIT;
        """;

    private static void Print(FormattableString text) => Console.WriteLine(FormattableString.Invariant(text));
}
