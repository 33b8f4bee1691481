using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Tests.Linux;

public sealed class ProcessTableTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly byte[] _mark = Encoding.ASCII.GetBytes($"AUTOCRUNCH_TEST={Guid.NewGuid()}");

    public void Dispose()
    {
        ProcessTable.EndProcesses(ProcessTable.WithEnvironment(_mark), TimeSpan.Zero);
        _directory.Dispose();
    }

    [Fact]
    public void This_process_is_in_the_table()
    {
        ProcessFacts self = ProcessTable.All().Single(process => process.Pid == Environment.ProcessId);

        Assert.False(self.IsZombie);
        string stat = File.ReadAllText("/proc/self/stat");
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        Assert.Equal(fields[2], self.ProcessGroup.ToString());
        Assert.Equal(fields[3], self.Session.ToString());
        Assert.Equal(fields[19], self.StartTicks.ToString());
        Assert.Equal(File.ReadAllText("/proc/self/comm").TrimEnd('\n'), self.Comm.ToString());
    }

    [Theory]
    [InlineData("12 (a) b) (c)) S 1 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 99 23\n", "a) b) (c)")]
    [InlineData("12 () Z 1 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 99 23\n", "")]
    public void A_program_may_have_parentheses_in_its_name(string stat, string comm)
    {
        Assert.True(ProcessTable.TryParseStat(Encoding.ASCII.GetBytes(stat), out ProcessFacts facts));
        Assert.Equal((12, 6, 5, 99UL), (facts.Pid, facts.Session, facts.ProcessGroup, facts.StartTicks));
        Assert.Equal(comm, facts.Comm.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("12")]
    [InlineData("12 (a")]
    [InlineData("x (a) S 1 2 3")]
    [InlineData("12 (a) S 1 2 3")]
    public void What_is_not_a_process_line_is_none(string stat) =>
        Assert.False(ProcessTable.TryParseStat(Encoding.ASCII.GetBytes(stat), out _));

    [Fact]
    public void A_process_is_found_by_an_exact_environment_entry()
    {
        ChildProcess child = Start("read x", [_mark, [.. "OTHER="u8, 0xFF, (byte)'x']]);

        // execve(2) lets the one who spawned go on a moment before the environment shows in /proc.
        Wait.Until(() => ProcessTable.WithEnvironment(_mark).Count > 0);
        Assert.Equal([child.Pid], Pids(ProcessTable.WithEnvironment(_mark)));
        Assert.Equal([child.Pid], Pids(ProcessTable.WithEnvironment(_mark, [.. "OTHER="u8, 0xFF, (byte)'x'])));
        Assert.Empty(ProcessTable.WithEnvironment(_mark, [.. "OTHER="u8, 0xFF]));
        Assert.Empty(ProcessTable.WithEnvironment(_mark[..^1]));
        Assert.Empty(ProcessTable.WithEnvironment(_mark[1..]));
        Assert.Empty(ProcessTable.WithEnvironment());
        Assert.Equal([0xFF, (byte)'x'], ProcessTable.EnvironmentValue(child.Pid, "OTHER"u8));
        Assert.Null(ProcessTable.EnvironmentValue(child.Pid, "OTHE"u8));
        Assert.Null(ProcessTable.EnvironmentValue(int.MaxValue, "OTHER"u8));

        child.Signal(Signals.SIGKILL);
        child.Wait();
        Assert.Empty(ProcessTable.WithEnvironment(_mark));
    }

    [Fact]
    public void Survivors_are_whole_sessions_and_those_that_left_them_are_found_by_their_environment()
    {
        // The second drops the mark but stays in the session; the third leaves the session but keeps the mark.
        ChildProcess child = Start("""
            env -u AUTOCRUNCH_TEST sh -c 'echo >> started; while :; do sleep 1000; done' &
            setsid sh -c 'echo >> started; while :; do sleep 1000; done' &
            echo >> started
            while :; do sleep 1000; done
            """, [_mark, "PATH=/usr/bin:/bin"u8.ToArray()]);
        Wait.Until(() => _directory.Exists("started") && _directory.Read("started").Length == 3);

        // Each of the three has a sleep, a moment later.
        Wait.Until(() => ProcessTable.Survivors(_mark).Count == 6);
        List<ProcessFacts> survivors = ProcessTable.Survivors(_mark);
        Assert.Equal(2, survivors.Select(process => process.Session).Distinct().Count());
        Assert.DoesNotContain(survivors, process => process.Pid == Environment.ProcessId);

        Assert.Empty(ProcessTable.EndProcesses(survivors, TimeSpan.FromSeconds(30)));
        Assert.Empty(ProcessTable.Survivors(_mark));
        Assert.Equal(new ChildExit(null, Signals.SIGTERM), child.Wait());
    }

    [Fact]
    public void A_process_that_ignores_sigterm_is_killed_after_the_grace()
    {
        ChildProcess child = Start("trap '' TERM; echo > started; while :; do sleep 1000; done", [_mark]);
        Wait.Until(() => _directory.Exists("started"));

        Assert.Empty(ProcessTable.EndProcesses(ProcessTable.WithEnvironment(_mark), TimeSpan.FromMilliseconds(50)));

        Assert.Equal(new ChildExit(null, Signals.SIGKILL), child.Wait());
    }

    [Fact]
    public void A_pid_that_was_given_to_another_process_is_never_signalled()
    {
        ChildProcess child = Start("read x", [_mark]);
        Assert.True(ProcessTable.TryRead(child.Pid, out ProcessFacts facts));
        ProcessFacts earlier = facts with { StartTicks = facts.StartTicks - 1 };

        Assert.Equal(Errno.ESRCH, ProcessTable.Signal(earlier, Signals.SIGKILL));
        Assert.Empty(ProcessTable.EndProcesses([earlier], TimeSpan.FromSeconds(30)));

        Assert.True(ProcessTable.TryRead(child.Pid, out facts));
        Assert.False(facts.IsZombie);
        Assert.Equal(0, ProcessTable.Signal(facts, Signals.SIGKILL));
        Assert.Equal(new ChildExit(null, Signals.SIGKILL), child.Wait());
        Assert.Equal(Errno.ESRCH, ProcessTable.Signal(facts, Signals.SIGKILL));
    }

    private static int[] Pids(List<ProcessFacts> processes) => [.. processes.Select(process => process.Pid)];

    private ChildProcess Start(string script, byte[][] environment)
    {
        if (!_directory.Exists("fifo"))
            Tool.Run("mkfifo", _directory.Text + "/fifo");
        var start = new ChildStart(
            new BytePath("/bin/sh"u8),
            ["sh"u8.ToArray(), "-c"u8.ToArray(), Encoding.UTF8.GetBytes(script.Replace("read x", "read x <> fifo"))],
            environment,
            _directory.Path,
            _directory["log"]);
        Assert.Equal(0, ChildProcess.TryStart(start, out ChildProcess? child));
        return child!;
    }
}
