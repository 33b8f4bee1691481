namespace AutoCrunch.Core.Tests.Simulation;

/// <summary>
/// Programs of the model world: each is a list of steps that the schedule runs one by one, interleaved with everything
/// else, and that may be cut short by a kill. What the steps do, and in what order, is the atlas's.
/// </summary>
internal static class Senders
{
    public static readonly string[] Finals = ["a.raw", "b.raw", "c.raw", ".d.raw"];
    private const long SourceMtimeNs = 1_400_000_000_000_000_000;
    private const uint OwnerOnly = 0x180;
    private const uint Everybody = 0x1A4;

    /// <summary>Every kind of sender, by the name under which it is counted.</summary>
    public static readonly IReadOnlyList<(string Name, Func<World, Choices, IEnumerator<bool>> Start)> All =
    [
        ("rsync", Rsync),
        ("rsync --inplace", RsyncInPlace),
        ("rsync --partial, interrupted", RsyncPartial),
        ("cp", Copy),
        ("cp -p", CopyWithTimes),
        ("mv in", MoveIn),
        ("mv within", MoveWithin),
        ("mv out", MoveOut),
        ("ln", LinkIn),
        ("rm", Remove),
        ("touch", Touch),
        ("chmod", ChangeMode),
        ("killed --inplace of a new file", KilledInPlace),
    ];

    // Each step yields true; a kill is the schedule not going on. Steps before the first write leave nothing behind.
    private static IEnumerator<bool> Rsync(World world, Choices choices)
    {
        string final = choices.Of(Finals);
        string temporary = $".{final.TrimStart('.')}.{choices.Next(62 * 62):D6}";
        if (world.Find(temporary) is not null)
            yield break;
        Inode inode = world.Create(temporary, OwnerOnly);
        foreach (bool step in WriteSome(world, choices, temporary, inode))
            yield return step;
        yield return true;
        world.SetTimes(temporary, inode, NewSourceMtime(choices));
        yield return true;
        world.SetMode(temporary, inode, Everybody);
        yield return true;
        world.Rename(temporary, final);
    }

    private static IEnumerator<bool> RsyncInPlace(World world, Choices choices)
    {
        string final = choices.Of(Finals);
        Inode? inode = world.Find(final);
        bool isNew = inode is null;
        if (inode is null)
            inode = world.Create(final, OwnerOnly);
        else if (inode.Links > 1)
            yield break;
        else
            world.OpenToWrite(inode);
        inode.IsKnowablyUnfinished = isNew || (inode.IsKnowablyUnfinished && inode.Mode == OwnerOnly);
        foreach (bool step in WriteSome(world, choices, final, inode))
            yield return step;
        yield return true;
        inode.IsKnowablyUnfinished = false;
        world.SetTimes(final, inode, NewSourceMtime(choices));
        yield return true;
        world.SetMode(final, inode, Everybody);
    }

    private static IEnumerator<bool> KilledInPlace(World world, Choices choices)
    {
        string final = choices.Of(Finals);
        if (world.Find(final) is not null)
            yield break;
        Inode inode = world.Create(final, OwnerOnly);
        inode.IsKnowablyUnfinished = true;
        foreach (bool step in WriteSome(world, choices, final, inode))
            yield return step;
    }

    private static IEnumerator<bool> RsyncPartial(World world, Choices choices)
    {
        string final = choices.Of(Finals);
        string temporary = $".{final.TrimStart('.')}.{choices.Next(62 * 62):D6}";
        if (world.Find(temporary) is not null)
            yield break;
        Inode inode = world.Create(temporary, OwnerOnly);
        inode.IsKnowablyUnfinished = true;
        foreach (bool step in WriteSome(world, choices, temporary, inode))
            yield return step;
        yield return true;
        world.SetTimes(temporary, inode, choices.Next(1_000_000_000));
        world.SetMode(temporary, inode, Everybody);
        yield return true;
        world.Rename(temporary, final);
    }

    private static IEnumerator<bool> Copy(World world, Choices choices) => CopyTo(world, choices, withTimes: false);

    private static IEnumerator<bool> CopyWithTimes(World world, Choices choices) =>
        CopyTo(world, choices, withTimes: true);

    private static IEnumerator<bool> CopyTo(World world, Choices choices, bool withTimes)
    {
        string final = choices.Of(Finals);
        Inode? inode = world.Find(final);
        if (inode is null)
        {
            inode = world.Create(final, Everybody);
        }
        else
        {
            world.OpenToWrite(inode);
            world.Truncate(final, inode);
        }

        inode.IsKnowablyUnfinished = false;
        long? mtimeNs = withTimes ? NewSourceMtime(choices) : null;
        foreach (bool step in WriteSome(world, choices, final, inode, mtimeNs))
            yield return step;
    }

    private static IEnumerator<bool> MoveIn(World world, Choices choices)
    {
        string outside = World.Outside + choices.Next(1000);
        Inode inode = world.Create(outside, Everybody);
        world.Write(outside, inode, 1 + choices.Next(100));
        world.Close(outside, inode);
        yield return true;
        if (world.Find(outside) is not null)
            world.Rename(outside, choices.Of(Finals));
    }

    private static IEnumerator<bool> MoveWithin(World world, Choices choices)
    {
        string from = choices.Of(Finals);
        string to = choices.Of(Finals);
        if (world.Find(from) is not { } inode || from == to)
            yield break;

        // Renamed before all was seen, a file that a killed rsync left looks like any other; mtime 0 stays.
        inode.IsKnowablyUnfinished &= inode.Stat.HasZeroMtime || (world.IsHeld(from) && world.QueueIsEmpty);
        world.MovedUnread |= !world.QueueIsEmpty;
        world.Rename(from, to);
    }

    private static IEnumerator<bool> MoveOut(World world, Choices choices)
    {
        string from = choices.Of(Finals);
        if (world.Find(from) is { Writers: 0 })
            world.Rename(from, World.Outside + "away" + choices.Next(1000));
        yield break;
    }

    private static IEnumerator<bool> LinkIn(World world, Choices choices)
    {
        string outside = World.Outside + "basis" + choices.Next(1000);
        Inode inode = world.Find(outside) ?? world.Create(outside, Everybody);
        if (inode.SizeBytes == 0)
        {
            world.Write(outside, inode, 1 + choices.Next(100));
            world.Close(outside, inode);
            world.SetTimes(outside, inode, NewSourceMtime(choices));
        }

        yield return true;
        string final = choices.Of(Finals);
        world.Unlink(final);
        yield return true;
        if (world.Find(final) is null && world.Find(outside) is not null)
            world.Link(outside, final);
    }

    private static IEnumerator<bool> Remove(World world, Choices choices)
    {
        world.Unlink(choices.Of(Finals));
        yield break;
    }

    private static IEnumerator<bool> Touch(World world, Choices choices)
    {
        string name = choices.Of(Finals);
        if (world.Find(name) is not { } inode)
            yield break;
        inode.IsKnowablyUnfinished = false;
        world.OpenToWrite(inode);
        world.SetTimes(name, inode, world.Now.WallNs);
        world.Close(name, inode);
    }

    private static IEnumerator<bool> ChangeMode(World world, Choices choices)
    {
        string name = choices.Of(Finals);
        if (world.Find(name) is not { } inode)
            yield break;
        inode.IsKnowablyUnfinished &= inode.Stat.HasZeroMtime;
        world.SetMode(name, inode, Everybody);
    }

    // The kernel closes what a killed program had open.
    private static IEnumerable<bool> WriteSome(
        World world, Choices choices, string name, Inode inode, long? mtimeBeforeCloseNs = null)
    {
        try
        {
            int writes = 1 + choices.Next(4);
            for (int i = 0; i < writes; i++)
            {
                world.Write(name, inode, 1 + choices.Next(1000));
                yield return true;
            }

            if (mtimeBeforeCloseNs is { } mtimeNs)
                world.SetTimes(name, inode, mtimeNs);
        }
        finally
        {
            world.Close(name, inode);
        }
    }

    // Every source is older than the world, and no two versions look alike.
    private static long NewSourceMtime(Choices choices) => SourceMtimeNs + choices.Next(int.MaxValue);
}
