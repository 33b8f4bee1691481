using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.Faults;

/// <summary>Disks that are full, read-only or fail, under the ledger, the logs of jobs and the watched tree.</summary>
public sealed class DiskTests : IDisposable
{
    private readonly FaultyService _faulty = new(new RuleText { Concurrency = 4 });

    public void Dispose() => _faulty.Dispose();

    private ServiceUnderTest Service => _faulty.Service;

    [RequiresFact(RequiresFactAttribute.Root, "mount", "umount")]
    public void A_full_state_directory_is_said_once_waited_for_and_said_to_be_over()
    {
        _faulty.Mount("state", "size=64m");
        Service.Start();
        _faulty.Arrive("before");
        _faulty.UntilRan("before");
        string ballast = _faulty.Fill("state");
        string[] names = [.. Enumerable.Range(0, 300).Select(i => $"{i:D3}{new string('x', 240)}")];
        foreach (string name in names)
            _faulty.Arrive(name);
        string line = Service.UntilLogged("Ledger paused", "make room");
        Assert.Contains("resumes by itself", line, StringComparison.Ordinal);

        File.Delete(ballast);

        Service.UntilLogged("Ledger resumed");
        _faulty.UntilRan(names.Append("before"));
        _faulty.AssertNoneBlamed();
        Assert.Equal((1, 1), (_faulty.TimesLogged("Ledger paused"), _faulty.TimesLogged("Ledger resumed")));
        Service.Stop();
    }

    [RequiresFact(RequiresFactAttribute.Root, "mount", "umount")]
    public void A_start_on_a_full_disk_ends_with_1_and_the_next_one_with_room_works()
    {
        _faulty.Mount("state", "size=4m");
        string ballast = _faulty.Fill("state"); // before there is a ledger
        AssertRefused("make room on the state directory's file system");
        File.Delete(ballast);
        Service.Start();
        _faulty.Arrive("a");
        _faulty.UntilRan("a");
        Service.Stop();
        ballast = _faulty.Fill("state"); // and when there is one
        AssertRefused("make room on the state directory's file system");
        File.Delete(ballast);
        _faulty.Arrive("b");
        Service.Start();
        _faulty.UntilRan("a", "b");
        Service.Stop();
    }

    [RequiresFact(RequiresFactAttribute.Root, "mount", "umount")]
    public void A_start_on_a_read_only_disk_ends_with_1_and_works_when_it_is_writable_again()
    {
        _faulty.Mount("state", "size=8m,ro");
        AssertRefused("mounted read-only");
        _faulty.Remount("state", "rw");
        Service.Start();
        _faulty.Arrive("a");
        _faulty.UntilRan("a");
        Service.Stop();
        _faulty.Remount("state", "ro");
        AssertRefused("mounted read-only");
        _faulty.Remount("state", "rw");
        Service.Start();
        Service.Stop();
    }

    [RequiresFact(RequiresFactAttribute.Root, "gcc")]
    public void A_disk_that_becomes_read_only_under_the_ledger_pauses_it()
    {
        _faulty.Start();
        _faulty.Arrive("before");
        _faulty.UntilRan("before");
        _faulty.LedgerWriteFails = FaultyService.ReadOnly;
        string[] names = [.. Enumerable.Range(0, 50).Select(i => $"f{i}")];
        foreach (string name in names)
            _faulty.Arrive(name);
        Service.UntilLogged("Ledger paused", "dmesg");
        Assert.Single(Service.Started());

        _faulty.LedgerWriteFails = 0;

        Service.UntilLogged("Ledger resumed");
        _faulty.UntilRan(names.Append("before"));
        _faulty.AssertNoneBlamed();
        Service.Stop();
    }

    [RequiresFact(RequiresFactAttribute.Root, "mount", "umount")]
    public void Jobs_wait_while_their_logs_cannot_be_made()
    {
        _faulty.Mount("state/logs", "size=1m,nr_inodes=2"); // itself, and the directory of the first thousand logs
        Service.Start();
        _faulty.Arrive("a");
        _faulty.Arrive("b");
        string full = Service.UntilLogged("jobs cannot start at present", "log");
        Assert.Contains("(df, df -i)", full, StringComparison.Ordinal);
        _faulty.Remount("state/logs", "nr_inodes=1000");
        Service.UntilLogged("jobs start again");
        _faulty.UntilRan("a", "b");

        _faulty.Remount("state/logs", "ro");
        _faulty.Arrive("c");
        Service.UntilLogged("jobs cannot start at present", "read-only");
        _faulty.Remount("state/logs", "rw");
        _faulty.UntilRan("a", "b", "c");
        _faulty.AssertNoneBlamed();
        Assert.Equal(2, _faulty.TimesLogged("jobs cannot start at present"));
        Service.Until(() => _faulty.TimesLogged("jobs start again") == 2, () => "the end of the second wait");
        Service.Stop();
    }

    [RequiresFact(RequiresFactAttribute.Root, "mount", "umount")]
    public void A_job_that_fails_while_there_is_no_room_for_its_log_is_said_to()
    {
        Service.Configure(new RuleText
        {
            Command = ["sh", "-c", "echo x && exit 0; exit 3"],
            Retry = """{ "Delay": "00:00:00.500", "MaxDelay": "00:00:00.500", "MaxAttempts": 1000 }""",
        });
        _faulty.Mount("state/logs", "size=64k");
        Service.Start();
        string ballast = _faulty.Fill("state/logs");
        _faulty.Arrive("a");
        Service.UntilLogged("exited with code 3 while the file system of its log", "was full: free some space");
        File.Delete(ballast);
        Service.UntilLogged("succeeded: a");
        Service.Stop();
    }

    [RequiresFact(RequiresFactAttribute.Root, "mount", "umount", "rsync")]
    public void A_watched_tree_that_is_full_or_read_only_runs_nothing_partial_and_goes_on()
    {
        _faulty.Mount("incoming", "size=1m");
        Service.Start();
        string source = Path.Combine(Service.Base, "large");
        File.WriteAllBytes(source, new byte[2 * 1024 * 1024]);
        Assert.NotEqual(0, Tool.TryRun("rsync", "-a", source, Service.Incoming()).ExitCode);
        _faulty.Arrive("a");
        _faulty.UntilRan("a");

        _faulty.Remount("incoming", "ro");
        Assert.NotEqual(0, Tool.TryRun("rsync", "-a", source, Service.Incoming()).ExitCode);
        Service.Stop();
        Service.Start(); // what is there can be watched as it is
        _faulty.Remount("incoming", "rw,size=8m");
        Tool.Run("rsync", "-a", source, Service.Incoming());
        _faulty.UntilRan("a", "large");
        _faulty.AssertNoneBlamed();
        Service.Stop();
    }

    private void AssertRefused(string why)
    {
        (int exitCode, string text) = _faulty.StartRefused();
        Assert.True(exitCode == 1, $"exit code {exitCode}\n{text}");
        Assert.True(text.Contains(why, StringComparison.Ordinal), text);
        Assert.DoesNotContain("   at ", text, StringComparison.Ordinal);
    }
}
