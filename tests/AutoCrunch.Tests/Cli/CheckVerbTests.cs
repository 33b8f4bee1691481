using System.Text.Json;
using AutoCrunch.Tests.Hosting;

namespace AutoCrunch.Tests.Cli;

/// <summary><c>autocrunch check</c>, as operators call it.</summary>
public sealed class CheckVerbTests
{
    private const string Valid = """
        { "AutoCrunch": { "Rules": { "raw": { "Path": "incoming", "Include": ["*.raw"],
          "Dispatcher": { "Command": ["true", "{path}"] } } } } }
        """;

    private const string Mistaken = """
        { "AutoCrunch": { "MaxRuning": 3, "Rules": {
            "raw": { "Path": "incoming", "Include": "*.raw",
              "Dispatcher": { "Command": ["no-such-program", "{path}"] } },
            "b c": { "Dispatcher": { "Command": ["true", "{pth}"] } } } } }
        """;

    [Fact]
    public void A_valid_configuration_ends_with_0_and_changes_nothing()
    {
        using var directory = new TempDirectory();
        directory.Write("appsettings.json", Valid);

        using var check = new ServiceProcess(directory, "check");

        Assert.Equal(0, check.ExitCode());
        Assert.EndsWith("appsettings.json is valid: 1 rule, 0 warnings.\n", check.Output, StringComparison.Ordinal);
        Assert.Empty(check.Error);
        Assert.False(directory.Exists("incoming"));
        Assert.False(directory.Exists("state"));
    }

    [Fact]
    public void Check_and_run_tell_the_same_mistakes_one_a_line_and_end_with_78()
    {
        using var directory = new TempDirectory();
        directory.Write("appsettings.json", Mistaken);

        using var check = new ServiceProcess(directory, "check");
        using var run = new ServiceProcess(directory, "run");

        Assert.Equal(78, check.ExitCode());
        Assert.Equal(78, run.ExitCode());
        string[] told = check.Error.TrimEnd('\n').Split('\n');
        Assert.Equal(told[..^1], run.Error.TrimEnd('\n').Split('\n')[..^1]);
        Assert.All(
            ["AutoCrunch:MaxRuning", "AutoCrunch:Rules:raw:Include", "AutoCrunch:Rules:raw:Dispatcher:Command:0",
                "AutoCrunch:Rules:b c", "AutoCrunch:Rules:b c:Path", "AutoCrunch:Rules:b c:Dispatcher:Command:1"],
            key => Assert.Contains(told, line => line.StartsWith(key + ":", StringComparison.Ordinal)));
        Assert.Contains($"{told.Length - 1} mistakes", told[^1], StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", check.Error + run.Error, StringComparison.Ordinal);
        Assert.False(directory.Exists("incoming"));
    }

    [Fact]
    public void An_error_of_the_machine_ends_check_and_run_with_78()
    {
        using var directory = new TempDirectory();
        directory.Write("appsettings.json", Valid.Replace("incoming", "missing/incoming", StringComparison.Ordinal));

        using var check = new ServiceProcess(directory, "check");
        using var run = new ServiceProcess(directory, "run");

        Assert.Equal(78, check.ExitCode());
        Assert.Contains("!! AutoCrunch:Rules:raw:Path", check.Output, StringComparison.Ordinal);
        Assert.Equal(78, run.ExitCode());
        Assert.Contains("AutoCrunch:Rules:raw:Path: ", run.Error, StringComparison.Ordinal);
        Assert.Contains("nothing was started", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Json_is_one_object_a_line_for_findings_and_for_mistakes()
    {
        using var directory = new TempDirectory();
        directory.Write("valid.json", Valid);
        directory.Write("mistaken.json", Mistaken);

        using var valid = new ServiceProcess(directory, "check", "--json", "--config", "valid.json");
        using var mistaken = new ServiceProcess(directory, "check", "--json", "--config", "mistaken.json");

        Assert.Equal(0, valid.ExitCode());
        Assert.All(Severities(valid), severity => Assert.Equal("info", severity));
        Assert.Equal(78, mistaken.ExitCode());
        Assert.All(Severities(mistaken), severity => Assert.Equal("error", severity));
    }

    [Fact]
    public void Files_that_would_be_processed_are_counted_without_and_with_a_ledger()
    {
        using var directory = new TempDirectory();
        directory.Write("appsettings.json", Valid);
        directory.Write("incoming/sub/a.raw");
        directory.Write("incoming/b.raw");
        directory.Write("incoming/other.txt");
        using (var before = new ServiceProcess(directory, "check"))
        {
            Assert.Equal(0, before.ExitCode());
            Assert.Contains("2 files of this rule are there", before.Output, StringComparison.Ordinal);
            Assert.Contains("the first start processes", before.Output, StringComparison.Ordinal);
        }

        using (ServiceProcess service = new ServiceProcess(directory, "run").Ready())
        {
            Wait.Until(() => service.Output.Contains("Job 2 succeeded", StringComparison.Ordinal));
            directory.Write("c.raw");
            Assert.Equal(0, service.Stop());
        }

        directory.Rename("c.raw", "incoming/c.raw");
        using var after = new ServiceProcess(directory, "check");
        Assert.Equal(0, after.ExitCode());
        Assert.Contains("3 files of this rule are there", after.Output, StringComparison.Ordinal);
        Assert.Contains("1 of them are new to the ledger", after.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_works_beside_a_running_service()
    {
        using var directory = new TempDirectory();
        directory.Write("appsettings.json", Valid);
        using ServiceProcess service = new ServiceProcess(directory, "run").Ready();

        using var check = new ServiceProcess(directory, "check");

        Assert.Equal(0, check.ExitCode());
        Assert.Equal(0, service.Stop());
    }

    [Fact]
    public void A_damaged_ledger_is_an_error()
    {
        using var directory = new TempDirectory();
        directory.Write("appsettings.json", Valid);
        directory.Write("state/ledger.db", new string('x', 8192));

        using var check = new ServiceProcess(directory, "check");

        Assert.Equal(78, check.ExitCode());
        Assert.Contains("is damaged", check.Output, StringComparison.Ordinal);
    }

    private static string[] Severities(ServiceProcess check)
    {
        string[] lines = check.Output.TrimEnd('\n').Split('\n');
        return [.. lines.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("severity").GetString()!)];
    }
}
