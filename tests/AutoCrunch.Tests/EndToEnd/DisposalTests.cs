using System.Text.Json;
using AutoCrunch.Core;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.EndToEnd;

/// <summary>A service that moves and deletes what it has processed.</summary>
public sealed class DisposalService : IDisposable
{
    public DisposalService()
    {
        Service = new ServiceUnderTest();
        Service.Configure(
            Rule("moved", Move("moved/{relative}")) with { Path = "in-moved" },
            Rule("far", Move(Service.OtherFileSystem + "/far/{relative}")) with { Path = "in-far" },
            Rule("deleted", """{ "OnSuccess": { "Action": "Delete" } }""") with { Path = "in-deleted" },
            Rule("failed", """{ "OnFailure": { "Action": "Move", "To": "failed/{job}-{attempt}-{name}" } }""") with
            {
                Path = "in-failed", Job = ["exit=7"], Retry = """{ "MaxAttempts": 2, "Delay": "00:00:00" }""",
                Exclude = ["marker*"],
            },
            Rule("within", Move("in-within/done/{relative}")) with { Path = "in-within", Exclude = ["marker*"] },
            Rule("archive") with { Path = "in-within/done" },
            Rule("farwithin", Move("in-farwithin/mnt/{relative}")) with
            {
                Path = "in-farwithin", Exclude = ["marker*"],
            });
        Directory.CreateDirectory(Service.Incoming("within"));
        Directory.CreateDirectory(Service.Incoming("archive"));
        Mount = Directory.CreateDirectory(Path.Combine(Service.Incoming("farwithin"), "mnt")).FullName;
        Tool.Run("mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", Mount);
        Service.Start();
    }

    internal ServiceUnderTest Service { get; }

    internal string Mount { get; }

    public void Dispose()
    {
        Service.KillIfRunning();
        Tool.TryRun("umount", "-l", Mount);
        Service.Dispose();
    }

    private static RuleText Rule(string name, string further = "{}") => new(name) { Further = further };

    private static string Move(string to) => $$"""{ "OnSuccess": { "Action": "Move", "To": "{{to}}" } }""";
}

/// <summary>What is done with files whose jobs have ended.</summary>
public sealed class DisposalTests(DisposalService fixture) : IClassFixture<DisposalService>
{
    private ServiceUnderTest Service => fixture.Service;

    [Fact]
    public void Processed_files_are_moved_with_their_directories_whatever_their_names_are()
    {
        var arena = new Arena(Service, "moved");
        arena.Script("""
            new $S/sub/f.raw; new $S/$'a\xffb\n.raw'; rsync -a $S/ $D/
            """);
        string to = Path.Combine(Service.Base, "moved", Path.GetFileName(arena.Destination));
        AssertMoved(arena, to, 2);
    }

    [Fact]
    public void Processed_files_are_moved_to_another_file_system()
    {
        var arena = new Arena(Service, "far");
        arena.Script("new $S/f.raw 3000000; new $S/empty.raw 0; rsync -a $S/ $D/");
        AssertMoved(
            arena, Path.Combine(Service.OtherFileSystem, "far", Path.GetFileName(arena.Destination)), 2);
    }

    [Fact]
    public void Processed_files_are_deleted_and_may_come_again()
    {
        var arena = new Arena(Service, "deleted");
        for (int i = 1; i <= 2; i++)
        {
            arena.Script("new $S/f.raw; rsync -a $S/ $D/");
            Service.Until(
                () => arena.Started().Count(record => record.End is not null) == i && IsEmpty(arena),
                () => "the job, and the end of the file");
        }
    }

    [Fact]
    public void Files_of_jobs_that_failed_for_good_are_moved_after_the_last_attempt()
    {
        var arena = new Arena(Service, "failed");
        arena.Script("new $S/f.raw; rsync -a $S/ $D/");
        Service.Until(() => IsEmpty(arena), () => "the move of a failed job's file");
        string moved = Path.GetFileName(Assert.Single(
            Directory.GetFiles(Path.Combine(Service.Base, "failed"), "*-f.raw")));
        Assert.Matches("^[0-9]+-2-f.raw$", moved);
        Assert.Equal(2, arena.Started().Count);
        string id = moved[..moved.IndexOf('-', StringComparison.Ordinal)];
        Service.Until(() => Show(id).Contains("was moved", StringComparison.Ordinal), () => "the record of the move");
        string to = Path.Combine(Service.Base, "failed", moved);
        Assert.Contains($"was moved to {to}", Show(id), StringComparison.Ordinal);
        JsonElement disposal = JsonDocument.Parse(Show(id, "--json")).RootElement.GetProperty("disposal");
        Assert.Equal("move", disposal.GetProperty("action").GetString());
        Assert.Equal(to, disposal.GetProperty("destination").GetString());
    }

    [Fact]
    public void A_file_that_is_moved_within_its_rules_own_tree_makes_no_job_there_but_one_for_another_rule()
    {
        var arena = new Arena(Service, "within");
        arena.Script("new $S/f.raw; rsync -a $S/ $D/");
        string to = Path.Combine(Service.Incoming("archive"), Path.GetFileName(arena.Destination), "f.raw");
        Service.Until(
            () => Service.Started().Any(record => record.Rule == "archive" && record.Path == BytePath.Parse(to)),
            () => "a job of the rule that watches the destination");
        Service.Quiesce("archive");
        AssertOneJob("within", "f.raw", Path.GetFileName(arena.Destination));
        Assert.True(File.Exists(to));
    }

    [Fact]
    public void Nor_does_one_that_is_copied_to_another_file_system_within_the_tree()
    {
        var arena = new Arena(Service, "farwithin");
        arena.Script("new $S/f.raw; rsync -a $S/ $D/");
        string to = Path.Combine(fixture.Mount, Path.GetFileName(arena.Destination), "f.raw");
        Service.Until(() => File.Exists(to) && IsEmpty(arena), () => to);
        Service.Quiesce("archive");
        arena.Script("new $S/g.raw; rsync -a $S/g.raw $D/"); // what came before is judged before this one is
        Service.Until(() => File.Exists(Path.ChangeExtension(to, null)[..^1] + "g.raw"), () => "g.raw");
        Service.UntilIdle();
        AssertOneJob("farwithin", "f.raw", Path.GetFileName(arena.Destination));
    }

    [Fact]
    public void A_file_whose_new_path_is_taken_stays_and_so_does_the_other_one()
    {
        var arena = new Arena(Service, "moved");
        string to = Directory.CreateDirectory(
            Path.Combine(Service.Base, "moved", Path.GetFileName(arena.Destination))).FullName;
        File.WriteAllText(Path.Combine(to, "f.raw"), "somebody's");
        arena.Script("new $S/f.raw; rsync -a $S/ $D/");
        Service.UntilLogged("is not moved", "f.raw", "exists already");
        Assert.Single(arena.Files());
        Assert.Equal("somebody's", File.ReadAllText(Path.Combine(to, "f.raw")));
    }

    private string Show(string id, params string[] options)
    {
        Command show = Command.Run(
            "dotnet", [ServiceUnderTest.Program, "show", id, .. options, "--config", Service.ConfigurationFile]);
        Assert.True(show.ExitCode == 0, show.Error);
        return show.Output;
    }

    private static bool IsEmpty(Arena arena) => Count(arena.Destination) == 0;

    private static int Count(string directory) =>
        Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories).Count();

    private void AssertMoved(Arena arena, string to, int count)
    {
        Service.Until(
            () => IsEmpty(arena) && Directory.Exists(to) && Count(to) == count,
            () => $"{count} files in {to}");
        Assert.Equal(
            Arena.FilesIn(arena.Source).OrderBy(file => file.Key), Arena.FilesIn(to).OrderBy(file => file.Key));
        Service.Quiesce(Service.Rules.Single(rule => arena.Destination.StartsWith(
            Service.Incoming(rule.Name) + "/", StringComparison.Ordinal)).Name);
        Assert.Equal(count, arena.Started().Count);
    }

    private void AssertOneJob(string rule, string name, string arena) => Assert.Single(
        Service.Started(), record => record.Rule == rule
            && record.Path.ToString().Contains(arena, StringComparison.Ordinal)
            && record.Path.Name == BytePath.Parse(name));
}
