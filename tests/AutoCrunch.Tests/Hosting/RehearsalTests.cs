using AutoCrunch.Core;
using AutoCrunch.Hosting;
using AutoCrunch.Linux;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace AutoCrunch.Tests.Hosting;

/// <summary>The job that is played at the start.</summary>
public sealed class RehearsalTests
{
    private const StringComparison Ordinal = StringComparison.Ordinal;

    private const string Copies = """
        { "AutoCrunch": { "Rules": { "raw": { "Path": "incoming", "Include": ["*.raw"],
          "Dispatcher": { "Command": ["install", "-D", "--", "{path}", "output/{relative}"] } } } },
          "Serilog": { "MinimumLevel": "Verbose" } }
        """;

    [Fact]
    public async Task A_rehearsal_plays_its_job_to_the_end_and_leaves_the_file_as_it_is()
    {
        BytePath file = BytePath.Parse(ServiceProcess.Program);
        Assert.Equal(0, FileStatReader.TryRead(file, out FileStat before));

        Rehearsal rehearsal = Rehearsal.Begin(file);
        await rehearsal.Over.WaitAsync(Wait.Bound);

        Assert.Null(rehearsal.Failure);
        Assert.Equal(0, FileStatReader.TryRead(file, out FileStat after));
        Assert.Equal(before, after);
    }

    [Fact]
    public async Task A_rehearsal_that_finds_no_file_is_over_and_says_why()
    {
        using var directory = new TempDirectory();

        Rehearsal rehearsal = Rehearsal.Begin(directory["missing"]);
        await rehearsal.Over.WaitAsync(Wait.Bound);

        Assert.Contains("missing", rehearsal.Failure!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_service_that_is_ready_shows_no_row_no_child_no_line_and_no_file_of_its_rehearsal()
    {
        using var directory = new TempDirectory();
        directory.Write("appsettings.json", Copies);

        using ServiceProcess service = new ServiceProcess(directory, "run").Ready();

        Assert.Empty(Children(service.Pid));
        Assert.DoesNotContain("rehears", service.Output, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(["appsettings.json", "incoming", "state"], Entries(directory.Text));
        Assert.DoesNotContain(Entries(Path.Combine(directory.Text, "state")), name => name.Contains("log", Ordinal));
        directory.Write("a.part", "content");
        directory.Rename("a.part", "incoming/a.raw");
        Wait.Until(() => service.Output.Contains("Job 1 succeeded", Ordinal));
        Assert.Equal(0, service.Stop());
        Assert.Equal(["1-1.log"], Entries(Path.Combine(directory.Text, "state/logs/0")));
    }

    [Fact]
    public async Task A_service_whose_rehearsal_fails_starts_all_the_same()
    {
        using var directory = new TempDirectory();
        directory.Write("appsettings.json", Copies);
        directory.MakeDirectory("incoming");
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddJsonFile(directory["appsettings.json"].ToString());
        builder.Services.AddSingleton(Rehearsal.Begin(directory["missing"]));
        builder.Services.AddAutoCrunch(builder.Configuration);
        using IHost host = builder.Build();

        await host.StartAsync().WaitAsync(Wait.Bound);
        directory.Write("a.part", "content");
        directory.Rename("a.part", "incoming/a.raw");
        Wait.Until(() => directory.Exists("output/a.raw"));
        await host.StopAsync().WaitAsync(Wait.Bound);

        Assert.NotNull(host.Services.GetRequiredService<Rehearsal>().Failure);
    }

    private static string[] Entries(string directory) =>
        [.. Directory.EnumerateFileSystemEntries(directory).Select(Path.GetFileName).Order(StringComparer.Ordinal)!];

    private static string[] Children(int pid) =>
    [
        .. Directory.EnumerateDirectories($"/proc/{pid}/task")
            .SelectMany(task => File.ReadAllText(Path.Combine(task, "children")).Split(' '))
            .Where(child => child.Length > 0),
    ];
}
