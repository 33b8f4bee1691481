using System.Globalization;
using AutoCrunch.Core;
using AutoCrunch.Linux;
using AutoCrunch.Watching;

namespace AutoCrunch.Tests.Watching;

/// <summary>What runs under other conditions than the tests do (<see cref="Isolated"/>).</summary>
internal static class Scenarios
{
    /// <summary>Without the right to read in/secret, which belongs to this user.</summary>
    public static void UnreadableDirectory(string directory)
    {
        using var rig = new WatchRig([WatchRig.Rule(BytePath.Parse(directory + "/in"))]);
        Wait.Until(() => rig.Known.Known() is ["open/a.raw"]);
        Assert.Equal(1, rig.LogCount("in/secret': Permission denied (EACCES)"));
        File.WriteAllText(directory + "/in/open/b.raw", "x");
        Wait.Until(() => rig.Known.Has("raw", "open/b.raw"));
        Shell.Run(directory, "chmod 755 in/secret");
        Wait.Until(() => rig.Known.Has("raw", "secret/c.raw"));
        File.WriteAllText(directory + "/in/secret/d.raw", "x");
        Wait.Until(() => rig.Known.Has("raw", "secret/d.raw"));
        Assert.Equal(1, rig.LogCount("Permission denied"));
        Assert.Equal(1, rig.LogCount("can be read again"));
    }

    /// <summary>With fewer watches than directories.</summary>
    public static void FewWatches(string directory)
    {
        var options = new WatchOptions { UncoveredRescan = TimeSpan.FromMilliseconds(300) };
        using var rig = new WatchRig([WatchRig.Rule(BytePath.Parse(directory + "/in"))], options: options);
        Wait.Until(() => rig.Known.JobCount == 20);
        int ofPath = (directory + "/in").Count(one => one == '/');
        Assert.Equal(12 - ofPath, rig.Loop.WatchCount);
        Assert.Equal(1, rig.LogCount("not watched"));
        Assert.True(rig.HasLogged(directory + "/in/d"));
        Assert.True(rig.HasLogged("fs.inotify.max_user_watches"));
        for (int i = 0; i < 20; i++)
            File.WriteAllText(string.Create(CultureInfo.InvariantCulture, $"{directory}/in/d{i}/new.raw"), "x");
        Wait.Until(() => rig.Known.JobCount == 40);
        File.WriteAllText("/proc/sys/user/max_inotify_watches", "1000");
        Wait.Until(() => rig.HasLogged("All directories are watched again"));
        Assert.Equal(21, rig.Loop.WatchCount);
        Assert.Equal(1, rig.LogCount("not watched"));
    }

    /// <summary>Where nobody but the ledger has used SQLite.</summary>
    public static void UncountedMemory(string directory)
    {
        using var rig = new Ledger.LedgerRig();
        rig.Options = rig.Options with { StateDirectory = BytePath.Parse(directory + "/state") };
        rig.Open().Complete("a");
        rig.Sync();
        Assert.Equal(0, SQLitePCL.raw.sqlite3_memory_used());
    }

    /// <summary>On a network file system, without the right to read in/d, which belongs to this user.</summary>
    public static void UnreadableOnServer(string directory)
    {
        var options = new WatchOptions
        {
            UncoveredRescan = TimeSpan.FromMilliseconds(100),
            FileSystemOf = (BytePath _, out FileSystemFacts facts) =>
            {
                facts = new FileSystemFacts("nfs", IsNetwork: true, HasStableInodes: false, 0, false);
                return 0;
            },
        };
        WatchRule rule =
            WatchRig.Rule(BytePath.Parse(directory + "/in")) with { RescanInterval = TimeSpan.FromHours(1) };
        using var rig = new WatchRig([rule], options: options);
        Wait.Until(() => rig.HasLogged("in/d': Permission denied (EACCES)"));
        Assert.Equal(1, rig.Status().Roots[0].Unwatched);
        Shell.Run(directory, "chmod 755 in/d");
        Wait.Until(() => rig.HasLogged("can be read again"));
        Assert.Equal(0, rig.Status().Roots[0].Unwatched);
    }

    /// <summary>With a file system at "mixed/hung" that never answers.</summary>
    public static void HungBelow(string directory)
    {
        var options = new WatchOptions { StartPatience = TimeSpan.FromSeconds(1) };
        WatchRule mixed = WatchRig.Rule(BytePath.Parse(directory + "/mixed"), "mixed");
        using var rig = new WatchRig([WatchRig.Rule(BytePath.Parse(directory + "/in")), mixed], options: options);
        Assert.True(rig.HasLogged("Rule mixed: the file system of"));
        File.WriteAllText(directory + "/mixed/a.raw", "x");
        File.WriteAllText(directory + "/in/new", "x");
        File.Move(directory + "/in/new", directory + "/in/b.raw");
        Wait.Until(() => rig.Known.Has("raw", "b.raw") && rig.Known.Has("mixed", "a.raw"));
    }

    /// <summary>With a file system at "hung" that never answers.</summary>
    public static void HungFileSystem(string directory)
    {
        var options = new WatchOptions { StartPatience = TimeSpan.FromSeconds(1) };
        WatchRule hung = WatchRig.Rule(BytePath.Parse(directory + "/hung"), "hung");
        using var rig = new WatchRig([WatchRig.Rule(BytePath.Parse(directory + "/in")), hung], options: options);
        Assert.True(rig.HasLogged("Rule hung: the file system of"));
        File.WriteAllText(directory + "/in/a.raw", "x");
        Wait.Until(() => rig.Known.JobCount == 1);
        Assert.True(rig.Stop() < TimeSpan.FromSeconds(5));
    }
}
