using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Linux;

/// <summary>
/// Files without a name that live in memory (memfd_create(2)): what a short program reads and writes, exactly and
/// without anybody who has to drain a pipe meanwhile.
/// </summary>
internal static unsafe class MemoryFile
{
    /// <summary>A file with this content, to be read from its beginning. Returns 0 or the errno.</summary>
    public static int TryCreateInput(ReadOnlySpan<byte> content, out SafeFileHandle? file)
    {
        int errno = TryCreate(out file);
        if (file is not null)
            RandomAccess.Write(file, content, 0);
        return errno;
    }

    /// <summary>
    /// An empty file that takes <paramref name="maxBytes"/>: a write beyond fails with EPERM (F_SEAL_GROW, fcntl(2)),
    /// so no program can fill the memory. Returns 0 or the errno.
    /// </summary>
    public static int TryCreateOutput(int maxBytes, out SafeFileHandle? file)
    {
        int errno = TryCreate(out file);
        if (file is null)
            return errno;
        RandomAccess.SetLength(file, maxBytes); // a hole: costs nothing until it is written
        const int Seals = Libc.F_SEAL_SEAL | Libc.F_SEAL_SHRINK | Libc.F_SEAL_GROW;
        if (Libc.fcntl((int)file.DangerousGetHandle(), Libc.F_ADD_SEALS, Seals) == 0)
            return 0;
        errno = Libc.LastError;
        file.Dispose();
        file = null;
        return errno;
    }

    /// <summary>What a child has written through the descriptor that it got from us.</summary>
    public static byte[] ReadOutput(SafeFileHandle file)
    {
        long length = Math.Max(0, Libc.lseek(file, 0, Libc.SEEK_CUR)); // the child's offset is ours
        byte[] content = new byte[length];
        int read = 0;
        while (read < content.Length && RandomAccess.Read(file, content.AsSpan(read), read) is > 0 and int count)
            read += count;
        return content;
    }

    private static int TryCreate(out SafeFileHandle? file)
    {
        int fd;
        fixed (byte* name = "autocrunch\0"u8)
            fd = Libc.memfd_create(name, Libc.MFD_CLOEXEC | Libc.MFD_ALLOW_SEALING);
        int errno = fd < 0 ? Libc.LastError : 0;
        file = fd < 0 ? null : new SafeFileHandle(fd, ownsHandle: true);
        return errno;
    }
}
