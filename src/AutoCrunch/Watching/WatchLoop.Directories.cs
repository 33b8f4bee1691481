using System.Runtime.CompilerServices;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Watching;

// How the tree follows what happens to directories.
internal sealed partial class WatchLoop
{
    private const int PathMax = 4096;

    private readonly List<DirectoryMove> _moves = [];

    private enum Presence
    {
        There,

        /// <summary>Not there, while the rule's root is.</summary>
        Gone,

        /// <summary>It cannot be told: the root is not there either, or the file system is a remote one.</summary>
        Unknown,
    }

    private void DirectoryCreated(WatchedDirectory parent, ReadOnlySpan<byte> name)
    {
        if (!IsEntered(parent, name))
            return;
        WatchedDirectory? directory = _tree.FindChild(parent, name);

        // A listing may show a directory before its event is read; then it is watched already.
        if (directory is { Wd: > 0 })
            return;
        RequestScan(directory ?? AddDirectory(parent, name.ToArray()), ScanReason.DirectoryChanged);
    }

    private void DirectoryMovedOut(WatchedDirectory parent, ReadOnlySpan<byte> name, uint cookie)
    {
        if (_tree.FindChild(parent, name) is not { } directory)
            return;
        _tree.Detach(directory);
        directory.Set(DirectoryTraits.Moving, true);
        _moves.Add(new DirectoryMove(directory, cookie, _now.MonotonicNs));
    }

    private void DirectoryMovedIn(WatchedDirectory parent, ReadOnlySpan<byte> name, uint cookie)
    {
        int index = _moves.FindIndex(move => move.Cookie == cookie && move.Directory.Root == parent.Root);
        if (index < 0)
        {
            // From elsewhere, or from a place that is not watched yet.
            if (IsEntered(parent, name))
            {
                WatchedDirectory arrived = _tree.FindChild(parent, name) ?? AddDirectory(parent, name.ToArray());
                RequestScan(arrived, ScanReason.DirectoryChanged);
            }

            return;
        }

        WatchedDirectory directory = _moves[index].Directory;
        _moves.RemoveAt(index);
        if (!IsEntered(parent, name) || parent.IsAtOrBelow(directory))
        {
            MovedAway(directory); // into a directory that is ignored; or our tree is wrong here, and the scan mends it
            return;
        }

        MoveInside(directory, parent, name.ToArray());
    }

    private void MoveInside(WatchedDirectory directory, WatchedDirectory parent, byte[] name)
    {
        BytePath from = directory.RelativePath;
        if (_tree.FindChild(parent, name) is { } overwritten)
            Forget(overwritten);
        directory.Set(DirectoryTraits.Moving, false);
        directory.Parent = parent;
        directory.Name = name;
        _tree.Attach(directory);
        _movedInBatch.Add(directory);
        BytePath to = directory.RelativePath;
        if (from != to)
            _knownFiles.DirectoryMoved(directory.Rule.Name, from, to);

        // A scan on its way may have failed on the old path, and the patterns may take other files under the new one.
        directory.Root.Requests.Remove(directory);
        RequestScan(directory, ScanReason.DirectoryChanged);
    }

    private void DirectoryDeleted(WatchedDirectory parent, ReadOnlySpan<byte> name)
    {
        if (_tree.FindChild(parent, name) is not { } directory)
            return;
        Presence presence = PresenceOf(directory, directory.RelativePath);
        if (presence == Presence.Gone)
        {
            Vanished(directory);
            return;
        }

        Forget(directory);
        if (presence == Presence.There)
            DirectoryCreated(parent, name); // another one by now
    }

    // Deleted, or its file system was unmounted.
    private void WatchEnded(WatchedDirectory directory)
    {
        _tree.Unlink(directory);
        if (directory.Parent is null)
        {
            LoseRoot(directory.Root, Errno.ENOENT);
        }
        else if (!directory.IsAdrift)
        {
            if (PresenceOf(directory, directory.RelativePath) == Presence.Gone)
            {
                Vanished(directory);
                return;
            }

            ForgetBelow(directory);
            RequestScan(directory, ScanReason.DirectoryChanged);
        }
    }

    // It was renamed, and the halves of the rename were read before the scan that found it was merged.
    private void LookAgain(WatchedDirectory directory)
    {
        if (PresenceOf(directory, directory.RelativePath) == Presence.Gone)
            SuspectGone(directory);
        else
            RequestScan(directory, ScanReason.DirectoryChanged);
    }

    /// <summary>The directory is gone, with all that was in it.</summary>
    private void Vanished(WatchedDirectory directory)
    {
        BytePath path = directory.RelativePath;
        Forget(directory);
        TellGone(directory.Root, path);
    }

    // Files of a file system that was unmounted are not gone: they are on another device than their place in the tree.
    private void TellGone(WatchedRoot root, BytePath path)
    {
        ulong device = FileStatReader.DeviceAbove(root.Rule.Path, path);
        if (device != 0)
            _knownFiles.DirectoryGone(root.Rule.Name, path, device);
    }

    // chmod may have made it readable, or taken that away: events of it still come, but no file in it can be looked at.
    private void AttributesChanged(WatchedDirectory directory)
    {
        if (directory.Has(DirectoryTraits.Uncovered))
        {
            RequestScan(directory, ScanReason.DirectoryChanged);
            return;
        }

        if (directory.IsAdrift || directory.Has(DirectoryTraits.Remote))
            return;
        int errno = PathOps.TryAccess(directory.AbsolutePath, AccessMode.Read | AccessMode.Execute);
        if (errno == Errno.EACCES)
            Unreadable(directory, errno);
    }

    /// <summary>
    /// Moves without a second half were moves out. That is known only when the queue was empty after the first half was
    /// read: before, the second may be waiting in it.
    /// </summary>
    private void ExpireMoves()
    {
        for (int i = _moves.Count - 1; i >= 0; i--)
        {
            DirectoryMove move = _moves[i];
            if (_now.MonotonicNs < DeadlineOf(move) || _queueEmpty.MonotonicNs <= move.ReadNs)
                continue;
            _moves.RemoveAt(i);
            MovedAway(move.Directory);
        }
    }

    private long DeadlineOf(DirectoryMove move) => move.ReadNs + Nanoseconds(_options.MoveDelay);

    private void MovedAway(WatchedDirectory directory)
    {
        BytePath path = directory.RelativePath;
        bool hasPlace = directory.ParentDirectory is { IsAdrift: false };
        Forget(directory);
        if (hasPlace && PresenceOf(directory, path) == Presence.Gone)
            TellGone(directory.Root, path);
    }

    private WatchedDirectory AddDirectory(WatchedDirectory parent, byte[] name)
    {
        var directory = new WatchedDirectory(parent.Root, parent, name);
        directory.Set(DirectoryTraits.Remote, parent.Has(DirectoryTraits.Remote));
        directory.Set(DirectoryTraits.UnstableInodes, parent.Has(DirectoryTraits.UnstableInodes));
        directory.Set(DirectoryTraits.SeveralDevices, parent.Has(DirectoryTraits.SeveralDevices));
        _tree.Attach(directory);
        return directory;
    }

    /// <summary>The directory, with all below it, is no longer watched in its place.</summary>
    private void Forget(WatchedDirectory directory)
    {
        _tracker.Forget(directory);
        for (WatchedDirectory? each = directory; each is not null; each = WatchTree.Next(each, directory))
            Unwatch(each);
        if (directory.Parent is not null && !directory.Has(DirectoryTraits.Moving))
            _tree.Detach(directory);
        for (WatchedDirectory? each = directory.FirstChild; each is not null; each = directory.FirstChild)
            DetachDeepest(each);
    }

    // Takes a whole subtree out of the table of names, deepest first.
    private void DetachDeepest(WatchedDirectory top)
    {
        WatchedDirectory directory = top;
        while (true)
        {
            while (directory.FirstChild is { } child)
                directory = child;
            WatchedDirectory parent = directory.ParentDirectory!;
            _tree.Detach(directory);
            if (directory == top)
                return;
            directory = parent;
        }
    }

    /// <summary>
    /// Another directory has taken the place of this one: what was below the old one is no longer there.
    /// </summary>
    private void ForgetBelow(WatchedDirectory directory)
    {
        _tracker.Forget(directory);
        while (directory.FirstChild is { } child)
            Forget(child);
        EndWatchOf(directory);
        directory.IsUncertain = true;
    }

    private void Unwatch(WatchedDirectory directory)
    {
        EndWatchOf(directory);
        directory.Set(DirectoryTraits.Detached, true);
        directory.Root.Requests.Remove(directory);
        _remoteMounts.Remove(directory);
        SetUncovered(directory, false);
    }

    private void EndWatchOf(WatchedDirectory directory)
    {
        int wd = _tree.Unlink(directory);
        if (wd > 0)
            EndWatch(wd);
    }

    [SkipLocalsInit]
    private static bool IsEntered(WatchedDirectory parent, ReadOnlySpan<byte> name)
    {
        WatchRule rule = parent.Rule;
        if (!rule.Recursive)
            return false;
        BytePath path = parent.RelativePath;
        if (path.Length + 1 + name.Length > PathMax)
            return true; // the scan will say that its path is too long
        Span<byte> buffer = stackalloc byte[PathMax + 1];
        int length = parent.WritePath(name, buffer);
        return !rule.Completion.IgnoredDirectories.Matches(buffer[..length]);
    }

    // Local file systems only: the watch thread does not wait for a server.
    private static Presence PresenceOf(WatchedDirectory directory, BytePath relativePath)
    {
        WatchedRoot root = directory.Root;
        if (root.Directory is not { } top || top.Has(DirectoryTraits.Remote) || directory.Has(DirectoryTraits.Remote))
            return Presence.Unknown;
        int errno = FileStatReader.TryRead(root.Rule.Path.Join(relativePath), out FileStat stat);
        if (errno == 0 && stat.Type == FileType.Directory)
            return Presence.There;
        bool isAbsent = errno == 0 || FileProber.IsAbsence(errno);
        return isAbsent && root.IsIntact() ? Presence.Gone : Presence.Unknown;
    }

    private static long Nanoseconds(TimeSpan time) => time.Ticks * 100;

    /// <summary>The first half of a rename, waiting for the second.</summary>
    private readonly record struct DirectoryMove(WatchedDirectory Directory, uint Cookie, long ReadNs);
}
