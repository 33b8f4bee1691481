using AutoCrunch.Core;
using AutoCrunch.Linux;
using AutoCrunch.Watching;

namespace AutoCrunch.Tests.Watching;

/// <summary>Roots that are links, are missing, vanish, come back, or are another directory all of a sudden.</summary>
public sealed class RootTests : IDisposable
{
    private static readonly TimeSpan s_noticed = TimeSpan.FromSeconds(2);

    private readonly TempDirectory _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void A_root_that_is_a_symlink_is_followed_and_keeps_its_configured_path()
    {
        _temp.Write("real/d/a.raw");
        Shell.Run(_temp.Text, "ln -s real in");
        var tracker = new RecordingTracker();
        using var rig = new WatchRig([WatchRig.Rule(_temp["in"])], tracker);
        _temp.Write("real/d/b.raw");
        Wait.Until(() => tracker.Saw("d/a.raw", FileEventKind.Found) && tracker.Saw("d/b.raw", FileEventKind.Created));
        var directory = (WatchedDirectory)tracker.Events[0].Event.Directory;
        Assert.Equal(_temp["in/d"], directory.AbsolutePath);
    }

    [Fact]
    public void A_missing_root_holds_up_nothing_and_is_watched_within_two_seconds_of_its_appearance()
    {
        _temp.MakeDirectory("other");
        using var rig = new WatchRig([WatchRig.Rule(_temp["in"]), WatchRig.Rule(_temp["other"], "other")]);
        Assert.Equal(1, rig.LogCount("nothing to watch yet"));
        Assert.False(_temp.Exists("in"));
        _temp.Write("in/d/a.raw");
        Wait.Until(() => rig.Known.Has("raw", "d/a.raw"), s_noticed + TimeSpan.FromSeconds(3));
        _temp.Write("in/d/b.raw");
        Wait.Until(() => rig.Known.JobCount == 2);
        Assert.Equal(1, rig.LogCount("nothing to watch yet"));
    }

    [Fact]
    public void A_root_that_vanishes_makes_no_file_gone_and_is_watched_again_when_it_is_back()
    {
        _temp.Write("in/d/a.raw");
        using var rig = new WatchRig([WatchRig.Rule(_temp["in"])]);
        Wait.Until(() => rig.Known.JobCount == 1);
        for (int i = 0; i < 3; i++)
        {
            _temp.Rename("in", "away");
            int lost = i + 1;
            Wait.Until(() => rig.LogCount("is lost") == lost);
            Wait.Until(() => rig.Loop.WatchCount == 0);
            _temp.Write($"away/d/b{i}.raw");
            _temp.Rename("away", "in");
            Wait.Until(() => rig.Known.Has("raw", $"d/b{i}.raw"), s_noticed + TimeSpan.FromSeconds(3));
        }

        _temp.Write("in/d/c.raw");
        Wait.Until(() => rig.Known.Has("raw", "d/c.raw"));
        Assert.Equal(5, rig.Known.JobCount);
        Assert.DoesNotContain(rig.Known.Told, told => told.Contains("gone", StringComparison.Ordinal));
    }

    [Fact]
    public void A_root_that_is_deleted_and_made_again_is_watched_again()
    {
        _temp.Write("in/a.raw");
        using var rig = new WatchRig([WatchRig.Rule(_temp["in"])]);
        Wait.Until(() => rig.Known.JobCount == 1);
        Shell.Run(_temp.Text, "rm -r in");
        Wait.Until(() => rig.HasLogged("is lost"));
        Assert.False(_temp.Exists("in"));
        _temp.Write("in/b.raw");
        Wait.Until(() => rig.Known.Known() is ["b.raw"], s_noticed + TimeSpan.FromSeconds(3));
        _temp.Write("in/c.raw");
        Wait.Until(() => rig.Known.Has("raw", "c.raw"));
    }

    [Fact]
    public void A_root_that_is_replaced_at_once_is_followed_to_the_new_directory()
    {
        _temp.Write("in/a.raw");
        _temp.Write("next/b.raw");
        using var rig = new WatchRig([WatchRig.Rule(_temp["in"])]);
        Wait.Until(() => rig.Known.JobCount == 1);
        Shell.Run(_temp.Text, "mv in old; mv next in");
        Wait.Until(() => rig.Known.Known() is ["b.raw"], s_noticed + TimeSpan.FromSeconds(3));
        _temp.Write("in/c.raw");
        Wait.Until(() => rig.Known.Has("raw", "c.raw"));
        _temp.Write("old/d.raw");
        _temp.Write("in/e.raw");
        Wait.Until(() => rig.Known.Has("raw", "e.raw"));
        Assert.Equal(["b.raw", "c.raw", "e.raw"], rig.Known.Known());
    }

    [Fact]
    public void A_root_whose_symlink_is_retargeted_is_followed_to_the_new_target()
    {
        _temp.Write("one/a.raw");
        _temp.Write("two/b.raw");
        Shell.Run(_temp.Text, "ln -s one in");
        using var rig = new WatchRig([WatchRig.Rule(_temp["in"])]);
        Wait.Until(() => rig.Known.JobCount == 1);
        Shell.Run(_temp.Text, "ln -s two new; mv -T new in");
        Wait.Until(() => rig.Known.Has("raw", "b.raw"), s_noticed + TimeSpan.FromSeconds(3));
        Wait.Until(() => rig.HasLogged("leads to another directory now"));
        _temp.Write("two/c.raw");
        Wait.Until(() => rig.Known.Has("raw", "c.raw"));
    }

    [RequiresFact(RequiresFactAttribute.Root, "mount")]
    public void A_root_that_is_mounted_over_shows_what_is_mounted_and_then_again_what_was_there()
    {
        _temp.Write("in/a.raw");
        using var rig = new WatchRig([WatchRig.Rule(_temp["in"])]);
        Wait.Until(() => rig.Known.JobCount == 1);
        Shell.Run(_temp.Text, "mount -t tmpfs none in");
        try
        {
            _temp.Write("in/b.raw");
            Wait.Until(() => rig.Known.Has("raw", "b.raw"), s_noticed + TimeSpan.FromSeconds(3));
            _temp.Write("in/c.raw");
            Wait.Until(() => rig.Known.Has("raw", "c.raw"));
            Shell.Run(_temp.Text, "rm in/c.raw");
            Wait.Until(() => !rig.Known.Has("raw", "c.raw"));
        }
        finally
        {
            Shell.Run(_temp.Text, "umount -l in");
        }

        _temp.Write("in/d.raw");
        Wait.Until(() => rig.Known.Has("raw", "d.raw"), s_noticed + TimeSpan.FromSeconds(3));
        Shell.Run(_temp.Text, "rm in/a.raw");
        Wait.Until(() => rig.Known.Known() is ["b.raw", "d.raw"]); // b.raw is only out of sight
        Assert.Equal(4, rig.Known.JobCount);
    }

    [RequiresFact(RequiresFactAttribute.Root, "mount")]
    public void A_file_system_that_is_mounted_and_unmounted_in_the_tree_is_followed()
    {
        _temp.Write("in/d/a.raw");
        using var rig = new WatchRig([WatchRig.Rule(_temp["in"])]);
        Wait.Until(() => rig.Known.JobCount == 1);
        Shell.Run(_temp.Text, "mount -t tmpfs none in/d");
        try
        {
            _temp.Write("in/d/b.raw");
            Wait.Until(() => rig.Known.Known() is ["d/a.raw", "d/b.raw"]);
            _temp.Write("in/d/c.raw");
            Wait.Until(() => rig.Known.Has("raw", "d/c.raw"));
            Shell.Run(_temp.Text, "rm in/d/c.raw");
            Wait.Until(() => !rig.Known.Has("raw", "d/c.raw"));
        }
        finally
        {
            Shell.Run(_temp.Text, "umount in/d");
        }

        Wait.Until(() => rig.HasLogged("not mounted there now"));
        _temp.Write("in/d/e.raw");
        Wait.Until(() => rig.Known.Known() is ["d/a.raw", "d/b.raw", "d/e.raw"]);
        Shell.Run(_temp.Text, "rm in/d/a.raw");
        Wait.Until(() => rig.Known.Known() is ["d/b.raw", "d/e.raw"]);
    }

    [RequiresFact(RequiresFactAttribute.Root, "mount")]
    public void A_network_file_system_in_a_local_tree_is_scanned_and_not_watched()
    {
        _temp.Write("in/local/a.raw");
        _temp.MakeDirectory("in/net");
        Shell.Run(_temp.Text, "mount -t tmpfs none in/net");
        try
        {
            var options = new WatchOptions { FileSystemOf = Network(_temp.Stat("in/net").Device) };
            WatchRule rule = WatchRig.Rule(_temp["in"]) with { RescanInterval = TimeSpan.FromMilliseconds(100) };
            _temp.Write("in/net/d/b.raw");
            using var rig = new WatchRig([rule], options: options);
            Wait.Until(() => rig.Known.JobCount == 2);
            Assert.Equal(2, rig.Loop.WatchCount);
            Assert.Equal(4, rig.Loop.DirectoryCount);
            Assert.Equal(0UL, rig.Known.Jobs.Single(job => job.Path.ToString() == "net/d/b.raw").Version.Inode);
            _temp.Write("in/net/d/c.raw");
            _temp.Write("in/local/d.raw");
            Wait.Until(() => rig.Known.JobCount == 4);
            Shell.Run(_temp.Text, "rm -r in/net/d");
            Wait.Until(() => rig.Known.Known() is ["local/a.raw", "local/d.raw"]);
            Wait.Until(() => rig.Loop.DirectoryCount == 3);
            Assert.Equal(1, rig.LogCount("network file system mounted in a local tree"));
        }
        finally
        {
            Shell.Run(_temp.Text, "umount -l in/net");
        }
    }

    [RequiresFact(RequiresFactAttribute.Root, "mount")]
    public void Whether_all_is_seen_asks_a_network_file_system_in_a_local_tree_too()
    {
        _temp.MakeDirectory("in/net");
        Shell.Run(_temp.Text, "mount -t tmpfs none in/net");
        try
        {
            var options = new WatchOptions { FileSystemOf = Network(_temp.Stat("in/net").Device) };
            WatchRule rule = WatchRig.Rule(_temp["in"]) with { RescanInterval = TimeSpan.FromHours(1) };
            using var rig = new WatchRig([rule], options: options);
            Wait.Until(() => rig.HasLogged("network file system mounted in a local tree"));
            _temp.Write("in/net/a.raw"); // by another machine: no event comes of it
            rig.Ask(() => rig.Loop.ScanUnwatched());
            Wait.Until(() => rig.Known.Has("raw", "net/a.raw"));
        }
        finally
        {
            Shell.Run(_temp.Text, "umount -l in/net");
        }
    }

    [Fact]
    public void A_scan_that_is_asked_for_while_the_first_one_begins_is_not_forgotten()
    {
        _temp.MakeDirectory("in");
        using var hasBegun = new ManualResetEventSlim();
        using var mayGoOn = new ManualResetEventSlim();
        var known = new MemoryKnownFiles
        {
            OnFirstScan = () =>
            {
                hasBegun.Set();
                Assert.True(mayGoOn.Wait(Wait.Bound));
            },
        };
        WatchRule rule = WatchRig.Rule(_temp["in"]);
        using var rig = new WatchRig([rule], known: known, waitUntilReady: false);
        Assert.True(hasBegun.Wait(Wait.Bound));
        rig.Loop.RequestRescan(rule);
        rig.Ask(() => { }); // answered in the turn in which the scan is asked for, or in a later one
        mayGoOn.Set();
        Wait.Until(() => rig.Status().Roots[0].LastScan?.Reason == ScanReason.LedgerFull);
    }

    [Fact]
    public void Events_of_a_directory_are_followed_although_the_thread_that_scans_it_hangs()
    {
        _temp.MakeDirectory("in");
        BytePath known = _temp.Write("big/known.raw");
        Assert.Equal(0, FileStatReader.TryRead(known, out FileStat stat));
        using var hangs = new ManualResetEventSlim();
        using var mayGoOn = new ManualResetEventSlim();
        var files = new MemoryKnownFiles
        {
            OnRead = _ =>
            {
                hangs.Set();
                Assert.True(mayGoOn.Wait(Wait.Bound * 2));
            },
        };
        files.Add("big", "known.raw", new KnownFile(stat.Version, null));
        using var rig = new WatchRig(
            [WatchRig.Rule(_temp["in"]), WatchRig.Rule(_temp["big"], "big")], known: files, waitUntilReady: false);
        Assert.True(hangs.Wait(Wait.Bound));
        _temp.Write("big/a.raw");
        _temp.Write("in/new");
        _temp.Rename("in/new", "in/b.raw");
        Wait.Until(() => rig.Known.Has("raw", "b.raw") && rig.Known.Has("big", "a.raw"));
        mayGoOn.Set();
    }

    [Fact]
    public void What_a_scan_has_found_is_processed_although_its_thread_hangs_in_the_next_directory()
    {
        _temp.Write("big/new.raw");
        _temp.Write("big/sub/known.raw");
        using var mayGoOn = new ManualResetEventSlim();
        var files = new MemoryKnownFiles { OnRead = _ => Assert.True(mayGoOn.Wait(Wait.Bound * 2)) };
        files.Add("big", "sub/known.raw", new KnownFile(default, null));
        using var rig = new WatchRig([WatchRig.Rule(_temp["big"], "big")], known: files, waitUntilReady: false);
        Wait.Until(() => rig.Known.Has("big", "new.raw"));
        mayGoOn.Set();
    }

    private static FileSystemReader Network(ulong device) => (BytePath path, out FileSystemFacts facts) =>
    {
        Assert.Equal(0, FileStatReader.TryReadTarget(path, out FileStat stat));
        bool isNetwork = stat.Device == device;
        facts = new FileSystemFacts(isNetwork ? "nfs" : "ext4", isNetwork, !isNetwork, 0, false);
        return 0;
    };

    [Fact]
    public void An_empty_root_that_is_made_anew_while_somebody_is_in_the_old_one_is_watched_again_at_once()
    {
        Shell.Run(_temp.Text, "mkdir in");
        var options = new WatchOptions { CoveredRootCheck = TimeSpan.FromHours(1) };
        using var rig = new WatchRig([WatchRig.Rule(_temp["in"])], options: options);

        // The kernel tells of its removal only when the last one has left it.
        Assert.Equal(0, DirectoryReader.TryOpen(_temp["in"], out DirectoryReader? inside));
        using (inside)
        {
            Shell.Run(_temp.Text, "rmdir in; mkdir in; echo new > in/a.raw; chmod 644 in/a.raw");
            Wait.Until(() => rig.Known.JobCount == 1);
        }
    }

    [Theory]
    [InlineData("mv a elsewhere")]                            // a directory above it
    [InlineData("mv a/link a/link2")]                         // a link on its way
    [InlineData("ln -sfn ../other a/link")]                   // a link replaced by one that leads elsewhere
    [InlineData("rm a/link")]
    [InlineData("ln -s ../other new && mv -T new a/link")]
    [InlineData("ln -sfn other links/second")]                // a link that a link leads to
    [InlineData("mv links elsewhere")]
    public void A_path_that_leads_elsewhere_is_noticed_without_looking_at_it_again_and_again(string change)
    {
        _temp.Write("real/in/a.raw");
        _temp.Write("other/in/b.raw");
        Shell.Run(_temp.Text, "mkdir a links; ln -s ../links/second a/link; ln -s ../real links/second");
        var options = new WatchOptions { CoveredRootCheck = TimeSpan.FromHours(1) };
        using var rig = new WatchRig([WatchRig.Rule(_temp["a/link/in"])], options: options);
        Wait.Until(() => rig.Known.JobCount == 1);
        Shell.Run(_temp.Text, change);
        Wait.Until(() => rig.HasLogged("is lost") || rig.HasLogged("leads to another directory now"));
    }

    [Fact]
    public void A_root_that_is_a_file_is_not_there()
    {
        _temp.Write("in");
        using var rig = new WatchRig([WatchRig.Rule(_temp["in"])]);
        Assert.True(rig.HasLogged("nothing to watch yet"));
        Assert.True(rig.HasLogged("(ENOTDIR)"));
    }

    [Fact]
    public void A_root_on_a_network_file_system_is_not_watched_but_scanned_again_and_again()
    {
        _temp.Write("in/d/a.raw");
        var options = new WatchOptions
        {
            RemoteRootCheck = TimeSpan.FromMilliseconds(100),
            FileSystemOf = (BytePath _, out FileSystemFacts facts) =>
            {
                facts = new FileSystemFacts("nfs", IsNetwork: true, HasStableInodes: false, 0, false);
                return 0;
            },
        };
        WatchRule rule = WatchRig.Rule(_temp["in"]) with { RescanInterval = TimeSpan.FromMilliseconds(100) };
        using var rig = new WatchRig([rule], options: options);
        Assert.True(rig.HasLogged("is on nfs, a network file system"));
        Assert.Equal(0, rig.Loop.WatchCount);
        Wait.Until(() => rig.Known.JobCount == 1);
        Assert.Equal(0UL, rig.Known.Jobs[0].Version.Inode);
        _temp.Write("in/d/e/b.raw");
        Wait.Until(() => rig.Known.JobCount == 2);
        Shell.Run(_temp.Text, "rm -r in/d/e; rm in/d/a.raw");
        Wait.Until(() => rig.Known.Known().Length == 0);
        _temp.Rename("in", "away");
        _temp.Write("away/d/c.raw");
        Wait.Until(() => rig.HasLogged("is lost"));
        _temp.Rename("away", "in");
        Wait.Until(() => rig.Known.Has("raw", "d/c.raw"));
    }
}
