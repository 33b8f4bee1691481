using System.Runtime.CompilerServices;
using AutoCrunch.Core;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Linux;

/// <summary>Keeps a job's log small on disk while the job goes on writing it, and reads its end.</summary>
internal static unsafe class LogFile
{
    /// <summary>
    /// Frees the disk space of the middle of a file larger than <paramref name="maxBytes"/>: about half of that stays
    /// at each end, offsets and size stay as they are (the middle reads as zeros), and writers, who append, notice
    /// nothing. Returns 0, also when there is nothing to do, or the errno: EOPNOTSUPP where the file system cannot do
    /// it.
    /// </summary>
    public static int PunchMiddle(BytePath path, long maxBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxBytes);
        int errno = PathOps.Open(path, Libc.O_WRONLY | Libc.O_NONBLOCK, 0, out SafeFileHandle? file);
        if (file is null)
            return errno;
        using (file)
        {
            errno = TryReadSize(file, out long size, out long blockBytes);
            if (errno != 0 || size <= maxBytes)
                return errno;

            // Whole blocks, rounded so that what stays is at least half of maxBytes at each end.
            long head = (maxBytes / 2 + blockBytes - 1) / blockBytes * blockBytes;
            long tail = (size - maxBytes / 2) / blockBytes * blockBytes;
            if (tail <= head)
                return 0;
            do
            {
                const int Punch = Libc.FALLOC_FL_PUNCH_HOLE | Libc.FALLOC_FL_KEEP_SIZE;
                errno = Libc.fallocate(file, Punch, head, tail - head) == 0 ? 0 : Libc.LastError;
            }
            while (errno == Errno.EINTR);
            return errno;
        }
    }

    /// <summary>
    /// The last bytes of a file, at most <paramref name="maxBytes"/>; without the zeros of a punched middle in front.
    /// Empty when it is empty, missing or unreadable: the end of a log is shown as a help, never needed.
    /// </summary>
    public static byte[] ReadTail(BytePath path, int maxBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxBytes);
        PathOps.TryOpen(path, OpenMode.Read, 0, out SafeFileHandle? file);
        if (file is null)
            return [];
        using (file)
        {
            if (TryReadSize(file, out long size, out _) != 0)
                return [];
            byte[] tail = new byte[Math.Min(size, maxBytes)];
            int length = ReadAt(file, tail, size - tail.Length);
            return tail.AsSpan(0, length).TrimStart((byte)0).ToArray();
        }
    }

    private static int ReadAt(SafeFileHandle file, Span<byte> buffer, long offset)
    {
        int length = 0;
        fixed (byte* pointer = buffer)
        {
            while (length < buffer.Length)
            {
                nint got = Libc.pread(file, pointer + length, (nuint)(buffer.Length - length), offset + length);
                if (got < 0 && Libc.LastError == Errno.EINTR)
                    continue;
                if (got <= 0)
                    break;
                length += (int)got;
            }
        }

        return length;
    }

    [SkipLocalsInit]
    private static int TryReadSize(SafeFileHandle file, out long size, out long blockBytes)
    {
        Statx result;
        byte empty = 0;
        bool added = false;
        file.DangerousAddRef(ref added);
        int fd = (int)file.DangerousGetHandle();
        int errno = Libc.statx(fd, &empty, Libc.AT_EMPTY_PATH, Libc.STATX_SIZE, &result) == 0 ? 0 : Libc.LastError;
        file.DangerousRelease();
        size = errno == 0 ? (long)result.stx_size : 0;
        blockBytes = errno == 0 ? Math.Max(1, result.stx_blksize) : 1;
        return errno;
    }
}
