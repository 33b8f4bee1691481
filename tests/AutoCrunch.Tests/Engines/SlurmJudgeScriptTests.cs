using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Dispatch;
using AutoCrunch.Linux;

namespace AutoCrunch.Tests.Engines;

/// <summary>What a batch script leaves: run by bash, as slurmd would, without Slurm.</summary>
public sealed class SlurmJudgeScriptTests : IDisposable
{
    private static readonly Attempt s_attempt = new(
        new Job
        {
            Id = 1,
            Rule = "raw",
            Path = new BytePath("f.raw"u8),
            Version = default,
            Evidence = Evidence.RenamedFromTemporary,
            State = JobState.Running,
        },
        1);

    private readonly TempDirectory _directory = new();
    private readonly SlurmPlace _place;

    public SlurmJudgeScriptTests()
    {
        _place = new SlurmPlace(_directory.Path, "ledger", 1, 1);
        Assert.Equal(0, SlurmPlace.TryMark(_directory.Path));
        Assert.Equal(PlaceState.Ready, _place.Prepare(out _));
    }

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("exit 0", 0)]
    [InlineData("exit 3", 3)]
    [InlineData("exit 73", 73)]
    [InlineData("kill -SEGV $$", 128 + Signals.SIGSEGV)]
    public void The_command_s_code_is_left(string command, int code) => Assert.Equal(code, Run(command).Code);

    [Theory]
    [InlineData("exit 0")]
    [InlineData("autocrunch_done=; cat <<END")]
    [InlineData("kill -USR1 $$")]
    public void A_script_that_ends_before_its_command_has_not_succeeded(string setup)
    {
        Assert.Equal(73, Run("touch ran", setup).Code);
        Assert.False(File.Exists(_directory["ran"].ToString()));
    }

    [Fact]
    public void A_setup_that_fails_has_its_own_code() => Assert.Equal(5, Run("touch ran", "(exit 5)").Code);

    [Fact]
    public void A_signal_to_the_script_alone_is_no_success() => Assert.Equal(73, Run("kill -USR1 $PPID").Code);

    [Theory]
    [InlineData("true", false)]
    [InlineData("kill -TERM $PPID; sleep 0.1", true)]
    public void A_SIGTERM_is_told_and_the_command_is_waited_for(string command, bool isTerminated) =>
        Assert.Equal((0, isTerminated), (Run(command).Code, _place.TryReadOutcome()!.IsTerminated));

    [Theory]
    [InlineData("true", 0)]
    [InlineData("exit 4", 4)]
    public void Strict_options_of_the_shell_in_a_setup_change_nothing(string command, int code) =>
        Assert.Equal(code, Run(command, "set -eu").Code);

    [Fact]
    public void What_was_called_off_can_be_submitted_again_also_after_a_crash_in_between()
    {
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(0, _place.TryVoid());
            Directory.CreateDirectory(_place.Directory + "/freed");
            File.WriteAllText(_place.Directory + "/freed/void", "");

            Assert.Equal(PlaceState.Ready, _place.Prepare(out _));
            Assert.Equal((false, false), (_place.IsClaimed, _place.IsVoid));
        }

        Directory.CreateDirectory(_place.Directory + "/freed");
        Assert.Equal(0, _place.Remove());
        Assert.False(Directory.Exists(_place.Directory.ToString()));
    }

    private SlurmOutcome Run(string command, params string[] setup)
    {
        var options = new SlurmOptions
        {
            Command = [],
            SharedDirectory = _directory.Path,
            WorkingDirectory = _directory.Path,
            Setup = setup,
        };
        byte[][] arguments = [.. new[] { "/bin/bash", "-c", command }.Select(Encoding.ASCII.GetBytes)];
        byte[] script = SlurmScript.Of(s_attempt, options, _place, ["autocrunch_done=1"u8.ToArray()], arguments);
        BytePath file = _directory.Write("script", Encoding.ASCII.GetString(script));
        ProgramRunner.Run(new ProgramCall(
            new BytePath("/bin/bash"u8), ["bash"u8.ToArray(), file.Span.ToArray()],
            ["PATH=/usr/bin:/bin"u8.ToArray(), "SLURM_JOB_ID=7"u8.ToArray(), "SLURMD_NODENAME=n1"u8.ToArray()]));
        SlurmOutcome? outcome = _place.TryReadOutcome();
        Assert.Equal((7, "n1"), (outcome!.SlurmId, outcome.Node));
        return outcome;
    }
}
