using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Watching;

/// <summary>One rule's watched directory and what the watch thread knows of it. Watch thread only.</summary>
internal sealed class WatchedRoot(WatchRule rule)
{
    public WatchRule Rule { get; } = rule;

    /// <summary>The root's scan thread. Set once, before the first event.</summary>
    public Scanner Scanner { get; set; } = null!;

    /// <summary>The top of the rule's tree; null while the root is lost or has not been seen yet.</summary>
    public WatchedDirectory? Directory { get; set; }

    /// <summary>Which directory the root is; counts while <see cref="Directory"/> is not null.</summary>
    public RootIdentity Identity { get; set; }

    public FileSystemFacts FileSystem { get; set; }

    /// <summary>Goes on whenever the root is lost: whatever was seen before is then too old.</summary>
    public int Epoch { get; set; }

    /// <summary>Does not hold up the start: its first scan is merged, or there is nothing to scan.</summary>
    public bool IsSettled { get; set; }

    /// <summary>The operator has been told that the root is not there.</summary>
    public bool IsAbsenceReported { get; set; }

    /// <summary>Scans asked for that have not ended, by directory.</summary>
    public Dictionary<WatchedDirectory, ScanRequest> Requests { get; } = [];

    /// <summary>Monotonic time of the next safety rescan.</summary>
    public long NextRescanNs { get; set; } = long.MaxValue;

    /// <summary>
    /// What the operator was told of files on file systems that are not mounted (<see cref="Scan.Away"/>).
    /// </summary>
    public long AwayReported { get; set; }

    /// <summary>Directories of the tree that are watched.</summary>
    public long Watched { get; set; }

    /// <summary>Directories of the tree that are not, and are scanned again and again instead.</summary>
    public long Unwatched { get; set; }

    /// <summary>The last complete scan of the whole tree; null before the first one.</summary>
    public ScanResult? LastScan { get; set; }

    /// <summary>New or changed files that rescans came by, since the start.</summary>
    public long FoundByRescans { get; set; }

    /// <summary>Directories that the operator was told cannot be read.</summary>
    public int UnreadableReports { get; set; }

    /// <summary>
    /// True when the path still leads to the directory that is watched. Not for remote roots: the answer may take long.
    /// </summary>
    public bool IsIntact()
    {
        if (Directory is null)
            return false;
        Invariant.That(!Directory.Has(DirectoryTraits.Remote));
        if (FileStatReader.TryReadTarget(Rule.Path, out FileStat stat) == 0
            && RootIdentity.Of(stat, FileSystem.HasStableInodes) == Identity)
            return true;
        Scanner.CheckRoot(); // it will tell the same, and the root is lost then
        return false;
    }
}
