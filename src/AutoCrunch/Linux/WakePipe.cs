using AutoCrunch.Core;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Linux;

/// <summary>
/// Wakes one of several threads that wait, by a byte in a pipe (pipe(7)): each byte is read by one of them. The end
/// they read from is closed by the finalizer, when none of them is left.
/// </summary>
/// <remarks><inheritdoc cref="WakeEvent" path="/remarks"/></remarks>
internal sealed unsafe class WakePipe
{
    private readonly SafeFileHandle _readEnd;
    private readonly SafeFileHandle _writeEnd;

    /// <exception cref="LinuxException">No file descriptor left.</exception>
    public WakePipe()
    {
        int* fds = stackalloc int[2];
        if (Libc.pipe2(fds, Libc.O_CLOEXEC) < 0)
            throw new LinuxException("pipe2", BytePath.Empty, Libc.LastError);
        _readEnd = new SafeFileHandle(fds[0], ownsHandle: true);
        _writeEnd = new SafeFileHandle(fds[1], ownsHandle: true);
    }

    /// <summary>Wakes one thread, or has the next one that waits go on at once. Any thread. At the end all are
    /// awake.</summary>
    public void Wake()
    {
        byte one = 1;
        try
        {
            nint written;
            do
                written = Libc.write(_writeEnd, &one, 1);
            while (written < 0 && Libc.LastError == Errno.EINTR);
            Invariant.That(written == 1);
        }
        catch (ObjectDisposedException)
        {
        }
    }

    /// <summary>Waits for its turn to be woken, or for the end.</summary>
    public void Wait()
    {
        byte one;
        nint got;
        do
            got = Libc.read(_readEnd, &one, 1);
        while (got < 0 && Libc.LastError == Errno.EINTR);
        Invariant.That(got >= 0);
    }

    /// <summary>Wakes all threads; nobody waits any more.</summary>
    public void End() => _writeEnd.Dispose();
}
