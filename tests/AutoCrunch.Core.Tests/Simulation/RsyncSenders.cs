namespace AutoCrunch.Core.Tests.Simulation;

/// <summary>What rsync does, by families of its flags (atlas, sections 3 to 8).</summary>
internal static class RsyncSenders
{
    public static readonly IReadOnlyList<(string Name, Func<World, Choices, IEnumerator<bool>> Start)> All =
    [
        ("rsync", (world, choices) => ByRename(world, choices, withTimes: true)),
        ("rsync -r", (world, choices) => ByRename(world, choices, withTimes: false)),
        ("rsync --inplace", (world, choices) => InPlace(world, choices, withTimes: true)),
        ("rsync -r --inplace", (world, choices) => InPlace(world, choices, withTimes: false)),
        ("rsync --append-verify", AppendVerify),
        ("rsync --partial, interrupted", Partial),
        ("rsync --partial-dir", PartialDir),
        ("rsync --delay-updates", DelayUpdates),
        ("rsync --temp-dir elsewhere", TempDirElsewhere),
        ("rsync --temp-dir on another file system", TempDirOnOther),
        ("rsync --backup", Backup),
        ("rsync --link-dest", LinkDest),
        ("rsync -H", HardLinks),
        ("rsync --delete", Delete),
    ];

    private static string Temporary(string final, Choices choices) =>
        $".{final.TrimStart('.')}.{choices.Next(62 * 62):D6}";

    // Everything is set on the temporary, then it is renamed. Killed, it leaves the temporary behind.
    private static IEnumerable<bool> Transfer(
        World world, Choices choices, Folder folder, string temporary, bool withTimes, Action<Entry> place)
    {
        if (folder.IsRemoved || folder.Files.ContainsKey(temporary))
            yield break;
        OpenFile file = world.Create(folder, temporary, Senders.OwnerOnly);
        foreach (bool step in Senders.Fill(world, choices, file))
            yield return step;
        yield return true;
        if (withTimes && IsAt(file.Entry, folder, temporary))
            world.SetTimes(file.Entry, Senders.SourceMtime(world));
        if (choices.Chance(4))
            yield return true;
        if (IsAt(file.Entry, folder, temporary))
            world.SetMode(file.Entry, Senders.Everybody);
        if (choices.Chance(4))
            yield return true;
        if (IsAt(file.Entry, folder, temporary))
            place(file.Entry);
    }

    // rsync sets times and mode by path: what was moved away meanwhile does not get them.
    private static bool IsAt(Entry file, Folder folder, string name) =>
        file.IsThere && file.Folder == folder && file.Name == name;

    private static IEnumerator<bool> ByRename(World world, Choices choices, bool withTimes)
    {
        Folder folder = Senders.Target(world, choices);
        string final = choices.Of(Senders.Finals);
        foreach (bool step in Transfer(world, choices, folder, Temporary(final, choices), withTimes,
            file => world.Rename(file, file.Folder, final)))
            yield return step;
    }

    // Times and mode are set after the close. Killed before that, a new file shows it; an update does not.
    private static IEnumerator<bool> InPlace(World world, Choices choices, bool withTimes)
    {
        Folder folder = Senders.Target(world, choices);
        string final = choices.Of(Senders.Finals);
        OpenFile file;
        if (folder.Files.TryGetValue(final, out Entry? there))
        {
            file = world.Open(there);
            world.Write(file, 0); // ftruncate(2), always
        }
        else
            file = world.Create(folder, final, Senders.OwnerOnly, Mark.OwnerOnly);
        if (file.Inode.Mark == Mark.ZeroMtime)
            file.Inode.Mark = Mark.None;
        foreach (bool step in Senders.Fill(world, choices, file))
            yield return step;
        if (choices.Chance(2))
            yield return true;
        SetFinal(world, choices, file.Entry, folder, final, withTimes);
    }

    // The prefix differs: written, closed, found wrong, and some time later written again (atlas 51).
    private static IEnumerator<bool> AppendVerify(World world, Choices choices)
    {
        Folder folder = Senders.Target(world, choices);
        string name = choices.Of(Senders.Finals);
        if (!folder.Files.TryGetValue(name, out Entry? there) || there.Inode.Mark != Mark.None)
            yield break;
        for (int pass = 0; pass < 2; pass++)
        {
            OpenFile file = world.Open(there);
            world.Write(file, 0);
            foreach (bool step in Senders.Fill(world, choices, file))
                yield return step;
            yield return true;
        }

        SetFinal(world, choices, there, folder, name, withTimes: true);
    }

    private static void SetFinal(
        World world, Choices choices, Entry file, Folder folder, string name, bool withTimes)
    {
        if (!IsAt(file, folder, name))
            return;
        file.Inode.Mark = Mark.None;
        if (withTimes)
            world.SetTimes(file, Senders.SourceMtime(world));
        world.SetMode(file, Senders.Everybody);
    }

    private static IEnumerator<bool> Partial(World world, Choices choices)
    {
        Folder folder = Senders.Target(world, choices);
        string final = choices.Of(Senders.Finals);
        foreach (bool step in Transfer(world, choices, folder, Temporary(final, choices), withTimes: false, file =>
        {
            file.Inode.Mark = Mark.ZeroMtime;
            world.SetTimes(file, choices.Next(1_000_000_000));
            world.Rename(file, file.Folder, final);
        }))
            yield return step;
    }

    // Interrupted, the file goes to .rsync-partial; resumed there in place, then renamed.
    private static IEnumerator<bool> PartialDir(World world, Choices choices)
    {
        Folder folder = Senders.Target(world, choices);
        string final = choices.Of(Senders.Finals);
        if (folder.IsRemoved)
            yield break;
        if (folder.Folders.GetValueOrDefault(".rsync-partial") is { } partial
            && partial.Files.TryGetValue(final, out Entry? kept))
        {
            foreach (bool step in Senders.Fill(world, choices, world.Open(kept)))
                yield return step;
            SetFinal(world, choices, kept, partial, final, withTimes: true);
            world.Rename(kept, folder, final);
            world.RemoveFolder(partial);
            yield break;
        }

        bool isInterrupted = choices.Chance(2);
        foreach (bool step in Transfer(world, choices, folder, Temporary(final, choices), !isInterrupted, file =>
        {
            if (!isInterrupted)
                world.Rename(file, folder, final);
            else if ((folder.Folders.GetValueOrDefault(".rsync-partial")
                ?? world.MakeFolder(folder, ".rsync-partial")) is { } made)
                world.Rename(file, made, final);
        }))
            yield return step;
    }

    // Finished files wait in .~tmp~ for the end of the run.
    private static IEnumerator<bool> DelayUpdates(World world, Choices choices)
    {
        Folder folder = Senders.Target(world, choices);
        string final = choices.Of(Senders.Finals);
        if (folder.IsRemoved
            || (folder.Folders.GetValueOrDefault(".~tmp~") ?? world.MakeFolder(folder, ".~tmp~")) is not { } delayed)
            yield break;
        foreach (bool step in Transfer(world, choices, folder, Temporary(final, choices), withTimes: true,
            file => world.Rename(file, delayed, final)))
            yield return step;
        yield return true;
        if (delayed.Files.TryGetValue(final, out Entry? finished))
            world.Rename(finished, folder, final);
        world.RemoveFolder(delayed);
    }

    private static IEnumerator<bool> TempDirElsewhere(World world, Choices choices)
    {
        Folder folder = Senders.Target(world, choices);
        string final = choices.Of(Senders.Finals);
        string temporary = $"{final}.{choices.Next(1000):D6}x{world.MonotonicNs}";
        foreach (bool step in Transfer(world, choices, world.Outside, temporary, choices.Chance(2),
            file => world.Rename(file, folder, final)))
            yield return step;
    }

    // The old file is removed, the new one copied in place, and only then gets its times and mode (atlas 87).
    private static IEnumerator<bool> TempDirOnOther(World world, Choices choices)
    {
        Folder folder = Senders.Target(world, choices);
        string final = choices.Of(Senders.Finals);
        if (folder.Files.TryGetValue(final, out Entry? there))
            world.Unlink(there);
        if (choices.Chance(2))
            yield return true;
        if (folder.IsRemoved || folder.Files.ContainsKey(final))
            yield break;
        OpenFile file = world.Create(folder, final, Senders.OwnerOnly, Mark.OwnerOnly);
        foreach (bool step in Senders.Fill(world, choices, file))
            yield return step;
        yield return true;
        SetFinal(world, choices, file.Entry, folder, final, withTimes: true);
    }

    private static IEnumerator<bool> Backup(World world, Choices choices)
    {
        Folder folder = Senders.Target(world, choices);
        string final = choices.Of(Senders.Finals);
        foreach (bool step in Transfer(world, choices, folder, Temporary(final, choices), withTimes: true, file =>
        {
            if (folder.Files.TryGetValue(final, out Entry? there))
            {
                if (folder.Files.TryGetValue(final + "~", out Entry? older))
                    world.Unlink(older);
                world.Link(there.Inode, folder, final + "~");
            }

            world.Rename(file, file.Folder, final);
        }))
            yield return step;
    }

    private static IEnumerator<bool> LinkDest(World world, Choices choices)
    {
        Folder folder = Senders.Target(world, choices);
        string final = choices.Of(Senders.Finals);
        Entry[] previous = [.. world.Outside.Files.Values.Where(
            entry => entry.Inode is { Writers: 0, Mark: Mark.None, SizeBytes: > 0 })];
        if (previous.Length == 0)
            yield break;
        Entry basis = choices.Of(previous);
        if (folder.Files.TryGetValue(final, out Entry? there))
            world.Unlink(there);
        yield return true;
        if (basis.IsThere)
            world.Link(basis.Inode, folder, final);
    }

    // One name is transferred, the other linked; a link that replaces another is made under a counted name (atlas 32).
    private static IEnumerator<bool> HardLinks(World world, Choices choices)
    {
        Folder folder = Senders.Target(world, choices);
        string final = choices.Of(Senders.Finals);
        string other = choices.Of(Senders.Finals);
        Entry? sent = null;
        foreach (bool step in Transfer(world, choices, folder, Temporary(final, choices), withTimes: true, file =>
        {
            world.Rename(file, file.Folder, final);
            sent = file;
        }))
            yield return step;
        yield return true;
        if (other == final || sent is not { IsThere: true } || sent.Folder != folder || folder.IsRemoved)
            yield break;
        string name = folder.Files.ContainsKey(other) ? $".{other.TrimStart('.')}.{choices.Next(1000)}" : other;
        if (world.Link(sent.Inode, folder, name) is { } link && name != other)
            world.Rename(link, folder, other);
    }

    private static IEnumerator<bool> Delete(World world, Choices choices)
    {
        Folder folder = Senders.Target(world, choices);
        foreach (Entry file in folder.Files.Values.ToArray())
        {
            if (choices.Chance(2) && file.Name.StartsWith('.'))
                world.Unlink(file);
            yield return true;
        }
    }
}
