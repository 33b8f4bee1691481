using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Dispatch;
using AutoCrunch.Linux;

namespace AutoCrunch.Tests.Dispatch;

/// <summary>The parts of the dispatcher of type Systemd that need no systemd.</summary>
public sealed class UnitTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    private BytePath Root => new(Encoding.UTF8.GetBytes(_directory.Text));

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("/bin/dash", "plain")]
    [InlineData("/bin/bash", "plain")]
    [InlineData("/bin/dash", "with=sign")]
    public void A_script_passes_on_every_byte(string shell, string name)
    {
        byte[] all = [.. Enumerable.Range(1, 255).Select(i => (byte)i)];
        string program = Path.Combine(_directory.Text, name);
        File.WriteAllText(program, "#!/bin/sh\ncat /proc/$$/cmdline; echo; cat /proc/$$/environ; echo; pwd\n");
        File.SetUnixFileMode(program, (UnixFileMode)0b111_000_000);
        BytePath workingDirectory = Root.Join("it's \xff\n\"here\""u8);
        Assert.Equal(0, PathOps.TryMakeDirectory(workingDirectory, 0b111_000_000));
        BytePath log = Root.Join("l'og \xfe"u8);
        var files = new UnitFiles(Root, "unit");
        string? problem = files.Prepare(UnitScript.OfProgram(
            files.Outcome, new BytePath(Encoding.UTF8.GetBytes(program)), [all, [], "--"u8.ToArray()],
            [[.. "ALL="u8, .. all], "-x=y"u8.ToArray(), "no sign"u8.ToArray(), "=z"u8.ToArray(), "E="u8.ToArray()],
            workingDirectory, log));
        Assert.Null(problem);

        Assert.Equal(0, Tool.TryRun(shell, files.Outcome + ".ready").ExitCode);
        Assert.Equal(0, PathOps.TryReadSmallFile(log, out byte[] told));
        byte[] expected =
        [
            .. Encoding.UTF8.GetBytes($"/bin/sh\0{program}\0"), .. all, .. "\0\0--\0\n"u8,
        ];
        Assert.Equal(expected, told[..expected.Length]);
        string rest = Encoding.Latin1.GetString(told[expected.Length..]);
        string[] environment = rest[..rest.LastIndexOf("\n/", StringComparison.Ordinal)].Split('\0');
        Assert.Contains("ALL=" + Encoding.Latin1.GetString(all), environment);
        Assert.Contains("-x=y", environment);
        Assert.Contains("E=", environment);
        Assert.DoesNotContain("=z", environment);
        Assert.DoesNotContain(environment, entry => entry.StartsWith("PATH=", StringComparison.Ordinal));
        Assert.EndsWith(Encoding.Latin1.GetString(workingDirectory.Span) + "\n", rest, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_claimed_or_withdrawn_is_not_claimed_again()
    {
        var files = new UnitFiles(Root, "unit");
        byte[] script = UnitScript.OfProgram(
            files.Outcome, new BytePath("/bin/echo"u8), ["ran"u8.ToArray()], [], new BytePath("/"u8),
            Root.Join("log"u8));
        string other = Path.Combine(_directory.Text, "submitted-twice");
        File.WriteAllBytes(other, script);
        Assert.Null(files.Prepare(script));
        Assert.False(files.HasBegun);

        Assert.Equal(0, Tool.TryRun("/bin/sh", other).ExitCode);
        Assert.True(files.HasBegun);
        Assert.Equal(Errno.ENOENT, files.TryWithdraw());
        Assert.Equal(UnitScript.NotClaimed, Tool.TryRun("/bin/sh", other).ExitCode);
        Assert.Equal("ran\n", _directory.ReadText("log"));

        Assert.Null(files.Prepare(script));
        Assert.Equal(0, files.TryWithdraw());
        Assert.Equal(UnitScript.NotClaimed, Tool.TryRun("/bin/sh", other).ExitCode);
        Assert.Equal("ran\n", _directory.ReadText("log"));
    }

    [Fact]
    public void An_outcome_that_cannot_be_read_is_not_taken_for_one_that_is_missing()
    {
        var files = new UnitFiles(Root, "unit");
        Assert.Equal(Errno.ENOENT, files.TryReadOutcome(out UnitOutcome? outcome));
        Assert.Null(outcome);
        Assert.Equal(0, PathOps.TryMakeDirectory(files.Outcome, 0b111_000_000));
        Assert.Equal(Errno.EISDIR, files.TryReadOutcome(out outcome));
        Assert.Null(outcome);
        Assert.Equal(0, PathOps.TryMakeDirectory(Root.Join("unit.ready"u8), 0b111_000_000));
        Assert.Equal(Errno.EISDIR, files.TryWithdraw());
    }

    [Theory]
    [InlineData("begun success exited 0 ", "Succeeded")]
    [InlineData("begun success exited 75 ", "Succeeded")] // SuccessExitStatus=75 among its properties
    [InlineData("begun exit-code exited 7 ", "Failed 7 exited with code 7")]
    [InlineData("begun signal killed SEGV ", "Failed 11 ended by SIGSEGV")]
    [InlineData("begun core-dump dumped ABRT ", "Failed 6 ended by SIGABRT with a core dump (see coredumpctl)")]
    [InlineData("begun success killed TERM ", "Failed 15 ended by SIGTERM")]
    [InlineData("begun success killed TERM stopped", "Interrupted")]
    [InlineData("begun success exited 0 stopped", "Interrupted")]
    [InlineData("begun timeout killed KILL stopped", "Interrupted")]
    [InlineData("begun timeout killed TERM ", "TimedOut 15")]
    [InlineData("begun timeout exited 0 ", "TimedOut 0")]
    [InlineData("begun oom-kill killed KILL ", "Failed 9 memory ran out")]
    [InlineData("ready exit-code exited 226 ", "CannotStart its unit could not be set up (exited with code 226)")]
    [InlineData("ready resources - - ", "CannotStart its unit could not be set up (systemd lacked something")]
    [InlineData("begun success", "Failed its outcome cannot be read")]
    public void The_first_line_of_a_file_says_what_became_of_the_attempt(string line, string expected)
    {
        UnitOutcome outcome = UnitOutcome.Parse(Encoding.ASCII.GetBytes(line + "\nwhat was there before\n"));
        Assert.StartsWith(
            expected,
            Describe(outcome.OfAttempt(isCancelled: false, TimeSpan.FromSeconds(1), TimeSpan.Zero)),
            StringComparison.Ordinal);
        AttemptOutcome cancelled = outcome.OfAttempt(isCancelled: true, TimeSpan.FromSeconds(1), TimeSpan.Zero);
        Assert.Equal(line.EndsWith("stopped", StringComparison.Ordinal), cancelled is AttemptOutcome.EndedByHand);
    }

    [Theory]
    [InlineData("Type", "found the property \"Type\", expected nothing: a job is running until its program ends")]
    [InlineData("ExecStartPre", "expected Command: a unit runs one program")]
    [InlineData("RuntimeMaxSec", "expected Timeout. RuntimeMaxSec is not a rule's to set")]
    [InlineData("standardoutput", "expected the name of a unit's property, like MemoryMax")]
    [InlineData("StandardOutput", "expected MaxLogBytes")]
    [InlineData("EnvironmentFile", "expected Environment beside Properties")]
    [InlineData("User", "expected a program that becomes that user")]
    [InlineData("-p", "expected the name of a unit's property")]
    [InlineData("Nice=1", "expected the name of a unit's property")]
    public void A_property_that_is_not_a_rules_to_set_is_told_with_what_to_use_instead(string name, string expected)
    {
        using var configuration = new Configuration.ConfigurationCase();
        Assert.Null(configuration.Compile(RuleWith($"\"{name}\": \"1\"")));
        string mistake = Assert.Single(configuration.Mistakes).ToString();
        Assert.StartsWith("AutoCrunch:Rules:raw:Dispatcher:Properties:" + name, mistake, StringComparison.Ordinal);
        Assert.Contains(expected, mistake, StringComparison.Ordinal);
    }

    [Fact]
    public void Properties_are_taken_as_they_are_written()
    {
        using var configuration = new Configuration.ConfigurationCase();
        SystemdOptions options = Assert.IsType<SystemdOptions>(configuration.Compile(RuleWith(
            "\"MemoryMax\": \"8G\", \"Nice\": 5, \"ExecPaths\": \"/usr\", \"LimitAS\": \"1G\""))!.Rules[0].Dispatcher);
        Assert.Equal(
            ["ExecPaths=/usr", "LimitAS=1G", "MemoryMax=8G", "Nice=5"],
            options.Properties.Select(property => $"{property.Key}={property.Value}").Order(StringComparer.Ordinal));
        Assert.Equal("Systemd", options.Engine);
        Assert.Equal(TimeSpan.FromSeconds(10), options.KillGrace);
        Assert.Equal(new BytePath("/usr/bin/true"u8), options.Program);
    }

    private static string RuleWith(string properties) => Configuration.ConfigurationCase.Rule(
        $$"""
        "Path": "in", "Dispatcher": { "Type": "Systemd", "Command": ["true"], "Properties": { {{properties}} } }
        """);

    private static string Describe(AttemptOutcome outcome) => outcome switch
    {
        AttemptOutcome.Failed failed => $"Failed {failed.ExitCode}{failed.Signal} {failed.Reason}".Replace(
            "  ", " ", StringComparison.Ordinal),
        AttemptOutcome.TimedOut timed => $"TimedOut {timed.ExitCode}{timed.Signal}",
        AttemptOutcome.CannotStart cannot => $"CannotStart {cannot.Reason}",
        _ => outcome.GetType().Name,
    };
}
