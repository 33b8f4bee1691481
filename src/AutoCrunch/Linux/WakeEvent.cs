using AutoCrunch.Core;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Linux;

/// <summary>
/// Lets any thread end another thread's <see cref="Poller.Poll"/> (eventfd(2)); many calls of Set count as one.
/// </summary>
internal sealed unsafe class WakeEvent : IDisposable
{
    private readonly SafeFileHandle _handle;

    /// <exception cref="LinuxException">No file descriptor left.</exception>
    public WakeEvent()
    {
        int fd = Libc.eventfd(0, Libc.EFD_CLOEXEC | Libc.EFD_NONBLOCK);
        if (fd < 0)
            throw new LinuxException("eventfd", BytePath.Empty, Libc.LastError);
        _handle = new SafeFileHandle(fd, ownsHandle: true);
    }

    /// <summary>For <see cref="Poller"/>: readable from Set to Clear.</summary>
    public int FileDescriptor => (int)_handle.DangerousGetHandle();

    /// <summary>Wakes. Any thread. Does nothing once disposed: then there is nobody left to wake.</summary>
    public void Set()
    {
        ulong one = 1;
        try
        {
            nint written;
            do
                written = Libc.write(_handle, (byte*)&one, sizeof(ulong));
            while (written < 0 && Libc.LastError == Errno.EINTR);

            // EAGAIN: the counter is full, so the event is set.
            Invariant.That(written == sizeof(ulong) || Libc.LastError == Errno.EAGAIN);
        }
        catch (ObjectDisposedException)
        {
        }
    }

    /// <summary>Back to not set. The waiting thread calls it before it looks for what it was woken for.</summary>
    public void Clear()
    {
        ulong count;
        nint got;
        do
            got = Libc.read(_handle, (byte*)&count, sizeof(ulong));
        while (got < 0 && Libc.LastError == Errno.EINTR);
        Invariant.That(got == sizeof(ulong) || Libc.LastError == Errno.EAGAIN);
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();
}
