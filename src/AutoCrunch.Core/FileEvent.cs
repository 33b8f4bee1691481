using System;

namespace AutoCrunch.Core;

/// <summary>What happened to a name; in brackets the kernel's name of the event (inotify(7)).</summary>
public enum FileEventKind : byte
{
    /// <summary>The name appeared: opened with O_CREAT, or linked (IN_CREATE).</summary>
    Created,

    /// <summary>Content was written or truncated (IN_MODIFY).</summary>
    Modified,

    /// <summary>Mode, owner, times or link count changed (IN_ATTRIB).</summary>
    AttributesChanged,

    /// <summary>A descriptor open for writing was closed (IN_CLOSE_WRITE).</summary>
    ClosedAfterWrite,

    /// <summary>The name was renamed away; the partner, if watched, has the same cookie (IN_MOVED_FROM).</summary>
    MovedOut,

    /// <summary>The name was renamed here (IN_MOVED_TO).</summary>
    MovedIn,

    /// <summary>The name was removed (IN_DELETE).</summary>
    Deleted,

    /// <summary>A scan found the name, and it is not what the ledger knows.</summary>
    Found,

    /// <summary>A scan did not find a name the ledger knows.</summary>
    Missing,
}

/// <summary>One change of one name in one directory of one rule, reported by the kernel or found by a scan.</summary>
/// <remarks>
/// An ordinary struct, but <see cref="Name"/> may lie in the reader's buffer: it is valid until Publish returns.
/// </remarks>
/// <param name="Directory">The directory the name is in.</param>
/// <param name="Name">The name's bytes; valid during the call only.</param>
/// <param name="Kind">What happened.</param>
/// <param name="Cookie">Pairs <see cref="FileEventKind.MovedOut"/> with <see cref="FileEventKind.MovedIn"/>; else
/// 0.</param>
/// <param name="Time">When it was read.</param>
/// <param name="QueueEmpty">When the kernel's queue was last seen empty before this event: the change is not
/// older.</param>
public readonly record struct FileEvent(
    TrackedDirectory Directory,
    ReadOnlyMemory<byte> Name,
    FileEventKind Kind,
    uint Cookie,
    Moment Time,
    Moment QueueEmpty)
{
    /// <summary>
    /// For <see cref="FileEventKind.Found"/>: why the ledger holds this very version; null when it does not.
    /// </summary>
    public HoldReason? HeldBefore { get; init; }

    /// <summary>For <see cref="FileEventKind.Found"/>: that version, where it holds one.</summary>
    public FileVersion HeldVersion { get; init; }

    /// <summary>For <see cref="FileEventKind.Found"/>: the scan is the rule's very first one.</summary>
    public bool IsFirstScan { get; init; }

    /// <summary>
    /// For <see cref="FileEventKind.Found"/>: a completed version of this path is known on the same inode.
    /// </summary>
    public bool IsUpdateInPlace { get; init; }

    /// <summary>
    /// For <see cref="FileEventKind.Found"/>: monotonic time before its directory was listed. What was read of the name
    /// since may have come after the listing.
    /// </summary>
    public long ListedNs { get; init; }
}
