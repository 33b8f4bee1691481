using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Tests.Dispatch;

public sealed class ProcessDispatcherTests : IDisposable
{
    private readonly DispatchRig _rig = new();

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void Arguments_and_environment_reach_the_job_byte_for_byte()
    {
        _rig.Inherited.AddRange(
        [
            [.. "LATIN="u8, 0xE4], "NOTIFY_SOCKET=/n"u8.ToArray(), "WATCHDOG_USEC=1"u8.ToArray(),
            "JOURNAL_STREAM=8:1"u8.ToArray(), "LISTEN_FDS=1"u8.ToArray(), "DOTNET_gcServer=1"u8.ToArray(),
            "AUTOCRUNCH_JOB_ID=99"u8.ToArray(), "MODE=inherited"u8.ToArray(), "NOTIFY_SOCKET_OF=mine"u8.ToArray(),
        ]);
        _rig.Options = _rig.Options with
        {
            Command = DispatchRig.Command(
                "/bin/sh", "-c", "tr '\\0' '\\n' < /proc/$$/environ | sort; printf '%s\\n' \"$@\"; pwd", "x",
                "{relative}", "{stem}{extension}", "{rule}-{job}-{attempt}", "{{}}"),
            Environment = new Dictionary<string, string> { ["MODE"] = "set", ["EXTRA"] = "ü" },
        };
        _rig.Start().Complete(@"run 1/-\xFF.raw", "12345");

        Job job = _rig.WaitForAll().Single();

        Assert.Equal((JobState.Succeeded, 1L), (job.State, job.Id));
        string directory = _rig.Directory.Text;
        string[] expected =
        [
            "AUTOCRUNCH_ATTEMPT=1", "AUTOCRUNCH_JOB_ID=1", "AUTOCRUNCH_LEDGER=" + _rig.Ledger.Id,
            @"AUTOCRUNCH_NAME=-\xFF.raw", $@"AUTOCRUNCH_PATH={directory}/in/run 1/-\xFF.raw",
            @"AUTOCRUNCH_RELATIVE_PATH=run 1/-\xFF.raw", "AUTOCRUNCH_RULE=raw", "AUTOCRUNCH_SIZE=5", "EXTRA=ü",
            @"LATIN=\xE4", "MODE=set", "NOTIFY_SOCKET_OF=mine", "PATH=/usr/bin:/bin",
            @"run 1/-\xFF.raw", @"-\xFF.raw", "raw-1-1", "{}", directory + "/out",
        ];
        byte[] log = _rig.Directory.Read("state/logs/0/1-1.log");
        Assert.Equal(expected.Order(StringComparer.Ordinal), Lines(log).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_job_that_fails_twice_and_then_succeeds_has_three_attempts_with_their_own_logs()
    {
        _rig.Start("echo attempt $AUTOCRUNCH_ATTEMPT; test $AUTOCRUNCH_ATTEMPT = 3 || exit 4").Complete("a.raw");

        Job job = _rig.WaitForAll().Single();

        Assert.Equal((JobState.Succeeded, 3, 2), (job.State, job.Attempts, job.Failures));
        Assert.Equal(
            [(AttemptResult.Failed, 4), (AttemptResult.Failed, 4), (AttemptResult.Succeeded, (int?)0)],
            _rig.Attempts(job.Id).Select(attempt => (attempt.Result, attempt.ExitCode)));
        Assert.Equal("attempt 2\n", _rig.LogOf(job, 2));
        Assert.Equal(2, _rig.Log.Lines.Count(
            line => line.Contains("exited with code 4; tried again", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_failure_shows_the_end_of_its_output_in_the_services_log_escaped()
    {
        _rig.Start("for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo line $i; done; printf '\\033[31mred\\377'; exit 65")
            .Complete("a.raw");

        Assert.Equal(JobState.Failed, _rig.WaitForAll().Single().State);

        string line = _rig.WaitForLine("failed for good");
        Assert.Contains("exited with code 65", line, StringComparison.Ordinal);
        Assert.EndsWith("\n  | line 11\n  | line 12\n  | \\x1B[31mred\\xFF", line, StringComparison.Ordinal);
        Assert.DoesNotContain("line 3\n", line, StringComparison.Ordinal);
    }

    [Fact]
    public void A_permanent_exit_code_ends_it_at_once()
    {
        _rig.Start("exit 65").Complete("a.raw");

        Job job = _rig.WaitForAll().Single();

        Assert.Equal((JobState.Failed, 1), (job.State, job.Attempts));
    }

    [Fact]
    public void A_signal_is_recorded_and_named()
    {
        _rig.Rule = _rig.Rule with { Retry = _rig.Rule.Retry with { MaxAttempts = 1 } };
        _rig.Start("kill -USR1 $$").Complete("a.raw");

        Job job = _rig.WaitForAll().Single();

        AttemptRecord attempt = _rig.Attempts(job.Id).Single();
        Assert.Equal((null, Signals.SIGUSR1, "ended by SIGUSR1"), (attempt.ExitCode, attempt.Signal, attempt.Reason));
    }

    [Fact]
    public void A_job_that_runs_too_long_is_ended_with_all_its_descendants_that_ignore_SIGTERM()
    {
        _rig.Rule = _rig.Rule with { Retry = _rig.Rule.Retry with { MaxAttempts = 1 } };
        _rig.Options = _rig.Options with { Timeout = TimeSpan.FromSeconds(0.5) };
        const string Grandchildren = "trap \"\" TERM; sleep 1000 & echo $!; set -m; sleep 1001 & echo $!; wait";
        _rig.Start($"trap '' TERM; bash -c '{Grandchildren}' & echo $!; wait").Complete("a.raw");

        Job job = _rig.WaitForAll().Single();

        AttemptRecord attempt = _rig.Attempts(job.Id).Single();
        Assert.Equal((JobState.Failed, AttemptResult.TimedOut), (job.State, attempt.Result));
        Assert.Contains("00:00:00.5", attempt.Reason, StringComparison.Ordinal);
        int[] pids = [.. _rig.LogOf(job).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)];
        Assert.Equal(3, pids.Length);
        Assert.All(pids, pid => Assert.False(ProcessTable.TryRead(pid, out ProcessFacts facts) && !facts.IsZombie));
    }

    [Fact]
    public void A_job_that_obeys_SIGTERM_at_its_timeout_has_timed_out_whatever_its_exit_code()
    {
        _rig.Rule = _rig.Rule with { Retry = _rig.Rule.Retry with { MaxAttempts = 1 } };
        _rig.Options = _rig.Options with { Timeout = TimeSpan.FromSeconds(0.3), KillGrace = TimeSpan.FromSeconds(20) };
        _rig.Start("trap 'exit 0' TERM; while :; do sleep 0.05; done").Complete("a.raw");

        Job job = _rig.WaitForAll().Single();

        Assert.Equal((AttemptResult.TimedOut, 0), (_rig.Attempts(job.Id)[0].Result, _rig.Attempts(job.Id)[0].ExitCode));
    }

    [Fact]
    public void A_job_that_ended_in_time_has_not_timed_out_however_long_its_rest_takes_to_end()
    {
        _rig.Options = _rig.Options with { Timeout = TimeSpan.FromSeconds(4), KillGrace = TimeSpan.FromSeconds(6) };
        _rig.Start("(trap '' TERM; touch ready; sleep 1000) & while ! test -e ready; do sleep 0.02; done");
        _rig.Complete("a");

        Job job = _rig.WaitForAll().Single();

        Assert.Equal((JobState.Succeeded, 1), (job.State, job.Attempts));
    }

    [Fact]
    public void What_a_finished_job_leaves_running_is_ended()
    {
        _rig.Start("trap '' TERM; sleep 1000 & echo $!; exit 0").Complete("a.raw");

        Job job = _rig.WaitForAll().Single();

        Assert.Equal(JobState.Succeeded, job.State);
        int pid = int.Parse(_rig.LogOf(job));
        Assert.False(ProcessTable.TryRead(pid, out ProcessFacts facts) && !facts.IsZombie);
    }

    [Fact]
    public void A_gigabyte_of_output_is_kept_small_on_disk_while_it_is_written_and_has_its_head_and_tail()
    {
        const long MaxLogBytes = 1024 * 1024;
        _rig.Options = _rig.Options with { MaxLogBytes = MaxLogBytes };
        _rig.Start("echo HEAD; head -c 1000000000 /dev/zero; echo; echo TAIL").Complete("a.raw");
        string log = _rig.Directory["state/logs/0/1-1.log"].ToString();
        long most = 0;
        Job[] jobs = [];
        Wait.Until(
            () =>
            {
                if (File.Exists(log))
                    most = Math.Max(most, BlocksOf(log));
                return (jobs = _rig.Jobs()).All(job => job.State == JobState.Succeeded) && jobs.Length == 1;
            },
            TimeSpan.FromMinutes(3));

        Assert.True(new FileInfo(log).Length > 1_000_000_000);
        Assert.InRange(BlocksOf(log), 1, MaxLogBytes + (64 * 1024));
        Assert.True(most < 900_000_000, $"{most} bytes on disk while it was written");
        using FileStream stream = File.OpenRead(log);
        byte[] head = new byte[5];
        stream.ReadExactly(head);
        Assert.Equal("HEAD\n"u8.ToArray(), head);
        Assert.EndsWith("\nTAIL\n", Latin(LogFile.ReadTail(_rig.Directory["state/logs/0/1-1.log"], 100)));
    }

    [Fact]
    public void A_program_that_vanished_fails_the_attempt_with_its_name_and_its_return_lets_the_next_one_succeed()
    {
        var delay = TimeSpan.FromSeconds(0.1);
        _rig.Rule = _rig.Rule with { Retry = new RetryPolicy(100, delay, delay, []) };
        BytePath program = _rig.Directory.Write("tool", "#!/bin/sh\nexit 0\n");
        _rig.Options = _rig.Options with { Command = DispatchRig.Command(program.ToString()), Program = program };
        File.SetUnixFileMode(program.ToString(), (UnixFileMode)0b111_101_101);
        _rig.Start();
        _rig.Directory.Rename("tool", "gone");
        _rig.Complete("a.raw");
        Wait.Until(() => _rig.Jobs()[0].Failures > 0);
        _rig.Directory.Rename("gone", "tool");

        Job job = _rig.WaitForAll().Single();

        AttemptRecord first = _rig.Attempts(job.Id)[0];
        Assert.Equal((JobState.Succeeded, AttemptResult.CannotStart), (job.State, first.Result));
        Assert.Contains(program.ToString(), first.Reason, StringComparison.Ordinal);
        Assert.Contains("ENOENT", first.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_program_named_by_a_placeholder_is_looked_for_at_each_attempt()
    {
        _rig.Options = _rig.Options with { Command = DispatchRig.Command("{stem}", "hello") };
        _rig.Start();
        _rig.Complete("echo.job");
        _rig.Complete("no-such-program.job");

        Job[] jobs = _rig.WaitForAll();

        Assert.Equal([JobState.Succeeded, JobState.Failed], jobs.Select(job => job.State));
        Assert.Equal("hello\n", _rig.LogOf(jobs[0]));
        Assert.Contains("no-such-program", _rig.Attempts(jobs[1].Id)[0].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_machine_lacks_fails_no_job()
    {
        _rig.Directory.Write("state/logs", "in the way of the logs");
        _rig.Start("true").Complete("a.raw");
        _rig.WaitForLine("cannot start at present");
        _rig.Directory.Unlink("state/logs");

        Job job = _rig.WaitForAll().Single();

        Assert.Equal((JobState.Succeeded, 1, 0), (job.State, job.Attempts, job.Failures));
    }

    [Fact]
    public async Task A_job_that_waits_for_what_the_machine_lacks_is_cancelled_at_once()
    {
        _rig.Directory.Write("state/logs", "in the way of the logs");
        _rig.Start("true").Complete("a.raw");
        _rig.WaitForLine("cannot start at present");
        long start = Clock.MonotonicNs();

        await _rig.Dispatcher.CancelAsync(1).WaitAsync(Wait.Bound);

        Assert.InRange(Clock.MonotonicNs() - start, 0, 10_000_000_000); // its slot rests for longer
        Job job = _rig.WaitForAll().Single();
        Assert.Equal((JobState.Cancelled, JobReason.ByHand), (job.State, job.Reason));
    }

    private static long BlocksOf(string path) =>
        512 * long.Parse(Tool.Run("stat", "-c", "%b", path));

    private static IEnumerable<string> Lines(byte[] bytes)
    {
        foreach (byte[] line in Split(bytes))
            yield return BytePath.Escape(line);
    }

    private static IEnumerable<byte[]> Split(byte[] bytes)
    {
        int start = 0;
        for (int i = 0; i < bytes.Length; i++)
        {
            if (bytes[i] != '\n')
                continue;
            yield return bytes[start..i];
            start = i + 1;
        }
    }

    private static string Latin(byte[] bytes) => System.Text.Encoding.Latin1.GetString(bytes);
}
