using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.EndToEnd;

/// <summary>What a newcomer does first: the shipped file, no other set-up, an rsync from another terminal.</summary>
public sealed class DemonstrationTests
{
    [Fact]
    public void The_shipped_rule_logs_its_failure_and_recovers_when_the_obstacle_is_removed()
    {
        using var service = new ServiceUnderTest { Arguments = [] };
        File.Copy(ShippedFile(), service.ConfigurationFile, overwrite: true);
        string output = Path.Combine(service.Base, "output");
        File.WriteAllText(output, "in the way");
        service.Start();
        Assert.True(Directory.Exists(service.Incoming()));

        var arena = new Arena(service);
        arena.Script("new $S/blocked.raw; new $S/notes.txt; rsync -a $S/ $D/");
        service.UntilLogged("blocked.raw", "failed", "exited with code 1");
        service.UntilLogged("install:", "output", "Not a directory");

        File.Delete(output);
        arena.Script("new $S/next.raw; rsync -a $S/ $D/");
        string results = Path.Combine(output, Path.GetFileName(arena.Destination));
        service.Until(() => File.Exists(Path.Combine(results, "next.raw")), () => "the next file's result");
        service.Until(() => File.Exists(Path.Combine(results, "blocked.raw")),
            () => "the blocked file's result, by retry");
        service.UntilIdle();
        arena.Script($"cmp $S/next.raw {results}/next.raw; cmp $S/blocked.raw {results}/blocked.raw");
        Assert.Equal(2, Directory.GetFiles(results).Length);
        service.Stop();
    }

    private static string ShippedFile()
    {
        DirectoryInfo? directory = new(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "AutoCrunch.sln")))
            directory = directory.Parent;
        return Path.Combine(directory!.FullName, "appsettings.json");
    }
}
