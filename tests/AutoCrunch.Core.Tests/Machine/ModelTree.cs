using System.Text;

namespace AutoCrunch.Core.Tests.Machine;

/// <summary>One inode of a <see cref="ModelTree"/>.</summary>
internal sealed class ModelInode
{
    public required ulong Number { get; init; }

    public required long BirthNs { get; init; }

    public FileType Type { get; set; } = FileType.Regular;

    public long SizeBytes { get; set; }

    public long MtimeNs { get; set; }

    public long CtimeNs { get; set; }

    public uint Mode { get; set; }

    public uint Links { get; set; } = 1;

    /// <summary>How many descriptors are open for writing.</summary>
    public int Writers { get; set; }

    public FileStat Stat => new(Type, 1, Number, SizeBytes, MtimeNs, CtimeNs, BirthNs, Mode, Links);
}

/// <summary>One event a change of the tree leaves in the queue.</summary>
internal readonly record struct ModelEvent(FileEventKind Kind, string Path, uint Cookie)
{
    public string Directory => ModelTree.DirectoryOf(Path);

    public string Name => ModelTree.NameOf(Path);
}

/// <summary>
/// The files of a rule's tree in memory, with the times, links and events of a real one. Paths are text with one
/// character per byte. Every change takes 10 µs.
/// </summary>
internal sealed class ModelTree
{
    private const long ChangeNs = 10_000;

    private readonly SortedDictionary<string, ModelInode> _files = new(StringComparer.Ordinal);
    private ulong _lastInode = 100;
    private uint _lastCookie;

    /// <summary>The wall clock of the next change.</summary>
    public long WallNs { get; set; }

    /// <summary>What the kernel would have queued, in order; taken by whoever reads it.</summary>
    public List<ModelEvent> Events { get; } = [];

    public IEnumerable<string> Paths => _files.Keys;

    public static string DirectoryOf(string path) => path.Contains('/') ? path[..path.LastIndexOf('/')] : "";

    public static string NameOf(string path) => path[(path.LastIndexOf('/') + 1)..];

    public static byte[] BytesOf(string text) => Encoding.Latin1.GetBytes(text);

    public static string TextOf(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    public ModelInode? Find(string path) => _files.GetValueOrDefault(path);

    public ModelInode Get(string path) =>
        Find(path) ?? throw new InvalidOperationException($"the model has no file {path}");

    public bool Exists(string path) => _files.ContainsKey(path);

    /// <summary>open(2) with O_CREAT of a name that is not there; the descriptor stays open for writing.</summary>
    public ModelInode Create(string path, uint mode, FileType type = FileType.Regular)
    {
        ModelInode inode = Put(path, mode, type);
        if (type == FileType.Regular)
            inode.Writers = 1;
        Queue(FileEventKind.Created, path);
        return inode;
    }

    /// <summary>A file that is simply there: no event.</summary>
    public ModelInode Put(string path, uint mode, FileType type = FileType.Regular)
    {
        Tick();
        var inode = new ModelInode
        {
            Number = ++_lastInode, BirthNs = WallNs, MtimeNs = WallNs, CtimeNs = WallNs, Mode = mode, Type = type,
        };
        Enter(path, inode);
        return inode;
    }

    public void Open(string path) => Get(path).Writers++;

    public void Write(string path, long bytes = 1000)
    {
        Store(path, bytes);
        Queue(FileEventKind.Modified, path);
    }

    /// <summary>Writes through mmap(2): no event.</summary>
    public void Store(string path, long bytes = 0)
    {
        Tick();
        ModelInode inode = Get(path);
        inode.SizeBytes += bytes;
        inode.MtimeNs = inode.CtimeNs = WallNs;
    }

    public void Close(string path)
    {
        ModelInode inode = Get(path);
        inode.Writers = Math.Max(0, inode.Writers - 1);
        Queue(FileEventKind.ClosedAfterWrite, path);
    }

    public void SetMtime(string path, long mtimeNs)
    {
        Tick();
        ModelInode inode = Get(path);
        inode.MtimeNs = mtimeNs;
        inode.CtimeNs = WallNs;
        Queue(FileEventKind.AttributesChanged, path);
    }

    /// <summary>touch(1) without O_CREAT: mtime and ctime are the same reading of the clock.</summary>
    public void Touch(string path)
    {
        Tick();
        ModelInode inode = Get(path);
        inode.MtimeNs = inode.CtimeNs = WallNs;
        Queue(FileEventKind.AttributesChanged, path);
    }

    public void SetMode(string path, uint mode)
    {
        Tick();
        ModelInode inode = Get(path);
        inode.Mode = mode;
        inode.CtimeNs = WallNs;
        Queue(FileEventKind.AttributesChanged, path);
    }

    public void Link(string existing, string path)
    {
        Tick();
        ModelInode inode = Get(existing);
        inode.Links++;
        inode.CtimeNs = WallNs;
        Enter(path, inode);
        Queue(FileEventKind.Created, path);
    }

    public void Unlink(string path)
    {
        Leave(path);
        Queue(FileEventKind.Deleted, path);
    }

    public void Rename(string from, string to)
    {
        Tick();
        ModelInode inode = Get(from);
        _files.Remove(from);
        inode.CtimeNs = WallNs;
        Enter(to, inode);
        QueueRename(from, to);
    }

    /// <summary>A rename whose other half is out of sight.</summary>
    public void MoveOut(string path)
    {
        Leave(path);
        Events.Add(new ModelEvent(FileEventKind.MovedOut, path, ++_lastCookie));
    }

    /// <summary>A rename into sight of a file written and dated before.</summary>
    public ModelInode MoveIn(string path, uint mode, long mtimeNs)
    {
        ModelInode inode = Put(path, mode);
        inode.SizeBytes = 1000;
        inode.MtimeNs = mtimeNs;
        Events.Add(new ModelEvent(FileEventKind.MovedIn, path, ++_lastCookie));
        return inode;
    }

    /// <summary>renameat2(2) with RENAME_EXCHANGE.</summary>
    public void Exchange(string one, string other)
    {
        Tick();
        (ModelInode first, ModelInode second) = (Get(one), Get(other));
        first.CtimeNs = second.CtimeNs = WallNs;
        _files[one] = second;
        _files[other] = first;
        QueueRename(one, other);
        QueueRename(other, one);
    }

    /// <summary>Takes a name away without an event.</summary>
    public void Leave(string path)
    {
        Tick();
        if (!_files.Remove(path, out ModelInode? inode))
            return;
        inode.Links--;
        inode.CtimeNs = WallNs;
    }

    /// <summary>Gives a name an inode without an event.</summary>
    public void Enter(string path, ModelInode inode)
    {
        if (_files.GetValueOrDefault(path) is { } replaced && replaced != inode)
            Leave(path);
        _files[path] = inode;
    }

    private void QueueRename(string from, string to)
    {
        uint cookie = ++_lastCookie;
        Events.Add(new ModelEvent(FileEventKind.MovedOut, from, cookie));
        Events.Add(new ModelEvent(FileEventKind.MovedIn, to, cookie));
    }

    // Equal neighbours are merged while they are unread (inotify(7)).
    private void Queue(FileEventKind kind, string path)
    {
        var change = new ModelEvent(kind, path, 0);
        if (Events.Count == 0 || Events[^1] != change)
            Events.Add(change);
    }

    private void Tick() => WallNs += ChangeNs;
}
