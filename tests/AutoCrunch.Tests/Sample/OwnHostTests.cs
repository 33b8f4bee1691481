using System.Security.Cryptography;
using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Dispatch;
using AutoCrunch.Hosting;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using AutoCrunch.Tests.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace AutoCrunch.Tests.Sample;

/// <summary>
/// The sample of the README: a host of one's own with a dispatcher of one's own, built from what is public, and run.
/// </summary>
public sealed class OwnHostTests : IDisposable
{
    private const string Settings = """
        {
          "AutoCrunch": {
            "Rules": {
              "raw": {
                "Path": "incoming",
                "Completion": { "QuietPeriod": "00:00:00.200" },
                "Dispatcher": { "Type": "Catalogue", "Settings": { "Catalogue": "catalogue.txt" } }
              }
            }
          }
        }
        """;

    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_host_of_ones_own_runs_jobs_with_a_dispatcher_of_ones_own()
    {
        _directory.Write("appsettings.json", Settings);
        _directory.MakeDirectory("incoming");
        _directory.Write("incoming/early.raw", "early");
        using (ServiceProcess host = Host().Ready())
        {
            _directory.Write(@"incoming/a\xFF.raw", "odd");
            _directory.Write("incoming/empty.raw", "");
            Wait.Until(() => Jobs().Count(job => job.State is JobState.Succeeded or JobState.Failed) == 3);
            Job failed = Assert.Single(Jobs(), job => job.State == JobState.Failed);
            Assert.Equal("empty.raw", failed.Path.ToString());
            Assert.Equal(0, Verb("retry", $"{failed.Id}").ExitCode); // the verbs work with it as with the service
            (int exitCode, string text) = Verb("show", $"{failed.Id}");
            Assert.Equal(0, exitCode);
            Assert.Contains("the file is empty", text, StringComparison.Ordinal);
            Assert.Equal(0, host.Stop());
        }

        using (ServiceProcess again = Host().Ready())
            Assert.Equal(0, again.Stop()); // what has run does not run again
        Assert.Equal(
            [Line("early", "early.raw"), Line("odd", @"a\xFF.raw")],
            _directory.ReadText("catalogue.txt").Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .OrderByDescending(line => line, StringComparer.Ordinal));
    }

    [Fact]
    public void Every_mistake_in_the_hosts_configuration_is_told_at_once()
    {
        string file = _directory.Write("appsettings.json", """
            { "AutoCrunch": { "Rules": { "raw": { "Path": 5, "Recursiv": true,
              "Dispatcher": { "Type": "Catalog", "Settings": {} } } } } }
            """).ToString();
        using var configuration = new ConfigurationManager();
        configuration.AddJsonFile(file).AddEnvironmentVariables();

        var error = Assert.Throws<AutoCrunchConfigurationException>(() => new ServiceCollection().AddAutoCrunch(
            configuration, dispatchers => dispatchers.Add("Catalogue", _ => null!)));

        Assert.Equal(
            ["AutoCrunch:Rules:raw:Dispatcher:Type", "AutoCrunch:Rules:raw:Recursiv"],
            error.Mistakes.Select(mistake => mistake.Split(": ")[0]).Order(StringComparer.Ordinal));
        Assert.Contains(error.Mistakes, mistake => mistake.EndsWith(", Catalogue", StringComparison.Ordinal));
    }

    [Fact]
    public void A_dispatcher_that_cannot_be_made_is_told_of_with_its_rule()
    {
        const string setting = "\"Catalogue\": \"catalogue.txt\"";
        _directory.Write("appsettings.json", Settings.Replace(setting, "", StringComparison.Ordinal));
        using ServiceProcess host = Host();
        Assert.NotEqual(0, host.ExitCode());
        Assert.Contains(
            "AutoCrunch:Rules:raw:Dispatcher: the dispatcher 'Catalogue' cannot be made of these settings: "
                + "The given key 'Catalogue' was not present", host.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_that_is_taken_is_refused() => Assert.Throws<ArgumentException>(
        () => new ServiceCollection().AddAutoCrunch(
            new ConfigurationManager(), dispatchers => dispatchers.Add("process", _ => null!)));

    [Fact]
    public void A_dispatcher_of_ones_own_is_made_of_public_parts_only()
    {
        // The sample is no friend of the service: that it compiles is the proof. This one says what it may rely on.
        Assert.True(typeof(DurableDispatcher).IsPublic && typeof(DispatcherContext).IsPublic);
        Assert.True(typeof(OwnDispatchers).IsPublic && typeof(AutoCrunchHosting).IsPublic);
        Assert.DoesNotContain(
            typeof(DurableDispatcher).Assembly.GetCustomAttributes(false)
                .OfType<System.Runtime.CompilerServices.InternalsVisibleToAttribute>(),
            friend => friend.AssemblyName.Contains("Sample", StringComparison.Ordinal));
    }

    private ServiceProcess Host() => ServiceProcess.Of(
        _directory, [], "dotnet", Path.Combine(AppContext.BaseDirectory, "AutoCrunch.Sample.dll"));

    private (int ExitCode, string Text) Verb(params string[] arguments)
    {
        (int exitCode, string output, string error) = Tool.TryRun(
            ServiceProcess.Program, [.. arguments, "--config", _directory["appsettings.json"].ToString()]);
        return (exitCode, output + error);
    }

    private Job[] Jobs()
    {
        if (FileStatReader.TryRead(new StateLayout(_directory["state"]).Ledger, out _) != 0)
            return [];
        using LedgerReader reader = LedgerReader.Open(_directory["state"]);
        return [.. reader.List(new JobQuery())];
    }

    private static string Line(string content, string path) =>
        $"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content)))}  {path}";
}
