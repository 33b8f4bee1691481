using System;
using System.Collections.Generic;

namespace AutoCrunch.Core;

/// <summary>
/// Decides for one rule which names have finished arriving. Pure and single-threaded: events, answers and the time come
/// in, effects go out. It never looks at a file, it asks (<see cref="EffectKind.Probe"/>) and is told
/// (<see cref="Probed"/>).
/// </summary>
/// <remarks>
/// Entries exist only for names without a verdict, so memory follows what is in flight. The final name decides: rsync's
/// temporaries get no entry and are never mapped back to a final name. What the ledger knows is not known here: a
/// completion of a version that it already has is the ledger's to drop.
/// </remarks>
internal sealed partial class CompletionMachine
{
    /// <summary>A name that was created but not written for so long may be a link (atlas D5).</summary>
    public const long LinkDelayNs = 200 * MillisecondNs;

    /// <summary>How long the second half of a rename is waited for (inotify(7): it need not follow at once).</summary>
    public const long MoveDelayNs = 50 * MillisecondNs;

    /// <summary>Attribute changes are gathered for so long before the file is looked at.</summary>
    public const long TouchDelayNs = 50 * MillisecondNs;

    /// <summary>
    /// File times come from the kernel's coarse clock, which lags by up to one tick (10 ms at HZ=100): mtimes this much
    /// outside the write window still count as inside.
    /// </summary>
    public const long ClockSlackNs = 50 * MillisecondNs;

    /// <summary>Renamed into place, a file that was written so lately may still have a writer who pauses.</summary>
    public const long RecentNs = 60_000 * MillisecondNs;

    /// <summary>How often a writer is looked for at most, however short the quiet period is.</summary>
    public const long WriterPollMinNs = 1000 * MillisecondNs;

    /// <summary>
    /// How often a writer is looked for in /proc when a lease cannot tell and the file was not seen closed.
    /// </summary>
    public const long UnknownWriterPollNs = 60_000 * MillisecondNs;

    /// <summary>First delay before a file that could not be looked at is tried again; doubled each time.</summary>
    public const long UnreadableDelayNs = 1000 * MillisecondNs;

    /// <summary>After so many failures in a row the name is left to the next rescan.</summary>
    public const int UnreadableMax = 6;

    /// <summary>A name of temporary shape that a scan finds is in flight until it is this old.</summary>
    public const long StaleTemporaryNs = 3600 * 1000 * MillisecondNs;

    private const long MillisecondNs = 1_000_000;

    // PATH_MAX is 4096 with the NUL; a longer relative path could not be opened by any job.
    private const int PathMaxBytes = 4095;

    private readonly WatchRule _rule;
    private readonly CompletionPolicy _policy;
    private readonly long _quietNs;
    private readonly long _writerPollNs;
    private readonly int _trackedMax;
    private readonly Dictionary<FileKey, TrackedFile> _files;
    private readonly Dictionary<FileKey, TrackedFile>.AlternateLookup<FileKeyRef> _lookup;
    private readonly PriorityQueue<TrackedFile, long> _timers = new();
    private readonly List<TrackedFile> _confirming = [];
    private readonly PendingMoves _moves = new();
    private readonly LeavingFiles _leaving = new();
    private readonly List<(TrackedDirectory Directory, byte[] Name)> _leftNames = [];
    private readonly byte[] _path = new byte[PathMaxBytes];
    private TrackedDirectory? _overflowed;

    // There are holds that a late proof may lift and that had no room here: only the ledger knows them.
    private bool _hasForgottenHolds;
    private long _lastOrder;

    /// <param name="rule">The rule to decide for.</param>
    /// <param name="trackedMax">
    /// Most names without a verdict at a time; beyond it the tree is scanned again later.
    /// </param>
    public CompletionMachine(WatchRule rule, int trackedMax)
    {
        _rule = rule;
        _policy = rule.Completion;
        _quietNs = rule.Completion.QuietPeriod.Ticks * TimeSpan.NanosecondsPerTick;
        _writerPollNs = Math.Max(_quietNs, WriterPollMinNs);
        _trackedMax = trackedMax;
        _files = new Dictionary<FileKey, TrackedFile>(new FileKeyComparer());
        _lookup = _files.GetAlternateLookup<FileKeyRef>();
    }

    /// <summary>Names without a verdict.</summary>
    public int TrackedCount => _files.Count;

    /// <summary>Lets deadlines pass; the same moment twice is as good as once.</summary>
    /// <returns>Monotonic nanoseconds of the next deadline; <see cref="long.MaxValue"/> for none.</returns>
    public long Advance(Moment now, Moment? queueEmptySince, List<Effect> effects)
    {
        while (_timers.TryPeek(out TrackedFile? file, out long at) && at <= now.MonotonicNs)
        {
            _timers.Dequeue();
            if (file.QueuedNs == at)
                file.QueuedNs = long.MaxValue;
            if (file.IsRemoved)
                continue;
            if (file.DeadlineNs > now.MonotonicNs)
                QueueTimer(file);
            else
                DeadlinePassed(file, now, effects);
        }

        // The second half may wait in the queue as long as that was not seen empty.
        while (_moves.First() is { } move && now.MonotonicNs >= move.ReadNs + MoveDelayNs
            && queueEmptySince?.MonotonicNs > move.ReadNs)
            SettleMovedOut(move, effects);

        Confirm(now, queueEmptySince, effects);
        foreach ((TrackedDirectory directory, byte[] name) in _leftNames)
            effects.Add(ProbeOf(directory, name));
        _leftNames.Clear();
        if (_overflowed is not null && _files.Count <= _trackedMax - Math.Max(1, _trackedMax / 4))
        {
            effects.Add(new Effect(EffectKind.Rescan, _overflowed, []));
            _overflowed = null;
        }

        return NextDeadline(now);
    }

    /// <summary>Forgets everything at and below a directory that is no longer watched in this place.</summary>
    public void Forget(TrackedDirectory directory)
    {
        foreach ((FileKey key, TrackedFile file) in _files)
        {
            if (!key.Directory.IsAtOrBelow(directory))
                continue;
            LookAtOldName(file);
            file.IsRemoved = true;
            _files.Remove(key);
        }

        while (_moves.First(move => move.Directory!.IsAtOrBelow(directory)) is { } move)
        {
            if (move.Origin is { } origin)
                _leftNames.Add(origin);
            _moves.Release(move);
        }

        _leftNames.RemoveAll(left => left.Directory.IsAtOrBelow(directory));
    }

    /// <summary>Where a name stands; null when it has no entry (it has its verdict, or was never seen).</summary>
    public TrackedState? Describe(TrackedDirectory directory, ReadOnlySpan<byte> name) =>
        _lookup.TryGetValue(new FileKeyRef(directory, name), out TrackedFile? file)
            ? new TrackedState(file.Phase, file.Phase == Phase.Held ? file.Hold : null, file.Writer, file.DeadlineNs)
            : null;

    /// <summary>Properties that hold after every step; called by tests.</summary>
    public void CheckInvariants()
    {
        int leaving = 0;
        foreach ((FileKey key, TrackedFile file) in _files)
        {
            leaving += file.RenamedFrom is null ? 0 : 1;
            Invariant.That(!file.IsRemoved);
            Invariant.That(ReferenceEquals(key.Directory, file.Directory));
            Invariant.That(ReferenceEquals(key.Name, file.Name));
            Invariant.That(file.DeadlineNs == long.MaxValue || file.QueuedNs <= file.DeadlineNs);
        }

        Invariant.That(_leaving.Count == leaving);
    }

    private long NextDeadline(Moment now)
    {
        long next = _timers.TryPeek(out _, out long at) ? at : long.MaxValue;
        if (_moves.First() is { } move)
            next = Math.Min(next, move.ReadNs + MoveDelayNs);
        return _confirming.Count > 0 ? now.MonotonicNs : next;
    }

    private TrackedFile? Find(in FileEvent fileEvent) =>
        _lookup.TryGetValue(new FileKeyRef(fileEvent.Directory, fileEvent.Name.Span), out TrackedFile? file)
            ? file : null;

    // Also where a scan has ended since: what it found and had no room for comes with the next one. Only touches wait
    // for that one: it tells of them again, so that they give way, and what else there is makes room.
    private bool IsTouchInDoubt(TrackedFile file) => file.Directory.IsUncertain || _overflowed is not null;

    // Null when the table is full: the tree is scanned again when there is room, so the name is late and not lost.
    private TrackedFile? FindOrAdd(in FileEvent fileEvent, bool evenIfFull = false)
    {
        if (Find(fileEvent) is { } known)
            return known;
        if (_files.Count >= _trackedMax && !evenIfFull && !MakeRoom(fileEvent))
            return null;

        var file = new TrackedFile(fileEvent.Directory, fileEvent.Name.ToArray());
        _files.Add(new FileKey(file.Directory, file.Name), file);
        return file;
    }

    // The ledger keeps every hold; entries of held files are here only to notice a late proof, so they give way.
    private bool MakeRoom(in FileEvent fileEvent)
    {
        if (_overflowed is null)
        {
            foreach ((FileKey key, TrackedFile file) in _files)
            {
                if (file.Phase != Phase.Held)
                    continue;
                file.IsRemoved = true;
                _files.Remove(key);
                _hasForgottenHolds = true;
            }

            if (_files.Count < _trackedMax)
                return true;
        }

        fileEvent.Directory.IsUncertain = true;
        _overflowed = fileEvent.Directory.Top;
        return false;
    }

    private void Remove(TrackedFile file)
    {
        if (file.IsRemoved)
            return;
        LookAtOldName(file);
        file.IsRemoved = true;
        _files.Remove(new FileKey(file.Directory, file.Name));
    }

    private void SetDeadline(TrackedFile file, long deadlineNs)
    {
        file.DeadlineNs = deadlineNs;
        if (deadlineNs < file.QueuedNs)
            QueueTimer(file);
    }

    // Later deadlines only move the field: the entry is queued again when the earlier time comes. So a flood of signs
    // of life costs no queue work.
    private void QueueTimer(TrackedFile file)
    {
        if (file.DeadlineNs == long.MaxValue)
            return;
        file.QueuedNs = file.DeadlineNs;
        _timers.Enqueue(file, file.DeadlineNs);
    }

    private bool Takes(TrackedDirectory directory, ReadOnlySpan<byte> name)
    {
        if (directory.IsIgnored || directory.PathLength(name) > PathMaxBytes)
            return false;
        int length = directory.WritePath(name, _path);
        return _rule.Takes(_path.AsSpan(0, length));
    }

    private static Effect Probe(TrackedFile file, ProbeDepth depth) =>
        new(EffectKind.Probe, file.Directory, file.Name) { Depth = depth };
}

/// <summary>Where one name stands, for people.</summary>
/// <param name="Phase">Its phase.</param>
/// <param name="Hold">Why it is held, if it is.</param>
/// <param name="Writer">What the last look said of writers.</param>
/// <param name="DeadlineNs">
/// Monotonic time at which it is looked at again; <see cref="long.MaxValue"/> for never.
/// </param>
internal readonly record struct TrackedState(Phase Phase, HoldReason? Hold, WriterState Writer, long DeadlineNs);
