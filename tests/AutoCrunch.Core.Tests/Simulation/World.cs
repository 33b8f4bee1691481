using System.Runtime.CompilerServices;
using System.Text;

namespace AutoCrunch.Core.Tests.Simulation;

/// <summary>
/// Directories, files, clock and the kernel's inotify queue. The watched tree is below <see cref="Root"/>; below
/// <see cref="Outside"/>, on the same file system, nothing is watched.
/// </summary>
internal sealed class World
{
    private const long SecondNs = 1_000_000_000;
    private const long TickNs = 4_000_000;

    private readonly long _tickNs;
    private readonly bool _reusesNumbers;
    private readonly Stack<ulong> _freeNumbers = new();
    private int _lastSerial = 99;
    private ulong _lastNumber = 99;
    private uint _lastCookie;
    private int _names;

    public World(Choices choices, List<string>? log)
    {
        Log = log;
        Queue = new KernelQueue(choices.Next(3) switch { 0 => 100_000, 1 => 20, _ => 5 });
        _tickNs = choices.Chance(2) ? TickNs : 1;
        _reusesNumbers = choices.Chance(4);
    }

    /// <summary>How many files have been sent with their own times.</summary>
    public int Sources { get; set; }

    public Folder Root { get; } = new(null, "");

    public Folder Outside { get; } = new(null, "");

    public KernelQueue Queue { get; }

    public long MonotonicNs { get; private set; } = 1000 * SecondNs;

    /// <summary>Wall clock minus monotonic clock; changes when somebody sets the clock.</summary>
    public long ClockOffsetNs { get; private set; } = 1_700_000_000L * SecondNs;

    /// <summary>How often the wall clock was set.</summary>
    public int ClockSteps { get; private set; }

    public Moment Now => new(MonotonicNs, MonotonicNs + ClockOffsetNs);

    /// <summary>What happened, a line each, when somebody wants to read it.</summary>
    public List<string>? Log { get; }

    /// <summary>Every file in sight of the service.</summary>
    public IEnumerable<Entry> Files => Root.Tree.SelectMany(folder => folder.Files.Values);

    /// <summary>A file that shows that rsync was killed while it wrote it must be held.</summary>
    public bool HoldsOwnerOnly { get; init; } = true;

    /// <summary>Whether a look at a name is under way.</summary>
    public Func<Folder, string, bool> IsAsked { get; set; } = (_, _) => false;

    /// <summary>Whether a file has had a verdict as it is.</summary>
    public Func<Inode, bool> IsJudged { get; set; } = _ => false;

    /// <summary>Whether the service waits for a verdict on a name that was closed after writing.</summary>
    public Func<Entry, bool> IsInFlight { get; set; } = _ => false;

    /// <summary>Whether the service has not found out yet what became of a directory that was moved out.</summary>
    public Func<Folder, bool> IsAdrift { get; set; } = _ => false;

    /// <summary>A file is about to leave the sight of the service.</summary>
    public Action<Entry> Leaves { get; set; } = _ => { };

    /// <summary>Whether the ledger shows a file as held under a name.</summary>
    public Func<Entry, bool> IsHeld { get; set; } = _ => false;

    // File times come from the kernel's coarse clock, which lags by up to one tick.
    private long FileTimeNs => Now.WallNs - (Now.WallNs % _tickNs);

    public static byte[] Bytes(string name) => Encoding.UTF8.GetBytes(name);

    public void SetClock(long byNs)
    {
        ClockSteps++;
        ClockOffsetNs += byNs;
    }

    public void Pass(long ns) => MonotonicNs += ns;

    public void Note([InterpolatedStringHandlerArgument("")] NoteHandler text)
    {
        if (text.Text is { } note)
            Log!.Add($"{(MonotonicNs / 1e9) - 1000:F6} {note}");
    }

    /// <summary>The directory at a path below the root; null when there is none.</summary>
    public Folder? FindFolder(string path)
    {
        Folder? folder = Root;
        foreach (string name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!folder.Folders.TryGetValue(name, out folder))
                return null;
        }

        return folder;
    }

    /// <summary>The file at a path below the root; null when there is none.</summary>
    public Entry? Find(string path)
    {
        int slash = path.LastIndexOf('/');
        return FindFolder(slash < 0 ? "" : path[..slash])?.Files.GetValueOrDefault(path[(slash + 1)..]);
    }

    /// <summary>open(2) with O_CREAT and O_EXCL.</summary>
    public OpenFile Create(Folder folder, string name, uint mode, Mark mark = Mark.None)
    {
        ulong number = _reusesNumbers && _freeNumbers.TryPop(out ulong free) ? free : ++_lastNumber;
        long now = FileTimeNs;
        var inode = new Inode { Serial = ++_lastSerial, Number = number, BirthNs = now };
        inode.Mark = HoldsOwnerOnly ? mark : Mark.None;
        (inode.MtimeNs, inode.CtimeNs, inode.Mode, inode.Links) = (now, now, mode, 1);
        var entry = new Entry(inode, folder, name);
        folder.Files.Add(name, entry);
        Tell(FileEventKind.Created, entry);
        return Open(entry);
    }

    public OpenFile Open(Entry entry)
    {
        entry.Inode.Writers++;
        return new OpenFile(entry);
    }

    public void Write(OpenFile file, long bytes)
    {
        file.Inode.Write(bytes, FileTimeNs);
        if (file.Inode.Mark == Mark.ZeroMtime)
            file.Inode.Mark = Mark.None;
        if (!file.HasWritten)
            file.Inode.Unfinished++;
        file.HasWritten = true;
        Tell(FileEventKind.Modified, file.Entry);
    }

    public void Truncate(OpenFile file) => Write(file, -file.Inode.SizeBytes);

    /// <summary>It has written what it wanted to.</summary>
    public void Finish(OpenFile file)
    {
        if (file.HasWritten)
            file.Inode.Unfinished--;
        file.HasWritten = false;
    }

    public void Close(OpenFile file)
    {
        if (file.IsClosed)
            return;
        Finish(file);
        file.IsClosed = true;
        file.Inode.Writers--;
        Tell(FileEventKind.ClosedAfterWrite, file.Entry);
        Free(file.Inode);
    }

    /// <summary>A name that nothing has or had.</summary>
    public string NewName(string prefix) => $"{prefix}{++_names}";

    public void SetTimes(Entry entry, long mtimeNs)
    {
        Inode inode = entry.Inode;

        // Another time, and then a close after writing: nobody can know that nothing was written.
        inode.WasTouchedUnseen |= mtimeNs != inode.MtimeNs
            && (inode.Writers > 0 || (IsJudged(inode) && (Queue.HoldsClose(entry.Folder, entry.Name)
                || IsInFlight(entry))));
        inode.MtimeNs = mtimeNs;
        inode.CtimeNs = FileTimeNs;
        if (inode.Stat.HasZeroMtime)
            inode.Mark = Mark.ZeroMtime;
        else if (inode.MtimeNs != inode.CtimeNs || inode.Mark == Mark.ZeroMtime)
            inode.Mark = Mark.None;
        Tell(FileEventKind.AttributesChanged, entry);
    }

    /// <summary>touch(1): now, and mtime and ctime are the same reading of the clock.</summary>
    public void Touch(Entry entry) => SetTimes(entry, FileTimeNs);

    public void SetMode(Entry entry, uint mode)
    {
        entry.Inode.Mode = mode;
        entry.Inode.CtimeNs = FileTimeNs;
        if (entry.Inode.Mark == Mark.OwnerOnly && (mode & 0x3F) != 0)
            entry.Inode.Mark = Mark.None;
        Tell(FileEventKind.AttributesChanged, entry);
    }

    public void Rename(Entry entry, Folder folder, string name)
    {
        if (!entry.IsThere || folder.IsRemoved || folder.Folders.ContainsKey(name))
            return;
        if (folder.Files.TryGetValue(name, out Entry? replaced))
        {
            if (replaced.Inode == entry.Inode)
                return; // rename(2): two links to one file, nothing is done
            Leave(replaced);
        }

        if (IsInSight(entry.Folder) && !IsInSight(folder))
            Leaves(entry);
        MoveCtime(entry);
        uint cookie = ++_lastCookie;
        entry.Folder.Files.Remove(entry.Name);
        Folder oldFolder = entry.Folder;
        string oldName = entry.Name;
        (entry.Folder, entry.Name) = (folder, name);
        folder.Files[name] = entry;
        NoteLinks(entry.Inode);
        NoteArrival(
            entry.Inode, oldFolder.PathOf(oldName), IsInSight(oldFolder), folder.PathOf(name), IsInSight(folder));
        entry.Inode.WasMovedUnread |= Queue.Holds(folder, name) || IsAsked(folder, name)
            || IsMoveUnread(folder);
        bool isSeen =
            Tell(new KernelEvent(KernelNews.Name, oldFolder, FileEventKind.MovedOut, oldName, cookie, false), null)
            & Tell(new KernelEvent(KernelNews.Name, folder, FileEventKind.MovedIn, name, cookie, false), entry);
        entry.Inode.WasRenamedUnseen |= !isSeen;
    }

    /// <summary>Gives an inode a name. The kernel tells of the new name only.</summary>
    public Entry? Link(Inode inode, Folder folder, string name)
    {
        if (folder.IsRemoved || folder.Files.ContainsKey(name) || folder.Folders.ContainsKey(name))
            return null;
        var entry = new Entry(inode, folder, name);
        MoveCtime(entry);
        inode.Links++;
        inode.NamesGiven++;
        folder.Files.Add(name, entry);
        NoteLinks(inode);
        inode.HasArrivedAgain |= Outside.Tree.Any(each => each.Files.Values.Any(other => other.Inode == inode));
        Tell(FileEventKind.Created, entry);
        return entry;
    }

    public void Unlink(Entry entry)
    {
        if (!entry.IsThere)
            return;
        Leave(entry);
        Tell(new KernelEvent(
            KernelNews.Name, entry.Folder, FileEventKind.Deleted, entry.Name, 0, false), null);
    }

    public Folder? MakeFolder(Folder parent, string name)
    {
        if (parent.IsRemoved || parent.Folders.ContainsKey(name) || parent.Files.ContainsKey(name))
            return null;
        var folder = new Folder(parent, name);
        parent.Folders.Add(name, folder);
        Tell(new KernelEvent(KernelNews.Name, parent, FileEventKind.Created, name, 0, true), null);
        return folder;
    }

    /// <summary>rmdir(2).</summary>
    public void RemoveFolder(Folder folder)
    {
        if (folder.Parent is not { } parent || folder.IsRemoved || folder.Files.Count + folder.Folders.Count > 0)
            return;
        parent.Folders.Remove(folder.Name);
        folder.IsRemoved = true;
        EndWatch(folder);
        Tell(new KernelEvent(KernelNews.Name, parent, FileEventKind.Deleted, folder.Name, 0, true), null);
    }

    public bool MoveFolder(Folder folder, Folder parent, string name)
    {
        bool isTaken = parent.Folders.ContainsKey(name) || parent.Files.ContainsKey(name);
        if (folder.Parent is not { } from || folder.IsRemoved || parent.IsRemoved || isTaken
            || parent.IsAtOrBelow(folder))
            return false;
        uint cookie = ++_lastCookie;
        string oldName = folder.Name;
        from.Folders.Remove(oldName);
        parent.Folders.Add(name, folder);
        (Inode Inode, string Path, bool IsInSight)[] files = [.. FilesBelow(folder)];
        (folder.Parent, folder.Name) = (parent, name);
        foreach (var ((inode, before, wasInSight), (_, after, isInSight)) in files.Zip(FilesBelow(folder)))
            NoteArrival(inode, before, wasInSight, after, isInSight);
        Tell(new KernelEvent(KernelNews.Name, from, FileEventKind.MovedOut, oldName, cookie, true), null);
        Tell(new KernelEvent(KernelNews.Name, parent, FileEventKind.MovedIn, name, cookie, true), null);
        Tell(new KernelEvent(KernelNews.MovedSelf, folder, default, "", 0, true), null);
        return true;
    }

    /// <summary>The kernel ends a watch and tells of it.</summary>
    public void EndWatch(Folder folder)
    {
        Tell(new KernelEvent(KernelNews.WatchEnded, folder, default, "", 0, true), null);
        folder.IsWatched = false;
    }

    // A rename or a link moves the ctime: from then on nothing tells the file from a whole one, but for the ledger.
    private void MoveCtime(Entry entry)
    {
        if (entry.Inode.Mark == Mark.OwnerOnly && !IsHeld(entry))
            entry.Inode.Mark = Mark.None;
        entry.Inode.CtimeNs = FileTimeNs;
    }

    // It is new to the service then, and what is in it is found by a scan. So too where it left and came back at once,
    // and nothing but that scan can tell that it is the same.
    private bool IsMoveUnread(Folder folder)
    {
        for (Folder? each = folder; each is { Parent: { } parent }; each = parent)
        {
            if (Queue.HoldsMove(parent, each.Name) || IsAdrift(each))
                return true;
        }

        return false;
    }

    private void NoteLinks(Inode inode) =>
        inode.WasLinked |= inode.Links > 1 && Files.Count(entry => entry.Inode == inode) > 1;

    private IEnumerable<(Inode Inode, string Path, bool IsInSight)> FilesBelow(Folder top) =>
        from folder in top.Tree
        from file in folder.Files.Values
        select (file.Inode, folder.PathOf(file.Name), IsInSight(folder));

    private static void NoteArrival(Inode inode, string before, bool wasInSight, string after, bool isInSight)
    {
        if (wasInSight && !isInSight)
            inode.LeftFrom = before;
        inode.HasArrivedAgain |= !wasInSight && isInSight && inode.LeftFrom is { } left && left != after;
    }

    private bool IsInSight(Folder folder) => folder.IsAtOrBelow(Root) && !Senders.IsIgnored(folder);

    private void Leave(Entry entry)
    {
        MoveCtime(entry);
        entry.Folder.Files.Remove(entry.Name);
        entry.IsThere = false;
        entry.Inode.Links--;
        Free(entry.Inode);
    }

    private void Free(Inode inode)
    {
        if (inode is { Links: 0, Writers: 0 })
            _freeNumbers.Push(inode.Number);
    }

    // IN_EXCL_UNLINK: what happens to a file under a name that is no longer there is not told.
    private void Tell(FileEventKind kind, Entry entry)
    {
        if (entry.IsThere)
        {
            var told = new KernelEvent(KernelNews.Name, entry.Folder, kind, entry.Name, 0, false);
            Tell(told with { Inode = entry.Inode }, entry);
        }
    }

    private bool Tell(in KernelEvent told, Entry? entry)
    {
        Folder folder = told.Folder!;
        bool isInSight = folder.IsAtOrBelow(Root);
        Log?.Add($"{(MonotonicNs / 1e9) - 1000:F6} {(told.News == KernelNews.Name ? told.Kind : told.News)} "
            + $"{(isInSight ? "" : "outside/")}{folder.PathOf(told.Name)}{(told.IsFolder ? "/" : "")} {entry?.Inode}");
        bool isMoveUnread = told.Kind == FileEventKind.AttributesChanged && Queue.HoldsMove(folder, told.Name);
        bool isTold = folder.IsWatched && Queue.Add(told);

        // The look that follows an unread rename sees another mtime than the one known under the old name.
        if (told.Kind == FileEventKind.AttributesChanged && (!isTold || isMoveUnread || entry!.Inode.Links > 1))
            entry!.Inode.WasTouchedUnseen = true;
        return isTold;
    }
}

/// <summary>Text for the log, put together only when there is one.</summary>
[InterpolatedStringHandler]
internal readonly struct NoteHandler
{
    private readonly StringBuilder? _text;

    public NoteHandler(int literalLength, int formattedCount, World world, out bool isWanted)
    {
        isWanted = world.Log is not null;
        _text = isWanted ? new StringBuilder(literalLength + (formattedCount * 16)) : null;
    }

    public string? Text => _text?.ToString();

    public void AppendLiteral(string text) => _text!.Append(text);

    public void AppendFormatted<T>(T value) => _text!.Append(value);
}
