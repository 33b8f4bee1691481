using System.Runtime.InteropServices;
using AutoCrunch.Core;

namespace AutoCrunch.Linux;

/// <summary>One descriptor to wait for (poll(2)).</summary>
[CType("struct pollfd")]
[StructLayout(LayoutKind.Explicit, Size = 8)]
internal struct PollFd
{
    [FieldOffset(0)] public int fd;
    [FieldOffset(4)] public short events;
    [FieldOffset(6)] public short revents;

    /// <summary>After a poll: something happened (also an error or a hang-up, which reading will then tell).</summary>
    public readonly bool IsReady => revents != 0;

    /// <summary>Waits until there is something to read.</summary>
    public static PollFd ForRead(int fileDescriptor) => new() { fd = fileDescriptor, events = Libc.POLLIN };

    /// <summary>Waits for a change of a <see cref="MountTable"/>.</summary>
    public static PollFd ForChange(int fileDescriptor) => new() { fd = fileDescriptor, events = Libc.POLLPRI };
}

/// <summary>Waits for descriptors.</summary>
internal static unsafe class Poller
{
    private const long NsPerSecond = 1_000_000_000;

    /// <summary>
    /// Waits until one is ready, at most <paramref name="timeoutNs"/> nanoseconds (negative: for ever; 0: only looks).
    /// Returns how many are ready; 0 after the time, and possibly earlier, when a signal came.
    /// </summary>
    /// <exception cref="LinuxException">ppoll(2) failed: no memory.</exception>
    public static int Poll(Span<PollFd> fds, long timeoutNs)
    {
        var timeout = new Timespec { tv_sec = timeoutNs / NsPerSecond, tv_nsec = timeoutNs % NsPerSecond };
        fixed (PollFd* pointer = fds)
        {
            int ready = Libc.ppoll(pointer, (nuint)fds.Length, timeoutNs < 0 ? null : &timeout, null);
            int errno = ready < 0 ? Libc.LastError : 0;
            Invariant.That(!HasClosedDescriptor(fds, ready));
            if (errno is not (0 or Errno.EINTR))
                throw new LinuxException("ppoll", BytePath.Empty, errno);
            if (ready >= 0)
                return ready;
            foreach (ref PollFd fd in fds)
                fd.revents = 0; // after EINTR they are the previous poll's
            return 0;
        }
    }

    // POLLNVAL would otherwise turn the caller's loop into a busy one.
    private static bool HasClosedDescriptor(ReadOnlySpan<PollFd> fds, int ready)
    {
        if (ready <= 0)
            return false;
        foreach (PollFd fd in fds)
        {
            if ((fd.revents & Libc.POLLNVAL) != 0)
                return true;
        }

        return false;
    }
}
