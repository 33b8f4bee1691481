using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Watching;

// From the kernel's events to the tracker's, and to changes of the tree.
internal sealed partial class WatchLoop
{
    private readonly EventStash _stash;
    private readonly RepeatFilter _repeats = new();
    private readonly List<WatchedDirectory> _affected = [];
    private readonly HashSet<WatchedDirectory> _movedInBatch = [];

    // Watch descriptors that have ended: late events, and late reports of scans, may still refer to them.
    private readonly HashSet<int> _deadWds = [];
    private long _lastEndNs;

    /// <summary>Handles one event. False when nothing is known of its watch.</summary>
    private bool Handle(
        int wd, uint mask, uint cookie, ReadOnlyMemory<byte> name, Moment time, Moment queueEmpty)
    {
        if ((mask & InotifyMask.IN_Q_OVERFLOW) != 0)
        {
            Overflowed();
            return true;
        }

        if (_canary is not null && _canary.Hear(wd, mask))
            return true;
        if (_tree.OnWd(wd) is not { } first)
            return _deadWds.Contains(wd);
        Observe(first, name.Span, mask, cookie, time);
        if ((mask & (InotifyMask.IN_IGNORED | InotifyMask.IN_MOVE_SELF)) != 0)
            HandleSelf(first, mask);
        else if ((mask & InotifyMask.IN_ISDIR) != 0)
            HandleDirectory(first, mask, cookie, name.Span);
        else if (!name.IsEmpty && EventBits.KindOf(mask) is { } kind && !IsRepeat(kind, wd, name))
            Publish(first, mask, kind, cookie, name, time, queueEmpty);
        return true;
    }

    private void Publish(
        WatchedDirectory first, uint mask, FileEventKind kind, uint cookie, ReadOnlyMemory<byte> name, Moment time,
        Moment queueEmpty)
    {
        for (WatchedDirectory? directory = first; directory is not null; directory = WatchTree.NextOnWd(directory))
        {
            directory.LastEventBatch = _progress.Batch;
            if (EventBits.IsWanted(directory.Rule, mask))
                _tracker.Publish(new FileEvent(directory, name, kind, cookie, time, queueEmpty));
        }
    }

    private bool IsRepeat(FileEventKind kind, int wd, ReadOnlyMemory<byte> name)
    {
        if (kind == FileEventKind.Modified)
            return _repeats.IsRepeatedWrite(_progress.Batch, wd, name);
        _repeats.EndRepetition(wd, name.Span);
        return false;
    }

    private void Observe(WatchedDirectory first, ReadOnlySpan<byte> name, uint mask, uint cookie, Moment time)
    {
        if (_options.Observer is not { } observer)
            return;
        for (WatchedDirectory? directory = first; directory is not null; directory = WatchTree.NextOnWd(directory))
            observer(directory, name, mask, cookie, time);
    }

    // Handling changes which directories are on a watch descriptor, so they are collected first.
    private List<WatchedDirectory> Affected(WatchedDirectory first)
    {
        _affected.Clear();
        for (WatchedDirectory? directory = first; directory is not null; directory = WatchTree.NextOnWd(directory))
        {
            directory.LastEventBatch = _progress.Batch;
            _affected.Add(directory);
        }

        return _affected;
    }

    private void HandleDirectory(WatchedDirectory first, uint mask, uint cookie, ReadOnlySpan<byte> name)
    {
        foreach (WatchedDirectory directory in Affected(first))
        {
            if (directory.Has(DirectoryTraits.Detached))
                continue;
            if (name.IsEmpty)
            {
                if ((mask & InotifyMask.IN_ATTRIB) != 0)
                    AttributesChanged(directory);
                continue;
            }

            switch (EventBits.KindOf(mask))
            {
                case FileEventKind.Created:
                    DirectoryCreated(directory, name);
                    break;
                case FileEventKind.MovedIn:
                    DirectoryMovedIn(directory, name, cookie);
                    break;
                case FileEventKind.MovedOut:
                    DirectoryMovedOut(directory, name, cookie);
                    break;
                case FileEventKind.Deleted:
                    DirectoryDeleted(directory, name);
                    break;
                case FileEventKind.AttributesChanged when _tree.FindChild(directory, name) is { } child:
                    AttributesChanged(child);
                    break;
                default:
                    break;
            }
        }
    }

    // What happened to the watched directory itself.
    private void HandleSelf(WatchedDirectory first, uint mask)
    {
        bool hasEnded = (mask & InotifyMask.IN_IGNORED) != 0;
        if (hasEnded)
            _deadWds.Add(first.Wd);
        foreach (WatchedDirectory directory in Affected(first))
        {
            if (directory.Has(DirectoryTraits.Detached))
                continue;
            if (hasEnded)
                WatchEnded(directory);
            else if (directory.Parent is null)
                directory.Root.Scanner.CheckRoot();
            else if (!directory.IsAdrift && !_movedInBatch.Contains(directory))
                LookAgain(directory);
        }
    }

    // Between the moment a scan thread watches a directory and the merge of its report, its events are kept. At any
    // other time there is no such watch.
    private void HandleUnknown(int wd, uint mask, uint cookie, ReadOnlyMemory<byte> name)
    {
        if (_progress.ScansUnmerged > 0)
        {
            _stash.Add(wd, new StashedEvent(mask, cookie, name.ToArray(), _now, _queueEmpty));
            return;
        }

        if ((mask & InotifyMask.IN_IGNORED) != 0)
            return;
        _log.UnknownWatch(wd, InotifyMask.Describe(mask));
        EndWatch(wd);
        RescanAll(ScanReason.UnknownWatch);
    }

    /// <summary>The scan that watched <paramref name="wd"/> has been merged: now its events have a place.</summary>
    private void Replay(WatchedDirectory directory, int wd)
    {
        if (!_stash.Take(wd, out List<StashedEvent>? events))
            return;
        if (events is null)
        {
            RequestScan(directory, ScanReason.DirectoryChanged); // there were too many to keep
            return;
        }

        foreach (StashedEvent stashed in events)
            Handle(wd, stashed.Mask, stashed.Cookie, stashed.Name, stashed.Time, stashed.QueueEmpty);
    }

    // Watches of which no report told: a bug if it ever happens, and then files are found by the rescan all the same.
    private void DropStash()
    {
        if (_stash.IsEmpty || _progress.ScansUnmerged > 0)
            return;
        foreach (int wd in _stash.Wds)
        {
            _log.UnknownWatch(wd, "of a scan that did not tell of it");
            EndWatch(wd);
        }

        _stash.Clear();
        RescanAll(ScanReason.UnknownWatch);
    }

    private void EndWatch(int wd)
    {
        _inotify.RemoveWatch(wd); // EINVAL: the kernel has ended it already
        _deadWds.Add(wd);
        _lastEndNs = Clock.MonotonicNs();
    }

    private void Overflowed()
    {
        _progress.Overflows++;
        _lastOverflowNs = _now.WallNs;
        if (_overflowNs == long.MaxValue)
            _overflowNs = _now.MonotonicNs;
        _stash.LoseAll();
        BeInDoubt();
    }

    // Nothing is certain any more until a scan has been there.
    private void BeInDoubt()
    {
        _progress.Doubts++;
        foreach (WatchedRoot root in _roots)
        {
            for (WatchedDirectory? directory = root.Directory; directory is not null;
                directory = WatchTree.Next(directory, root.Directory!))
            {
                directory.IsUncertain = true;
            }
        }
    }
}
