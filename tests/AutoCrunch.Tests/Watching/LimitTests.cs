using AutoCrunch.Core;
using AutoCrunch.Watching;

namespace AutoCrunch.Tests.Watching;

/// <summary>What cannot be watched or read: it is said once, and everything else goes on.</summary>
public sealed class LimitTests : IDisposable
{
    private readonly TempDirectory _temp = new();
    private readonly BytePath _root;

    public LimitTests() => _root = _temp.MakeDirectory("in");

    public void Dispose() => _temp.Dispose();

    [RequiresFact("setpriv")]
    public void An_unreadable_directory_is_reported_once_and_taken_when_it_becomes_readable()
    {
        _temp.Write("in/open/a.raw");
        _temp.Write("in/secret/c.raw");
        Shell.Run(_temp.Text, "chmod 0 in/secret");
        if (!Environment.IsPrivilegedProcess)
        {
            Scenarios.UnreadableDirectory(_temp.Text);
            return;
        }

        Isolated.Run(
            "chown -R 65534:65534 .; exec setpriv --reuid=65534 --regid=65534 --clear-groups $SCENARIO",
            Scenarios.UnreadableDirectory, _temp.Text);
    }

    [RequiresFact("unshare")]
    public void Directories_beyond_the_limit_of_watches_are_covered_by_rescans()
    {
        for (int i = 0; i < 20; i++)
            _temp.Write($"in/d{i}/a.raw");
        Isolated.Run(
            "exec unshare -Ur sh -ec 'echo 12 > /proc/sys/user/max_inotify_watches; exec \"$@\"' sh $SCENARIO",
            Scenarios.FewWatches, _temp.Text);
    }

    [RequiresFact("unshare", RequiresFactAttribute.Root)]
    public void A_file_system_that_hangs_stalls_nothing_but_its_own_rule()
    {
        _temp.MakeDirectory("hung");
        Isolated.Run(WithHung("hung"), Scenarios.HungFileSystem, _temp.Text);
    }

    [RequiresFact("unshare", RequiresFactAttribute.Root)]
    public void A_file_system_that_hangs_below_a_root_holds_up_neither_its_rule_nor_others()
    {
        _temp.MakeDirectory("mixed/hung");
        Isolated.Run(WithHung("mixed/hung"), Scenarios.HungBelow, _temp.Text);
    }

    [RequiresFact("setpriv")]
    public void A_directory_of_a_server_that_was_unreadable_once_is_scanned_as_often_as_others_again()
    {
        _temp.Write("in/d/a.raw");
        Shell.Run(_temp.Text, "chmod 0 in/d");
        if (!Environment.IsPrivilegedProcess)
        {
            Scenarios.UnreadableOnServer(_temp.Text);
            return;
        }

        Isolated.Run(
            "chown -R 65534:65534 .; exec setpriv --reuid=65534 --regid=65534 --clear-groups $SCENARIO",
            Scenarios.UnreadableOnServer, _temp.Text);
    }

    // A file system there that never answers.
    private static string WithHung(string place) =>
        $$"""
        exec unshare -m sh -ec '
        exec 3<>/dev/fuse
        mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 none {{place}}
        exec "$@"' sh $SCENARIO
        """;

    [Fact]
    public void A_directory_whose_path_is_too_long_is_reported_once_and_the_rest_is_watched()
    {
        // Such a path cannot be made in one call: only step by step.
        string name = new('d', 250);
        string half = string.Join('/', Enumerable.Repeat(name, 10));
        Shell.Run(_temp.Text, $"mkdir -p in/{half} away/{half}; mv away/{name} in/{half}/");
        _temp.Write("in/a.raw");
        try
        {
            using var rig = new WatchRig([WatchRig.Rule(_root)]);
            Wait.Until(() => rig.Known.JobCount == 1);
            Wait.Until(() => rig.LogCount("(ENAMETOOLONG)") == 1);
            _temp.Write($"in/{name}/{name}/b.raw");
            Wait.Until(() => rig.Known.JobCount == 2);
        }
        finally
        {
            Shell.Run(_temp.Text, "rm -r in");
            _temp.MakeDirectory("in");
        }
    }

    [Fact]
    public void More_unread_events_than_the_stash_holds_cost_a_scan_and_no_file()
    {
        var options = new WatchOptions { StashCapacity = 3, InboxCapacity = 2 };
        using var rig = new WatchRig([WatchRig.Rule(_root)], options: options);
        Shell.Run(
            _temp.Text,
            "for d in 1 2 3 4 5 6 7 8 9; do mkdir in/$d; for f in 1 2 3 4 5; do echo x > in/$d/$f; done; done");
        Wait.Until(() => rig.Known.JobCount == 45);
    }
}
