using System.Collections.Concurrent;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Watching;

// Roots that are lost and come back, and when what is scanned again.
internal sealed partial class WatchLoop
{
    // A root with more directories to scan again than this is scanned as a whole.
    private const int UncoveredScansMax = 64;

    // More unreadable directories of one rule than this are not named one by one.
    private const int UnreadableReportsMax = 100;

    // A safety rescan takes at most this part of the time: a twentieth.
    private const int RescanPause = 20;

    // A burst that overflows the queue goes on for a while; what is scanned before its end is scanned in vain.
    private const long OverflowPatienceNs = 1_000_000_000;

    private const long StartCheckNs = 250_000_000;

    private readonly ConcurrentQueue<string> _rescansAsked = new();
    private readonly HashSet<WatchedDirectory> _uncovered = [];

    // Where a network file system is mounted below a root that is on another one.
    private readonly HashSet<WatchedDirectory> _remoteMounts = [];
    private long _nextUncoveredNs = long.MaxValue;
    private bool _isLimitReported;
    private long _overflowNs = long.MaxValue;
    private long _nextTimerNs = long.MaxValue;
    private long _startNs;
    private int _canaryErrno;

    // In a method of its own: a closure in the loop above would be allocated in every turn, asked or not.
    private WatchedRoot RootOf(string rule) => _roots.First(root => root.Rule.Name == rule);

    /// <summary>Has the tree of a rule scanned. Any thread; does not wait.</summary>
    public void RequestRescan(WatchRule rule)
    {
        _rescansAsked.Enqueue(rule.Name);
        _wake.Set();
    }

    private void RunTimers()
    {
        long now = _now.MonotonicNs;
        ExpireMoves();
        while (_rescansAsked.TryDequeue(out string? rule))
            RequestWhole(RootOf(rule), ScanReason.LedgerFull);
        bool isOverflowOver = _queueEmpty.MonotonicNs > _overflowNs || now - OverflowPatienceNs > _overflowNs;
        if (isOverflowOver && _overflowNs < long.MaxValue)
        {
            _overflowNs = long.MaxValue;
            _log.Overflowed(_progress.Overflows, _roots.Count);
            RescanAll(ScanReason.Overflow);
        }

        if (now >= _nextUncoveredNs)
            RescanUncovered();
        _nextTimerNs = _nextUncoveredNs;
        foreach (DirectoryMove move in _moves)
            _nextTimerNs = Math.Min(_nextTimerNs, DeadlineOf(move));
        foreach (WatchedRoot root in _roots)
        {
            if (now >= root.NextRescanNs)
                RequestWhole(root, ScanReason.Interval);
            _nextTimerNs = Math.Min(_nextTimerNs, root.NextRescanNs);
        }

        if (_canary is not null)
            BeatCanary(_canary, now);
        if (!_ready.Task.IsCompleted)
            LookForSignsOfLife(now);
    }

    private void BeatCanary(Canary canary, long now)
    {
        _nextTimerNs = Math.Min(_nextTimerNs, canary.Beat(now));
        if (canary.ErrorNumber == _canaryErrno)
            return;
        _canaryErrno = canary.ErrorNumber;
        if (_canaryErrno != 0)
            _log.CanaryDumb(LinuxException.Explain("open", _options.Canary!.File, _canaryErrno));
    }

    private void RequestScan(WatchedDirectory directory, ScanReason reason)
    {
        WatchedRoot root = directory.Root;
        if (directory.Has(DirectoryTraits.Detached))
            return;
        if (directory.Parent is null)
        {
            RequestWhole(root, reason);
            return;
        }

        if (root.Requests.TryGetValue(directory, out ScanRequest? asked) && !asked.IsStarted)
            return;
        var request = new ScanRequest(directory, reason);
        root.Requests[directory] = request;
        root.Scanner.Request(request);
    }

    private static void RequestWhole(WatchedRoot root, ScanReason reason)
    {
        root.NextRescanNs = long.MaxValue; // until this one has ended
        root.Requests.Clear();
        root.Scanner.RequestWhole(reason);
    }

    private void RescanAll(ScanReason reason)
    {
        foreach (WatchedRoot root in _roots)
            RequestWhole(root, reason);
    }

    private void ScanFinished(WatchedRoot root, Scan scan)
    {
        if (scan.Request is { } request)
        {
            if (root.Requests.TryGetValue(request.Directory, out ScanRequest? asked) && asked == request)
                root.Requests.Remove(request.Directory);
        }

        if (scan.Epoch != root.Epoch)
            return;
        if (scan.Reason == ScanReason.Uncovered && _nextUncoveredNs < long.MaxValue)
            _nextUncoveredNs = Math.Max(_nextUncoveredNs, NextAfter(scan, _options.UncoveredRescan));
        if (scan.IsWhole)
            WholeScanFinished(root, scan);
    }

    private void WholeScanFinished(WatchedRoot root, Scan scan)
    {
        TimeSpan interval = root.Rule.RescanInterval;
        if (interval <= TimeSpan.Zero && root.FileSystem.IsNetwork)
            interval = _options.UncoveredRescan; // nothing else would ever tell of a change
        root.NextRescanNs = interval > TimeSpan.Zero ? NextAfter(scan, interval) : long.MaxValue;
        if (!scan.IsComplete)
            return;
        Remember(root, scan);
        _knownFiles.WholeScanFinished(root.Rule.Name, scan.Found);
        WatchRule rule = root.Rule;
        if (scan.Away > 0 && scan.Away != root.AwayReported)
            _log.FilesAway(rule.Name, rule.Path, scan.Away);
        else if (scan.Away == 0 && root.AwayReported > 0)
            _log.NoFilesAway(rule.Name, rule.Path);
        root.AwayReported = scan.Away;
        double seconds = (scan.EndNs - scan.StartNs) / 1e9;
        if (scan.Reason == ScanReason.RootFound)
        {
            _log.RootWatched(rule.Name, rule.Path, scan.Directories, scan.Files, scan.Found, seconds);
            if (root.FileSystem.IsNetwork)
                _log.RemoteRoot(rule.Name, rule.Path, root.FileSystem.Name, interval);
        }
        else if (scan.Reason == ScanReason.Overflow)
        {
            _log.OverflowRescanned(rule.Name, rule.Path, scan.Directories, scan.Files, scan.Found, seconds);
        }
        else if (scan.Found > 0)
        {
            _log.RescanFound(rule.Name, rule.Path, scan.Reason, scan.Found, scan.Files);
        }

        Settle(root);
    }

    private static long NextAfter(Scan scan, TimeSpan interval) =>
        scan.EndNs + Math.Max(Nanoseconds(interval), RescanPause * (scan.EndNs - scan.StartNs));

    private void LoseRoot(WatchedRoot root, int errno)
    {
        if (root.Directory is { } directory)
            Forget(directory);
        root.Directory = null;
        root.Requests.Clear();
        root.NextRescanNs = long.MaxValue;
        root.Epoch++;
        root.UnreadableReports = 0;
        root.Scanner.BeginEpoch(root.Epoch);
        if (root.IsAbsenceReported)
            return;
        root.IsAbsenceReported = true;
        if (errno == 0)
            _log.RootReplaced(root.Rule.Name, root.Rule.Path);
        else
            _log.RootLost(root.Rule.Name, root.Rule.Path, Errno.Describe(errno));
    }

    private void RootIsAbsent(WatchedRoot root, int errno)
    {
        if (!root.IsAbsenceReported)
            _log.RootAbsent(root.Rule.Name, LinuxException.Explain("open", root.Rule.Path, errno));
        root.IsAbsenceReported = true;
        Settle(root);
    }

    private void Settle(WatchedRoot root)
    {
        root.IsSettled = true;
        SettleStart();
    }

    private void SettleStart()
    {
        if (_roots.TrueForAll(root => root.IsSettled))
            _ready.TrySetResult();
    }

    // A file system that does not answer must not keep the others' rules from being ready.
    private void LookForSignsOfLife(long now)
    {
        long patienceNs = Nanoseconds(_options.StartPatience);
        if (now - _startNs < patienceNs)
        {
            _nextTimerNs = Math.Min(_nextTimerNs, _startNs + patienceNs);
            return;
        }

        foreach (WatchedRoot root in _roots)
        {
            if (root.IsSettled || now - root.Scanner.LastSignNs < patienceNs || !_inbox.IsEmpty)
                continue;
            _log.RootDoesNotAnswer(root.Rule.Name, root.Rule.Path, _options.StartPatience);
            Settle(root);
        }

        _nextTimerNs = Math.Min(_nextTimerNs, now + StartCheckNs);
    }

    private void SetUncovered(WatchedDirectory directory, bool isUncovered)
    {
        if (directory.Has(DirectoryTraits.Uncovered) == isUncovered)
            return;
        directory.Set(DirectoryTraits.Uncovered, isUncovered);
        directory.Root.Unwatched += isUncovered ? 1 : -1;
        if (isUncovered)
        {
            _uncovered.Add(directory);
            if (_nextUncoveredNs == long.MaxValue)
                _nextUncoveredNs = _now.MonotonicNs + Nanoseconds(UncoveredInterval(directory.Rule));
            return;
        }

        _uncovered.Remove(directory);
        if (_uncovered.Count > 0)
            return;
        _nextUncoveredNs = long.MaxValue;
        if (_isLimitReported)
            _log.AllWatched();
        _isLimitReported = false;
    }

    private TimeSpan UncoveredInterval(WatchRule rule) =>
        rule.RescanInterval > TimeSpan.Zero && rule.RescanInterval < _options.UncoveredRescan
            ? rule.RescanInterval
            : _options.UncoveredRescan;

    private void RescanUncovered()
    {
        _nextUncoveredNs = _now.MonotonicNs + Nanoseconds(_options.UncoveredRescan);
        foreach (WatchedRoot root in _roots)
        {
            List<WatchedDirectory> tops = [.. _uncovered.Where(directory => directory.Root == root
                && (directory.ParentDirectory is not { } above || !_uncovered.Contains(above)))];
            if (tops.Count > UncoveredScansMax)
            {
                RequestWhole(root, ScanReason.Uncovered);
                continue;
            }

            foreach (WatchedDirectory directory in tops)
                RequestScan(directory, ScanReason.Uncovered);
        }
    }

    private void NotWatched(WatchedDirectory directory, int errno)
    {
        SetUncovered(directory, true);
        if (_isLimitReported)
            return;
        _isLimitReported = true;
        _log.NotWatched(
            directory.Rule.Name,
            LinuxException.Explain(Inotify.AddWatchOperation, directory.AbsolutePath, errno),
            UncoveredInterval(directory.Rule));
    }

    private void Unreadable(WatchedDirectory directory, int errno)
    {
        SetUncovered(directory, true);
        if (directory.Has(DirectoryTraits.Reported))
            return;
        directory.Set(DirectoryTraits.Reported, true);
        WatchedRoot root = directory.Root;
        root.UnreadableReports++;
        if (root.UnreadableReports <= UnreadableReportsMax)
        {
            _log.DirectoryUnreadable(
                root.Rule.Name,
                LinuxException.Explain("open", directory.AbsolutePath, errno),
                UncoveredInterval(root.Rule));
        }
        else if (root.UnreadableReports == UnreadableReportsMax + 1)
        {
            _log.MoreUnreadable(root.Rule.Name, UnreadableReportsMax);
        }
    }
}
