using AutoCrunch.Core;

namespace AutoCrunch.Tests.Watching;

/// <summary>Trees that appear under a running watch, in every way: no file is missed, none is taken twice.</summary>
public sealed class TreeTests : IDisposable
{
    private readonly TempDirectory _temp = new();
    private readonly BytePath _root;

    public TreeTests() => _root = _temp.MakeDirectory("in");

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void Files_that_were_there_at_the_start_are_found()
    {
        _temp.Write("in/a.raw");
        _temp.Write("in/deep/er/b.raw");
        using var rig = new WatchRig([WatchRig.Rule(_root)]);
        Wait.Until(() => rig.Known.JobCount == 2);
        Assert.All(rig.Known.Jobs, job => Assert.True(job.IsExisting));
        Assert.Equal(["a.raw", "deep/er/b.raw"], rig.Known.Known());
        Assert.True(rig.Known.WasTold("first scan raw"));
    }

    [Fact]
    public void A_file_that_arrives_by_rsyncs_rename_is_complete_at_once()
    {
        using var rig = new WatchRig([WatchRig.Rule(_root)]);
        _temp.Write("in/.a.raw.AbCdEf");
        _temp.Rename("in/.a.raw.AbCdEf", "in/a.raw");
        Wait.Until(() => rig.Known.JobCount == 1);
        Assert.Equal(Evidence.RenamedFromTemporary, rig.Known.Jobs[0].Evidence);
        Assert.False(rig.Known.Jobs[0].IsExisting);
    }

    [Fact]
    public void A_copied_tree_is_seen_completely()
    {
        MakeTree("tree", directories: 60, files: 600);
        using var rig = new WatchRig([WatchRig.Rule(_root)]);
        Shell.Run(_temp.Text, "cp -r tree in/one; cp -r tree in/two; cp -rp tree in/three");
        Wait.Until(() => rig.Known.JobCount >= 1800);
        AssertKnownIsWhatIsThere(rig, jobs: 1800);
    }

    [Fact]
    public void An_unpacked_archive_is_seen_completely()
    {
        MakeTree("tree", directories: 40, files: 400);
        Shell.Run(_temp.Text, "tar cf tree.tar tree");
        using var rig = new WatchRig([WatchRig.Rule(_root)]);
        Shell.Run(_temp.Text, "tar xf tree.tar -C in");
        Wait.Until(() => rig.Known.JobCount >= 400);
        AssertKnownIsWhatIsThere(rig, jobs: 400);
    }

    [Fact]
    public void A_tree_that_is_moved_in_is_seen_completely()
    {
        MakeTree("tree", directories: 30, files: 300);
        using var rig = new WatchRig([WatchRig.Rule(_root)]);
        Shell.Run(_temp.Text, "mv tree in/moved");
        Wait.Until(() => rig.Known.JobCount >= 300);
        AssertKnownIsWhatIsThere(rig, jobs: 300);
    }

    [Fact]
    public void Two_hundred_nested_directories_made_at_once_are_seen_to_the_bottom()
    {
        using var rig = new WatchRig([WatchRig.Rule(_root)]);
        string deep = string.Join('/', Enumerable.Range(0, 200).Select(i => $"d{i}"));
        Shell.Run(_temp.Text, $"""
            mkdir -p in/{deep}
            p=in; for d in $(echo {deep} | tr / ' '); do p=$p/$d; echo x > $p/f.raw; done
            """);
        Wait.Until(() => rig.Known.JobCount >= 200);
        AssertKnownIsWhatIsThere(rig, jobs: 200);
        Wait.Until(() => rig.Loop.DirectoryCount == 201);
    }

    [Fact]
    public void Two_hundred_new_directories_filled_at_once_are_seen_completely()
    {
        using var rig = new WatchRig([WatchRig.Rule(_root)]);
        for (int i = 0; i < 200; i++)
        {
            _temp.MakeDirectory($"in/d{i}");
            _temp.Write($"in/d{i}/f.raw", $"{i}");
        }

        Wait.Until(() => rig.Known.JobCount >= 200);
        AssertKnownIsWhatIsThere(rig, jobs: 200);
    }

    [Fact]
    public void Rsync_into_new_directories_is_seen_completely()
    {
        MakeTree("tree", directories: 100, files: 400);
        using var rig = new WatchRig([WatchRig.Rule(_root)]);
        Shell.Run(_temp.Text, "rsync -a tree/ in/; rsync -a --delay-updates tree/ in/again/; rsync -a tree/ in/");
        Wait.Until(() => rig.Known.JobCount >= 800);
        AssertKnownIsWhatIsThere(rig, jobs: 800);
    }

    [Fact]
    public void Trees_that_are_renamed_while_they_are_copied_lose_nothing()
    {
        MakeTree("tree", directories: 40, files: 400);
        using var rig = new WatchRig([WatchRig.Rule(_root)]);
        Shell.Run(_temp.Text, """
            (cd in; cp -r ../tree a 2>&- || :) &
            until [ -d in/a/d3 ]; do :; done
            mv in/a/d3 in/b; mv in/a/d1 in/a/e1 2>&- || :; mv in/b in/c; mkdir -p in/b/x; echo x > in/b/x/f.raw
            wait || :
            """);
        string[] there = Shell.Run(_temp.Text, "cd in; find . -type f -name '*.raw' | cut -c3- | sort")
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Wait.Until(() => rig.Known.Known().SequenceEqual(there.Order(StringComparer.Ordinal)));
    }

    [Fact]
    public void Ignored_directories_are_not_entered_until_they_are_renamed()
    {
        _temp.Write("in/.old/a.raw");
        using var rig = new WatchRig([WatchRig.Rule(_root)]);
        _temp.Write("in/.new/b.raw");
        _temp.Write("in/c.raw");
        Wait.Until(() => rig.Known.JobCount == 1);
        Assert.Equal(1, rig.Loop.DirectoryCount);
        _temp.Rename("in/.old", "in/shown");
        Wait.Until(() => rig.Known.Has("raw", "shown/a.raw"));
        _temp.Rename("in/shown", "in/.hidden");
        Wait.Until(() => rig.Known.WasTold("directory gone raw shown"));
        Wait.Until(() => rig.Loop.WatchCount == 1);
        Assert.Equal(2, rig.Known.JobCount);
    }

    [Fact]
    public void Only_the_directory_itself_is_watched_when_the_rule_is_not_recursive()
    {
        _temp.Write("in/below/a.raw");
        using var rig = new WatchRig([WatchRig.Rule(_root) with { Recursive = false }]);
        _temp.Write("in/new/b.raw");
        _temp.Write("in/c.raw");
        Wait.Until(() => rig.Known.JobCount == 1);
        Assert.Equal(["c.raw"], rig.Known.Known());
        Assert.Equal(1, rig.Loop.WatchCount);
    }

    [Fact]
    public void Symlinks_in_the_tree_are_not_followed()
    {
        _temp.Write("elsewhere/a.raw");
        Shell.Run(_temp.Text, "ln -s ../elsewhere in/link; ln -s ../elsewhere/a.raw in/a.raw");
        using var rig = new WatchRig([WatchRig.Rule(_root)]);
        Shell.Run(_temp.Text, "ln -s ../elsewhere in/link2; echo x > in/b.raw");
        Wait.Until(() => rig.Known.JobCount == 1);
        Assert.Equal(["b.raw"], rig.Known.Known());
    }

    [Fact]
    public void Names_that_are_not_text_are_files_and_directories_like_others()
    {
        _temp.Write(@"in/d\xFF/a\xFE.raw");
        using var rig = new WatchRig([WatchRig.Rule(_root)]);
        _temp.Write(@"in/d\xFE/a\xFF.raw");
        _temp.Write(@"in/d\xFF/a\x0Ab.raw");
        Wait.Until(() => rig.Known.JobCount == 3);
        Assert.Equal([@"d\xFE/a\xFF.raw", @"d\xFF/a\x0Ab.raw", @"d\xFF/a\xFE.raw"], rig.Known.Known());
    }

    private void MakeTree(string name, int directories, int files)
    {
        for (int i = 0; i < files; i++)
            _temp.Write($"{name}/d{i % directories}/{(i % 3 == 0 ? "sub/" : "")}f{i}.raw", $"content {i}");
    }

    private void AssertKnownIsWhatIsThere(WatchRig rig, int jobs)
    {
        string[] there = Shell.Run(_temp.Text, "cd in; find . -type f -name '*.raw' | cut -c3-")
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Wait.Until(() => rig.Known.Known().Length == there.Length);
        Assert.Equal(there.Order(StringComparer.Ordinal), rig.Known.Known());
        Assert.Equal(jobs, rig.Known.JobCount);
    }
}
