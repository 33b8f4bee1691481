using AutoCrunch.Core;

namespace AutoCrunch.Tests.Watching;

/// <summary>Directories that appear, move and vanish under a running watch.</summary>
public sealed class TreeTests : IDisposable
{
    private readonly TempDirectory _temp = new();
    private readonly BytePath _root;

    public TreeTests() => _root = _temp.MakeDirectory("in");

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void A_file_that_was_there_at_the_start_is_found()
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
    public void A_file_that_arrives_is_complete_once()
    {
        using var rig = new WatchRig([WatchRig.Rule(_root)]);
        _temp.Write("in/.a.raw.AbCdEf");
        _temp.Rename("in/.a.raw.AbCdEf", "in/a.raw");
        Wait.Until(() => rig.Known.JobCount == 1);
        Assert.Equal(Evidence.RenamedFromTemporary, rig.Known.Jobs[0].Evidence);
    }
}
