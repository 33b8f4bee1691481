using AutoCrunch.Core;

namespace AutoCrunch.Tests.Watching;

/// <summary>One directory that is renamed, moved out, deleted or made again.</summary>
public sealed class DirectoryTests : IDisposable
{
    private readonly TempDirectory _temp = new();
    private readonly BytePath _root;

    public DirectoryTests()
    {
        _root = _temp.MakeDirectory("in");
        _temp.MakeDirectory("out");
    }

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void A_renamed_directory_takes_its_files_along_without_a_job()
    {
        _temp.Write("in/a/x/f.raw");
        using var rig = new WatchRig([WatchRig.Rule(_root)]);
        Wait.Until(() => rig.Known.JobCount == 1);
        _temp.Rename("in/a", "in/b");
        Wait.Until(() => rig.Known.WasTold("directory moved raw a b"));
        _temp.Write("in/b/x/g.raw");
        Wait.Until(() => rig.Known.JobCount == 2);
        Assert.Equal(["b/x/f.raw", "b/x/g.raw"], rig.Known.Known());
        Assert.DoesNotContain(rig.Known.Told, told => told.StartsWith("gone", StringComparison.Ordinal)
            || told.StartsWith("directory gone", StringComparison.Ordinal));
    }

    [Fact]
    public void A_directory_that_is_moved_into_another_one_is_followed()
    {
        _temp.Write("in/a/f.raw");
        _temp.MakeDirectory("in/c/d");
        using var rig = new WatchRig([WatchRig.Rule(_root)]);
        Wait.Until(() => rig.Known.JobCount == 1);
        _temp.Rename("in/a", "in/c/d/e");
        Wait.Until(() => rig.Known.WasTold("directory moved raw a c/d/e"));
        _temp.Rename("in/c", "in/g");
        Wait.Until(() => rig.Known.WasTold("directory moved raw c g"));
        _temp.Write("in/g/d/e/h.raw");
        Wait.Until(() => rig.Known.JobCount == 2);
        Assert.Equal(["g/d/e/f.raw", "g/d/e/h.raw"], rig.Known.Known());
    }

    [Fact]
    public void A_directory_that_is_moved_out_is_forgotten_with_its_watches()
    {
        _temp.Write("in/a/b/f.raw");
        using var rig = new WatchRig([WatchRig.Rule(_root)]);
        Wait.Until(() => rig.Known.JobCount == 1);
        Assert.Equal(3, rig.Loop.WatchCount);
        _temp.Rename("in/a", "out/a");
        Wait.Until(() => rig.Known.WasTold("directory gone raw a"));
        Wait.Until(() => rig.Loop.WatchCount == 1);
        _temp.Write("out/a/b/g.raw");
        _temp.Write("in/h.raw");
        Wait.Until(() => rig.Known.Has("raw", "h.raw"));
        Assert.Equal(["h.raw"], rig.Known.Known());
    }

    [Fact]
    public void Directories_that_are_moved_out_while_they_are_written_to_leave_no_stray_events()
    {
        using var rig = new WatchRig([WatchRig.Rule(_root)]);
        for (int i = 0; i < 100; i++)
        {
            _temp.Write($"in/d{i}/a.raw");
            _temp.Rename($"in/d{i}", $"out/d{i}");
            for (int j = 0; j < 10; j++)
                _temp.Write($"out/d{i}/{j}.raw");
        }

        _temp.Write("in/last.raw");
        Wait.Until(() => rig.Known.Known() is ["last.raw"]);
        Wait.Until(() => rig.Loop.WatchCount == 1);
        Assert.Equal(1, rig.Loop.DirectoryCount);
    }

    [Fact]
    public void A_directory_that_was_moved_out_and_comes_back_is_watched_again()
    {
        _temp.Write("in/a/f.raw");
        using var rig = new WatchRig([WatchRig.Rule(_root)]);
        Wait.Until(() => rig.Known.JobCount == 1);
        _temp.Rename("in/a", "out/a");
        Wait.Until(() => rig.Known.WasTold("directory gone raw a"));
        _temp.Write("out/a/g.raw");
        _temp.Rename("out/a", "in/a");
        Wait.Until(() => rig.Known.Known() is ["a/f.raw", "a/g.raw"]);
        _temp.Write("in/a/h.raw");
        Wait.Until(() => rig.Known.Has("raw", "a/h.raw"));
    }

    [Fact]
    public void A_deleted_directory_is_gone_with_all_below_it()
    {
        _temp.Write("in/a/b/f.raw");
        _temp.Write("in/a/g.raw");
        using var rig = new WatchRig([WatchRig.Rule(_root)]);
        Wait.Until(() => rig.Known.JobCount == 2);
        Shell.Run(_temp.Text, "rm -r in/a");
        Wait.Until(() => rig.Known.Known().Length == 0);
        Wait.Until(() => rig.Loop.WatchCount == 1);
        Assert.Equal(1, rig.Loop.DirectoryCount);
    }

    [Fact]
    public void A_directory_that_is_deleted_and_made_again_at_once_is_watched_again()
    {
        _temp.Write("in/a/f.raw");
        using var rig = new WatchRig([WatchRig.Rule(_root)]);
        Wait.Until(() => rig.Known.JobCount == 1);
        for (int i = 0; i < 50; i++)
        {
            Directory.Delete($"{_temp.Text}/in/a", recursive: true);
            _temp.Write($"in/a/f{i}.raw", $"{i}");
        }

        Wait.Until(() => rig.Known.Known() is ["a/f49.raw"]);
        _temp.Write("in/a/last.raw");
        Wait.Until(() => rig.Known.Has("raw", "a/last.raw"));
        Assert.Equal(2, rig.Loop.DirectoryCount);
    }

    [Fact]
    public void A_directory_whose_name_changes_hands_is_never_mixed_up()
    {
        _temp.Write("in/a/old.raw");
        using var rig = new WatchRig([WatchRig.Rule(_root)]);
        Wait.Until(() => rig.Known.JobCount == 1);
        for (int i = 0; i < 50; i++)
        {
            _temp.Rename("in/a", $"in/was{i}");
            _temp.Write($"in/a/new{i}.raw", $"{i}");
        }

        string[] expected = ["a/new49.raw", "was0/old.raw",
            .. Enumerable.Range(0, 49).Select(i => $"was{i + 1}/new{i}.raw")];
        Wait.Until(() => rig.Known.Known().SequenceEqual(expected.Order(StringComparer.Ordinal)));
        _temp.Write("in/was7/late.raw");
        Wait.Until(() => rig.Known.Has("raw", "was7/late.raw"));
        Assert.Equal(52, rig.Loop.DirectoryCount);
    }

    [Fact]
    public void Directories_that_are_swapped_keep_their_own_files()
    {
        _temp.Write("in/a/1.raw");
        _temp.Write("in/b/2.raw");
        using var rig = new WatchRig([WatchRig.Rule(_root)]);
        Wait.Until(() => rig.Known.JobCount == 2);
        Shell.Run(_temp.Text, "mv in/a in/t; mv in/b in/a; mv in/t in/b");
        Wait.Until(() => rig.Known.Known() is ["a/2.raw", "b/1.raw"]);
        _temp.Write("in/b/3.raw");
        Wait.Until(() => rig.Known.Has("raw", "b/3.raw"));
        Assert.Equal(3, rig.Known.JobCount);
    }

    [Fact]
    public void A_directory_that_is_renamed_over_an_empty_one_takes_its_place()
    {
        _temp.Write("in/a/f.raw");
        _temp.MakeDirectory("in/b");
        using var rig = new WatchRig([WatchRig.Rule(_root)]);
        Wait.Until(() => rig.Known.JobCount == 1);
        _temp.Rename("in/a", "in/b");
        Wait.Until(() => rig.Known.Known() is ["b/f.raw"]);
        _temp.Write("in/b/g.raw");
        Wait.Until(() => rig.Known.Has("raw", "b/g.raw"));
        Wait.Until(() => rig.Loop.WatchCount == 2);
        Assert.Equal(2, rig.Loop.DirectoryCount);
    }

    [Fact]
    public void A_directory_that_becomes_a_file_is_gone_and_the_file_is_seen()
    {
        _temp.Write("in/a.raw/f.raw");
        using var rig = new WatchRig([WatchRig.Rule(_root)]);
        Wait.Until(() => rig.Known.JobCount == 1);
        Shell.Run(_temp.Text, "rm -r in/a.raw; echo x > in/a.raw");
        Wait.Until(() => rig.Known.Known() is ["a.raw"]);
    }

    [Fact]
    public void Directories_between_two_rules_leave_the_one_and_arrive_at_the_other()
    {
        BytePath second = _temp.MakeDirectory("second");
        _temp.Write("in/a/f.raw");
        using var rig = new WatchRig([WatchRig.Rule(_root), WatchRig.Rule(second, "second")]);
        Wait.Until(() => rig.Known.JobCount == 1);
        _temp.Rename("in/a", "second/b");
        Wait.Until(() => rig.Known.Known("second") is ["b/f.raw"] && rig.Known.Known().Length == 0);
        _temp.Write("second/b/g.raw");
        Wait.Until(() => rig.Known.Has("second", "b/g.raw"));
        Assert.Empty(rig.Known.Known());
    }

    [Fact]
    public void Overlapping_rules_each_see_their_files_through_one_watch()
    {
        BytePath inner = _temp.MakeDirectory("in/inner");
        using var rig = new WatchRig(
            [WatchRig.Rule(_root), WatchRig.Rule(inner, "inner"), WatchRig.Rule(_root, "twin")]);
        Assert.Equal(2, rig.Loop.WatchCount);
        _temp.Write("in/inner/new/f.raw");
        _temp.Write("in/g.raw");
        Wait.Until(() => rig.Known.JobCount == 5);
        Assert.Equal(["g.raw", "inner/new/f.raw"], rig.Known.Known());
        Assert.Equal(["g.raw", "inner/new/f.raw"], rig.Known.Known("twin"));
        Assert.Equal(["new/f.raw"], rig.Known.Known("inner"));
        Wait.Until(() => rig.Loop.WatchCount == 3);
        Shell.Run(_temp.Text, "rm -r in/inner/new");
        Wait.Until(() => rig.Loop.WatchCount == 2);
        Wait.Until(() => rig.Known.Known("inner").Length == 0);
    }

    [Fact]
    public void The_inner_of_two_overlapping_rules_is_lost_when_its_directory_is_renamed_in_the_outer()
    {
        BytePath inner = _temp.MakeDirectory("in/inner");
        _temp.Write("in/inner/f.raw");
        using var rig = new WatchRig([WatchRig.Rule(_root), WatchRig.Rule(inner, "inner")]);
        Wait.Until(() => rig.Known.JobCount == 2);
        _temp.Rename("in/inner", "in/other");
        Wait.Until(() => rig.Known.Known() is ["other/f.raw"]);
        Wait.Until(() => rig.HasLogged("Rule inner:") && rig.HasLogged("is lost"));
        _temp.Write("in/other/g.raw");
        Wait.Until(() => rig.Known.Has("raw", "other/g.raw"));
        Assert.Equal(["f.raw"], rig.Known.Known("inner"));
        _temp.Rename("in/other", "in/inner");
        Wait.Until(() => rig.Known.Has("inner", "g.raw"));
    }
}
