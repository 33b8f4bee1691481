namespace AutoCrunch.Core.Tests.Simulation;

/// <summary>
/// Programs of the model world: each is a list of steps that the schedule runs one by one, interleaved with everything
/// else, and that may be cut short by a kill. What the steps do, and in what order, is the atlas's.
/// </summary>
internal static class Senders
{
    public const uint OwnerOnly = 0x180;
    public const uint Everybody = 0x1A4;

    /// <summary>The names that the world's files have.</summary>
    public static readonly string[] Finals = ["a.raw", "b.raw", "c.raw", ".d.raw"];

    private static readonly string[] s_folders = ["sub", "other", ".~tmp~"];
    private const long SourceMtimeNs = 1_400_000_000_000_000_000;

    /// <summary>Every kind of sender, by the name under which it is counted.</summary>
    public static readonly IReadOnlyList<(string Name, Func<World, Choices, IEnumerator<bool>> Start)> All =
    [
        .. RsyncSenders.All,
        ("cp", (world, choices) => Copy(world, choices, Everybody, withTimes: false)),
        ("cp -p", (world, choices) => Copy(world, choices, Everybody, withTimes: true)),
        ("scp, umask 077", (world, choices) => Copy(world, choices, OwnerOnly, withTimes: false)),
        ("wget", Wget),
        ("append", Append),
        ("two writers", TwoWriters),
        ("O_TMPFILE", Unnamed),
        ("part name and link", LinkAndUnlink),
        ("mv in", MoveIn),
        ("mv within", MoveWithin),
        ("mv out", MoveOut),
        ("ln", LinkIn),
        ("rm", Remove),
        ("touch", Touch),
        ("chmod", ChangeMode),
        ("mkdir", MakeFolder),
        ("rm -r", RemoveFolder),
        ("mv of a directory within", MoveFolderWithin),
        ("mv of a directory in", MoveFolderIn),
        ("mv of a directory out", MoveFolderOut),
    ];

    /// <summary>A directory that files go to; the root is the simplest.</summary>
    public static Folder Target(World world, Choices choices)
    {
        if (!choices.Chance(3))
            return world.Root;
        Folder[] folders = [.. world.Root.Tree.Where(folder => !IsIgnored(folder))];
        return choices.Of(folders);
    }

    /// <summary>The service never looks into it.</summary>
    public static bool IsIgnored(Folder folder) =>
        folder.Parent is { } parent && (folder.Name.StartsWith('.') || IsIgnored(parent));

    /// <summary>Every source is older than the world, and no two versions look alike.</summary>
    public static long SourceMtime(World world) => SourceMtimeNs + (++world.Sources * 1_000_003L);

    /// <summary>Writes so much and closes; closes without being done when it is killed.</summary>
    public static IEnumerable<bool> Fill(
        World world, Choices choices, OpenFile file, long? mtimeBeforeCloseNs = null)
    {
        try
        {
            int writes = choices.Next(5);
            for (int i = 0; i < writes; i++)
            {
                world.Write(file, 1 + choices.Next(1000));
                yield return true;
            }

            world.Finish(file);
            if (mtimeBeforeCloseNs is { } mtimeNs)
            {
                world.SetTimes(file.Entry, mtimeNs);
                if (choices.Chance(2))
                    yield return true;
            }
        }
        finally
        {
            world.Close(file);
        }
    }

    // Over another file: truncated first, as by the shell.
    private static OpenFile CreateOrTruncate(World world, Folder folder, string name, uint mode)
    {
        if (folder.Files.TryGetValue(name, out Entry? there))
        {
            OpenFile file = world.Open(there);
            world.Truncate(file);
            there.Inode.Mark = Mark.None; // whole in the end, though it may look as before
            return file;
        }

        // Under umask 077 it looks like rsync's, and nothing ever tells it from that.
        return world.Create(folder, name, mode, mode == OwnerOnly ? Mark.OwnerOnly : Mark.None);
    }

    private static IEnumerator<bool> Copy(World world, Choices choices, uint mode, bool withTimes)
    {
        Folder folder = Target(world, choices);
        OpenFile file = CreateOrTruncate(world, folder, choices.Of(Finals), mode);
        foreach (bool step in Fill(world, choices, file, withTimes ? SourceMtime(world) : null))
            yield return step;
    }

    private static IEnumerator<bool> Wget(World world, Choices choices)
    {
        OpenFile file = CreateOrTruncate(world, Target(world, choices), choices.Of(Finals), Everybody);
        foreach (bool step in Fill(world, choices, file))
            yield return step;
        yield return true;
        world.SetTimes(file.Entry, SourceMtime(world));
    }

    private static IEnumerator<bool> Append(World world, Choices choices)
    {
        Folder folder = Target(world, choices);
        string name = choices.Of(Finals);
        OpenFile file = folder.Files.TryGetValue(name, out Entry? there)
            ? world.Open(there) : world.Create(folder, name, Everybody);
        foreach (bool step in Fill(world, choices, file))
            yield return step;
    }

    private static IEnumerator<bool> TwoWriters(World world, Choices choices)
    {
        OpenFile first = CreateOrTruncate(world, Target(world, choices), choices.Of(Finals), Everybody);
        OpenFile second = world.Open(first.Entry);
        try
        {
            foreach (bool step in Fill(world, choices, first))
                yield return step;
            foreach (bool step in Fill(world, choices, second))
                yield return step;
        }
        finally
        {
            world.Close(second);
        }
    }

    private static IEnumerator<bool> Unnamed(World world, Choices choices)
    {
        OpenFile file = world.Create(world.Outside, world.NewName("unnamed"), Everybody);
        foreach (bool step in Fill(world, choices, file))
            yield return step;
        Folder folder = Target(world, choices);
        string name = choices.Of(Finals);
        if (world.Link(file.Inode, folder, name) is not null)
            world.Unlink(file.Entry);
    }

    // WinSCP on a server without POSIX rename.
    private static IEnumerator<bool> LinkAndUnlink(World world, Choices choices)
    {
        Folder folder = Target(world, choices);
        string name = choices.Of(Finals);
        if (folder.IsRemoved || folder.Files.ContainsKey(name + ".filepart"))
            yield break;
        OpenFile file = world.Create(folder, name + ".filepart", Everybody);
        foreach (bool step in Fill(world, choices, file))
            yield return step;
        yield return true;
        if (!file.Entry.IsThere || world.Link(file.Inode, folder, name) is null)
            yield break;
        yield return true;
        world.Unlink(file.Entry);
    }

    private static IEnumerator<bool> MoveIn(World world, Choices choices)
    {
        OpenFile file = world.Create(world.Outside, world.NewName("in"), Everybody);
        world.Write(file, 1 + choices.Next(100));
        world.Close(file);
        yield return true;
        world.Rename(file.Entry, Target(world, choices), choices.Of(Finals));
    }

    private static IEnumerator<bool> MoveWithin(World world, Choices choices)
    {
        Entry[] files = [.. world.Files.Where(entry => Finals.Contains(entry.Name))];
        if (files.Length == 0)
            yield break;
        Entry file = choices.Of(files);
        Folder folder = Target(world, choices);
        string name = choices.Of(Finals);
        if (folder != file.Folder || name != file.Name)
            world.Rename(file, folder, name);
    }

    private static IEnumerator<bool> MoveOut(World world, Choices choices)
    {
        if (AnyFile(world, choices) is not { } file || !Finals.Contains(file.Name))
            yield break;
        world.Rename(file, world.Outside, $"away{choices.Next(1000)}x{world.MonotonicNs}");
        if (!choices.Chance(2))
            yield break;
        yield return true;
        if (file.IsThere && !Target(world, choices).IsRemoved)
            world.Rename(file, Target(world, choices), choices.Of(Finals));
    }

    private static IEnumerator<bool> LinkIn(World world, Choices choices)
    {
        OpenFile file = world.Create(world.Outside, world.NewName("basis"), Everybody);
        world.Write(file, 1 + choices.Next(100));
        world.Close(file);
        world.SetTimes(file.Entry, SourceMtime(world));
        yield return true;
        Folder folder = Target(world, choices);
        string name = choices.Of(Finals);
        if (folder.Files.TryGetValue(name, out Entry? there))
            world.Unlink(there);
        yield return true;
        world.Link(file.Inode, folder, name);
    }

    private static IEnumerator<bool> Remove(World world, Choices choices)
    {
        if (AnyFile(world, choices) is { } file)
            world.Unlink(file);
        yield break;
    }

    private static IEnumerator<bool> Touch(World world, Choices choices)
    {
        if (AnyFile(world, choices) is not { } entry)
            yield break;
        OpenFile file = world.Open(entry);
        world.Touch(entry);
        world.Close(file);
    }

    // By hand, or by a sender that sets no times: the file no longer looks like one that rsync left.
    private static IEnumerator<bool> ChangeMode(World world, Choices choices)
    {
        if (AnyFile(world, choices) is not { } entry)
            yield break;
        if (entry.Inode.Mark == Mark.OwnerOnly)
            entry.Inode.Mark = Mark.None;
        world.SetMode(entry, Everybody);
    }

    private static IEnumerator<bool> MakeFolder(World world, Choices choices)
    {
        if (world.MakeFolder(Target(world, choices), choices.Of(s_folders)) is not { } folder || choices.Chance(2))
            yield break;
        world.MakeFolder(folder, choices.Of(s_folders)); // mkdir -p: before anybody can watch the first
    }

    private static IEnumerator<bool> RemoveFolder(World world, Choices choices)
    {
        if (AnyFolder(world, choices) is not { } top)
            yield break;
        foreach (Folder folder in top.Tree.Reverse().ToArray())
        {
            foreach (Entry file in folder.Files.Values.ToArray())
            {
                world.Unlink(file);
                if (choices.Chance(4))
                    yield return true;
            }

            world.RemoveFolder(folder);
        }
    }

    private static IEnumerator<bool> MoveFolderWithin(World world, Choices choices)
    {
        if (AnyFolder(world, choices) is { } folder)
            world.MoveFolder(folder, Target(world, choices), choices.Of(s_folders));
        yield break;
    }

    private static IEnumerator<bool> MoveFolderIn(World world, Choices choices)
    {
        if (world.MakeFolder(world.Outside, world.NewName("tree")) is not { } top)
            yield break;
        Folder folder = choices.Chance(2) ? world.MakeFolder(top, "sub")! : top;
        OpenFile file = world.Create(folder, choices.Of(Finals), Everybody);
        world.Write(file, 1 + choices.Next(100));
        world.Close(file);
        yield return true;
        world.MoveFolder(top, Target(world, choices), choices.Of(s_folders));
    }

    private static IEnumerator<bool> MoveFolderOut(World world, Choices choices)
    {
        if (AnyFolder(world, choices) is not { } folder
            || !world.MoveFolder(folder, world.Outside, $"gone{choices.Next(1000)}x{world.MonotonicNs}")
            || choices.Chance(2))
            yield break;
        yield return true;
        world.MoveFolder(folder, Target(world, choices), choices.Of(s_folders));
    }

    private static Entry? AnyFile(World world, Choices choices)
    {
        Entry[] files = [.. world.Files];
        return files.Length == 0 ? null : choices.Of(files);
    }

    private static Folder? AnyFolder(World world, Choices choices)
    {
        Folder[] folders = [.. world.Root.Tree.Skip(1)];
        return folders.Length == 0 ? null : choices.Of(folders);
    }
}
