using AutoCrunch.Core;
using AutoCrunch.Ledger;

namespace AutoCrunch.Tests.Ledger;

/// <summary>Ledgers that earlier versions have left, made by the very scripts that made them then.</summary>
public sealed class UpgradeTests : IDisposable
{
    private const string Rows = """
        INSERT INTO ledger (one, id, created_ns) VALUES (1, 'of old', 1);
        INSERT INTO rules (id, name, first_scan_ns) VALUES (7, 'raw', 1000), (9, 'other', NULL);
        INSERT INTO jobs (id, rule_id, directory, name, inode, size, mtime_ns, evidence, state, due_ns, attempts,
                failures, arrived_ns, completed_ns, started_ns, finished_ns)
            VALUES (3, 7, X'', X'61', 11, 1, 1, 0, 3, 5, 2, 2, 5, 5, 6, 7),
                (4, 7, X'', X'62', 12, 1, 1, 0, 0, 5, 0, 0, 5, 5, NULL, NULL);
        INSERT INTO files (rule_id, directory, name, inode, size, mtime_ns, state, hold, job_id, recorded_ns)
            VALUES (7, X'', X'61', 11, 1, 1, 0, NULL, 3, 5), (7, X'', X'62', 12, 1, 1, 0, NULL, 4, 5),
                (7, X'', X'63', 13, 1, 1, 1, 0, NULL, 5);
        """;

    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_ledger_of_an_earlier_schema_is_brought_up_to_date_with_all_it_knows(int version)
    {
        MakeLedger(version, Rows);
        using LedgerRig rig = new LedgerRig(_directory, LedgerRig.Rule(), LedgerRig.Rule("other")).Open();

        Assert.Equal("of old", rig.Ledger.Id);
        Assert.Equal(["a:Failed", "b:Queued"], rig.Story());
        Assert.False(rig.Ledger.KnownFiles.IsFirstScan("raw"));
        Assert.True(rig.Ledger.KnownFiles.IsFirstScan("other"));
        var files = new Dictionary<BytePath, KnownFile>();
        rig.Ledger.KnownFiles.ReadDirectory("raw", BytePath.Empty, files);
        Assert.Equal(3, files.Count);
        Assert.Equal(0UL, files[BytePath.Parse("a")].Device);
        Assert.Equal(HoldReason.ZeroMtime, files[BytePath.Parse("c")].Held);
        rig.StartClaims().Complete("d");
        Assert.Equal([4L, 5L], [Settled(rig), Settled(rig)]);
        Assert.Equal(["a:Failed", "b:Succeeded", "d:Succeeded"], rig.Story());
    }

    [Fact]
    public void What_the_second_schema_knew_of_pauses_and_scans_is_kept()
    {
        MakeLedger(2, Rows + """
            UPDATE rules SET paused = 1, path = X'2F696E2F726177', patterns = '*.raw' WHERE id = 7;
            UPDATE rules SET paused = 0 WHERE id = 9;
            INSERT INTO devices (id, number) VALUES (1, 42);
            UPDATE files SET device_id = 1, birth_ns = 99 WHERE name = X'61';
            """);
        using LedgerRig rig = new LedgerRig(_directory, LedgerRig.Rule(), LedgerRig.Rule("other")).Open();

        Assert.Equal(
            [
                new RuleRecord(7, "raw", true, PauseReason.ByHand, BytePath.Parse("/in/raw"), "*.raw", null),
                new RuleRecord(9, "other", false, PauseReason.ManyFiles, null, null, null),
            ],
            rig.Read(reader => reader.Records.Values.OrderBy(record => record.Id)));
        var files = new Dictionary<BytePath, KnownFile>();
        rig.Ledger.KnownFiles.ReadDirectory("raw", BytePath.Empty, files);
        Assert.Equal((42UL, 99L), (files[BytePath.Parse("a")].Device, files[BytePath.Parse("a")].BirthNs));
    }

    [Fact]
    public void A_file_that_the_third_schema_knew_is_known_when_another_takes_its_name()
    {
        MakeLedger(3, Rows + "UPDATE files SET birth_ns = 99 WHERE name = X'61';");
        using LedgerRig rig = new LedgerRig(_directory, LedgerRig.Rule(), LedgerRig.Rule("other")).Open();

        rig.Complete("a", rig.NewVersion(), Evidence.MtimeSet);
        rig.Complete("new", new FileVersion(11, 1, 1), Evidence.MtimeSet, change: told => told with
        {
            Stat = told.Stat with { BirthNs = 99 },
        });

        Assert.Equal(["a:Failed", "b:Queued", "a:Queued"], rig.Story());
        Assert.Equal(3, rig.Read(reader => reader.FindFile("raw", BytePath.Parse("new")))!.Value.LastJobId);
    }

    private static long Settled(LedgerRig rig)
    {
        Attempt attempt = rig.Take();
        rig.Succeed(attempt);
        return attempt.Job.Id;
    }

    private void MakeLedger(int version, string rows)
    {
        _directory.MakeDirectory("state");
        using SqliteDatabase db = SqliteDatabase.OpenWriter(_directory["state/ledger.db"]);
        db.Execute("PRAGMA journal_mode = WAL");
        db.Execute(Script("Schema.sql"));
        for (int next = 2; next <= version; next++)
            db.Execute(Script($"Migration{next}.sql"));
        db.Execute(rows + $"PRAGMA user_version = {version}; PRAGMA application_id = {0x41437275}");
    }

    private static string Script(string name)
    {
        using Stream stream = typeof(JobLedger).Assembly.GetManifestResourceStream($"AutoCrunch.Ledger.{name}")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
