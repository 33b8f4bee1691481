namespace AutoCrunch.Watching;

/// <summary>
/// What the watch thread and the scan threads let each other know at any time, beside requests and reports.
/// </summary>
internal sealed class WatchProgress
{
    private volatile int _batch;
    private volatile int _overflows;
    private volatile int _doubts;
    private volatile Exception? _failure;
    private int _scansUnmerged;
    private int _scanId;

    /// <summary>Counts reads of the kernel's queue. Goes on before each read; wraps around.</summary>
    public int Batch
    {
        get => _batch;
        set => _batch = value;
    }

    /// <summary>Counts overflows of the kernel's queue.</summary>
    public int Overflows
    {
        get => _overflows;
        set => _overflows = value;
    }

    /// <summary>
    /// Counts how often everything came into doubt: by an overflow, or because a tracker had no room. Only a scan that
    /// began later makes anything certain again.
    /// </summary>
    public int Doubts
    {
        get => _doubts;
        set => _doubts = value;
    }

    /// <summary>
    /// Scans that have begun and whose end has not been merged: only then can an event be of a watch that the watch
    /// thread
    /// has not been told of. Counted up by the scan thread before it watches anything.
    /// </summary>
    public int ScansUnmerged => Volatile.Read(ref _scansUnmerged);

    /// <summary>
    /// What ended a scan thread: a bug, or a ledger that cannot be read. The watch thread ends by it too.
    /// </summary>
    public Exception? Failure
    {
        get => _failure;
        set => _failure = value;
    }

    /// <summary>Returns the new scan's id.</summary>
    public int ScanBegins()
    {
        Interlocked.Increment(ref _scansUnmerged);
        return Interlocked.Increment(ref _scanId);
    }

    public void ScanIsMerged() => Interlocked.Decrement(ref _scansUnmerged);
}
