using System.Diagnostics;
using System.Globalization;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using Microsoft.Data.Sqlite;
using Xunit.Abstractions;

namespace AutoCrunch.Tests.Cli;

/// <summary>A history of many jobs costs those who look at it no more than what they see.</summary>
public sealed class LargeLedgerTests(ITestOutputHelper output) : IDisposable
{
    private readonly VerbRig _rig = new("raw", "other");

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void What_is_asked_often_does_not_read_the_whole_history()
    {
        const int Jobs = 100_000;
        Fill(Jobs, secondsApart: 10);
        using LedgerReader reader = LedgerReader.Open(_rig.Ledger.StateDirectory);
        (string Name, Action Ask)[] asked =
        [
            ("newest", () => Assert.Equal(50, reader.List(new JobQuery { Limit = 50 }).Count)),
            ("rest", () => Assert.Equal(101, reader.Count(new JobQuery { Limit = 101 }))),
            ("failed", () => Assert.Equal(50,
                reader.List(new JobQuery { State = JobState.Failed, Rule = "raw", Limit = 50 }).Count)),
            ("queued", () => Assert.Equal(10, reader.List(new JobQuery { State = JobState.Queued, Limit = 50 }).Count)),
            ("one", () => Assert.NotNull(reader.Find(7))),
            ("overview", () => Assert.Equal(2, reader.Overview(Clock.WallNs()).Count)),
            ("ended", () => Assert.Equal(20, reader.LatelyEnded(20).Count)),
        ];
        foreach ((string name, Action ask) in asked)
        {
            long before = reader.StepsTaken;
            ask();
            long read = reader.StepsTaken - before;
            Assert.True(read is > 0 and < Jobs, $"{name}: {read} steps for {Jobs} jobs");
        }
    }

    [LongFact]
    [Trait(LongRun.Category, LongRun.Name)]
    public void Jobs_and_status_answer_at_once_with_a_million_jobs()
    {
        Fill(1_000_000, secondsApart: 0.1);
        _rig.Verb("status"); // what is compiled and opened only once
        foreach (string[] arguments in new string[][]
            {
                ["status"], ["status", "--json"], ["jobs"], ["jobs", "--json"], ["jobs", "--state", "failed"],
                ["jobs", "--rule", "other"], ["jobs", "--since", "1h"], ["jobs", "--path", "*999999.raw"],
                ["jobs", "--path", "no-such-file"],
                ["jobs", "--path", "/no/such/file"], ["jobs", "--path", "2026/7"], ["jobs", "--path", "2026/7/*9?.raw"],
                ["jobs", "--path", "*/999/*9999*"], ["show", "500000"],
            })
        {
            long start = Stopwatch.GetTimestamp();
            _rig.Verb(arguments);
            TimeSpan took = Stopwatch.GetElapsedTime(start);
            output.WriteLine($"{string.Join(' ', arguments)}: {took.TotalMilliseconds:0} ms");
            Assert.True(took < TimeSpan.FromSeconds(5), $"{string.Join(' ', arguments)}: {took}");
        }
    }

    // One job each so many seconds until now; the last ten wait. Written at once, as a ledger would have it.
    private void Fill(int jobs, double secondsApart)
    {
        _rig.Open().Close();
        using var db = new SqliteConnection($"Data Source={_rig.Directory["state/ledger.db"]};Pooling=False");
        db.Open();
        using SqliteCommand fill = db.CreateCommand();
        fill.CommandTimeout = 600;
        long now = Clock.WallNs();
        fill.CommandText = string.Create(CultureInfo.InvariantCulture, $"""
            WITH RECURSIVE n(i, isOver, at) AS (
                SELECT 1, TRUE, {now} - ({jobs} - 1) * {(long)(secondsApart * 1e9)}
                UNION ALL SELECT i + 1, i + 1 <= {jobs} - 10, at + {(long)(secondsApart * 1e9)} FROM n WHERE i < {jobs})
            INSERT INTO jobs (rule_id, directory, name, inode, size, mtime_ns, evidence, state, due_ns, attempts,
                failures, arrived_ns, completed_ns, started_ns, finished_ns)
            SELECT iif(i % 1000 = 0, 2, 1), CAST('2026/' || (i / 1000) AS BLOB), CAST('file-' || i || '.raw' AS BLOB),
                i, i, at, 0, iif(NOT isOver, 0, iif(i % 500 = 1, 3, 2)), at, isOver, isOver AND i % 500 = 1, at, at,
                iif(isOver, at, NULL), iif(isOver, at + 1000000, NULL) FROM n;
            PRAGMA wal_checkpoint(TRUNCATE);
            """);
        fill.ExecuteNonQuery();
    }
}
