using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Watching;

/// <summary>
/// Tells when a root's path may lead to another directory than before. A path changes where it leads only when one of
/// the directories or symbolic links on its way is itself moved or removed (a mount over one of them is seen in the
/// mount table): each of them is watched for just that, and the directory that the root is in for directories that go
/// or come. So a root that is there need not be looked at again and again.
/// </summary>
/// <remarks>
/// An inotify instance of its own: in the one for the trees a second watch of a directory would change the first.
/// Watches are never removed: the kernel ends that of a link that is replaced, and another one at worst asks for a
/// needless look.
/// </remarks>
internal sealed class PathWatch : IDisposable
{
    // As many as the kernel follows (path_resolution(7)).
    private const int LinksMax = 40;

    private const uint DirectoryMask = InotifyMask.IN_MOVE_SELF | InotifyMask.IN_DELETE_SELF
        | InotifyMask.IN_ONLYDIR | InotifyMask.IN_DONT_FOLLOW | InotifyMask.IN_MASK_ADD;

    // An empty directory that somebody is in (his working directory) tells of its own removal only when he has left.
    private const uint ParentMask = DirectoryMask | ReplacedMask;
    private const uint ReplacedMask = InotifyMask.IN_DELETE | InotifyMask.IN_MOVED_TO;

    // ATTRIB: its last name is gone. A directory would have it told of everything in it, too.
    private const uint LinkMask = InotifyMask.IN_MOVE_SELF | InotifyMask.IN_DELETE_SELF | InotifyMask.IN_ATTRIB
        | InotifyMask.IN_DONT_FOLLOW;

    private static readonly BytePath s_top = new("/"u8);

    private readonly Inotify? _inotify = Create();

    /// <summary>For <see cref="Poller"/>: readable when something has changed; -1 when there is no instance.</summary>
    public int FileDescriptor => _inotify?.FileDescriptor ?? -1;

    /// <summary>
    /// Watches the way of an absolute path. Any thread. True when every change of it will be told from now on: look
    /// where it leads after that. False when it must be looked at from time to time: a part of it may not be watched.
    /// </summary>
    public bool Cover(BytePath path)
    {
        if (_inotify is null)
            return false;
        BytePath reached = s_top;
        int links = 0;
        ReadOnlySpan<byte> rest = path.Span;
        while (!rest.IsEmpty)
        {
            int slash = rest.IndexOf((byte)'/');
            ReadOnlySpan<byte> name = slash < 0 ? rest : rest[..slash];
            rest = slash < 0 ? default : rest[(slash + 1)..];
            if (name.IsEmpty || name.SequenceEqual("."u8))
                continue;
            if (name.SequenceEqual(".."u8))
            {
                reached = Above(reached);
                continue;
            }

            BytePath next = reached.Join(name);
            if (FileStatReader.TryRead(next, out FileStat stat) != 0)
                return false;
            bool isLink = stat.Type == FileType.Symlink;
            if (_inotify.AddWatch(next, isLink ? LinkMask : DirectoryMask) < 0)
                return false;
            if (!isLink)
            {
                reached = next;
                continue;
            }

            links++;
            if (links > LinksMax || PathOps.TryReadLink(next, out BytePath target) != 0)
                return false;
            if (target.Span.StartsWith("/"u8))
                reached = s_top;
            rest = (byte[])[.. target.Span, (byte)'/', .. rest];
        }

        return _inotify.AddWatch(Above(reached), ParentMask) >= 0;
    }

    private static BytePath Above(BytePath directory) => directory.Length > 1 ? directory.Directory : s_top;

    /// <summary>Takes what was told; true when a path may lead elsewhere. Watch thread.</summary>
    public bool TakeChange()
    {
        bool isChanged = false;
        while (_inotify?.Read() is { IsEmpty: false } batch)
        {
            var reader = new InotifyEventReader(batch);
            while (reader.MoveNext())
                isChanged |= (reader.Mask & InotifyMask.IN_IGNORED) == 0
                    && ((reader.Mask & ReplacedMask) == 0 || (reader.Mask & InotifyMask.IN_ISDIR) != 0);
        }

        return isChanged;
    }

    public void Dispose() => _inotify?.Dispose();

    // Without an instance all is as before, only more often looked at.
    private static Inotify? Create()
    {
        try
        {
            return Inotify.Create();
        }
        catch (LinuxException)
        {
            return null;
        }
    }
}
