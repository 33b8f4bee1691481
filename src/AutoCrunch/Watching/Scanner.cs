using AutoCrunch.Core;
using AutoCrunch.Linux;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Watching;

/// <summary>
/// The scan thread of one rule's root: looks whether the root is there and still the same, watches and lists
/// directories,
/// compares them with what the ledger knows, and answers the probes that may take long. Whatever it finds is a report
/// to
/// the watch thread; it changes nothing itself.
/// </summary>
/// <remarks>
/// One thread per root, so that a network file system that hangs stalls nothing but its own root. Between two
/// directories
/// of a scan of the whole root, scans of single directories have their turn: a new directory is not kept waiting by a
/// rescan of a million files. Members that say so are for the watch thread; all others run on the scan thread.
/// </remarks>
internal sealed partial class Scanner
{
    private const int UnwokenMax = 256;
    private const long WakeDelayNs = 1_000_000;

    private readonly WatchedRoot _root;
    private readonly WatchRule _rule;
    private readonly Inotify _inotify;
    private readonly PathWatch _paths;
    private readonly ScanInbox _inbox;
    private readonly WatchProgress _progress;
    private readonly IKnownFiles _knownFiles;
    private readonly ILogger _log;
    private readonly WatchOptions _options;
    private readonly WakeEvent _wake;
    private readonly uint _mask;
    private readonly Thread _thread;

    // What the watch thread asks for. Guarded by _gate, which is never held while anything is done.
    private readonly object _gate = new();
    private readonly Queue<ScanRequest> _requests = new();
    private readonly Queue<LateProbe> _probes = new();
    private ScanReason? _wholeReason;
    private int _wantedEpoch;
    private volatile bool _hasWork = true; // the first look at the root
    private volatile bool _isCheckWanted;
    private volatile bool _isMountCheckWanted;
    private volatile bool _isStopping;
    private bool _isBusy; // guarded by _gate
    private long _lastSignNs;

    private int _unwoken;
    private long _unwokenSinceNs;
    private int _epoch;

    public Scanner(
        WatchedRoot root, Inotify inotify, PathWatch paths, ScanInbox inbox, WakeEvent wake, WatchProgress progress,
        IKnownFiles knownFiles, ILogger log, WatchOptions options)
    {
        _root = root;
        _rule = root.Rule;
        _inotify = inotify;
        _paths = paths;
        _inbox = inbox;
        _wake = wake;
        _progress = progress;
        _knownFiles = knownFiles;
        _log = log;
        _options = options;
        _mask = EventBits.MaskFor(_rule, options.MaskExtra);
        _thread = new Thread(Run) { Name = $"scan {_rule.Name}", IsBackground = true };
    }

    /// <summary>Monotonic time of the last thing the thread got done. Any thread.</summary>
    public long LastSignNs => Volatile.Read(ref _lastSignNs);

    /// <summary>Nothing is asked for, or being done, and all reports are handed over. Any thread.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_gate)
                return !_hasWork && !_isBusy;
        }
    }

    /// <summary>How far the scan of the whole root is; null when there is none. Any thread.</summary>
    public ScanStatus? Status => _whole?.Status(Clock.MonotonicNs());

    /// <summary>Starts the thread. Watch thread.</summary>
    public void Start()
    {
        SignOfLife();
        _thread.Start();
    }

    /// <summary>Asks for a scan of the whole root, which makes all requests so far needless. Watch thread.</summary>
    public void RequestWhole(ScanReason reason)
    {
        lock (_gate)
        {
            _requests.Clear();
            _wholeReason ??= reason;
            Notify();
        }
    }

    /// <summary>Asks for a scan of one directory with all below it. Watch thread.</summary>
    public void Request(ScanRequest request)
    {
        lock (_gate)
        {
            _requests.Enqueue(request);
            Notify();
        }
    }

    /// <summary>Asks for a look at a file. Watch thread.</summary>
    public void Probe(LateProbe probe)
    {
        lock (_gate)
        {
            _probes.Enqueue(probe);
            Notify();
        }
    }

    /// <summary>Asks to look at once whether the root is still the same. Watch thread.</summary>
    public void CheckRoot(bool mountsChanged = false)
    {
        lock (_gate)
        {
            _isCheckWanted = true;
            _isMountCheckWanted |= mountsChanged;
            Notify();
        }
    }

    /// <summary>The root is lost: look for it anew, and forget what was asked for before. Watch thread.</summary>
    public void BeginEpoch(int epoch)
    {
        lock (_gate)
        {
            _wantedEpoch = epoch;
            _requests.Clear();
            _probes.Clear();
            _wholeReason = null;
            _isCheckWanted = true;
            Notify();
        }
    }

    /// <summary>Ends the thread at its next entry. Any thread.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _isStopping = true;
            Notify();
        }
    }

    /// <summary>Waits for the thread's end; false when it hangs in a call of its file system.</summary>
    public bool Join(TimeSpan patience) => _thread.Join(patience);

    private void Notify()
    {
        _hasWork = true;
        Monitor.Pulse(_gate);
    }

    private void Run()
    {
        try
        {
            while (!_isStopping)
                Turn();
        }
        catch (Exception failure)
        {
            // Nobody would notice files that are not found any more: the service ends and is started again.
            _progress.Failure = failure;
            _wake.Set();
        }
    }

    private void Turn()
    {
        lock (_gate)
        {
            _isBusy = true;
            _hasWork = false;
        }

        FollowEpoch();
        AnswerProbes();
        if (!_isRootFound)
        {
            if (IsRootCheckDue())
                FindRoot();
        }
        else if (IsRootTheSame())
        {
            if (TakeWhole() is { } reason)
                ScanWhole(reason);
            else
                RunRequests();
        }

        WaitForWork();
    }

    private void WaitForWork()
    {
        Wake();
        long waitNs = Math.Max(0, _nextRootCheckNs - Clock.MonotonicNs());
        int waitMs = (int)Math.Min(60_000, (waitNs + 999_999) / 1_000_000);
        lock (_gate)
        {
            _isBusy = false;
            if (!_hasWork)
                Monitor.Wait(_gate, waitMs);
        }

        SignOfLife();
    }

    private ScanReason? TakeWhole()
    {
        lock (_gate)
        {
            ScanReason? reason = _wholeReason;
            _wholeReason = null;
            return reason;
        }
    }

    private void RunRequests()
    {
        while (!_isStopping && !IsEpochOver && TakeRequest() is { } request)
            ScanSubtree(request);
    }

    private ScanRequest? TakeRequest()
    {
        lock (_gate)
        {
            if (!_requests.TryDequeue(out ScanRequest? request))
                return null;
            request.IsStarted = true;
            return request;
        }
    }

    private void AnswerProbes()
    {
        while (!_isStopping && TakeProbe() is { } probe)
        {
            long lookedNs = Clock.MonotonicNs();
            ProbeAnswer answer = Answer(probe) with { LookedNs = lookedNs };
            SignOfLife();
            Post(new ScanReport(ReportKind.Probed, _root) { Payload = new LateAnswer(probe, answer) });
            Wake();
        }
    }

    private LateProbe? TakeProbe()
    {
        lock (_gate)
            return _probes.TryDequeue(out LateProbe? probe) ? probe : null;
    }

    private ProbeAnswer Answer(LateProbe probe)
    {
        BytePath path = probe.DirectoryPath.Join(probe.Name);
        ProbeAnswer answer = FileProber.Look(NulTerminated(path), probe.Depth, probe.Traits);
        if (answer.Status != ProbeStatus.Gone)
            return answer;
        bool isDirectoryThere = probe.IsInRoot
            || (FileStatReader.TryRead(probe.DirectoryPath, out FileStat stat) == 0
                && stat.Type == FileType.Directory);
        return isDirectoryThere && IsRootTheSame(now: true) ? answer : ProbeAnswer.Unreadable;
    }

    // A report is handed over at once: events of a directory wait for the one that it is watched, and this thread may
    // hang in the next call. The watch thread is woken for some at a time: that costs more than a small directory's
    // listing.
    private void Post(in ScanReport report)
    {
        _inbox.Post(report);
        long now = Clock.MonotonicNs();
        if (_unwoken++ == 0)
            _unwokenSinceNs = now;
        if (_unwoken >= UnwokenMax || now - _unwokenSinceNs > WakeDelayNs)
            Wake();
    }

    private void Wake()
    {
        if (_unwoken == 0)
            return;
        _unwoken = 0;
        _inbox.Wake();
    }

    private void SignOfLife() => Volatile.Write(ref _lastSignNs, Clock.MonotonicNs());

    private static byte[] NulTerminated(BytePath path)
    {
        byte[] bytes = new byte[path.Length + 1];
        path.Span.CopyTo(bytes);
        return bytes;
    }
}
