using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Tests.EndToEnd.Harness;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoCrunch.Tests.Faults;

/// <summary>
/// Ledgers that cannot be used: refused with exit code 78 and what to do, and never replaced by an empty one.
/// </summary>
public sealed class DamageTests : IDisposable
{
    private const int PageBytes = 4096;
    private const string Empty = "nothing left";
    private const string MoveOn = "Restore it from a backup; or, with the service stopped, move it";

    private readonly FaultyService _faulty = new(
        new RuleText { Further = """{ "ExistingFiles": "Ignore", "RescanInterval": "00:00:01" }""" });

    public void Dispose() => _faulty.Dispose();

    private ServiceUnderTest Service => _faulty.Service;

    private string File => Path.Combine(_faulty.State, "ledger.db");

    [Fact]
    public void What_is_no_sound_ledger_of_ours_is_refused_and_left_alone()
    {
        MakeLedger(1000);
        byte[] sound = System.IO.File.ReadAllBytes(File);
        foreach ((string damage, byte[] content, string expected) in Damages(sound))
        {
            System.IO.File.WriteAllBytes(File, content);
            string message = Assert.Throws<LedgerUnusableException>(Open).Message;
            Assert.True(message.Contains(expected, StringComparison.Ordinal), $"{damage}: {message}");
            Assert.True(content.AsSpan().SequenceEqual(System.IO.File.ReadAllBytes(File)), $"{damage}: changed");
            if (damage == Empty)
            {
                (int exitCode, string text) = _faulty.StartRefused();
                Assert.True(exitCode == 78 && text.Contains(message, StringComparison.Ordinal), text);
                Assert.Equal(78, Command.AutoCrunch(Service.Base, "check").ExitCode);
            }

            System.IO.File.Delete(File + "-wal");
            System.IO.File.Delete(File + "-shm");
        }

        System.IO.File.WriteAllBytes(File, sound); // the backup
        Service.Start();
        Service.Quiesce();
        Assert.Empty(Service.Started());
        Service.Stop();
    }

    [Fact]
    public void A_write_ahead_log_without_its_ledger_is_no_new_ledger()
    {
        MakeLedger(10);
        Service.Start();
        Service.Quiesce();
        Service.KillForGood();
        System.IO.File.Delete(File);

        (int exitCode, string text) = _faulty.StartRefused();

        Assert.Equal(78, exitCode);
        Assert.Contains("it is missing, but", text, StringComparison.Ordinal);
        Assert.Contains(MoveOn, text, StringComparison.Ordinal);
        Assert.False(System.IO.File.Exists(File));
    }

    [Fact]
    public void A_write_ahead_log_that_was_cut_costs_no_more_than_its_end()
    {
        MakeLedger(10);
        Service.Start();
        _faulty.Arrive("first");
        _faulty.UntilRan("first");
        Service.UntilIdle();
        Service.KillForGood();
        using (var wal = new FileStream(File + "-wal", FileMode.Open))
            wal.SetLength(wal.Length - 100);

        Service.Start();

        Service.UntilLogged("was not closed cleanly");
        Service.UntilLogged("is sound");
        _faulty.Arrive("second");
        Service.Until(() => Service.Started().Any(job => job.Path.Name.ToString() == "second"), () => "the second job");
        Assert.DoesNotContain(Service.Started(), job => job.Path.Name.Span.StartsWith("old"u8));
        Service.Stop();
    }

    [RequiresFact(RequiresFactAttribute.Root, "setpriv")]
    public void A_state_directory_or_a_ledger_that_cannot_be_read_is_refused()
    {
        MakeLedger(1);
        string[] wrapper = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--"];
        foreach (string path in new[] { _faulty.State, File })
        {
            Tool.Run("chmod", "000", path);
            (int exitCode, string text) = _faulty.StartRefused(wrapper);
            Tool.Run("chmod", "755", path);
            Assert.True(exitCode == 78, $"{path}: exit code {exitCode}\n{text}");
            Assert.True(
                text.Contains("namei -l", StringComparison.Ordinal)
                || text.Contains("let the service's user own", StringComparison.Ordinal), text);
        }
    }

    [Fact]
    public void Damage_that_is_met_while_running_ends_the_service_with_78()
    {
        MakeLedger(3000);
        Service.Start();
        using (var file = new FileStream(File, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            byte[] rubbish = new byte[64];
            Array.Fill(rubbish, (byte)0xA5);
            for (long page = 12; page < file.Length / PageBytes; page++)
            {
                file.Position = page * PageBytes;
                file.Write(rubbish);
            }
        }

        System.IO.File.WriteAllText(Path.Combine(Service.Incoming(), "new"), "x"); // a write makes readers read anew

        Service.Until(() => !Service.IsRunning, () => "the end of the service");
        int exitCode = Service.ExitCode;
        Assert.True(exitCode == 78, $"exit code {exitCode}\n{Service.Log}");
        Assert.Contains("is damaged", Service.Log, StringComparison.Ordinal);
        Assert.Contains(MoveOn, Service.Log, StringComparison.Ordinal);
    }

    private void Open() => JobLedger.Open(
        new LedgerOptions
        {
            StateDirectory = BytePath.Parse(_faulty.State),
            Rules = [new WatchRule { Name = "raw", Path = BytePath.Parse(Service.Incoming()) }],
        }, (_, _, _) => false, NullLogger<JobLedger>.Instance).Dispose();

    // A ledger that was closed well and knows so many files.
    private void MakeLedger(int files)
    {
        for (int i = 0; i < files; i++)
            System.IO.File.WriteAllText(Path.Combine(Service.Incoming(), $"old{i:D5}"), "x");
        Service.Start();
        Service.Quiesce();
        Service.Stop();
        System.IO.File.Delete(Service.Records.File);
        _faulty.ForgetRecords();
    }

    private static IEnumerable<(string Damage, byte[] Content, string Expected)> Damages(byte[] sound)
    {
        yield return ("header", Change(sound, 0, 100), MoveOn);
        yield return ("first page of the schema", Change(sound, 100, PageBytes - 100), MoveOn);
        yield return ("cut in the middle", sound[..(sound.Length / 2 / PageBytes * PageBytes)], MoveOn);
        yield return ("cut within a page", sound[..(sound.Length - 1000)], MoveOn);
        yield return (Empty, [], MoveOn);
        yield return ("text", Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("no database ", 999))), MoveOn);
        yield return ("newer", With(sound, "PRAGMA user_version = 99"), "newer AutoCrunch");
        yield return ("another's", With(sound, "PRAGMA application_id = 7"), "a StateDirectory of its own");
    }

    private static byte[] Change(byte[] content, int start, int length)
    {
        byte[] changed = [.. content];
        changed.AsSpan(start, length).Fill(0xA5);
        return changed;
    }

    private static byte[] With(byte[] content, string sql)
    {
        using var directory = new TempDirectory();
        BytePath path = directory["x.db"];
        System.IO.File.WriteAllBytes(path.ToString(), content);
        using (SqliteDatabase db = SqliteDatabase.OpenWriter(path))
            db.Execute(sql);
        return System.IO.File.ReadAllBytes(path.ToString());
    }
}
