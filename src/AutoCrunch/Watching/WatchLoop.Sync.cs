namespace AutoCrunch.Watching;

/// <summary>Whether all that has happened so far has been seen. Watch thread: others ask.</summary>
internal sealed partial class WatchLoop
{
    /// <summary>
    /// Has everything scanned that no events come from: network file systems, and what is not watched.
    /// </summary>
    public void ScanUnwatched()
    {
        if (_uncovered.Count > 0)
            RescanUncovered();
        foreach (WatchedRoot root in _roots)
            if (root.Directory is { } top && top.Has(DirectoryTraits.Remote))
                RequestWhole(root, ScanReason.Uncovered);
        foreach (WatchedDirectory mount in _remoteMounts)
            RequestScan(mount, ScanReason.Uncovered);
    }

    /// <summary>
    /// True when all events that were queued before a moment are published, no scan or probe is under way or asked for,
    /// and all reports of scans are merged. What the tracker makes of it is the tracker's.
    /// </summary>
    public bool HasSeenAllBefore(long monotonicNs) => _queueEmpty.MonotonicNs > monotonicNs
        && _overflowNs == long.MaxValue
        && _rescansAsked.IsEmpty
        && _stash.IsEmpty
        && _moves.Count == 0
        && _suspects.Count == 0
        && _progress.ScansUnmerged == 0
        && _roots.TrueForAll(root => root.Scanner.IsIdle)
        && _inbox.IsEmpty; // the last one: idle scan threads post nothing more
}
