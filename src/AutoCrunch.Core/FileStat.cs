namespace AutoCrunch.Core;

/// <summary>What a name in a directory is, by <c>lstat</c>: only regular files are ever processed.</summary>
public enum FileType : byte
{
    Unknown,
    Regular,
    Directory,
    Symlink,
    Other,
}

/// <summary>
/// The facts of one file that AutoCrunch decides on, as statx(2) gave them (never following a symlink).
/// </summary>
/// <param name="Type">The kind of file.</param>
/// <param name="Device">Device number; a hint, never identity (it changes when a disk is mounted elsewhere).</param>
/// <param name="Inode">Inode number; 0 on file systems whose inode numbers are not stable.</param>
/// <param name="SizeBytes">Size in bytes.</param>
/// <param name="MtimeNs">Modification time in nanoseconds since 1970, saturated to what a long holds.</param>
/// <param name="CtimeNs">Change time in nanoseconds since 1970; a hint, never identity.</param>
/// <param name="BirthNs">Birth time in nanoseconds since 1970; 0 where the file system does not tell.</param>
/// <param name="Mode">Permission bits (07777).</param>
/// <param name="LinkCount">Number of hard links.</param>
public readonly record struct FileStat(
    FileType Type,
    ulong Device,
    ulong Inode,
    long SizeBytes,
    long MtimeNs,
    long CtimeNs,
    long BirthNs,
    uint Mode,
    uint LinkCount)
{
    /// <summary>The version of the content these facts describe.</summary>
    public FileVersion Version => new(Inode, SizeBytes, MtimeNs);

    /// <summary>
    /// True when the modification time lies in the first second of 1970: rsync's mark for a file that an interrupted
    /// <c>--partial</c> left under its final name (rsync cleanup.c sets modtime 0; the nanoseconds may be the
    /// source's).
    /// </summary>
    public bool HasZeroMtime => MtimeNs is >= 0 and < 1_000_000_000;

    /// <summary>
    /// True when writing was the last thing that happened to it and only its owner may use it: how rsync creates files,
    /// and how a killed <c>--inplace</c> leaves them (mtime and mode are set after the close).
    /// </summary>
    public bool LooksKilledInPlace => MtimeNs == CtimeNs && IsOwnerOnly;

    /// <summary>True when only its owner may use it.</summary>
    public bool IsOwnerOnly => (Mode & GroupAndOtherBits) == 0;

    // Mode bits 0077 (inode(7)).
    private const uint GroupAndOtherBits = 0x3F;
}

/// <summary>
/// One version of a file's content: what makes two completions of one path different. Device and change time are not
/// part of it: the first differs after a remount, the second after a chmod.
/// </summary>
/// <param name="Inode">Inode number; 0 on file systems whose inode numbers are not stable.</param>
/// <param name="SizeBytes">Size in bytes.</param>
/// <param name="MtimeNs">Modification time in nanoseconds since 1970.</param>
public readonly record struct FileVersion(ulong Inode, long SizeBytes, long MtimeNs);

/// <summary>What is known of processes that have a file open for writing.</summary>
public enum WriterState : byte
{
    /// <summary>Not asked.</summary>
    NotAsked,

    /// <summary>
    /// Nobody on this machine has it open for writing: a read lease was granted (fcntl(2), F_SETLEASE).
    /// </summary>
    None,

    /// <summary>Somebody has it open for writing: the lease was refused with EAGAIN.</summary>
    Writing,

    /// <summary>
    /// The lease could not be asked (not the owner, no CAP_LEASE, or the file system knows no leases).
    /// </summary>
    Unknown,
}

/// <summary>A reading of two clocks at one moment.</summary>
/// <param name="MonotonicNs">CLOCK_MONOTONIC in nanoseconds: for deadlines.</param>
/// <param name="WallNs">CLOCK_REALTIME in nanoseconds since 1970: to compare with file times.</param>
public readonly record struct Moment(long MonotonicNs, long WallNs);
