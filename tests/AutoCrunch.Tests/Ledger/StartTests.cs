using AutoCrunch.Core;
using AutoCrunch.Ledger;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoCrunch.Tests.Ledger;

public sealed class StartTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void What_a_crash_left_running_is_recorded_as_interrupted_and_runs_again_as_the_next_attempt()
    {
        using LedgerRig rig = New();
        rig.StartClaims(concurrency: 2);
        rig.Complete("a");
        rig.Complete("b");
        Attempt a = rig.Take();
        rig.Take();
        rig.Complete("c");

        rig.CrashAndReopen();

        Assert.Equal(["a:Running", "b:Running", "c:Queued"], rig.Story());
        Assert.Equal(["a", "b"], rig.Ledger.LeftRunning("raw").Select(job => job.Path.ToString()));
        rig.StartClaims();
        Attempt again = rig.Take();
        Assert.Equal((a.Job.Id, 2, 1), (again.Job.Id, again.Number, again.Job.Crashes));
        AttemptRecord interrupted = rig.Read(reader => reader.Attempts(a.Job.Id)).Single();
        Assert.Equal((1, AttemptResult.Interrupted), (interrupted.Number, interrupted.Result));
        Assert.Contains(rig.Log.Lines, line => line.Contains("was not closed cleanly", StringComparison.Ordinal));
        Wait.Until(() => rig.Log.Lines.Any(line => line.Contains("is sound", StringComparison.Ordinal)));
    }

    [Fact]
    public void The_fifth_crash_under_a_job_fails_it()
    {
        using LedgerRig rig = New();
        rig.Complete("a");
        for (int crash = 0; crash < 5; crash++)
        {
            rig.StartClaims().Take();
            rig.CrashAndReopen();
        }

        rig.StartClaims().AssertNothingClaimed();

        Job job = rig.Jobs().Single();
        Assert.Equal((JobState.Failed, 5, 5, 0), (job.State, job.Attempts, job.Crashes, job.Failures));
    }

    [Fact]
    public void A_rule_is_in_its_new_engine_when_what_a_crash_left_of_its_processes_is_recorded()
    {
        using LedgerRig rig = New();
        rig.Complete("a");
        rig.StartClaims().Take();
        rig.Options = rig.Options with { Engines = new Dictionary<string, string> { ["raw"] = "Slurm" } };
        rig.CrashAndReopen();
        Assert.Null(rig.Ledger.EngineBefore("raw"));
        rig.CrashAndReopen(); // before its processes had ended
        Assert.Null(rig.Ledger.EngineBefore("raw"));
        Assert.Equal(2, rig.StartClaims().Take().Number);
        rig.CrashAndReopen();
        Assert.Equal("Slurm", rig.Ledger.EngineBefore("raw"));
    }

    [Fact]
    public void Attempts_interrupted_by_a_stop_do_not_count()
    {
        using LedgerRig rig = New();
        rig.Complete("a");
        for (int stop = 0; stop < 7; stop++)
        {
            Attempt attempt = rig.StartClaims().Take();
            rig.Ledger.StopClaims("raw");
            rig.Settle(attempt, new AttemptOutcome.Interrupted(ByCrash: false));
            rig.Reopen();
        }

        Attempt eighth = rig.StartClaims().Take();

        Assert.Equal((8, 0, 0), (eighth.Number, eighth.Job.Failures, eighth.Job.Crashes));
    }

    [Fact]
    public void What_still_runs_in_an_engine_keeps_its_rule_from_being_given_to_another()
    {
        using LedgerRig rig = New();
        var slurm = new Dictionary<string, string> { ["raw"] = "Slurm" };
        rig.Options = rig.Options with { Engines = slurm };
        rig.Reopen();
        rig.StartClaims().Complete("a");
        Attempt attempt = rig.Take();
        rig.Ledger.Dispose();
        rig.Options = rig.Options with { Engines = new Dictionary<string, string>() };

        var refused = Assert.Throws<LedgerUnusableException>(() => rig.Open());
        Assert.Contains("1 job of rule 'raw' was left running in Slurm", refused.Message, StringComparison.Ordinal);
        Assert.Contains("put its Dispatcher section back", refused.Message, StringComparison.Ordinal);

        // A command that has the ledger to itself for a moment starts nothing.
        rig.Options = rig.Options with { IsByHand = true };
        rig.Reopen();
        rig.Options = rig.Options with { IsByHand = false, Engines = slurm };
        rig.Reopen();
        rig.Ledger.Resume("raw", resumed => rig.Claimed.Add(resumed));
        Assert.Equal(attempt.Job.Id, rig.Take().Job.Id);
        rig.Settle(attempt, AttemptOutcome.Succeeded.Value);
        rig.Options = rig.Options with { Engines = new Dictionary<string, string>() };
        rig.Reopen();
    }

    [Fact]
    public void What_still_runs_in_an_engine_waits_for_its_rule_to_be_configured_again()
    {
        using LedgerRig rig = New();
        WatchRule raw = rig.Rules[0];
        rig.Options = rig.Options with { Engines = new Dictionary<string, string> { ["raw"] = "Slurm" } };
        rig.Reopen();
        rig.StartClaims().Complete("a");
        Attempt attempt = rig.Take();

        rig.Reopen(LedgerRig.Rule("other"));
        Assert.Contains(rig.Log.Lines, line => line.Contains("were left running in Slurm", StringComparison.Ordinal));
        rig.Reopen(raw);

        rig.Ledger.Resume("raw", resumed => rig.Claimed.Add(resumed));
        Attempt resumed = rig.Take();
        Assert.Equal((attempt.Job.Id, 1, true), (resumed.Job.Id, resumed.Number, resumed.IsResumed));
    }

    [Fact]
    public void Jobs_of_a_rule_that_is_configured_no_more_wait_for_it()
    {
        using LedgerRig rig = New();
        rig.StartClaims().Complete("a");
        rig.Take();
        rig.Complete("b");
        rig.CrashAndReopen();
        rig.Reopen(LedgerRig.Rule("other"));
        Assert.Equal(["a:Queued", "b:Queued"], rig.Story());

        rig.Reopen(LedgerRig.Rule());

        Assert.Equal(2, rig.StartClaims().Take().Number);
    }

    [Fact]
    public void After_the_clock_was_set_back_nothing_waits_and_the_order_stays()
    {
        using LedgerRig rig = New();
        rig.Complete("a");
        rig.Complete("b");
        Edit(rig, "UPDATE jobs SET due_ns = due_ns + 86400000000000");

        rig.StartClaims();

        Attempt first = rig.Take();
        rig.Succeed(first);
        Assert.Equal(["a", "b"], [first.Job.Path.ToString(), rig.Take().Job.Path.ToString()]);
    }

    [Fact]
    public void No_retry_waits_longer_than_its_rule_says_today()
    {
        using LedgerRig rig = New();
        rig.StartClaims().Complete("a");
        rig.Settle(rig.Take(), new AttemptOutcome.Failed("exited with code 1", 1));
        Attempt second = rig.Take();
        rig.Settle(second, new AttemptOutcome.Failed("exited with code 1", 1));
        rig.Take();
        rig.CrashAndReopen();
        rig.Ledger.RecoverCrashed("raw");
        Edit(rig, "UPDATE jobs SET due_ns = due_ns + 86400000000000");

        Assert.Equal(4, rig.StartClaims().Take().Number);
    }

    [Fact]
    public void The_first_scan_is_over_when_it_was_told_so_for_ever()
    {
        using LedgerRig rig = New();
        Assert.True(rig.Ledger.KnownFiles.IsFirstScan("raw"));
        rig.Ledger.KnownFiles.WholeScanFinished("raw", 0);
        Assert.False(rig.Ledger.KnownFiles.IsFirstScan("raw"));

        rig.CrashAndReopen();

        Assert.False(rig.Ledger.KnownFiles.IsFirstScan("raw"));
    }

    [Fact]
    public void The_ledgers_id_is_its_own_and_stays()
    {
        using LedgerRig rig = New();
        string id = rig.Ledger.Id;
        rig.Reopen();
        Assert.Equal(id, rig.Ledger.Id);
        Assert.Equal(32, id.Length);
        using var other = new LedgerRig();
        Assert.NotEqual(id, other.Open().Ledger.Id);
    }

    [Fact]
    public void A_second_service_is_refused_and_told_who_was_first()
    {
        using LedgerRig rig = New();

        LedgerLockedException e = Assert.Throws<LedgerLockedException>(() => Open());

        Assert.Equal(Environment.ProcessId, e.HolderPid);
        Assert.Contains($"pid {Environment.ProcessId}", e.Message, StringComparison.Ordinal);
        rig.Ledger.Dispose();
        Open().Dispose();
        rig.Open();
    }

    [Theory]
    [InlineData("PRAGMA user_version = 999", "newer AutoCrunch")]
    [InlineData("PRAGMA application_id = 1", "not AutoCrunch's")]
    public void A_ledger_of_another_kind_is_refused_and_left_alone(string sql, string expected)
    {
        New().Dispose();
        using (SqliteDatabase db = SqliteDatabase.OpenWriter(_directory["state/ledger.db"]))
            db.Execute(sql);
        byte[] before = _directory.Read("state/ledger.db");

        AssertRefused(expected);

        Assert.Equal(before, _directory.Read("state/ledger.db"));
    }

    [Fact]
    public void A_file_that_is_no_database_is_refused_and_left_alone()
    {
        string content = string.Concat(Enumerable.Repeat("this is not a database. ", 1000));
        _directory.Write("state/ledger.db", content);

        AssertRefused("Restore it from a backup");

        Assert.Equal(content, _directory.ReadText("state/ledger.db"));
    }

    [Fact]
    public void Damage_found_after_an_unclean_stop_ends_the_service_with_what_to_do()
    {
        var rig = new LedgerRig(_directory).Open();
        for (int i = 0; i < 2000; i++)
            rig.Ledger.KnownFiles.Held(
                "raw", BytePath.Parse($"file {i}"), LedgerRig.StatOf(rig.NewVersion()), HoldReason.OwnerOnly);
        rig.Sync();
        rig.Ledger.Dispose();
        byte[] content = _directory.Read("state/ledger.db");
        for (int page = 30; page < 40; page++)
            Array.Fill(content, (byte)0xA5, page * 4096, 64);
        _directory.Write("state/ledger.db", content);
        _directory.Write("state/ledger.db-wal", "an unclean stop leaves a write-ahead log");

        rig.Open();
        Wait.Until(() => !rig.Failures.IsEmpty);

        Assert.True(rig.Failures.TryDequeue(out Exception? failure));
        string message = Assert.IsType<LedgerUnusableException>(failure).Message;
        Assert.Contains("is damaged", message, StringComparison.Ordinal);
        rig.Failures.Clear();
        rig.Dispose();
    }

    [Fact]
    public void Damage_that_is_met_at_the_start_is_refused_with_what_to_do()
    {
        using (LedgerRig rig = New())
        {
            for (int i = 0; i < 2000; i++)
                rig.Complete($"file {i}");
            rig.Sync();
        }

        byte[] content = _directory.Read("state/ledger.db");
        for (int page = 12; page < content.Length / 4096; page++)
            Array.Fill(content, (byte)0xA5, page * 4096, 64);
        _directory.Write("state/ledger.db", content);

        AssertRefused("is damaged");
    }

    [Fact]
    public void A_stop_leaves_to_the_next_start_what_its_scan_will_find_and_writes_the_rest()
    {
        using var rig = new LedgerRig(_directory);
        rig.Options = rig.Options with { ClosingMax = TimeSpan.Zero };
        rig.Open();
        Completion first = rig.Complete("first");
        Attempt attempt = rig.StartClaims().Take();
        const int Many = 100_000;
        for (int i = 0; i < Many; i++)
            rig.Complete($"f{i}");
        rig.Succeed(attempt);
        rig.Ledger.Dispose();

        Assert.Contains(rig.Log.Lines, line => line.Contains("the next start scans", StringComparison.Ordinal));
        rig.Open();
        Assert.Equal(JobState.Succeeded, rig.Read(reader => reader.Find(attempt.Job.Id))!.State);
        Assert.InRange(rig.Jobs().Count(), 1, Many);
        rig.Complete("f99999");
        rig.Complete("first", first.Version);
        Assert.Single(rig.Story(), line => line == "f99999:Queued");
        Assert.Single(rig.Story(), line => line.StartsWith("first:", StringComparison.Ordinal));
    }

    [Fact]
    public void A_state_directory_that_cannot_be_made_is_refused()
    {
        _directory.Write("state", "a file");

        AssertRefused("ENOTDIR");
    }

    [Fact]
    public void Readers_leave_no_files_beside_a_closed_ledger()
    {
        New().Dispose();
        Assert.False(_directory.Exists("state/ledger.db-wal"));

        using (LedgerReader reader = LedgerReader.Open(_directory["state"]))
            Assert.Equal(["raw"], reader.Rules);

        Assert.False(_directory.Exists("state/ledger.db-wal"));
        Assert.False(_directory.Exists("state/ledger.db-shm"));
    }

    [Fact]
    public void Readers_say_so_when_there_is_no_ledger() => Assert.Contains(
        "There is no ledger",
        Assert.Throws<LedgerUnusableException>(() => LedgerReader.Open(_directory["state"])).Message,
        StringComparison.Ordinal);

    private static void Edit(LedgerRig rig, string sql)
    {
        rig.Sync();
        rig.Ledger.Dispose();
        using (SqliteDatabase db = SqliteDatabase.OpenWriter(rig.StateDirectory.Join("ledger.db"u8)))
            db.Execute(sql);
        rig.Reopen();
    }

    private void AssertRefused(string why) => Assert.Contains(
        why, Assert.Throws<LedgerUnusableException>(() => Open()).Message, StringComparison.Ordinal);

    private LedgerRig New() => new LedgerRig(_directory).Open();

    private JobLedger Open() => JobLedger.Open(
        new LedgerOptions { StateDirectory = _directory["state"], Rules = [LedgerRig.Rule()] },
        (_, _, _) => false, NullLogger<JobLedger>.Instance);
}
