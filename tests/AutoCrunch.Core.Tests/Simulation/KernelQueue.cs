namespace AutoCrunch.Core.Tests.Simulation;

/// <summary>What else than a change of a name the kernel may tell.</summary>
internal enum KernelNews
{
    Name,

    /// <summary>The watch has ended: its directory is gone, or its file system unmounted.</summary>
    WatchEnded,

    /// <summary>The watched directory itself was renamed.</summary>
    MovedSelf,

    /// <summary>What came after this is lost.</summary>
    Overflow,
}

/// <summary>One event in the model of the kernel's queue.</summary>
internal readonly record struct KernelEvent(
    KernelNews News, Folder? Folder, FileEventKind Kind, string Name, uint Cookie, bool IsFolder)
{
    /// <summary>The file it is of, which nobody who reads it is told; null for news of names alone.</summary>
    public Inode? Inode { get; init; }
}

/// <summary>
/// The kernel's queue: equal neighbours merge, and beyond the limit events are lost and one overflow is queued last
/// (inotify(7)).
/// </summary>
internal sealed class KernelQueue(int limit)
{
    private readonly Queue<KernelEvent> _events = new();
    private KernelEvent _last;

    public int Overflows { get; private set; }

    public Dictionary<string, long> Counts { get; } = new(StringComparer.Ordinal);

    public bool IsEmpty => _events.Count == 0;

    public bool Holds(Folder folder, string name) =>
        _events.Any(each => each.News == KernelNews.Overflow || (each.Folder == folder && each.Name == name));

    /// <summary>A rename to this name is not read yet.</summary>
    public bool HoldsMove(Folder folder, string name) => _events.Any(
        each => each.Kind == FileEventKind.MovedIn && each.Folder == folder && each.Name == name);

    /// <summary>A change of attributes under this name is not read yet.</summary>
    public bool HoldsTouch(Folder folder, string name) => _events.Any(
        each => each.Kind == FileEventKind.AttributesChanged && each.Folder == folder && each.Name == name);

    /// <summary>A close after writing under this name is not read yet.</summary>
    public bool HoldsClose(Folder folder, string name) => _events.Any(
        each => each.Kind == FileEventKind.ClosedAfterWrite && each.Folder == folder && each.Name == name);

    /// <summary>False when it is lost.</summary>
    public bool Add(in KernelEvent added)
    {
        string name = added.News == KernelNews.Name ? added.Kind.ToString() : added.News.ToString();
        Counts[name] = Counts.GetValueOrDefault(name) + 1;
        if (_events.Count > 0 && (_last == added || _last.News == KernelNews.Overflow))
            return _last == added;
        bool hasRoom = _events.Count < limit;
        if (!hasRoom)
            Overflows++;
        _last = hasRoom ? added : new KernelEvent(KernelNews.Overflow, null, default, "", 0, false);
        _events.Enqueue(_last);
        return hasRoom;
    }

    public KernelEvent Take() => _events.Dequeue();

    /// <summary>The inotify instance is gone, and its queue with it.</summary>
    public void Drop() => _events.Clear();
}
