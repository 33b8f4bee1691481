using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Tests.Linux;

public sealed class ChildProcessTests : IDisposable
{
    private static readonly BytePath s_shell = new("/bin/sh"u8);

    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("exit 0", 0)]
    [InlineData("exit 7", 7)]
    [InlineData("exit 255", 255)]
    public void The_exit_code_is_the_childs(string script, int expected)
    {
        ChildProcess child = Start(script);

        Assert.Equal(new ChildExit(expected, null), child.Wait());
        Assert.Equal(new ChildExit(expected, null), child.Wait());
        Assert.False(child.LeftoversRemain);
    }

    [Theory]
    [InlineData("KILL", Signals.SIGKILL)]
    [InlineData("TERM", Signals.SIGTERM)]
    [InlineData("SEGV", Signals.SIGSEGV)]
    public void A_child_that_dies_of_a_signal_has_that_signal_and_no_exit_code(string name, int expected)
    {
        ChildProcess child = Start($"ulimit -c 0; kill -{name} $$");

        Assert.Equal(new ChildExit(null, expected), child.Wait());
    }

    [Fact]
    public void Stdout_and_stderr_append_to_one_log_and_stdin_is_empty()
    {
        _directory.Write("log", "before\n");

        Start("echo out; echo err >&2; cat; echo end").Wait();

        Assert.Equal("before\nout\nerr\nend\n", _directory.ReadText("log"));
    }

    [Fact]
    public void A_new_log_is_for_the_owner_and_the_group_only()
    {
        Start("exit 0").Wait();

        Assert.Equal(0u, _directory.Stat("log").Mode & 0x1F); // no group write, nothing for others
    }

    [Fact]
    public void Argument_bytes_reach_the_program_unchanged()
    {
        byte[] everyByte = [.. Enumerable.Range(1, 255).Select(value => (byte)value)];
        byte[][] arguments = ["sh"u8.ToArray(), "-c"u8.ToArray(), """printf '%s|' "$@" """u8.ToArray(), "0"u8.ToArray(),
            everyByte, [], "-rf \n$(x)"u8.ToArray(), "ÿ"u8.ToArray(), [0xFF, 0xFE]];

        Run(Request("") with { Arguments = arguments });

        byte[] expected = [.. arguments[4..].SelectMany(argument => argument.Append((byte)'|'))];
        Assert.Equal(expected, _directory.Read("log"));
    }

    [Fact]
    public void Environment_bytes_reach_the_program_unchanged_and_nothing_is_inherited()
    {
        byte[] entry = [.. "NAME=a"u8, 0xFF, 0x0A, 0xFE, .. "=b"u8];

        Run(Request("cat /proc/$$/environ") with { Environment = [entry, "EMPTY="u8.ToArray()] });

        byte[] expected = [.. entry, 0, .. "EMPTY="u8, 0];
        Assert.Equal(expected, _directory.Read("log"));
    }

    [Fact]
    public void Program_directory_and_log_may_have_names_that_are_not_text()
    {
        BytePath work = _directory.MakeDirectory(@"w\xFF\x0A");
        BytePath program = _directory[@"sh\xFE"];
        File.CreateSymbolicLink(_directory.Text + "/sh", "/bin/sh");
        _directory.Rename("sh", @"sh\xFE");

        Run(Request("pwd") with { Program = program, WorkingDirectory = work, LogFile = _directory[@"log\xFD"] });

        byte[] expected = [.. work.Span, (byte)'\n'];
        Assert.Equal(expected, _directory.Read(@"log\xFD"));
    }

    [Fact]
    public void No_signal_is_ignored_or_blocked_in_the_child()
    {
        Start("grep -E 'Sig(Blk|Ign)' /proc/self/status").Wait();

        // dotnet itself ignores SIGPIPE, which the child would otherwise inherit.
        Assert.NotEqual(0UL, SignalsHere("SigIgn:") & (1UL << (Signals.SIGPIPE - 1)));
        Assert.Equal("SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n", _directory.ReadText("log"));
    }

    [Fact]
    public void No_descriptor_leaks_into_the_child()
    {
        // One that is inheritable by mistake, of somebody else's making.
        int inheritable = Inheritable.Open();
        try
        {
            Start("ls -1 /proc/$$/fd").Wait();
        }
        finally
        {
            Inheritable.Close(inheritable);
        }

        Assert.Equal("0\n1\n2\n", _directory.ReadText("log"));
    }

    [Fact]
    public void The_child_leads_its_own_session_and_group()
    {
        ChildProcess child = Start("read x < pipe; exit 0", prepare: "mkfifo pipe");
        Assert.True(ProcessTable.TryRead(child.Pid, out ProcessFacts facts));
        Assert.Equal(child.Pid, facts.Session);
        Assert.Equal(child.Pid, facts.ProcessGroup);

        Assert.True(child.Signal(Signals.SIGTERM));
        Assert.Equal(new ChildExit(null, Signals.SIGTERM), child.Wait());
        Assert.False(child.Signal(Signals.SIGTERM));
    }

    [Fact]
    public void Sigkill_ends_grandchildren_that_ignore_sigterm_and_those_in_other_groups()
    {
        ChildProcess child = StartBash("""
            trap '' TERM
            set -m                                      # background jobs get groups of their own
            (trap '' TERM; echo one >> started; while :; do sleep 1000; done) &
            set +m
            (trap '' TERM; echo two >> started; while :; do sleep 1000; done) &
            echo three >> started
            while :; do sleep 1000; done
            """);
        Wait.Until(() => _directory.Exists("started") && _directory.Read("started").Count(b => b == '\n') == 3);
        List<ProcessFacts> members = ProcessTable.InSession(child.Pid);
        Assert.True(members.Count >= 3);
        Assert.Contains(members, member => member.ProcessGroup != child.Pid);

        Assert.True(child.Signal(Signals.SIGTERM));
        Assert.True(child.Signal(Signals.SIGKILL));

        Assert.Empty(ProcessTable.InSession(child.Pid));
        Assert.Equal(new ChildExit(null, Signals.SIGKILL), child.Wait());
    }

    [Fact]
    public void Sigterm_reaches_members_of_the_session_in_other_groups()
    {
        ChildProcess child = StartBash("""
            set -m
            (trap 'echo told >> told; exit 0' TERM; echo >> started; while :; do sleep 0.05; done) &
            set +m
            trap 'wait; exit 3' TERM
            echo >> started
            while :; do sleep 0.05; done
            """);
        Wait.Until(() => _directory.Exists("started") && _directory.Read("started").Length == 2);
        Assert.Contains(ProcessTable.InSession(child.Pid), member => member.ProcessGroup != child.Pid);

        Assert.True(child.Signal(Signals.SIGTERM));

        Assert.Equal(new ChildExit(3, null), child.Wait());
        Assert.Equal("told\n", _directory.ReadText("told"));
    }

    [Fact]
    public void What_a_finished_child_left_in_its_group_is_asked_to_end()
    {
        ChildProcess child = Start("""
            (trap 'echo told >> told; exit' TERM; echo > started; while :; do sleep 0.02; done) &
            while [ ! -e started ]; do sleep 0.02; done
            exit 4
            """);

        Assert.Equal(new ChildExit(4, null), child.Wait());

        Wait.Until(() => _directory.Exists("told"));
        Assert.Empty(child.EndSession(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public void Leftovers_that_ignore_sigterm_are_reported_and_ended_on_request()
    {
        ChildProcess child = Start("(trap '' TERM; echo > started; while :; do sleep 1000; done) & "
            + "while [ ! -e started ]; do sleep 0.02; done; exit 4");

        Assert.Equal(new ChildExit(4, null), child.Wait());

        Assert.True(child.LeftoversRemain);
        Assert.NotEmpty(ProcessTable.InSession(child.Pid));
        Assert.Empty(child.EndSession(TimeSpan.FromMilliseconds(100)));
        Assert.Empty(ProcessTable.InSession(child.Pid));
    }

    [Fact]
    public void A_stopped_child_obeys_sigterm()
    {
        ChildProcess child = Start("kill -STOP $$");
        Wait.Until(() => ProcessTable.TryRead(child.Pid, out ProcessFacts facts) && facts.State == 'T');

        child.Signal(Signals.SIGTERM);

        Assert.Equal(new ChildExit(null, Signals.SIGTERM), child.Wait());
    }

    [Fact]
    public void Many_children_at_once_each_get_their_own_exit_code()
    {
        Parallel.For(0, 64, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
        {
            ChildStart request = Request($"exit {i}") with { LogFile = _directory[$"log{i}"] };
            Assert.Equal(0, ChildProcess.TryStart(request, out ChildProcess? child));
            Assert.Equal(i, child!.Wait().ExitCode);
        });
    }

    [Fact]
    public void A_missing_program_working_directory_or_log_directory_is_told_apart()
    {
        ChildStart good = Request("exit 0");

        AssertFails(good with { Program = _directory["nothing"] }, Errno.ENOENT, "program", "nothing");
        AssertFails(good with { WorkingDirectory = _directory["none"] }, Errno.ENOENT, "working directory", "none");
        AssertFails(good with { LogFile = _directory["no/log"] }, Errno.ENOENT, "directory of the log", "no'");
        AssertFails(good with { LogFile = _directory.Path }, Errno.EISDIR, "log", _directory.Text);
        AssertFails(good with { Program = _directory.Path }, Errno.EACCES, "not a file", _directory.Text);
        AssertFails(good with { Arguments = ["sh"u8.ToArray(), [1, 0, 2]] }, Errno.EINVAL, "argument 1", "NUL");
        AssertFails(good with { Environment = [[1, 0, 2]] }, Errno.EINVAL, "environment", "NUL");
    }

    [Theory]
    [InlineData("#!/no/such/interpreter\n", Errno.ENOENT, "/no/such/interpreter", "first line")]
    [InlineData("#!/bin/sh\r\n", Errno.ENOENT, @"/bin/sh\x0D", "line endings")]
    [InlineData("echo without a first line\n", Errno.ENOEXEC, "#!/bin/sh", "architecture")]
    public void A_script_that_cannot_start_is_explained(string content, int errno, string first, string second)
    {
        _directory.Write("script", content);
        File.SetUnixFileMode(_directory.Text + "/script", (UnixFileMode)0x1ED);

        AssertFails(Request("") with { Program = _directory["script"] }, errno, first, second);
    }

    [Fact]
    public void A_program_without_execute_permission_is_explained()
    {
        _directory.Write("script", "#!/bin/sh\n");

        AssertFails(Request("") with { Program = _directory["script"] }, Errno.EACCES, "not executable", "chmod +x");
    }

    [Fact]
    public void Too_many_arguments_are_explained()
    {
        byte[][] arguments = ["sh"u8.ToArray(), new byte[200_000].Select(_ => (byte)'x').ToArray()];

        AssertFails(Request("") with { Arguments = arguments }, Errno.E2BIG, "arguments", "shorten");
    }

    [Fact]
    public void Restoring_the_child_signal_leaves_a_handler_of_the_runtime_in_place()
    {
        Tool.Run("true"); // makes the runtime install its handler, which System.Diagnostics.Process depends on
        ulong caught = SignalsHere("SigCgt:");
        Assert.NotEqual(0UL, caught & (1UL << (Signals.SIGCHLD - 1)));

        ChildProcess.RestoreChildSignal();

        Assert.Equal(caught, SignalsHere("SigCgt:"));
        Tool.Run("true");
    }

    private static ulong SignalsHere(string set)
    {
        string line = File.ReadLines("/proc/self/status").Single(text => text.StartsWith(set));
        return Convert.ToUInt64(line[set.Length..].Trim(), 16);
    }

    private static void AssertFails(ChildStart start, int errno, params string[] words)
    {
        Assert.Equal(errno, ChildProcess.TryStart(start, out ChildProcess? child));
        Assert.Null(child);
        string text = ChildProcess.ExplainStartFailure(start, errno);
        Assert.All(words, word => Assert.Contains(word, text));
    }

    private static void Run(ChildStart start)
    {
        int errno = ChildProcess.TryStart(start, out ChildProcess? child);
        Assert.True(errno == 0, ChildProcess.ExplainStartFailure(start, errno));
        Assert.Equal(new ChildExit(0, null), child!.Wait());
    }

    private ChildStart Request(string script) => new(
        s_shell,
        ["sh"u8.ToArray(), "-c"u8.ToArray(), Encoding.UTF8.GetBytes(script)],
        ["PATH=/usr/bin:/bin"u8.ToArray()],
        _directory.Path,
        _directory["log"]);

    private ChildProcess Start(string script, string? prepare = null)
    {
        if (prepare is not null)
            Run(Request(prepare));
        ChildStart start = Request(script);
        int errno = ChildProcess.TryStart(start, out ChildProcess? child);
        Assert.True(errno == 0, ChildProcess.ExplainStartFailure(start, errno));
        return child!;
    }

    // Only bash puts background jobs into groups of their own without a terminal.
    private ChildProcess StartBash(string script)
    {
        ChildStart start = Request(script) with { Program = new BytePath("/bin/bash"u8) };
        int errno = ChildProcess.TryStart(start, out ChildProcess? child);
        Assert.True(errno == 0, ChildProcess.ExplainStartFailure(start, errno));
        return child!;
    }
}
