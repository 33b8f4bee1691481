using AutoCrunch.Core;
using AutoCrunch.Linux;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Dispatch;

/// <summary>Takes what a job printed from SharedDirectory to where the ledger keeps logs.</summary>
internal static class SlurmLogFile
{
    private const int BufferBytes = 128 * 1024;
    private const uint LogPermissions = 0b110_100_000; // 0640
    private const uint DirectoryPermissions = 0b111_101_000;

    /// <summary>
    /// Copies at most <paramref name="maxBytes"/>: of a larger one the middle is left out, as it is from other logs.
    /// 0 also when there is none. Nothing of it is needed after a crash: the job's attempt is then judged again.
    /// </summary>
    public static int TryKeep(BytePath source, BytePath target, long maxBytes)
    {
        int errno = PathOps.TryMakeDirectories(target.Directory, DirectoryPermissions);
        if (errno != 0)
            return errno;
        errno = PathOps.TryOpen(source, OpenMode.Read, 0, out SafeFileHandle? from);
        if (from is null)
            return errno == Errno.ENOENT ? 0 : errno;
        using (from)
        {
            errno = PathOps.TryOpen(target, OpenMode.Replace, LogPermissions, out SafeFileHandle? to);
            if (to is null)
                return errno;
            using (to)
            {
                try
                {
                    Copy(from, to, maxBytes);
                    return 0;
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    return Errno.EIO;
                }
            }
        }
    }

    private static void Copy(SafeFileHandle from, SafeFileHandle to, long maxBytes)
    {
        long size = RandomAccess.GetLength(from);
        byte[] buffer = new byte[BufferBytes];
        if (size <= maxBytes)
        {
            Copy(from, to, buffer, 0, size);
            return;
        }

        Copy(from, to, buffer, 0, maxBytes / 2);
        Copy(from, to, buffer, size - (maxBytes / 2), size);
    }

    private static void Copy(SafeFileHandle from, SafeFileHandle to, byte[] buffer, long start, long end)
    {
        long offset = start;
        while (offset < end)
        {
            int count = RandomAccess.Read(from, buffer.AsSpan(0, (int)Math.Min(buffer.Length, end - offset)), offset);
            if (count == 0)
                return;
            RandomAccess.Write(to, buffer.AsSpan(0, count), offset);
            offset += count;
        }
    }
}
