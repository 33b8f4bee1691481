using AutoCrunch.Core;

namespace AutoCrunch.Watching;

internal enum ReportKind : byte
{
    /// <summary>
    /// Node: a directory is there, and watched if its Wd says so. Precedes everything about its entries.
    /// </summary>
    DirectoryFound,

    /// <summary>Node, Name: a file that the ledger does not know in this version.</summary>
    FileFound,

    /// <summary>Node, Name: a file that the ledger knows and that is not there.</summary>
    FileMissing,

    /// <summary>
    /// Node: all entries have been reported, Value 1; or only some, the directory could not be read on, Value 0.
    /// </summary>
    DirectoryListed,

    /// <summary>Node: all directories in it have been reported, if DirectoryListed said so.</summary>
    DirectoriesListed,

    /// <summary>Node: the directory could not be opened; Value is the errno.</summary>
    DirectoryFailed,

    /// <summary>A <see cref="KnownDirectory"/>, with the device of its place, is not there.</summary>
    DirectoryMissing,

    /// <summary>Scan: it is over.</summary>
    ScanFinished,

    /// <summary>Answer: the late answer to a probe.</summary>
    Probed,

    /// <summary>
    /// Scan is null, Value the errno (0: it is another directory now), Epoch: the root is no longer what it was.
    /// </summary>
    RootLost,

    /// <summary>Value the errno, Epoch: there is no root to watch (yet).</summary>
    RootAbsent,

    /// <summary>Something was mounted or unmounted below the root.</summary>
    MountsChanged,
}

/// <summary>The late answer to a probe.</summary>
internal sealed record LateAnswer(LateProbe Probe, ProbeAnswer Answer);

/// <summary>What a scan thread tells the watch thread; which fields count depends on the kind.</summary>
/// <param name="Kind">What is told.</param>
/// <param name="Root">The root it is told of.</param>
internal readonly record struct ScanReport(ReportKind Kind, WatchedRoot Root)
{
    public ScanNode? Node { get; init; }

    public byte[]? Name { get; init; }

    public int Value { get; init; }

    public int Epoch { get; init; }

    /// <summary>For FileFound: why the ledger holds this very version; null when it does not.</summary>
    public HoldReason? Held { get; init; }

    /// <summary>For FileFound: that version, where it holds one.</summary>
    public FileVersion HeldVersion { get; init; }

    /// <summary>For FileFound: the ledger knows another version on the same inode.</summary>
    public bool IsUpdateInPlace { get; init; }

    /// <summary>A <see cref="Watching.Scan"/>, a <see cref="LateAnswer"/> or a <see cref="KnownDirectory"/>.</summary>
    public object? Payload { get; init; }
}
