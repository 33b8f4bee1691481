using AutoCrunch.Core;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Linux;

/// <summary>Copies one version of a file: content, owner, mode and times; no extended attributes, no holes.</summary>
internal static unsafe class FileCopy
{
    private const int BufferBytes = 1024 * 1024;
    private const uint OwnerOnly = 0x180; // 0600 until all is in it

    // What a file may do for others than its owner must not outlive a change of that owner: 06000.
    private const uint SetIdBits = 0xC00;

    /// <summary>
    /// Copies to a name that is free, and returns when the content is on disk. What cannot be finished is removed.
    /// </summary>
    /// <param name="source">The file; never a symlink.</param>
    /// <param name="target">The copy.</param>
    /// <param name="version">The version to copy; inode 0 where inode numbers are not stable.</param>
    /// <param name="stopping">Breaks it off.</param>
    /// <returns>False when the source is not, or is no longer, that version.</returns>
    /// <exception cref="LinuxException">The kernel refuses; EEXIST when the name is taken.</exception>
    /// <exception cref="OperationCanceledException">It was broken off.</exception>
    public static bool TryCopy(BytePath source, BytePath target, FileVersion version, CancellationToken stopping)
    {
        const int Flags = Libc.O_RDONLY | Libc.O_NONBLOCK;
        int errno = PathOps.Open(source, Flags | Libc.O_NOFOLLOW, 0, out SafeFileHandle? from);
        if (from is null)
            throw new LinuxException("open", source, errno);
        using (from)
        {
            Statx before = Read(from, source);
            if (!IsVersion(before, version))
                return false;
            errno = PathOps.TryOpen(target, OpenMode.CreateNew, OwnerOnly, out SafeFileHandle? to);
            if (to is null)
                throw new LinuxException("open", target, errno);
            bool isWhole = false;
            try
            {
                using (to)
                {
                    long copied = CopyContent(from, source, to, target, stopping);
                    isWhole = copied == version.SizeBytes && IsVersion(Read(from, source), version);
                    if (isWhole)
                        Finish(to, target, before);
                }
            }
            catch
            {
                PathOps.TryUnlink(target);
                throw;
            }

            if (!isWhole)
                PathOps.TryUnlink(target);
            return isWhole;
        }
    }

    private static long CopyContent(
        SafeFileHandle from, BytePath source, SafeFileHandle to, BytePath target, CancellationToken stopping)
    {
        byte[] buffer = GC.AllocateUninitializedArray<byte>(BufferBytes);
        long copied = 0;
        while (true)
        {
            stopping.ThrowIfCancellationRequested();
            Check("read", source, PathOps.Read(from, buffer, out int count));
            if (count == 0)
                return copied;
            for (int written = 0; written < count;)
            {
                Check("write", target, Write(to, buffer.AsSpan(written, count - written), out int more));
                written += more;
            }

            copied += count;
        }
    }

    // Only root, or who has CAP_CHOWN, can give a file away: what is refused is left as it is made.
    private static void Finish(SafeFileHandle to, BytePath target, in Statx source)
    {
        uint mode = (uint)(source.stx_mode & ~Libc.S_IFMT);
        if (Libc.fchown(to, source.stx_uid, source.stx_gid) != 0)
            mode &= ~SetIdBits;
        Check("chmod", target, Result(Libc.fchmod(to, mode)));
        Timespec* times = stackalloc Timespec[2];
        times[0] = new Timespec { tv_sec = source.stx_atime.tv_sec, tv_nsec = source.stx_atime.tv_nsec };
        times[1] = new Timespec { tv_sec = source.stx_mtime.tv_sec, tv_nsec = source.stx_mtime.tv_nsec };
        Check("utimensat", target, Result(Libc.futimens(to, times)));
        Check("fsync", target, Result(Libc.fsync(to)));
    }

    private static int Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, out int count)
    {
        fixed (byte* pointer = bytes)
        {
            while (true)
            {
                nint put = Libc.write(file, pointer, (nuint)bytes.Length);
                int errno = put < 0 ? Libc.LastError : 0;
                if (errno == Errno.EINTR)
                    continue;
                count = (int)Math.Max(0, put);
                return errno;
            }
        }
    }

    private static Statx Read(SafeFileHandle file, BytePath path)
    {
        Statx result;
        bool isHeld = false;
        try
        {
            file.DangerousAddRef(ref isHeld);
            int fd = (int)file.DangerousGetHandle();
            fixed (byte* empty = "\0"u8)
                Check("statx", path, Result(Libc.statx(
                    fd, empty, Libc.AT_EMPTY_PATH, Libc.STATX_BASIC_STATS, &result)));
        }
        finally
        {
            if (isHeld)
                file.DangerousRelease();
        }

        return result;
    }

    private static bool IsVersion(in Statx stat, FileVersion version) =>
        (stat.stx_mode & Libc.S_IFMT) == Libc.S_IFREG
        && (version.Inode == 0 || stat.stx_ino == version.Inode)
        && (long)stat.stx_size == version.SizeBytes
        && FileStatReader.Nanoseconds(stat.stx_mtime.tv_sec, stat.stx_mtime.tv_nsec) == version.MtimeNs;

    private static int Result(int returned) => returned == 0 ? 0 : Libc.LastError;

    private static void Check(string operation, BytePath path, int errno)
    {
        if (errno != 0)
            throw new LinuxException(operation, path, errno);
    }
}
