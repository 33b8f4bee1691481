using System.Runtime.CompilerServices;
using AutoCrunch.Core;

namespace AutoCrunch.Linux;

/// <summary>
/// Reads the facts of files with statx(2): nanoseconds and birth time, and one layout on all architectures. Every
/// method returns 0 or the errno, and allocates nothing. Inode numbers are given as they are: zeroing them on file
/// systems without stable ones (<see cref="FileSystemFacts.HasStableInodes"/>) is the caller's business.
/// </summary>
internal static unsafe class FileStatReader
{
    private const long NsPerSecond = 1_000_000_000;
    private const uint Wanted = Libc.STATX_BASIC_STATS | Libc.STATX_BTIME;

    // An automount point is looked at, not triggered. Attributes are as fresh as stat(2) has them, on a network file
    // system too.
    private const int NoFollow = Libc.AT_SYMLINK_NOFOLLOW | Libc.AT_NO_AUTOMOUNT;

    /// <summary>The facts of the name itself, never of a symlink's target.</summary>
    public static int TryRead(ReadOnlySpan<byte> nulTerminatedPath, out FileStat stat)
    {
        Invariant.That(nulTerminatedPath is [.., 0]);
        return Read(Libc.AT_FDCWD, nulTerminatedPath, NoFollow, out stat);
    }

    /// <inheritdoc cref="TryRead(ReadOnlySpan{byte}, out FileStat)"/>
    [SkipLocalsInit]
    public static int TryRead(BytePath path, out FileStat stat) =>
        Read(Libc.AT_FDCWD, PathBuffer.Terminate(path.Span, stackalloc byte[PathBuffer.Size]), NoFollow, out stat);

    /// <summary>
    /// The facts of a name (without NUL) in an open directory (<see cref="DirectoryReader.FileDescriptor"/>).
    /// </summary>
    [SkipLocalsInit]
    public static int TryReadAt(int directoryFd, ReadOnlySpan<byte> name, out FileStat stat) =>
        Read(directoryFd, PathBuffer.Terminate(name, stackalloc byte[PathBuffer.Size]), NoFollow, out stat);

    /// <summary>The facts of what the path leads to, through symlinks and automounts.</summary>
    [SkipLocalsInit]
    public static int TryReadTarget(BytePath path, out FileStat stat) =>
        Read(Libc.AT_FDCWD, PathBuffer.Terminate(path.Span, stackalloc byte[PathBuffer.Size]), 0, out stat);

    /// <summary>
    /// The device of the nearest directory above <paramref name="relativePath"/> that is there, at most
    /// <paramref name="top"/> itself (which may be a symlink): where the path would be. 0 when it cannot be told.
    /// </summary>
    public static ulong DeviceAbove(BytePath top, BytePath relativePath)
    {
        FileStat stat;
        for (BytePath above = relativePath.Directory; !above.IsEmpty; above = above.Directory)
            if (TryRead(top.Join(above), out stat) == 0)
                return stat.Type == FileType.Directory ? stat.Device : 0;
        return TryReadTarget(top, out stat) == 0 ? stat.Device : 0;
    }

    /// <summary>st_dev as stat(2) and glibc's makedev(3) compose it.</summary>
    public static ulong DeviceNumber(uint major, uint minor) =>
        ((ulong)(major & 0xFFFF_F000) << 32) | ((ulong)(major & 0xFFF) << 8)
        | ((ulong)(minor & 0xFFFF_FF00) << 12) | (minor & 0xFF);

    /// <summary>
    /// Nanoseconds since 1970, saturated: a long ends in the years 1677 and 2262, file systems go further.
    /// </summary>
    internal static long Nanoseconds(long seconds, uint nanoseconds)
    {
        Int128 value = ((Int128)seconds * NsPerSecond) + nanoseconds;
        return value > long.MaxValue ? long.MaxValue : value < long.MinValue ? long.MinValue : (long)value;
    }

    private static int Read(int directory, ReadOnlySpan<byte> path, int flags, out FileStat stat)
    {
        Statx result;
        int errno;
        fixed (byte* pointer = path)
        {
            do
                errno = Libc.statx(directory, pointer, flags, Wanted, &result) == 0 ? 0 : Libc.LastError;
            while (errno == Errno.EINTR); // an interrupted network file system
        }

        stat = errno == 0 ? Convert(in result) : default;
        return errno;
    }

    private static FileStat Convert(in Statx result) => new(
        (result.stx_mode & Libc.S_IFMT) switch
        {
            Libc.S_IFREG => FileType.Regular,
            Libc.S_IFDIR => FileType.Directory,
            Libc.S_IFLNK => FileType.Symlink,
            _ => FileType.Other,
        },
        DeviceNumber(result.stx_dev_major, result.stx_dev_minor),
        result.stx_ino,
        (long)Math.Min(result.stx_size, long.MaxValue),
        Nanoseconds(result.stx_mtime.tv_sec, result.stx_mtime.tv_nsec),
        Nanoseconds(result.stx_ctime.tv_sec, result.stx_ctime.tv_nsec),
        (result.stx_mask & Libc.STATX_BTIME) != 0
            ? Nanoseconds(result.stx_btime.tv_sec, result.stx_btime.tv_nsec)
            : 0,
        (uint)(result.stx_mode & ~Libc.S_IFMT),
        result.stx_nlink);
}
