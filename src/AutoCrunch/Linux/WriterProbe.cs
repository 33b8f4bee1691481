using System.Runtime.CompilerServices;
using AutoCrunch.Core;

namespace AutoCrunch.Linux;

/// <summary>Whether somebody on this machine has a file open for writing.</summary>
internal static unsafe class WriterProbe
{
    private static readonly BytePath s_proc = new("/proc"u8);

    /// <summary>
    /// Asks the kernel for a read lease, which it refuses with EAGAIN while the file is open for writing, or mapped
    /// writable (fcntl(2), F_SETLEASE), and gives it back at once. Does not block, allocates nothing, follows no
    /// symlink. Needs the file's owner or CAP_LEASE, else Unknown; so do file systems without leases, and a file that
    /// is gone. Through an overlayfs mount, writers that bypass the mount are not seen.
    /// </summary>
    public static WriterState ByLease(ReadOnlySpan<byte> nulTerminatedPath)
    {
        Invariant.That(nulTerminatedPath is [.., 0]);
        fixed (byte* path = nulTerminatedPath)
        {
            // O_NONBLOCK: a fifo that took the file's place would wait for its writer.
            int fd = Libc.open(
                path,
                Libc.O_RDONLY | Libc.O_NONBLOCK | Libc.O_CLOEXEC | Libc.O_NOFOLLOW | Libc.O_NOCTTY,
                0);
            if (fd < 0)
            {
                // EAGAIN: somebody has a write lease (a file server, for its client) and was just asked to give it up.
                return Libc.LastError == Errno.EAGAIN ? WriterState.Writing : WriterState.Unknown;
            }

            WriterState state = AskForLease(fd);
            Libc.close(fd);
            return state;
        }
    }

    private static WriterState AskForLease(int fd)
    {
        // A writer that opens while we hold the lease makes the kernel signal us. By default that is SIGIO, which would
        // end the process; SIGURG is ignored unless handled. The writer waits until the lease is given back: at once.
        if (Libc.fcntl(fd, Libc.F_SETSIG, Signals.SIGURG) != 0)
            return WriterState.Unknown;
        if (Libc.fcntl(fd, Libc.F_SETLEASE, Libc.F_RDLCK) != 0)
            return Libc.LastError == Errno.EAGAIN ? WriterState.Writing : WriterState.Unknown;
        Libc.fcntl(fd, Libc.F_SETLEASE, Libc.F_UNLCK);
        return WriterState.None;
    }

    /// <summary>
    /// Looks through the open files of all processes in /proc: slow, for where leases cannot tell. Unknown when the
    /// files of some process may not be looked at (only root, or CAP_SYS_PTRACE, sees all). Never sees other pid
    /// namespaces, other machines, and files that are only mapped.
    /// </summary>
    public static WriterState ByProc(FileStat file)
    {
        if (file.Inode == 0 || DirectoryReader.TryOpen(s_proc, out DirectoryReader? reader) != 0)
            return WriterState.Unknown;
        using (reader)
        {
            bool sawAll = true;
            bool sawInit = false; // hidepid= hides processes altogether; process 1 always exists
            while (reader!.Read(out ReadOnlySpan<byte> name, out _))
            {
                if (!ProcessTable.TryParsePid(name, out int pid))
                    continue;
                sawInit |= pid == 1;
                WriterState state = ByDescriptors(pid, file);
                if (state == WriterState.Writing)
                    return state;
                sawAll &= state == WriterState.None;
            }

            return sawAll && sawInit ? WriterState.None : WriterState.Unknown;
        }
    }

    /// <summary>
    /// The processes that have the file open for writing, as far as this user may see them; at most so many. Slow, as
    /// <see cref="ByProc"/> is.
    /// </summary>
    public static List<FileWriter> FindWriters(FileStat file, int most)
    {
        var writers = new List<FileWriter>();
        if (file.Inode == 0 || DirectoryReader.TryOpen(s_proc, out DirectoryReader? reader) != 0)
            return writers;
        using (reader)
        {
            while (writers.Count < most && reader!.Read(out ReadOnlySpan<byte> name, out _))
            {
                if (ProcessTable.TryParsePid(name, out int pid) && ByDescriptors(pid, file) == WriterState.Writing
                    && ProcessTable.TryLook(pid, out ProcessFacts facts) == 0)
                    writers.Add(new FileWriter(pid, facts.Comm));
            }
        }

        return writers;
    }

    private static WriterState ByDescriptors(int pid, in FileStat file)
    {
        int errno = DirectoryReader.TryOpen(ProcessTable.FileOf(pid, "fd"u8), out DirectoryReader? reader);
        if (reader is null)
            return errno is Errno.ENOENT or Errno.ESRCH ? WriterState.None : WriterState.Unknown;
        using (reader)
        {
            bool sawAll = true;
            try
            {
                while (reader.Read(out ReadOnlySpan<byte> name, out _))
                {
                    errno = TryIdentify(reader.FileDescriptor, name, out ulong device, out ulong inode);
                    sawAll &= errno is 0 or Errno.ENOENT or Errno.ESRCH;
                    if (errno == 0 && inode == file.Inode && device == file.Device && IsForWriting(pid, name))
                        return WriterState.Writing;
                }
            }
            catch (LinuxException failure) when (failure.ErrorNumber == Errno.ESRCH)
            {
                return WriterState.None; // it ended while we looked, and so did its descriptors
            }

            return sawAll ? WriterState.None : WriterState.Unknown;
        }
    }

    // Follows /proc/PID/fd/N to the open file itself, whatever its name is now. DONT_SYNC: numbers that the kernel has
    // at hand, so that a dead file server behind somebody's open file does not hold us up.
    [SkipLocalsInit]
    private static int TryIdentify(int directory, ReadOnlySpan<byte> name, out ulong device, out ulong inode)
    {
        Statx result;
        int errno;
        fixed (byte* pointer = PathBuffer.Terminate(name, stackalloc byte[PathBuffer.Size]))
        {
            errno = Libc.statx(
                directory, pointer, Libc.AT_STATX_DONT_SYNC, Libc.STATX_TYPE | Libc.STATX_INO, &result) == 0
                ? 0
                : Libc.LastError;
        }

        device = errno == 0 ? FileStatReader.DeviceNumber(result.stx_dev_major, result.stx_dev_minor) : 0;
        inode = errno == 0 ? result.stx_ino : 0;
        return errno;
    }

    // fdinfo has the open flags in octal: "flags:\t0100001".
    private static bool IsForWriting(int pid, ReadOnlySpan<byte> descriptor)
    {
        BytePath path = ProcessTable.FileOf(pid, "fdinfo"u8).Join(descriptor);
        if (PathOps.TryReadSmallFile(path, out byte[] info) != 0)
            return false; // closed since
        int start = info.AsSpan().IndexOf("flags:\t"u8);
        if (start < 0)
            return false;
        int flags = 0;
        foreach (byte digit in info.AsSpan(start + "flags:\t"u8.Length))
        {
            if (digit is < (byte)'0' or > (byte)'7')
                break;
            flags = (flags << 3) | (digit - '0');
        }

        return (flags & Libc.O_ACCMODE) is Libc.O_WRONLY or Libc.O_RDWR;
    }
}
