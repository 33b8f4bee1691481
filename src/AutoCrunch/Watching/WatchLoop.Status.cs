namespace AutoCrunch.Watching;

/// <content>What operators ask about the watching itself.</content>
internal sealed partial class WatchLoop
{
    private long? _lastOverflowNs;

    /// <summary>Watch thread: others ask through the watch service. Costs the number of rules.</summary>
    public WatchStatus Status() => new(
        [
            .. _roots.Select(root => new RootStatus(
                root.Rule.Name, root.Directory is not null, root.Watched, root.Unwatched, root.LastScan,
                root.FoundByRescans)),
        ],
        _progress.Overflows,
        _lastOverflowNs,
        _inotify.QueuedBytes());

    // A first scan of a root finds what was there; any later one what no event has told, or has told just now.
    private void Remember(WatchedRoot root, Scan scan)
    {
        root.LastScan = new ScanResult(_now.WallNs, scan.Reason, scan.Files, scan.Found);
        if (scan.Reason != ScanReason.RootFound)
            root.FoundByRescans += scan.Found;
    }
}
