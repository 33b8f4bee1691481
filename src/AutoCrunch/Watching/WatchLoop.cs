using AutoCrunch.Core;
using AutoCrunch.Linux;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Watching;

/// <summary>
/// Watches the trees of all rules and publishes what happens in them to the tracker. Needs no host: the service and the
/// verb <c>trace</c> run the same loop.
/// </summary>
/// <remarks>
/// <para>One thread, the one that calls <see cref="Run"/>, owns everything here but the scan threads. It waits for the
/// kernel's queue alone: never for a disk, a network file system, a lock that is held over work, or a scan. One inotify
/// instance serves all rules, so events of different rules keep their order and a rename between two rules' trees has
/// both its halves in one queue.</para>
/// <para>Events say what to look at, scans find what there was no event for, and nothing else exists: a start, a new
/// directory, a lost and returned root, an overflow are all "watch first, then scan". A scan thread watches a directory
/// before it lists it and then reports both, so the events of a directory may overtake the report that it is watched:
/// they are kept (<see cref="EventStash"/>) and replayed when it comes.</para>
/// <para>A watch descriptor stands for an inode and is never used again by the kernel before two thousand million
/// others
/// were; so what refers to one that is no longer in use is late, and is dropped.</para>
/// </remarks>
internal sealed partial class WatchLoop : IDisposable
{
    // Reports merged between two reads of the kernel's queue: events come first.
    private const int ReportsPerTurn = 256;

    // While the stash waits for a scan, the tracker may ask for the next turn at once, again and again.
    private const long StashPauseNs = 1_000_000;

    // A scan thread puts off waking this one for a moment, and may hang before it does.
    private const long ScanPauseNs = 1_000_000_000;
    private const long LookAroundPauseNs = 1_000_000_000;

    private static readonly TimeSpan s_joinPatience = TimeSpan.FromMilliseconds(500);

    private readonly IRsyncCompletionTracker _tracker;
    private readonly IKnownFiles _knownFiles;
    private readonly ILogger _log;
    private readonly WatchOptions _options;
    private readonly Inotify _inotify;
    private readonly WakeEvent _wake;
    private readonly MountTable _mounts;
    private readonly PathWatch _paths = new();
    private readonly ScanInbox _inbox;
    private readonly WatchQuestions _questions;
    private readonly WatchProgress _progress = new();
    private readonly WatchTree _tree = new();
    private readonly List<WatchedRoot> _roots = [];
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly PollFd[] _pollFds;
    private readonly Canary? _canary;

    private volatile bool _isStopping;
    private Moment _now;
    private Moment _queueEmpty;
    private Moment? _queueEmptySince;
    private long _trackerDeadlineNs = long.MaxValue;
    private long _lookAroundNs;

    /// <exception cref="LinuxException">No inotify instance or file descriptor left; the message says what to
    /// raise.</exception>
    public WatchLoop(
        IEnumerable<WatchRule> rules, IRsyncCompletionTracker tracker, IKnownFiles knownFiles, ILogger log,
        WatchOptions? options = null)
    {
        _tracker = tracker;
        _knownFiles = knownFiles;
        _log = log;
        _options = options ?? new WatchOptions();
        _stash = new EventStash(_options.StashCapacity);
        _inotify = Inotify.Create();
        _canary = _options.Canary is { } canary ? new Canary(canary, _inotify) : null;
        _wake = new WakeEvent();
        _mounts = new MountTable();
        _inbox = new ScanInbox(_options.InboxCapacity, _wake);
        _questions = new WatchQuestions(_wake);
        _pollFds =
        [
            PollFd.ForRead(_inotify.FileDescriptor),
            PollFd.ForRead(_wake.FileDescriptor),
            PollFd.ForChange(_mounts.FileDescriptor),
            PollFd.ForRead(_paths.FileDescriptor),
        ];
        foreach (WatchRule rule in rules)
        {
            var root = new WatchedRoot(rule);
            root.Scanner = new Scanner(root, _inotify, _paths, _inbox, _wake, _progress, knownFiles, log, _options);
            _roots.Add(root);
        }
    }

    /// <summary>
    /// Completes when every rule's root is watched and its first scan is merged. A root that is not there, or whose
    /// file
    /// system does not answer, does not hold it up. Faults when the loop ends by an error before that.
    /// </summary>
    public Task Ready => _ready.Task;

    /// <summary>Directories in all trees. Watch thread, or after it has ended.</summary>
    public int DirectoryCount => _tree.Count + _roots.Count(root => root.Directory is not null);

    /// <summary>Watch descriptors in use. Watch thread, or after it has ended.</summary>
    public int WatchCount => _tree.WatchCount;

    /// <summary>How often the kernel's queue has overflowed. Any thread.</summary>
    public int OverflowCount => _progress.Overflows;

    /// <summary>Scans of whole roots that are under way. Any thread.</summary>
    public IEnumerable<ScanStatus> Scans => _roots.Select(root => root.Scanner.Status).OfType<ScanStatus>();

    /// <inheritdoc cref="WatchQuestions.AskAsync"/>
    public Task<T> AskAsync<T>(Func<T> question, CancellationToken abandon = default) =>
        _questions.AskAsync(question, abandon);

    /// <summary>
    /// Watches until <see cref="Stop"/> is called. The calling thread is the watch thread.
    /// </summary>
    /// <exception cref="LinuxException">The kernel's queue cannot be read; there is no way to go on.</exception>
    /// <exception cref="InvariantException">A bug.</exception>
    public void Run()
    {
        try
        {
            _now = Clock.Now();
            _queueEmpty = _now; // there is no watch yet
            _startNs = _now.MonotonicNs;
            foreach (WatchedRoot root in _roots)
                root.Scanner.Start();
            SettleStart();
            while (!_isStopping)
                Turn();
        }
        catch (Exception failure)
        {
            _ready.TrySetException(failure);
            throw;
        }
        finally
        {
            _inbox.Close();
            _questions.Close();
            foreach (WatchedRoot root in _roots)
                root.Scanner.Stop();

            // A scan thread that hangs in its file system is left behind: it ends with the process.
            long deadlineNs = Clock.MonotonicNs() + Nanoseconds(s_joinPatience);
            foreach (WatchedRoot root in _roots)
                root.Scanner.Join(TimeSpan.FromTicks(Math.Max(0, deadlineNs - Clock.MonotonicNs()) / 100));
            _ready.TrySetCanceled();
        }
    }

    /// <summary>Ends <see cref="Run"/> within milliseconds. Any thread, also before it has begun.</summary>
    public void Stop()
    {
        _isStopping = true;
        _wake.Set();
    }

    /// <summary>Call when <see cref="Run"/> has returned, or was never called.</summary>
    public void Dispose()
    {
        _questions.Close();
        _inotify.Dispose();
        _wake.Dispose();
        _mounts.Dispose();
        _paths.Dispose();
    }

    private void Turn()
    {
        bool isQuiet = !ReadEvents();
        isQuiet &= !MergeReports();
        RunTimers();
        if (_progress.Failure is { } failure)
            throw new InvalidOperationException("A scan thread has ended: files would not be found any more", failure);
        _trackerDeadlineNs = _tracker.Advance(_now, _queueEmptySince);
        while (_tracker.TakeRescan() is { } directory)
        {
            BeInDoubt();
            RequestScan((WatchedDirectory)directory, ScanReason.TrackerFull);
        }

        _options.OnTurn?.Invoke(_now);
        isQuiet &= !_questions.Answer();
        if (isQuiet && !_isStopping)
            Sleep();
        else if (_now.MonotonicNs >= _lookAroundNs)
            LookAround(timeoutNs: 0); // in a flood nothing else would
    }

    /// <summary>Reads and publishes one batch of events. False when there was none.</summary>
    private bool ReadEvents()
    {
        _progress.Batch = unchecked(_progress.Batch + 1);
        Moment before = Clock.Now();
        ReadOnlyMemory<byte> batch = _inotify.Read();
        if (batch.IsEmpty)
        {
            _now = before;
            QueueWasEmpty(before);
            return false;
        }

        _now = Clock.Now();
        var reader = new InotifyEventReader(batch);
        while (reader.MoveNext())
        {
            if (!Handle(reader.Wd, reader.Mask, reader.Cookie, reader.Name, _now, _queueEmpty))
                HandleUnknown(reader.Wd, reader.Mask, reader.Cookie, reader.Name);
        }

        _movedInBatch.Clear();
        if (Inotify.HasDrained(batch))
            QueueWasEmpty(before);
        return true;
    }

    // The clock was read before the queue was: what is read from here on happened after it, and all that happened
    // before it is published. Under a steady flood no read finds nothing, but each empties the queue.
    private void QueueWasEmpty(Moment before)
    {
        _queueEmpty = before;
        if (_stash.IsEmpty)
            _queueEmptySince = before;
        SettleSuspects();
        if (_deadWds.Count > 0 && _progress.ScansUnmerged == 0 && before.MonotonicNs > _lastEndNs)
            _deadWds.Clear(); // neither an event nor a report can refer to them any more
    }

    private void Sleep()
    {
        long deadlineNs = Math.Min(_trackerDeadlineNs, _nextTimerNs);
        if (_progress.ScansUnmerged > 0)
            deadlineNs = Math.Min(deadlineNs, _now.MonotonicNs + ScanPauseNs);
        long timeoutNs = -1;
        if (deadlineNs < long.MaxValue)
            timeoutNs = Math.Max(_stash.IsEmpty ? 0 : StashPauseNs, deadlineNs - Clock.MonotonicNs());
        LookAround(timeoutNs);
    }

    // For events, wake-ups, and what becomes of the ways to the roots.
    private void LookAround(long timeoutNs)
    {
        Poller.Poll(_pollFds, timeoutNs);
        _lookAroundNs = _now.MonotonicNs + LookAroundPauseNs;
        if (_pollFds[1].IsReady)
            _wake.Clear();
        bool mountsChanged = _pollFds[2].IsReady;
        if (mountsChanged)
            _mounts.Acknowledge();
        bool pathsChanged = _pollFds[3].IsReady && _paths.TakeChange();
        if (!mountsChanged && !pathsChanged)
            return;
        foreach (WatchedRoot root in _roots)
            root.Scanner.CheckRoot(mountsChanged);
    }
}
