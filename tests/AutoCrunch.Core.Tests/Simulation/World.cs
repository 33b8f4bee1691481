using System.Globalization;
using System.Text;

namespace AutoCrunch.Core.Tests.Simulation;

/// <summary>One inode of the model world, with what the world knows and no program can see.</summary>
internal sealed class Inode
{
    public required ulong Number { get; init; }

    public long SizeBytes { get; set; }

    public long MtimeNs { get; set; }

    public long CtimeNs { get; set; }

    public long BirthNs { get; init; }

    public uint Mode { get; set; }

    public int Links { get; set; }

    public int Writers { get; set; }

    /// <summary>Changes with every write: what a job must have seen, once.</summary>
    public int Content { get; set; }

    /// <summary>
    /// Its content is not what its sender meant to send, and that can be known: it must never be processed.
    /// </summary>
    public bool IsKnowablyUnfinished { get; set; }

    public FileStat Stat =>
        new(FileType.Regular, 1, Number, SizeBytes, MtimeNs, CtimeNs, BirthNs, Mode, (uint)Links);
}

/// <summary>One event in the model of the kernel's queue.</summary>
internal readonly record struct QueuedEvent(FileEventKind Kind, string Name, uint Cookie, bool IsOverflow);

/// <summary>
/// A directory, its inodes and the kernel's inotify queue: equal neighbours merge, and beyond the limit events are lost
/// and one overflow is queued last (inotify(7)). Names in "out/" lie outside the watched directory.
/// </summary>
internal sealed class World(int queueMax)
{
    public const string Outside = "out/";
    private const long SecondNs = 1_000_000_000;
    private readonly Dictionary<string, Inode> _names = new(StringComparer.Ordinal);
    private readonly LinkedList<QueuedEvent> _queue = new();
    private ulong _nextInode = 100;
    private uint _nextCookie = 1;

    public long MonotonicNs { get; private set; } = 1000 * SecondNs;

    /// <summary>Wall clock minus monotonic clock; changes when somebody sets the clock.</summary>
    public long ClockOffsetNs { get; set; } = 1_700_000_000L * SecondNs;

    public Moment Now => new(MonotonicNs, MonotonicNs + ClockOffsetNs);

    public int Overflows { get; private set; }

    public Dictionary<FileEventKind, long> Counts { get; } = [];

    /// <summary>What happened, a line each, when somebody wants to read it.</summary>
    public List<string>? Log { get; set; }

    /// <summary>
    /// A processed file was renamed over a name whose own events were still unread: the look that follows the first of
    /// them sees the other file, and cannot know.
    /// </summary>
    public bool MovedUnread { get; set; }

    /// <summary>Whether the service holds what is under a name.</summary>
    public Func<string, bool> IsHeld { get; set; } = _ => false;

    public IReadOnlyDictionary<string, Inode> Names => _names;

    public bool QueueIsEmpty => _queue.Count == 0;

    public static byte[] Bytes(string name) => Encoding.UTF8.GetBytes(name);

    public void Pass(long ns) => MonotonicNs += ns;

    public QueuedEvent Dequeue()
    {
        QueuedEvent first = _queue.First!.Value;
        _queue.RemoveFirst();
        return first;
    }

    /// <summary>The service's inotify instance is gone, and its queue with it.</summary>
    public void DropQueue() => _queue.Clear();

    public Inode? Find(string name) => _names.GetValueOrDefault(name);

    public Inode Create(string name, uint mode)
    {
        var inode = new Inode
        {
            Number = _nextInode++,
            MtimeNs = Now.WallNs,
            CtimeNs = Now.WallNs,
            BirthNs = Now.WallNs,
            Mode = mode,
            Links = 1,
            Writers = 1,
        };
        _names[name] = inode;
        Tell(FileEventKind.Created, name);
        return inode;
    }

    public void OpenToWrite(Inode inode) => inode.Writers++;

    public void Write(string name, Inode inode, long bytes)
    {
        inode.SizeBytes += bytes;
        inode.Content++;
        inode.MtimeNs = Now.WallNs;
        inode.CtimeNs = Now.WallNs;
        TellIfThere(FileEventKind.Modified, name, inode);
    }

    public void Truncate(string name, Inode inode)
    {
        Write(name, inode, -inode.SizeBytes);
    }

    public void Close(string name, Inode inode)
    {
        inode.Writers--;
        TellIfThere(FileEventKind.ClosedAfterWrite, name, inode);
    }

    public void SetTimes(string name, Inode inode, long mtimeNs)
    {
        inode.MtimeNs = mtimeNs;
        inode.CtimeNs = Now.WallNs;
        TellIfThere(FileEventKind.AttributesChanged, name, inode);
    }

    public void SetMode(string name, Inode inode, uint mode)
    {
        inode.Mode = mode;
        inode.CtimeNs = Now.WallNs;
        TellIfThere(FileEventKind.AttributesChanged, name, inode);
    }

    public void Rename(string from, string to)
    {
        Inode inode = _names[from];
        if (_names.TryGetValue(to, out Inode? replaced) && ReferenceEquals(replaced, inode))
            return;
        _names.Remove(from);
        if (replaced is not null)
            replaced.Links--;
        _names[to] = inode;
        inode.CtimeNs = Now.WallNs;
        uint cookie = _nextCookie++;
        Tell(FileEventKind.MovedOut, from, cookie);
        Tell(FileEventKind.MovedIn, to, cookie);
    }

    public void Link(string from, string to)
    {
        Inode inode = _names[from];
        inode.Links++;
        inode.CtimeNs = Now.WallNs;
        _names[to] = inode;
        Tell(FileEventKind.AttributesChanged, from);
        Tell(FileEventKind.Created, to);
    }

    public void Unlink(string name)
    {
        if (!_names.Remove(name, out Inode? inode))
            return;
        inode.Links--;
        inode.CtimeNs = Now.WallNs;
        Tell(FileEventKind.Deleted, name);
    }

    private static string Text(Inode? inode) => inode is null ? ""
        : $"#{inode.Number} {inode.SizeBytes} B, mtime {Seconds(inode.MtimeNs)}, ctime {Seconds(inode.CtimeNs)}, "
        + $"mode {Convert.ToString(inode.Mode, 8)}, {inode.Writers} writers, {inode.Links} links"
        + (inode.IsKnowablyUnfinished ? ", unfinished" : "");

    private static string Seconds(long ns) => ((ns / 1e9) - 1.7e9).ToString("F6", CultureInfo.InvariantCulture);

    // An event goes to the name by which the file was opened, or to the one that was renamed to.
    private void TellIfThere(FileEventKind kind, string name, Inode inode)
    {
        if (!_names.TryGetValue(name, out Inode? there) || !ReferenceEquals(there, inode))
            name = _names.FirstOrDefault(pair => ReferenceEquals(pair.Value, inode)).Key ?? Outside;
        Tell(kind, name);
    }

    private void Tell(FileEventKind kind, string name, uint cookie = 0)
    {
        if (name.StartsWith(Outside, StringComparison.Ordinal))
            return;
        Log?.Add($"{MonotonicNs / 1e9:F6} {kind} {name} {Text(_names.GetValueOrDefault(name))}");
        Counts[kind] = Counts.GetValueOrDefault(kind) + 1;
        var queued = new QueuedEvent(kind, name, cookie, IsOverflow: false);
        if (_queue.Last?.Value == queued || _queue.Last?.Value.IsOverflow == true)
            return;
        if (_queue.Count < queueMax)
        {
            _queue.AddLast(queued);
            return;
        }

        Overflows++;
        _queue.AddLast(new QueuedEvent(default, "", 0, IsOverflow: true));
    }
}
