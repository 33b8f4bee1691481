using System.Globalization;
using AutoCrunch.Core;
using AutoCrunch.Dispatch;
using AutoCrunch.Linux;
using AutoCrunch.Watching;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Cli;

/// <summary>
/// Shows what the service's own tracker makes of each event. It stands for the dispatcher (completions are printed) and
/// for the ledger (what was judged is remembered here, so that a rescan tells nothing twice).
/// </summary>
/// <remarks>The tracker's and dispatcher's side: watch thread. The ledger's reading side: scan thread too.</remarks>
internal sealed class TraceTracker : IRsyncCompletionTracker, IJobDispatcher, IKnownFiles
{
    private readonly WatchRule _rule;
    private readonly TraceReport _report;
    private readonly RsyncCompletionTracker _inner;
    private readonly Lock _gate = new();
    private readonly Dictionary<BytePath, KnownFile> _known = [];
    private TrackedDirectory? _lastDirectory;
    private BytePath _lastName;
    private uint _lastMask;
    private bool _isFirstScan = true;

    public TraceTracker(
        WatchRule rule, TraceReport report, IFileProber prober, ILogger<RsyncCompletionTracker> logger)
    {
        _rule = rule;
        _report = report;
        _inner = new RsyncCompletionTracker([new(rule, this)], prober, this, logger);
    }

    /// <summary>An event as the kernel reported it, before it is published.</summary>
    public void Observe(WatchedDirectory directory, ReadOnlySpan<byte> name, uint mask, uint cookie, Moment time)
    {
        Settle(time);
        bool isFile = !name.IsEmpty && (mask & InotifyMask.IN_ISDIR) == 0;
        _report.Event(time, mask, directory.PathOf(name), isFile);
        _lastDirectory = directory;
        _lastName = new BytePath(name);
        _lastMask = mask;
    }

    public void Publish(FileEvent fileEvent) => _inner.Publish(fileEvent);

    public void Probed(
        TrackedDirectory directory, ReadOnlySpan<byte> name, ProbeDepth depth, ProbeAnswer answer, Moment now) =>
        _inner.Probed(directory, name, depth, answer, now);

    public void Forget(TrackedDirectory directory) => _inner.Forget(directory);

    public long Advance(Moment now, Moment? queueEmptySince)
    {
        long next = _inner.Advance(now, queueEmptySince);
        Settle(now);
        return next;
    }

    public TrackedDirectory? TakeRescan() => _inner.TakeRescan();

    void IJobDispatcher.Dispatch(Completion completion)
    {
        bool isRename = completion.RenamedFrom is { } from && IsDone(from, completion.Version);
        bool isRepeat = IsDone(completion.Path, completion.Version);
        Remember(completion.Path, new KnownFile(completion.Version, null));
        if (completion.IsExisting)
            return;

        // The ledger would decide the same: see ArrivalDecision.
        TraceVerdict verdict = isRepeat ? new("unchanged", "this version was complete before")
            : isRename ? new("unchanged", $"was complete as {completion.RenamedFrom}, a rename makes no job")
            : new("complete", HoldText.Of(completion));
        Show(completion.CompletedNs, completion.Path, verdict, completion.Stat);
    }

    void IKnownFiles.Held(string rule, BytePath path, FileStat stat, HoldReason reason, bool isMoved)
    {
        Remember(path, new KnownFile(stat.Version, reason));
        Show(Clock.WallNs(), path, new("held", HoldText.Of(reason)), stat);
    }

    void IKnownFiles.MetadataChanged(string rule, BytePath path, FileStat stat)
    {
        lock (_gate)
        {
            if (_known.TryGetValue(path, out KnownFile known))
                _known[path] = known with { Version = stat.Version };
        }

        Show(Clock.WallNs(), path, new("unchanged", "only its attributes changed"), stat);
    }

    void IKnownFiles.Gone(string rule, BytePath path)
    {
        lock (_gate)
            _known.Remove(path);
        _report.Verdict(Clock.WallNs(), path, new("gone", ""), null);
    }

    void IKnownFiles.DirectoryGone(string rule, BytePath directory, ulong device) => Move(directory, null);

    void IKnownFiles.DeviceRenumbered(string rule, ulong from, ulong to)
    {
        // what is traced is remembered no longer than a mount lasts
    }

    void IKnownFiles.DirectoryMoved(string rule, BytePath from, BytePath to) => Move(from, to);

    void IKnownFiles.ReadDirectory(string rule, BytePath directory, Dictionary<BytePath, KnownFile> files)
    {
        lock (_gate)
        {
            foreach ((BytePath path, KnownFile known) in _known)
                if (path.Directory == directory)
                    files[path.Name] = known;
        }
    }

    IReadOnlyCollection<KnownDirectory> IKnownFiles.ReadDirectories(string rule, BytePath directory)
    {
        lock (_gate)
            return
            [
                .. _known.Keys.Select(path => new KnownDirectory(path.Directory, 0))
                    .Where(at => at.Path.IsAtOrBelow(directory)).Distinct(),
            ];
    }

    long IKnownFiles.CountFiles(string rule)
    {
        lock (_gate)
            return _known.Count;
    }

    bool IKnownFiles.IsFirstScan(string rule) => Volatile.Read(ref _isFirstScan);

    void IKnownFiles.WholeScanFinished(string rule, long found) => Volatile.Write(ref _isFirstScan, false);

    // The last event has been taken by the tracker: its line gets the verdict if there was one, else where the name
    // stands.
    private void Settle(Moment now)
    {
        if (_lastDirectory is not { } directory)
            return;
        _lastDirectory = null;
        BytePath path = directory.PathOf(_lastName.Span);
        if (_report.AwaitsVerdict(path) && Describe(directory, path, now) is { } verdict)
            _report.Verdict(now.WallNs, path, verdict, null);
        _report.Flush();
    }

    private TraceVerdict? Describe(TrackedDirectory directory, BytePath path, Moment now)
    {
        const uint departure = InotifyMask.IN_DELETE | InotifyMask.IN_MOVED_FROM;
        if (_lastName.IsEmpty || (_lastMask & InotifyMask.IN_ISDIR) != 0)
            return null;
        if (_inner.Describe(directory, _lastName.Span) is { } state)
            return Waiting(state, now);
        if ((_lastMask & departure) != 0)
            return null;
        if (RsyncNames.IsTemporaryShape(_lastName.Span))
            return new TraceVerdict("temporary", "judged when it is renamed into place");
        return _rule.Takes(path.Span) ? null : new TraceVerdict("ignored", "these patterns do not take it");
    }

    private static TraceVerdict Waiting(TrackedState state, Moment now) => state switch
    {
        { Hold: { } hold } => new("held", HoldText.Of(hold)),
        { Phase: Phase.Writing } or { Writer: WriterState.Writing } => new("waiting", "a writer still has it open"),
        { Phase: Phase.Opening } => new("waiting", "just created"),
        { Phase: Phase.Closed, DeadlineNs: < long.MaxValue } => new("waiting", string.Create(
            CultureInfo.InvariantCulture,
            $"closed; complete after another {Math.Max(0, state.DeadlineNs - now.MonotonicNs) / 1e9:0.0} s of quiet")),
        _ => new("waiting", "about to be looked at"),
    };

    private void Show(long wallNs, BytePath path, TraceVerdict verdict, FileStat stat) =>
        _report.Verdict(wallNs, path, verdict, stat.SizeBytes);

    private bool IsDone(BytePath path, FileVersion version)
    {
        lock (_gate)
            return _known.TryGetValue(path, out KnownFile known) && known.Held is null && known.Version == version;
    }

    private void Remember(BytePath path, KnownFile known)
    {
        lock (_gate)
            _known[path] = known;
    }

    private void Move(BytePath from, BytePath? to)
    {
        lock (_gate)
        {
            foreach ((BytePath path, KnownFile known) in _known.Where(entry => entry.Key.IsAtOrBelow(from)).ToArray())
            {
                _known.Remove(path);
                if (to is { } target)
                    _known[target.Join(path.Span[Math.Min(path.Length, from.IsEmpty ? 0 : from.Length + 1)..])] = known;
            }
        }
    }
}
