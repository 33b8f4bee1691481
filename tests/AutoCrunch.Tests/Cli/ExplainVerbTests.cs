using System.Diagnostics;
using System.Globalization;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using Microsoft.Data.Sqlite;
using Xunit.Abstractions;

namespace AutoCrunch.Tests.Cli;

/// <summary><c>autocrunch explain</c> while no service runs: without a ledger, and with a large one.</summary>
public sealed class ExplainVerbTests(ITestOutputHelper output) : IDisposable
{
    private readonly VerbRig _rig = new("raw", "other");

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void Without_a_ledger_it_says_so_and_goes_on()
    {
        _rig.Directory.MakeDirectory("in-raw");
        _rig.Directory.Write("in-raw/a.raw", "x");
        VerbResult result = _rig.Verb("explain", _rig.Directory["in-raw/a.raw"].ToString());
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("There is no ledger", result.Error, StringComparison.Ordinal);
        Assert.Contains(
            "It has not been judged yet, and the service is not running.", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_path_is_required() => Assert.Equal(64, _rig.Verb("explain").ExitCode);

    [Fact]
    public void What_is_asked_of_the_ledger_is_answered_by_its_indexes()
    {
        const int Jobs = 100_000;
        Fill(Jobs);
        using LedgerReader reader = LedgerReader.Open(_rig.Ledger.StateDirectory);
        Job last = reader.Find(Jobs)!;
        (string Name, Action Ask)[] asked =
        [
            ("file", () => Assert.Equal(Jobs, reader.FindFile("raw", last.Path)!.Value.LastJobId)),
            ("jobs", () => Assert.Equal(20, reader.JobsOf(Jobs, 20).Count)),
            ("attempt", () => Assert.Null(reader.LastAttempt(Jobs))),
            ("ahead", () => Assert.Equal(1001, reader.QueuedBefore(last, 1001))),
            ("running", () => Assert.Empty(reader.RunningJobs())),
            ("paused", () => Assert.Null(reader.FindPausedPath("raw", last.Path))),
            ("never seen", () => Assert.Null(reader.FindFile("raw", BytePath.Parse("2026/none.raw")))),
        ];
        foreach ((string name, Action ask) in asked)
        {
            long before = reader.StepsTaken;
            ask();
            long read = reader.StepsTaken - before;
            Assert.True(read < Jobs / 4, $"{name}: {read} steps for {Jobs} jobs");
        }
    }

    [LongFact]
    [Trait(LongRun.Category, LongRun.Name)]
    public void It_answers_at_once_with_a_million_jobs()
    {
        const int Jobs = 1_000_000;
        Fill(Jobs);
        _rig.Verb("explain", "/nowhere"); // what is compiled and opened only once
        foreach (string name in new[] { "file-1.raw", "file-1000000.raw", "none.raw" })
        {
            string path = _rig.Directory[$"in-raw/2026/{name}"].ToString();
            _rig.Directory.Write($"in-raw/2026/{name}", "x");
            long start = Stopwatch.GetTimestamp();
            Assert.Equal(0, _rig.Verb("explain", path).ExitCode);
            TimeSpan took = Stopwatch.GetElapsedTime(start);
            output.WriteLine($"explain {name}: {took.TotalMilliseconds:0} ms");
            Assert.True(took < TimeSpan.FromSeconds(5), $"{name}: {took}");
        }
    }

    // A job for each file, each the successor of the one before; half of them wait. Written at once.
    private void Fill(int jobs)
    {
        _rig.Open().Close();
        using var db = new SqliteConnection($"Data Source={_rig.Directory["state/ledger.db"]};Pooling=False");
        db.Open();
        using SqliteCommand fill = db.CreateCommand();
        fill.CommandTimeout = 600;
        fill.CommandText = string.Create(CultureInfo.InvariantCulture, $"""
            WITH RECURSIVE n(i, isOver) AS (
                SELECT 1, TRUE UNION ALL SELECT i + 1, i + 1 <= {jobs / 2} FROM n WHERE i < {jobs})
            INSERT INTO jobs (rule_id, directory, name, inode, size, mtime_ns, evidence, state, due_ns, attempts,
                arrived_ns, completed_ns, started_ns, finished_ns, previous_id)
            SELECT (SELECT id FROM rules WHERE name = 'raw'), CAST('2026' AS BLOB),
                CAST('file-' || i || '.raw' AS BLOB), i, i, i, 0, iif(isOver, 2, 0), i, isOver, i, i,
                iif(isOver, i, NULL), iif(isOver, i, NULL), iif(i > 1, i - 1, NULL) FROM n;
            INSERT INTO files (rule_id, directory, name, inode, size, mtime_ns, state, job_id, recorded_ns)
            SELECT rule_id, directory, name, inode, size, mtime_ns, 0, id, {Clock.WallNs()} FROM jobs;
            PRAGMA wal_checkpoint(TRUNCATE);
            """);
        fill.ExecuteNonQuery();
    }
}
