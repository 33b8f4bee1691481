using AutoCrunch.Core;
using AutoCrunch.Hosting;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;

namespace AutoCrunch.Tests.Ledger;

public sealed class FaultTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    // Then it takes no lock for each piece of memory. Refused, it would only be slower, so nothing else would tell.
    [Fact]
    public void SQLite_does_not_count_its_memory() =>
        Watching.Isolated.Run("exec $SCENARIO", Watching.Scenarios.UncountedMemory, _directory.Text);

    [RequiresFact(RequiresFactAttribute.Root, "mount", "umount")]
    public async Task A_full_disk_pauses_the_ledger_and_loses_nothing()
    {
        _directory.MakeDirectory("small");
        Tool.Run("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", _directory["small"].ToString());
        try
        {
            using var rig = new LedgerRig(_directory);
            rig.Options = rig.Options with { StateDirectory = _directory["small/state"] };
            rig.Open().StartClaims(concurrency: 1);
            rig.Complete("before");
            Attempt before = rig.Take();
            Fill("small/ballast");

            // What runs ends, and more arrives, than any slack in the ledger's files could take.
            rig.Succeed(before);
            for (int i = 0; i < 500; i++)
                rig.Complete($"{i:D4}{new string('x', 240)}");
            Wait.Until(() => rig.Ledger.IsPaused);
            Assert.Contains("make room", rig.Ledger.PausedBecause, StringComparison.Ordinal);
            ControlRefusedException refused = await Assert.ThrowsAsync<ControlRefusedException>(
                () => rig.Ledger.NewestJobIdAsync().ByAsync(rig.Ledger, CancellationToken.None).WaitAsync(Wait.Bound));
            Assert.Contains("make room", refused.Message, StringComparison.Ordinal); // nobody waits for it in silence
            _directory.Unlink("small/ballast");

            var seen = new List<string>();
            while (seen.Count < 500)
            {
                Attempt attempt = rig.Take();
                seen.Add(attempt.Job.Path.ToString()[..4]);
                rig.Succeed(attempt);
            }

            Assert.Equal(Enumerable.Range(0, 500).Select(i => $"{i:D4}"), seen);
            rig.Sync();
            Assert.False(rig.Ledger.IsPaused);
            Assert.Equal(1, rig.Log.Lines.Count(line => line.Contains("Ledger paused", StringComparison.Ordinal)));
            Assert.Equal(1, rig.Log.Lines.Count(line => line.Contains("Ledger resumed", StringComparison.Ordinal)));
            Assert.Equal(0, rig.Ledger.Dropped);
        }
        finally
        {
            Tool.Run("umount", "-l", _directory["small"].ToString());
        }
    }

    [RequiresFact(RequiresFactAttribute.Root, "mount", "umount")]
    public void A_disk_that_fills_up_while_the_log_is_moved_undoes_nothing_that_is_recorded()
    {
        _directory.MakeDirectory("small");
        Tool.Run("mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", _directory["small"].ToString());
        try
        {
            using var rig = new LedgerRig(_directory);
            rig.Options = rig.Options with { StateDirectory = _directory["small/state"] };
            rig.Open();
            var layout = new StateLayout(rig.StateDirectory);

            // A reader keeps the log from being moved, until the ledger's own thread would have to.
            using (SqliteDatabase pin = SqliteDatabase.OpenReader(layout.Ledger))
            {
                using SqliteStatement read = pin.Prepare("SELECT * FROM rules");
                Assert.True(read.Step());
                for (int i = 0; FileStatReader.TryRead(layout.Wal, out FileStat wal) == 0
                    && wal.SizeBytes < 80L * 1024 * 1024; i++)
                {
                    for (int j = 0; j < 50; j++)
                        rig.Complete($"{i:D5}{j}{new string('x', 240)}");
                    rig.Sync();
                }

                _directory.Write("small/room", new string('r', 1024 * 1024));
                Fill("small/ballast");
            }

            _directory.Unlink("small/room");
            rig.StartClaims(concurrency: 2);
            rig.Succeed(rig.Take());
            _directory.Unlink("small/ballast");

            rig.Succeed(rig.Take());
            rig.Succeed(rig.Take());
            Assert.Empty(rig.Failures);
        }
        finally
        {
            Tool.Run("umount", "-l", _directory["small"].ToString());
        }
    }

    [Fact]
    public void What_the_first_scan_found_is_never_dropped_where_it_is_to_be_left_alone()
    {
        WatchRule rule = LedgerRig.Rule() with { ExistingFiles = ProcessPolicy.Ignore };
        using var rig = new LedgerRig(rule);
        rig.Options = rig.Options with { PendingMax = 1 };
        rig.Open();
        Completion[] found = [.. Enumerable.Range(0, 3000).Select(i =>
            rig.Complete($"f{i}", change: completion => completion with { IsExisting = true }))];
        rig.Ledger.KnownFiles.WholeScanFinished("raw", 0);
        rig.Sync();

        foreach (Completion[] part in found.Chunk(1)) // as a later scan would find them
        {
            rig.Ledger.Record(part[0] with { IsExisting = false });
            rig.Sync();
        }

        Assert.Empty(rig.Jobs());
        rig.Reopen();
        Assert.False(rig.Ledger.KnownFiles.IsFirstScan("raw"));
    }

    [RequiresFact(RequiresFactAttribute.Root, "mount", "umount")]
    public void A_full_disk_bounds_memory_and_asks_for_a_scan_when_there_is_room_again()
    {
        _directory.MakeDirectory("small");
        Tool.Run("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", _directory["small"].ToString());
        try
        {
            using var rig = new LedgerRig(_directory, LedgerRig.Rule(), LedgerRig.Rule("quiet"));
            rig.Options = rig.Options with { StateDirectory = _directory["small/state"], PendingMax = 1000 };
            rig.Open();
            Fill("small/ballast");
            string tail = new('x', 240);
            Completion[] told = [.. Enumerable.Range(0, 3000).Select(i => rig.Complete($"{i:D4}{tail}"))];
            Wait.Until(() => rig.Ledger.IsPaused);
            Assert.Equal(1000, rig.Ledger.Pending);
            Assert.True(rig.Ledger.Dropped >= 1000);
            Tool.Run("mount", "-o", "remount,size=64m", _directory["small"].ToString());

            Wait.Until(() => !rig.Rescans.IsEmpty);
            Assert.Equal(["raw"], rig.Rescans);
            foreach (Completion[] part in told.Chunk(200)) // the scan it asked for
            {
                Array.ForEach(part, rig.Ledger.Record);
                rig.Sync();
            }

            Assert.Equal(3000, rig.Jobs().Length);
        }
        finally
        {
            Tool.Run("umount", "-l", _directory["small"].ToString());
        }
    }

    [RequiresFact(RequiresFactAttribute.Root, "mount", "umount")]
    public void A_stop_while_the_disk_is_full_ends_and_says_what_is_lost()
    {
        _directory.MakeDirectory("small");
        Tool.Run("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", _directory["small"].ToString());
        try
        {
            using var rig = new LedgerRig(_directory);
            rig.Options = rig.Options with { StateDirectory = _directory["small/state"] };
            rig.Open();
            Fill("small/ballast");
            for (int i = 0; i < 3000; i++)
                rig.Complete($"{i:D4}{new string('x', 240)}");
            Wait.Until(() => rig.Ledger.IsPaused);
            Task sync = rig.Ledger.SyncAsync();

            rig.Ledger.Close();

            Assert.Contains(rig.Log.Lines, line => line.Contains("are lost", StringComparison.Ordinal));
            Assert.True(sync.IsCompleted);
        }
        finally
        {
            Tool.Run("umount", "-l", _directory["small"].ToString());
        }
    }

    [Fact]
    public void A_job_that_is_claimed_while_the_ledger_is_being_closed_can_be_given_back()
    {
        using var rig = new LedgerRig(_directory).Open();
        var closer = new Thread(rig.Ledger.Close);
        rig.Ledger.StartClaims("raw", 1, attempt =>
        {
            _ = rig.Ledger.StopClaims("raw"); // what a dispatcher that stops does first
            closer.Start();
            SpinWait.SpinUntil(() => closer.ThreadState.HasFlag(ThreadState.WaitSleepJoin), Wait.Bound);
            rig.SettleNow(attempt, new AttemptOutcome.NotStarted("the service stops", TimeSpan.Zero));
        });
        rig.Complete("a");
        Assert.True(SpinWait.SpinUntil(
            () => closer.ThreadState.HasFlag(ThreadState.Stopped), Wait.Bound), "the ledger did not close");

        rig.Reopen();

        Assert.Empty(rig.Ledger.LeftRunning("raw"));
        Job job = rig.Jobs().Single();
        Assert.Equal((JobState.Queued, 0, 0), (job.State, job.Attempts, job.Crashes));
    }

    [Fact]
    public void A_bug_on_the_ledger_thread_is_told_and_nobody_waits_for_it()
    {
        var rig = new LedgerRig(_directory).Open();
        rig.Complete("a");
        rig.StartClaims();
        Attempt attempt = rig.Take();
        rig.Succeed(attempt);
        rig.Succeed(attempt); // settled twice: cannot happen

        Wait.Until(() => !rig.Failures.IsEmpty);
        Assert.True(SpinWait.SpinUntil(() => rig.Ledger.SyncAsync().IsCanceled, Wait.Bound));
        Assert.True(rig.Failures.TryDequeue(out _));
        rig.Dispose();
    }

    [Fact]
    public void The_write_ahead_log_stays_bounded_under_load()
    {
        using var rig = new LedgerRig(_directory);
        rig.Open().StartClaims(concurrency: 64);
        const int Files = 40_000;
        for (int i = 0; i < Files; i++)
            rig.Complete($"{i:D6}{new string('x', 200)}");
        for (int i = 0; i < Files; i++)
            rig.Succeed(rig.Take());
        rig.Sync();

        Assert.InRange(FileStatReader.TryRead(new StateLayout(rig.StateDirectory).Wal, out FileStat wal), 0, 0);
        Assert.InRange(wal.SizeBytes, 1, 160L * 1024 * 1024);
        rig.Ledger.FlushNow();
    }

    [Fact]
    public void History_is_forgotten_in_steps_but_no_file_that_is_there()
    {
        using (var rig = new LedgerRig(_directory))
        {
            rig.Open().StartClaims();
            for (int i = 0; i < 450; i++)
                rig.Complete($"f{i}");
            for (int i = 0; i < 449; i++)
                rig.Succeed(rig.Take());
            rig.Take();
            for (int i = 0; i < 250; i++)
                rig.Ledger.KnownFiles.Gone("raw", BytePath.Parse($"f{i}"));
            rig.Sync();
        }

        var layout = new StateLayout(_directory["state"]);
        using var writer = new LedgerWriter(LedgerFile.OpenWriter(layout, out _), (_, _, _) => false);
        var pruned = new List<PrunedJob>();
        long cursor = 0;
        int steps = 0;
        bool isMore;
        do
        {
            writer.Begin();
            var step = new List<PrunedJob>();
            isMore = writer.PruneJobs(Clock.WallNs(), ref cursor, step) | writer.PruneFiles(Clock.WallNs());
            writer.Commit();
            Assert.InRange(step.Count, 0, 200);
            pruned.AddRange(step);
            steps += 1;
        }
        while (isMore);

        Assert.Equal(449, pruned.Count);
        Assert.All(pruned, job => Assert.Equal(1, job.Attempts));
        Assert.InRange(steps, 3, 4);
        using LedgerReader reader = LedgerReader.Open(_directory["state"]);
        Assert.Equal(JobState.Running, reader.List(new JobQuery()).Single().State);
        Assert.Empty(reader.Attempts(pruned[0].Id));
        Assert.Null(reader.FindFile("raw", BytePath.Parse("f0")));
        Assert.NotNull(reader.FindFile("raw", BytePath.Parse("f250")));
    }

    [Fact]
    public void What_is_too_young_to_be_forgotten_stays()
    {
        using (var rig = new LedgerRig(_directory))
        {
            rig.Open().StartClaims().Complete("a");
            rig.Succeed(rig.Take());
            rig.Ledger.KnownFiles.Gone("raw", BytePath.Parse("a"));
            rig.Sync();
        }

        using var writer = new LedgerWriter(
            LedgerFile.OpenWriter(new StateLayout(_directory["state"]), out _), (_, _, _) => false);
        var pruned = new List<PrunedJob>();
        long cursor = 0;
        writer.Begin();
        Assert.False(writer.PruneJobs(Clock.WallNs() - 3_600_000_000_000, ref cursor, pruned));
        Assert.False(writer.PruneFiles(Clock.WallNs() - 3_600_000_000_000));
        writer.Commit();

        Assert.Empty(pruned);
        Assert.Equal(1, writer.OldestJobId);
    }

    [Fact]
    public void The_logs_of_forgotten_jobs_go_and_those_of_others_stay()
    {
        var layout = new StateLayout(_directory["state"]);
        string[] logs = ["0/1-1.log", "0/1-2.log", "0/2-1.log", "1/1500-1.log", "3/3000-1.log", "notes/x"];
        foreach (string log in logs)
            _directory.Write("state/logs/" + log);

        JobLogs.Remove(layout, [new PrunedJob(1, 2)], null, new Hosting.ListLogger<JobLedger>());
        Assert.False(_directory.Exists("state/logs/0/1-1.log") || _directory.Exists("state/logs/0/1-2.log"));
        Assert.True(_directory.Exists("state/logs/0/2-1.log"));

        JobLogs.Remove(layout, [], 3000, new Hosting.ListLogger<JobLedger>());
        Assert.False(_directory.Exists("state/logs/0") || _directory.Exists("state/logs/1"));
        Assert.True(_directory.Exists("state/logs/3/3000-1.log") && _directory.Exists("state/logs/notes/x"));
    }

    private void Fill(string file)
    {
        byte[] block = new byte[4096];
        using Microsoft.Win32.SafeHandles.SafeFileHandle handle = _directory.Open(file, OpenMode.Replace);
        long offset = 0;
        try
        {
            while (true)
            {
                RandomAccess.Write(handle, block, offset);
                offset += block.Length;
            }
        }
        catch (IOException)
        {
            // full
        }
    }
}
