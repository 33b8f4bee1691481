using System.Diagnostics;
using AutoCrunch.Linux;

namespace AutoCrunch.Tests.Hosting;

/// <summary>The service as a process: how it starts, how it ends, and with which exit code.</summary>
public sealed class ServiceHostTests
{
    private const string Copies = """
        { "AutoCrunch": { "Rules": { "raw": { "Path": "incoming", "Include": ["*.raw"],
          "Dispatcher": { "Command": ["install", "-D", "--", "{path}", "output/{relative}"] } } } } }
        """;

    [Fact]
    public void A_file_that_is_moved_in_is_processed_and_sigterm_ends_the_service_with_0()
    {
        using var directory = new TempDirectory();
        directory.Write("appsettings.json", Copies);
        using ServiceProcess service = new ServiceProcess(directory, "run").Ready();

        directory.Write("a.part", "content");
        directory.Rename("a.part", "incoming/a.raw");
        Wait.Until(() => directory.Exists("output/a.raw"));
        Wait.Until(() => service.Output.Contains("Job 1 succeeded", StringComparison.Ordinal));
        int exitCode = service.Stop();

        Assert.Equal(0, exitCode);
        Assert.Equal("STOPPING=1", service.NextState());
        Assert.Equal("content", directory.ReadText("output/a.raw"));
        Assert.Empty(service.Error);
    }

    [Fact]
    public void Run_is_the_default_verb_and_sigint_ends_it_with_0()
    {
        using var directory = new TempDirectory();
        directory.Write("other.json", Copies);
        using ServiceProcess service = new ServiceProcess(directory, "--config", "other.json").Ready();

        service.Signal(Signals.SIGINT);

        Assert.Equal(0, service.ExitCode());
        Assert.True(directory.Exists("incoming"));
    }

    [Fact]
    public void Sigterm_with_nothing_running_ends_the_service_within_a_second()
    {
        using var directory = new TempDirectory();
        directory.Write("appsettings.json", Copies);
        TimeSpan shortest = TimeSpan.MaxValue;
        for (int attempt = 0; attempt < 3; attempt++)
        {
            using ServiceProcess service = new ServiceProcess(directory, "run").Ready();
            long start = Stopwatch.GetTimestamp();
            Assert.Equal(0, service.Stop());
            shortest = TimeSpan.FromTicks(Math.Min(shortest.Ticks, Stopwatch.GetElapsedTime(start).Ticks));
        }

        // The shortest of three, because all other tests run at the same time.
        Assert.InRange(shortest, TimeSpan.Zero, TimeSpan.FromSeconds(1));
    }

    [Fact]
    public void Ready_is_told_only_when_the_first_scan_is_merged()
    {
        using var directory = new TempDirectory();
        directory.Write("appsettings.json", Copies);
        directory.Write("incoming/deep/down/a.raw");

        using ServiceProcess service = new ServiceProcess(directory, "run").Ready();

        Assert.Equal(0, service.Stop());
        Assert.Contains("3 directories, 1 files", service.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Each_rule_has_its_line_at_the_start()
    {
        using var directory = new TempDirectory();
        directory.Write("appsettings.json", Copies);

        using ServiceProcess service = new ServiceProcess(directory, "run").Ready();
        service.Stop();

        Assert.Contains(
            $"Rule raw: *.raw !*~ in {directory["incoming"]}, 2 at a time: install -D -- {{path}} output/{{relative}}",
            service.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_second_service_on_the_same_state_ends_with_1_and_names_the_first()
    {
        using var directory = new TempDirectory();
        directory.Write("appsettings.json", Copies);
        using ServiceProcess first = new ServiceProcess(directory, "run").Ready();

        using var second = new ServiceProcess(directory, "run");

        Assert.Equal(1, second.ExitCode());
        Assert.Contains($"pid {first.Pid}", second.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", second.Error + second.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_ledger_ends_the_start_with_78_and_says_how_to_mend_it()
    {
        using var directory = new TempDirectory();
        directory.Write("appsettings.json", Copies);
        directory.Write("state/ledger.db", new string('x', 8192));

        using var service = new ServiceProcess(directory, "run");

        Assert.Equal(78, service.ExitCode());
        Assert.Contains("is damaged", service.Error, StringComparison.Ordinal);
        Assert.Contains("ledger.db-wal'", service.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", service.Error + service.Output, StringComparison.Ordinal);
    }

    [RequiresFact("unshare", RequiresFactAttribute.Root)]
    public void A_file_system_that_hangs_at_the_start_stalls_nothing_but_its_own_rule()
    {
        using var directory = new TempDirectory();
        directory.MakeDirectory("hung");
        directory.Write("appsettings.json", Copies.Replace("\"Rules\": {", """
            "Rules": { "away": { "Path": "hung", "Dispatcher": { "Command": ["true"], "WorkingDirectory": "hung" },
                "OnSuccess": { "Action": "Move", "To": "hung/done/{name}" } },
            """, StringComparison.Ordinal));
        directory.Write("a.raw");

        // A mount whose FUSE server never says a word: whoever looks at it waits.
        using ServiceProcess service = ServiceProcess.Of(directory, [], "unshare", "-m", "sh", "-ec", """
            exec 3<>/dev/fuse
            mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 none hung
            exec "$0" run
            """, ServiceProcess.Program).Ready();
        directory.Rename("a.raw", "incoming/a.raw");
        Wait.Until(() => directory.Exists("output/a.raw"));
        Wait.Until(() => service.Output.Contains("does not answer within 5 s", StringComparison.Ordinal));
        (int exitCode, string status, string error) =
            Tool.TryRun(ServiceProcess.Program, "status", "--config", directory["appsettings.json"].ToString());
        Assert.True(exitCode is 0 or 1 && error.Length == 0, status + error);

        Assert.Equal(0, service.Stop());
    }

    [RequiresFact(RequiresFactAttribute.Root, "setpriv")]
    public void A_current_directory_that_may_not_be_entered_has_no_configuration()
    {
        using var directory = new TempDirectory();
        directory.Write("home/appsettings.json", Copies);
        Tool.Run("chmod", "755", directory.Text);
        Tool.Run("chmod", "700", directory["home"].ToString());

        (int exitCode, _, string error) = Tool.TryRun(
            "sh", "-c", $"cd '{directory["home"]}' && exec "
                + $"setpriv --reuid=65534 --clear-groups '{ServiceProcess.Program}' check");

        Assert.Equal(78, exitCode);
        Assert.Contains("found no file with a section AutoCrunch", error, StringComparison.Ordinal);
    }

    [RequiresFact("sqlite3")]
    public void A_ledger_that_fails_while_the_service_runs_ends_it_with_1()
    {
        using var directory = new TempDirectory();
        directory.Write("appsettings.json", Copies);
        directory.Write("a.raw");
        using ServiceProcess service = new ServiceProcess(directory, "run").Ready();

        Tool.Run("sqlite3", directory["state/ledger.db"].ToString(), "PRAGMA foreign_keys = 0; DROP TABLE jobs;");
        directory.Rename("a.raw", "incoming/a.raw");

        Assert.Equal(1, service.ExitCode());
        Assert.Contains("FTL A part of the service failed", service.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_job_that_kills_the_service_time_and_again_is_told_of_when_it_fails_for_that()
    {
        using var directory = new TempDirectory();
        directory.Write("appsettings.json", Copies.Replace(
            """["install", "-D", "--", "{path}", "output/{relative}"]""",
            """["sh", "-c", "kill -9 $PPID; sleep 60"]""", StringComparison.Ordinal));
        directory.Write("incoming/a.raw");
        for (int life = 0; life < 5; life++)
        {
            using var killed = new ServiceProcess(directory, "run");
            Assert.Equal(128 + Signals.SIGKILL, killed.ExitCode());
        }

        using ServiceProcess service = new ServiceProcess(directory, "run").Ready();

        Wait.Until(() => service.Output.Contains(
            "Job 1 failed for good: a.raw (rule raw, attempt 5): the service was killed while it ran. That is 5 times "
                + "in a row", StringComparison.Ordinal));
        Assert.Equal(0, service.Stop());
    }

    [Fact]
    public void Sigchld_ignored_by_the_parent_does_not_lose_exit_codes()
    {
        using var directory = new TempDirectory();
        directory.Write("appsettings.json", Copies.Replace("install", "false", StringComparison.Ordinal));
        directory.Write("a.raw");

        // Whoever ignores a signal passes that on to what it executes (signal(7)).
        using ServiceProcess service = ServiceProcess.Of(
            directory, [], "env", "--ignore-signal=CHLD", ServiceProcess.Program, "run").Ready();
        directory.Rename("a.raw", "incoming/a.raw");

        Wait.Until(() => service.Output.Contains("exited with code 1", StringComparison.Ordinal));
        Assert.Equal(0, service.Stop());
    }

    [Theory]
    [InlineData("Loud", "Loud")]
    [InlineData("", "")]
    public void A_mistake_in_the_serilog_section_is_a_mistake_like_any_other(string level, string named)
    {
        using var directory = new TempDirectory();
        string serilog = $"\"Serilog\": {{ \"MinimumLevel\": \"{level}\" }}, \"AutoCrunch\"";
        directory.Write("appsettings.json", Copies.Replace("\"AutoCrunch\"", serilog, StringComparison.Ordinal));

        using var service = new ServiceProcess(directory, "run");

        Assert.Equal(78, service.ExitCode());
        Assert.Contains("Serilog: ", service.Error, StringComparison.Ordinal);
        Assert.Contains(named, service.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void In_the_journal_every_line_has_its_priority_and_no_time()
    {
        using var directory = new TempDirectory();
        directory.Write("appsettings.json", Copies);
        var journal = new Dictionary<string, string?> { ["JOURNAL_STREAM"] = "8:1234" };

        using ServiceProcess service =
            ServiceProcess.Of(directory, journal, ServiceProcess.Program, "run").Ready();
        service.Stop();

        Assert.All(service.Output.TrimEnd('\n').Split('\n'),
            line => Assert.StartsWith("<6>", line, StringComparison.Ordinal));
    }
}
