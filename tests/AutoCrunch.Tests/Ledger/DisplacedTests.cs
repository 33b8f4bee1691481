using AutoCrunch.Core;
using AutoCrunch.Ledger;

namespace AutoCrunch.Tests.Ledger;

// Renamed, and another file had its name before that was read.
public sealed class DisplacedTests : IDisposable
{
    private readonly LedgerRig _rig = new LedgerRig().Open();

    public void Dispose() => _rig.Dispose();

    [Theory]
    [InlineData(LedgerRig.BirthNs, true)]
    [InlineData(8, false)] // another file on its inode
    [InlineData(0, false)] // nothing tells
    public void A_processed_file_whose_name_another_took_is_known_by_its_birth(long birthNs, bool isKnown)
    {
        _rig.StartClaims();
        FileVersion version = _rig.CompleteBorn("a").Version;
        _rig.Succeed(_rig.Take());
        _rig.CompleteBorn("a", birthNs: 9);
        _rig.Succeed(_rig.Take());
        _rig.CompleteBorn("b", version, birthNs);

        Assert.Equal(isKnown ? 2 : 3, _rig.Story().Length);
        _rig.Reopen();
        KnownEntry entry = _rig.Read(reader => reader.FindFile("raw", BytePath.Parse("b")))!.Value.Known;
        Assert.Equal((EntryState.Present, version), (entry.State, entry.Version));
    }

    [Theory]
    [InlineData("a", 2)]
    [InlineData("b", 3)] // a new link runs; which name is the old one, nothing tells
    public void A_processed_file_that_is_back_with_another_link_is_known_under_its_own_name(string name, int jobs)
    {
        _rig.StartClaims();
        FileVersion version = _rig.CompleteBorn("a").Version;
        _rig.Succeed(_rig.Take());
        _rig.CompleteBorn("a", birthNs: 9);
        _rig.Succeed(_rig.Take());
        _rig.Complete(name, version, Evidence.Renamed, change: told => told with
        {
            Stat = told.Stat with { BirthNs = LedgerRig.BirthNs, LinkCount = 2 },
        });

        Assert.Equal(jobs, _rig.Story().Length);
    }

    [Fact]
    public void A_held_file_whose_name_another_took_stays_held()
    {
        FileVersion version = _rig.NewVersion();
        FileStat stat = LedgerRig.StatOf(version) with { BirthNs = LedgerRig.BirthNs };
        _rig.Ledger.KnownFiles.Held("raw", BytePath.Parse("a"), stat, HoldReason.ZeroMtime);
        _rig.CompleteBorn("a", birthNs: 9);
        _rig.CompleteBorn("b", version);

        Assert.Equal(["a:Queued"], _rig.Story());
        KnownEntry entry = _rig.Read(reader => reader.FindFile("raw", BytePath.Parse("b")))!.Value.Known;
        Assert.Equal((EntryState.Held, HoldReason.ZeroMtime), (entry.State, entry.Held));
    }

    [Fact]
    public void A_job_that_was_called_off_when_another_file_took_the_name_goes_along()
    {
        FileVersion version = _rig.CompleteBorn("a").Version;
        _rig.CompleteBorn("a", birthNs: 9);
        _rig.CompleteBorn("b", version);

        Assert.Equal(["b:Queued", "a:Queued"], _rig.Story());
    }

    [Fact]
    public void What_took_the_name_stays_when_the_kernel_says_that_the_displaced_file_has_left_it()
    {
        _rig.Reopen(LedgerRig.Rule(completion: new CompletionPolicy { Renames = ProcessPolicy.Process }));
        FileVersion version = _rig.CompleteBorn("a").Version;
        _rig.CompleteBorn("a", birthNs: 9);
        _rig.Complete("b", version, Evidence.Renamed, change: told => told with
        {
            Stat = told.Stat with { BirthNs = LedgerRig.BirthNs },
            RenamedFrom = BytePath.Parse("a"),
        });

        Assert.Equal(["a:Cancelled/Superseded", "a:Queued", "b:Queued"], _rig.Story());
    }

    [Fact]
    public void A_running_job_moves_along_and_the_job_of_what_took_the_name_stays()
    {
        _rig.StartClaims(concurrency: 2);
        FileVersion version = _rig.CompleteBorn("a").Version;
        Attempt running = _rig.Take();
        FileStat held = LedgerRig.StatOf(_rig.NewVersion()) with { BirthNs = 9 };
        _rig.Ledger.KnownFiles.Held("raw", BytePath.Parse("a"), held, HoldReason.ZeroMtime);
        _rig.CompleteBorn("b", version);
        _rig.CompleteBorn("a", birthNs: 10);
        _rig.SettleNow(running, new AttemptOutcome.Changed(held.Version));

        string[] paths = [_rig.Take().Job.Path.ToString(), _rig.Take().Job.Path.ToString()];
        Assert.Equal(["a", "b"], paths.Order());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_job_that_failed_is_tried_again_when_its_file_takes_its_name_back(bool failsFirst)
    {
        _rig.StartClaims();
        FileVersion version = _rig.CompleteBorn("a").Version;
        Attempt running = _rig.Take();
        FileStat held = LedgerRig.StatOf(_rig.NewVersion()) with { BirthNs = 9 };
        _rig.Ledger.KnownFiles.Held("raw", BytePath.Parse("a"), held, HoldReason.ZeroMtime);
        if (!failsFirst)
            _rig.CompleteBorn("a", version);
        _rig.SettleNow(running, new AttemptOutcome.Failed("it failed", ExitCode: 1));
        if (failsFirst)
            _rig.CompleteBorn("a", version);

        Assert.Equal("a", _rig.Take().Job.Path.ToString());
    }

    [Theory]
    [InlineData(true, 1)] // the name was processed: what took it is an update
    [InlineData(false, 3)] // none was
    public void What_took_a_name_is_an_update_of_it_if_its_file_was_processed(bool isProcessed, int jobs)
    {
        _rig.Reopen(LedgerRig.Rule(completion: new CompletionPolicy { Updates = ProcessPolicy.Ignore }));
        _rig.CompleteBorn("a");
        if (isProcessed)
            _rig.StartClaims().Succeed(_rig.Take());
        FileVersion half = _rig.NewVersion();
        FileStat stat = LedgerRig.StatOf(half) with { BirthNs = 9 };
        _rig.Ledger.KnownFiles.Held("raw", BytePath.Parse("a"), stat, HoldReason.ZeroMtime);
        _rig.CompleteBorn("a", half with { MtimeNs = half.MtimeNs + 1 }, birthNs: 9);
        _rig.CompleteBorn("a", birthNs: 10);

        Assert.Equal(jobs, _rig.Story().Length);
        long? last = _rig.Read(reader => reader.FindFile("raw", BytePath.Parse("a")))!.Value.LastJobId;
        Assert.Equal(jobs, last);
    }

    [Fact]
    public void Whether_a_forgotten_job_has_run_is_not_guessed()
    {
        FileVersion version = _rig.CompleteBorn("a").Version;
        _rig.CompleteBorn("a", birthNs: 9);
        _rig.Sync();
        using (SqliteDatabase db = SqliteDatabase.OpenWriter(_rig.StateDirectory.Join("ledger.db"u8)))
            db.Execute("DELETE FROM jobs WHERE id = 1");
        _rig.CompleteBorn("b", version);

        Assert.Equal(["a:Queued", "b:Queued"], _rig.Story());
    }

    [Fact]
    public void A_hold_told_again_after_a_rename_does_not_undo_a_completion_that_came_first()
    {
        FileVersion whole = _rig.NewVersion();
        FileVersion half = whole with { MtimeNs = whole.MtimeNs + 1 };
        _rig.CompleteBorn("b", whole);
        FileStat stat = LedgerRig.StatOf(half) with { BirthNs = LedgerRig.BirthNs };
        _rig.Ledger.KnownFiles.Held("raw", BytePath.Parse("b"), stat, HoldReason.OwnerOnly, isMoved: true);
        _rig.CompleteBorn("b", whole);
        Assert.Equal(["b:Queued"], _rig.Story());

        _rig.Ledger.KnownFiles.Held("raw", BytePath.Parse("b"), stat, HoldReason.OwnerOnly);
        Assert.Equal(["b:Cancelled/Superseded"], _rig.Story());
    }

    [Fact]
    public void The_newest_ones_are_remembered_and_held_ones_longer()
    {
        const int Surplus = 3 * LedgerWriter.DisplacedTrimInterval;
        FileVersion half = _rig.NewVersion();
        FileStat stat = LedgerRig.StatOf(half) with { BirthNs = LedgerRig.BirthNs };
        _rig.Ledger.KnownFiles.Held("raw", BytePath.Parse("a"), stat, HoldReason.ZeroMtime);
        for (int i = 0; i < LedgerWriter.DisplacedMax + Surplus; i++)
            _rig.CompleteBorn("a");
        _rig.Sync();

        using SqliteDatabase db = SqliteDatabase.OpenReader(_rig.StateDirectory.Join("ledger.db"u8));
        Assert.InRange(
            db.QueryNumber("SELECT count(*) FROM displaced WHERE hold IS NULL")!.Value, LedgerWriter.DisplacedMax - 1,
            LedgerWriter.DisplacedMax + LedgerWriter.DisplacedTrimInterval);
        Assert.Equal((long)half.Inode, db.QueryNumber("SELECT inode FROM displaced WHERE hold IS NOT NULL"));
    }
}
