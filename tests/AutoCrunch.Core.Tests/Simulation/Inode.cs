using System.Globalization;

namespace AutoCrunch.Core.Tests.Simulation;

/// <summary>What the file system itself says of a file that no sender has finished.</summary>
internal enum Mark
{
    /// <summary>Nothing: whole, or not to be told from a whole one.</summary>
    None,

    /// <summary>Written in place by rsync, and neither its times nor its mode have been set yet.</summary>
    OwnerOnly,

    /// <summary>mtime 0: left by an interrupted --partial.</summary>
    ZeroMtime,
}

/// <summary>One inode of the model world, with what the world knows and no program can see.</summary>
internal sealed class Inode
{
    private readonly List<(long SizeBytes, long MtimeNs, int Content)> _written = [];

    /// <summary>Never given out again, unlike the number.</summary>
    public required int Serial { get; init; }

    public required ulong Number { get; init; }

    public required long BirthNs { get; init; }

    public long SizeBytes { get; set; }

    public long MtimeNs { get; set; }

    public long CtimeNs { get; set; }

    public uint Mode { get; set; }

    public int Links { get; set; }

    /// <summary>How many descriptors are open for writing.</summary>
    public int Writers { get; set; }

    /// <summary>How many of them have written and are not done.</summary>
    public int Unfinished { get; set; }

    /// <summary>Whether the file shows that it must not be processed.</summary>
    public Mark Mark { get; set; }

    /// <summary>Changes with every write: what a job must have seen, once.</summary>
    public int Content { get; private set; }

    /// <summary>
    /// Its mtime was changed while nobody saw it, or when it could not be known that no more had happened: then the
    /// version that is found is a new one, by definition.
    /// </summary>
    public bool WasTouchedUnseen { get; set; }

    /// <summary>
    /// It was renamed to a name whose own events were not read, or whose look was not answered: the verdict that
    /// follows from those is on the file that is there, and nobody can know yet that it came by another rename. Or it
    /// was renamed on before its rename was read: by then the name in between is gone, and with it where it came from.
    /// Or it has several links and was seen under the new name before the rename was read: it looks like one more link.
    /// </summary>
    public bool WasMovedUnread { get; set; }

    /// <summary>It was renamed, and the service did not see it.</summary>
    public bool WasRenamedUnseen { get; set; }

    /// <summary>It was renamed unseen, and another file took its old name before a scan found it.</summary>
    public bool WasForgotten { get; set; }

    /// <summary>Where it was when it was moved out of sight.</summary>
    public string? LeftFrom { get; set; }

    /// <summary>It was out of sight and is back under another name: an arrival.</summary>
    public bool HasArrivedAgain { get; set; }

    /// <summary>It has had several names in the watched tree: each is a file of its own.</summary>
    public bool WasLinked { get; set; }

    /// <summary>It was written while it had several names.</summary>
    public bool WasWrittenLinked { get; private set; }

    /// <summary>How many names it was given, not counting renames.</summary>
    public int NamesGiven { get; set; } = 1;

    public FileStat Stat =>
        new(FileType.Regular, 1, Number, SizeBytes, MtimeNs, CtimeNs, BirthNs, Mode, (uint)Links);

    // Two writes within a tick of the clock that leave the same size look the same to everybody, for ever.
    public void Write(long bytes, long nowNs)
    {
        WasWrittenLinked |= Links > 1;
        SizeBytes += bytes;
        MtimeNs = CtimeNs = nowNs;
        int same = _written.FindIndex(was => was.SizeBytes == SizeBytes && was.MtimeNs == MtimeNs);
        Content = same >= 0 ? _written[same].Content : _written.Count + 1;
        _written.Add((SizeBytes, MtimeNs, Content));
    }

    public override string ToString() =>
        $"#{Serial} {SizeBytes} B, mtime {Seconds(MtimeNs)}, ctime {Seconds(CtimeNs)}, "
        + $"mode {Convert.ToString(Mode, 8)}, {Writers} writers, {Links} links"
        + (Mark == Mark.None ? "" : $", {Mark}");

    private static string Seconds(long ns) => ((ns / 1e9) - 1.7e9).ToString("F6", CultureInfo.InvariantCulture);
}

/// <summary>One name of an inode: what a program that has it open goes on to see when it is renamed.</summary>
internal sealed class Entry(Inode inode, Folder folder, string name)
{
    public Inode Inode { get; } = inode;

    public Folder Folder { get; set; } = folder;

    public string Name { get; set; } = name;

    public bool IsThere { get; set; } = true;
}

/// <summary>A descriptor open for writing.</summary>
internal sealed class OpenFile(Entry entry)
{
    public Entry Entry { get; } = entry;

    public Inode Inode => Entry.Inode;

    public bool HasWritten { get; set; }

    public bool IsClosed { get; set; }
}

/// <summary>A directory of the model world.</summary>
internal sealed class Folder(Folder? parent, string name)
{
    public Folder? Parent { get; set; } = parent;

    public string Name { get; set; } = name;

    public Dictionary<string, Entry> Files { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, Folder> Folders { get; } = new(StringComparer.Ordinal);

    /// <summary>The service has a watch on it.</summary>
    public bool IsWatched { get; set; }

    public bool IsRemoved { get; set; }

    /// <summary>Itself and everything below it, itself first.</summary>
    public IEnumerable<Folder> Tree => Folders.Values.SelectMany(folder => folder.Tree).Prepend(this);

    public string PathOf(string entry)
    {
        for (Folder folder = this; folder.Parent is not null; folder = folder.Parent)
            entry = entry.Length == 0 ? folder.Name : $"{folder.Name}/{entry}";
        return entry;
    }

    public bool IsAtOrBelow(Folder other)
    {
        for (Folder? folder = this; folder is not null; folder = folder.Parent)
        {
            if (folder == other)
                return true;
        }

        return false;
    }
}
