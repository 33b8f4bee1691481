using AutoCrunch.Core;

namespace AutoCrunch.Linux;

/// <summary>Whether somebody on this machine has a file open for writing.</summary>
internal static unsafe partial class WriterProbe
{
    /// <summary>
    /// Asks the kernel for a read lease, which it refuses with EAGAIN while the file is open for writing, or mapped
    /// writable (fcntl(2), F_SETLEASE), and gives it back at once. Does not block, allocates nothing, follows no symlink.
    /// Needs the file's owner or CAP_LEASE, else Unknown; so do file systems without leases, and a file that is gone.
    /// Through an overlayfs mount, writers that bypass the mount are not seen.
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
}
