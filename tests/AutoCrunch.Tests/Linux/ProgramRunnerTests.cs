using System.Diagnostics;
using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Tests.Linux;

public sealed class ProgramRunnerTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Every_byte_goes_in_and_comes_out_as_it_is()
    {
        byte[] everyByte = [.. Enumerable.Range(0, 256).Select(value => (byte)value)];

        ProgramResult result = ProgramRunner.Run(Shell("cat; exit 3") with { Input = everyByte });

        Assert.Equal(everyByte, result.Output);
        Assert.Equal(3, result.Exit.ExitCode);
        Assert.False(result.IsSuccess);
    }

    [Fact]
    public void Arguments_and_environment_are_bytes_and_stdout_and_stderr_are_kept_apart()
    {
        byte[] odd = [0xFF, (byte)'\n', (byte)'\'', 0xFE];
        ProgramCall call = Shell("""printf '%s' "$1"; printf '%s' "$ODD" >&2""");

        ProgramResult result = ProgramRunner.Run(call with
        {
            Arguments = [.. call.Arguments, odd],
            Environment = [.. call.Environment, [.. "ODD="u8, .. odd, (byte)'.']],
        });

        Assert.True(result.IsSuccess);
        Assert.Equal(odd, result.Output);
        Assert.Equal([.. odd, (byte)'.'], result.Error);
    }

    [Fact]
    public void A_program_without_input_reads_nothing()
    {
        ProgramResult result = ProgramRunner.Run(Shell("cat; echo end"));

        Assert.Equal("end\n"u8.ToArray(), result.Output);
    }

    [Fact]
    public void Output_beyond_the_bound_is_refused_and_what_fitted_is_there()
    {
        ProgramResult result = ProgramRunner.Run(Shell("yes | head -c 10000000; echo \"ended\" >&2") with
        {
            MaxOutputBytes = 1_000_000,
        });

        Assert.InRange(result.Output.Length, 900_000, 1_000_000);
        Assert.Contains("ended", Encoding.UTF8.GetString(result.Error), StringComparison.Ordinal);
    }

    [Fact]
    public void What_takes_too_long_is_ended_with_what_it_started()
    {
        BytePath pids = _directory["pids"];
        ProgramCall call = Shell("trap '' TERM; (trap '' TERM; "
            + $"echo $BASHPID >{pids}; sleep 1000) & echo said; wait");
        call = call with
        {
            Program = new BytePath("/bin/bash"u8),
            Timeout = TimeSpan.FromSeconds(0.5),
            KillGrace = TimeSpan.FromSeconds(0.1),
        };

        ProgramResult result = ProgramRunner.Run(call);

        Assert.True(result.IsTimedOut);
        Assert.Equal(Signals.SIGKILL, result.Exit.Signal);
        Assert.Equal("said\n"u8.ToArray(), result.Output);
        Assert.False(IsRunning(_directory.ReadText("pids")));
        Assert.Contains("did not answer within", result.Explain(call), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_killed_at_once_for_its_time_took_too_long()
    {
        ProgramCall call = Shell("exec sleep 1000") with
        {
            Timeout = TimeSpan.FromMilliseconds(1),
            KillGrace = TimeSpan.Zero,
        };

        for (int i = 0; i < 100; i++)
            Assert.True(ProgramRunner.Run(call).IsTimedOut);
    }

    [Fact]
    public void What_a_program_leaves_behind_is_ended_with_it()
    {
        var watch = Stopwatch.StartNew();

        ProgramResult result = ProgramRunner.Run(Shell("(trap '' TERM; sleep 1000) & echo $!"));

        Assert.True(result.IsSuccess);
        Assert.False(IsRunning(Encoding.ASCII.GetString(result.Output)));
        Assert.True(watch.Elapsed < Wait.Bound);
    }

    [Fact]
    public void A_missing_program_is_certain_to_have_done_nothing_and_is_explained()
    {
        ProgramCall call = Shell("") with { Program = _directory["nothing"] };

        ProgramResult result = ProgramRunner.Run(call);

        Assert.True(result.WasNotStarted);
        Assert.Equal(Errno.ENOENT, result.Errno);
        Assert.Contains("nothing", result.Explain(call), StringComparison.Ordinal);
    }

    [Fact]
    public void What_it_said_last_is_in_the_explanation()
    {
        ProgramCall call = Shell("echo first >&2; printf 'bad \\377 name\\n' >&2; exit 4");

        Assert.Equal(@"'sh' exited with code 4: first / bad \xFF name", ProgramRunner.Run(call).Explain(call));
    }

    [Fact]
    public async Task No_more_run_at_once_than_allowed_and_all_get_their_turn()
    {
        var runner = new ProgramRunner("test", 3);
        ProgramCall call = Shell($"mkdir {_directory["run"]}-$$; ls {_directory.Path} | grep -c run; sleep 0.05; "
            + $"rmdir {_directory["run"]}-$$");

        ProgramResult[] results = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => runner.RunAsync(call)));

        Assert.All(results, result => Assert.True(result.IsSuccess, result.Explain(call)));
        Assert.InRange(results.Max(result => int.Parse(Encoding.ASCII.GetString(result.Output))), 1, 3);
        Assert.Equal(0, runner.Waiting);
    }

    // Whoever adopted it may not have taken its status yet.
    private static bool IsRunning(string pid) =>
        ProcessTable.TryRead(int.Parse(pid), out ProcessFacts process) && !process.IsZombie;

    private static ProgramCall Shell(string script) => new(
        new BytePath("/bin/sh"u8),
        ["sh"u8.ToArray(), "-c"u8.ToArray(), Encoding.UTF8.GetBytes(script), "sh"u8.ToArray()],
        ["PATH=/usr/bin:/bin"u8.ToArray()]);
}
