using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Watching;

/// <summary>Why a scan was made: for the log.</summary>
internal enum ScanReason : byte
{
    /// <summary>The root was seen for the first time, or again after it was lost.</summary>
    RootFound,

    /// <summary>A directory is new, was renamed, or its watch ended.</summary>
    DirectoryChanged,

    /// <summary>The kernel's queue overflowed: events were lost.</summary>
    Overflow,

    /// <summary>An event came for a watch that nothing is known of.</summary>
    UnknownWatch,

    /// <summary>The safety rescan (RescanInterval).</summary>
    Interval,

    /// <summary>A directory is not watched, or could not be listed.</summary>
    Uncovered,

    /// <summary>A file system was mounted or unmounted below the root.</summary>
    Mounts,

    /// <summary>The tracker's tables were full.</summary>
    TrackerFull,

    /// <summary>The ledger had to drop what it was told (<see cref="WatchLoop.RequestRescan"/>).</summary>
    LedgerFull,
}

/// <summary>What the watch thread asks a scan thread to scan. Immutable, but for <see cref="IsStarted"/>.</summary>
/// <param name="directory">The directory, with all below it.</param>
/// <param name="reason">Why.</param>
internal sealed class ScanRequest(WatchedDirectory directory, ScanReason reason)
{
    private volatile bool _isStarted;

    public WatchedDirectory Directory { get; } = directory;

    /// <summary>
    /// Relative to the root, as it was when the scan was asked for: the scan thread must not look into the tree.
    /// </summary>
    public BytePath RelativePath { get; } = directory.RelativePath;

    public ScanReason Reason { get; } = reason;

    /// <summary>False as long as everything that happened until now is sure to be seen by this scan.</summary>
    public bool IsStarted
    {
        get => _isStarted;
        set => _isStarted = value;
    }
}

/// <summary>
/// One scan, of a whole root or of a directory with all below it: made by a scan thread, counted by both.
/// </summary>
internal sealed class Scan(
    WatchedRoot root, int id, int epoch, ScanReason reason, ScanRequest? request, long startNs)
{
    public WatchedRoot Root { get; } = root;

    public int Id { get; } = id;

    /// <summary>Which life of the root it belongs to: a root that is lost begins a new one.</summary>
    public int Epoch { get; } = epoch;

    public ScanReason Reason { get; } = reason;

    /// <summary>What was asked for; null for a whole root.</summary>
    public ScanRequest? Request { get; } = request;

    public bool IsWhole => Request is null;

    /// <summary>The rule has never been scanned on this ledger: what is found was there before AutoCrunch.</summary>
    public bool IsFirst { get; init; }

    public long StartNs { get; } = startNs;

    /// <summary>Set at the end, before it is reported.</summary>
    public long EndNs { get; set; }

    public long Directories { get; set; }

    /// <summary>Regular files that the rule takes.</summary>
    public long Files { get; set; }

    /// <summary>Files that the ledger did not know, or knew otherwise.</summary>
    public long Found { get; set; }

    /// <summary>How many files the ledger knows there; null when they have not been counted.</summary>
    public long? KnownFiles { get; set; }

    /// <summary>
    /// Known files, and directories with known files, that are not there because the device they are on is not mounted.
    /// </summary>
    public long Away { get; set; }

    /// <summary>
    /// False when the root was lost or the service stops: nothing may be concluded from what was not seen.
    /// </summary>
    public bool IsComplete { get; set; }

    /// <summary>How far it is. Any thread: the numbers may be a moment old.</summary>
    public ScanStatus Status(long nowNs) => new(
        Root.Rule.Name, Root.Rule.Path, Directories, Files, KnownFiles, TimeSpan.FromTicks((nowNs - StartNs) / 100));
}

/// <summary>A root's identity: the same directory as before, or another one under its path?</summary>
/// <param name="Device">Device number of the directory that the path leads to.</param>
/// <param name="Inode">Its inode; 0 where inode numbers are not stable.</param>
internal readonly record struct RootIdentity(ulong Device, ulong Inode)
{
    public static RootIdentity Of(FileStat stat, bool hasStableInodes) =>
        new(stat.Device, hasStableInodes ? stat.Inode : 0);
}

/// <summary>One directory as a scan thread sees it. Reports about its entries refer to it.</summary>
internal sealed class ScanNode(Scan scan, ScanNode? parent, byte[] name)
{
    public Scan Scan { get; } = scan;

    /// <summary>The node of the directory this one is in; null for the top of the scan.</summary>
    public ScanNode? Parent { get; } = parent;

    public byte[] Name { get; } = name;

    /// <summary>The watch descriptor; 0 when it could not be, or is not to be, watched.</summary>
    public int Wd { get; set; }

    /// <summary>The batch that the watch thread was at before the directory was watched and listed.</summary>
    public int Batch { get; set; }

    /// <summary>Monotonic time before the directory was watched and listed.</summary>
    public long ListedNs { get; set; }

    /// <summary>How often everything had come into doubt before the directory was watched and listed.</summary>
    public int Doubts { get; set; }

    /// <summary>The device its files are on, and what is known of that file system.</summary>
    public ulong Device { get; set; }

    public FileSystemFacts FileSystem { get; set; }

    /// <summary>For a root: which directory it is.</summary>
    public RootIdentity Identity { get; set; }

    /// <summary>
    /// The directory in the tree. Watch thread only; null until merged, and when the report came too late.
    /// </summary>
    public WatchedDirectory? Directory { get; set; }
}
