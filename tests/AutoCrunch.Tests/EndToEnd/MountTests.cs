using AutoCrunch.Core;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.EndToEnd;

/// <summary>
/// File systems that are unmounted and mounted again: at the root, below it, while the service is down.
/// </summary>
public sealed class MountTests : IDisposable
{
    private readonly ServiceUnderTest _service = new();
    private readonly List<string> _mounts = [];

    public void Dispose()
    {
        foreach (string place in _mounts.AsEnumerable().Reverse())
            Command.Run("umount", ["-l", place]);
        _service.Dispose();
    }

    [RequiresFact(RequiresFactAttribute.Root, "mount", "umount")]
    public void A_root_that_is_unmounted_and_mounted_again_runs_nothing_again()
    {
        Mount("disk", "incoming");
        _service.Start();
        var arena = new Arena(_service);
        arena.RunsAll("for i in 1 2 3; do new $S/f$i.raw; new $S/sub/deep/g$i.raw; done; rsync -a $S/ $D/", 6);
        Unmount("incoming");
        _service.UntilLogged("not mounted there now");
        Assert.Equal(0, Gone());
        Mount("disk", "incoming");
        _service.UntilLogged("are mounted under", "again");
        arena.Nothing();
        arena.Runs("new $S/late.raw; rsync -a $S/ $D/", "late.raw");
        arena.Nothing();
        _service.Stop();
    }

    [RequiresFact(RequiresFactAttribute.Root, "mount", "umount")]
    public void Files_of_a_root_that_is_not_mounted_at_the_start_are_not_forgotten()
    {
        Mount("disk", "incoming");
        _service.Start();
        var arena = new Arena(_service);
        arena.RunsAll("for i in 1 2 3; do new $S/f$i.raw; new $S/sub/g$i.raw; done; rsync -a $S/ $D/", 6);
        _service.Stop();
        Unmount("incoming");
        _service.Start();
        _service.UntilLogged("not mounted there now");
        _service.Stop();
        Assert.Equal(0, Gone());
        Mount("disk", "incoming");
        arena.Script("rm $D/f1.raw");
        _service.Start();
        _service.Until(() => Gone() == 1, () => "one file gone");
        arena.Nothing();
        arena.Runs("rsync -a $S/ $D/", "f1.raw");
        arena.Nothing();
        _service.Stop();
    }

    [RequiresFact(RequiresFactAttribute.Root, "mount", "umount")]
    public void A_file_system_below_the_root_that_is_unmounted_and_mounted_again_runs_nothing_again()
    {
        _service.Start();
        var arena = new Arena(_service);
        string place = Path.Combine(arena.Destination, "mounted");
        arena.Script("mkdir $D/mounted $D/other");
        Mount("disk", place);
        arena.RunsAll(
            "for i in 1 2 3; do new $S/mounted/f$i.raw; new $S/mounted/sub/g$i.raw; new $S/other/h$i.raw; done; "
            + "rsync -a --inplace $S/ $D/", 9);
        Unmount(place);
        _service.UntilLogged("not mounted there now");
        arena.Nothing();
        Assert.Equal(0, Gone());
        Mount("disk", place);
        _service.UntilLogged("are mounted under", "again");
        arena.Nothing();
        arena.Script("rm $D/mounted/f1.raw $D/mounted/sub/g1.raw");
        _service.Until(() => Gone() == 2, () => "two files gone");
        arena.Runs("rsync -a $S/ $D/", "mounted/f1.raw", "mounted/sub/g1.raw");
        arena.Nothing();
        _service.Stop();
    }

    [RequiresFact(RequiresFactAttribute.Root, "mount", "umount")]
    public void Jobs_of_a_file_system_that_is_not_mounted_wait_for_it_and_others_run()
    {
        string release = Path.Combine(_service.Base, "release");
        _service.Configure(new RuleText { Job = [$"wait-for={release}"], Concurrency = 1 });
        _service.Start();
        var arena = new Arena(_service);
        string place = Path.Combine(arena.Destination, "mounted");
        arena.Script("mkdir $D/mounted; new $S/first.raw; rsync -a $S/ $D/");
        Mount("disk", place);
        _service.Until(() => arena.Started().Count == 1, () => "the first job");
        arena.Script("for i in 1 2 3; do new $S/mounted/f$i.raw; done; rsync -a $S/ $D/");
        _service.Until(() => Jobs() == 4, () => "four jobs");
        arena.Script("new $S/last.raw; rsync -a --exclude mounted $S/ $D/");
        _service.Until(() => Jobs() == 5, () => "five jobs");
        Unmount(place);
        _service.UntilLogged("not mounted there now");
        File.WriteAllText(release, "");
        arena.Expected(BytePath.Parse("first.raw"));
        arena.ExpectOneMore([BytePath.Parse("last.raw")]);
        _service.UntilLogged("waits, and is tried again", "mounted/f1.raw' is on is not mounted");
        Mount("disk", place);
        arena.ExpectOneMore(Enumerable.Range(1, 3).Select(i => BytePath.Parse($"mounted/f{i}.raw")));
        arena.Nothing();
        Assert.Equal(0, Gone());
        _service.Stop();
    }

    private long Gone()
    {
        using var ledger = new LedgerView(_service.Base);
        return ledger.GoneFiles();
    }

    private int Jobs()
    {
        using var ledger = new LedgerView(_service.Base);
        return ledger.Jobs().Count;
    }

    // A directory of another file system, bound: what is mounted again is the very same.
    private void Mount(string disk, string place)
    {
        string source = Directory.CreateDirectory(Path.Combine(_service.OtherFileSystem, disk)).FullName;
        string target = Directory.CreateDirectory(Path.Combine(_service.Base, place)).FullName;
        Run("mount", "--bind", source, target);
        _mounts.Add(target);
    }

    private void Unmount(string place)
    {
        string target = Path.Combine(_service.Base, place);
        Run("umount", "-l", target);
        _mounts.Remove(target);
    }

    private static void Run(string program, params string[] arguments)
    {
        Command command = Command.Run(program, arguments);
        Assert.True(command.ExitCode == 0, command.Error);
    }
}
