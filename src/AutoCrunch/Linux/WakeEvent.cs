using AutoCrunch.Core;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Linux;

/// <summary>
/// Lets any thread end another thread's <see cref="Poller.Poll"/>; many calls of Set count as one.
/// </summary>
/// <remarks>
/// A pipe, since the kernel takes its wake-ups for those of somebody who is about to sleep himself (fs/pipe.c:
/// wake_up_interruptible_sync_poll): where all processors are busy, the thread that is woken follows on the waker's.
/// Woken by an eventfd or a futex, it waits behind whoever runs where it ran last, up to milliseconds.
/// </remarks>
internal sealed unsafe class WakeEvent : IDisposable
{
    private readonly SafeFileHandle _readEnd;
    private readonly SafeFileHandle _writeEnd;

    /// <exception cref="LinuxException">No file descriptor left.</exception>
    public WakeEvent()
    {
        int* fds = stackalloc int[2];
        if (Libc.pipe2(fds, Libc.O_CLOEXEC | Libc.O_NONBLOCK) < 0)
            throw new LinuxException("pipe2", BytePath.Empty, Libc.LastError);
        _readEnd = new SafeFileHandle(fds[0], ownsHandle: true);
        _writeEnd = new SafeFileHandle(fds[1], ownsHandle: true);
    }

    /// <summary>For <see cref="Poller"/>: readable from Set to Clear.</summary>
    public int FileDescriptor => (int)_readEnd.DangerousGetHandle();

    /// <summary>Wakes. Any thread. Does nothing once disposed: then there is nobody left to wake.</summary>
    public void Set()
    {
        byte one = 1;
        try
        {
            nint written;
            do
                written = Libc.write(_writeEnd, &one, 1);
            while (written < 0 && Libc.LastError == Errno.EINTR);

            // EAGAIN: it is full, so the event is set. EPIPE: it is being disposed.
            Invariant.That(written == 1 || Libc.LastError is Errno.EAGAIN or Errno.EPIPE);
        }
        catch (ObjectDisposedException)
        {
        }
    }

    /// <summary>Back to not set. The waiting thread calls it before it looks for what it was woken for.</summary>
    public void Clear()
    {
        const int Most = 64;
        byte* bytes = stackalloc byte[Most];
        nint got;
        do
            got = Libc.read(_readEnd, bytes, Most);
        while (got == Most || (got < 0 && Libc.LastError == Errno.EINTR));
        Invariant.That(got > 0 || Libc.LastError == Errno.EAGAIN);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _writeEnd.Dispose();
        _readEnd.Dispose();
    }
}
