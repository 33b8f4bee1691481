using AutoCrunch.Tests.Hosting;

namespace AutoCrunch.Tests.Cli;

/// <summary>What every verb has in common: help, usage mistakes, exit codes.</summary>
public sealed class CommandLineTests
{
    [Theory]
    [InlineData("chek")]
    [InlineData("run", "--jason")]
    [InlineData("check", "extra")]
    [InlineData("trace")]
    [InlineData("trace", ".", "--quiet", "10")]
    [InlineData("trace", ".", "--include", "a[")]
    [InlineData("--config")]
    [InlineData("pause")]
    [InlineData("resume", "raw", "b")]
    public void A_wrong_command_line_ends_with_64_and_names_what_is_wrong(params string[] arguments)
    {
        (int exitCode, string output, string error) = Tool.TryRun(ServiceProcess.Program, arguments);

        Assert.Equal(64, exitCode);
        Assert.Empty(output);
        Assert.NotEmpty(error);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("run", "--help")]
    [InlineData("check", "--help")]
    [InlineData("trace", "--help")]
    [InlineData("status", "--help")]
    [InlineData("jobs", "--help")]
    [InlineData("show", "--help")]
    [InlineData("pause", "--help")]
    [InlineData("resume", "--help")]
    public void Help_has_examples(params string[] arguments)
    {
        (int exitCode, string output, string error) = Tool.TryRun(ServiceProcess.Program, arguments);

        Assert.Equal(0, exitCode);
        Assert.Empty(error);
        Assert.Contains("Examples:", output, StringComparison.Ordinal);
        string verb = arguments[0].TrimStart('-');
        Assert.Contains(verb == "help" ? "autocrunch check" : $"autocrunch {verb}", output, StringComparison.Ordinal);
        Assert.Contains("--config <FILE>", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Version_is_the_version_alone()
    {
        (int exitCode, string output, _) = Tool.TryRun(ServiceProcess.Program, "--version");

        Assert.Equal(0, exitCode);
        Assert.Matches(@"^[0-9]+\.[0-9]+\.[0-9]+\n$", output);
    }

    [Fact]
    public void Run_without_a_configuration_file_says_where_it_looked()
    {
        using var directory = new TempDirectory();
        using var run = new ServiceProcess(directory, "run");

        Assert.Equal(78, run.ExitCode());
        Assert.Contains(directory["appsettings.json"].ToString(), run.Error, StringComparison.Ordinal);
        Assert.Contains("/etc/autocrunch/appsettings.json", run.Error, StringComparison.Ordinal);
        Assert.False(directory.Exists("state"));
    }
}
