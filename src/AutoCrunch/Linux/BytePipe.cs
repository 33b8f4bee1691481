using AutoCrunch.Core;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Linux;

/// <summary>A pipe (pipe(7)) whose bytes are wake-ups.</summary>
/// <remarks>
/// Not an eventfd or a futex: the kernel takes a pipe's wake-ups for those of somebody who is about to sleep himself
/// (fs/pipe.c: wake_up_interruptible_sync_poll): where all processors are busy, the thread that is woken follows on the
/// waker's. Woken by the others, it waits behind whoever runs where it ran last, up to milliseconds.
/// </remarks>
internal sealed unsafe class BytePipe : IDisposable
{
    private readonly SafeFileHandle _writeEnd;

    /// <exception cref="LinuxException">No file descriptor left.</exception>
    public BytePipe(int flags)
    {
        int* fds = stackalloc int[2];
        if (Libc.pipe2(fds, Libc.O_CLOEXEC | flags) < 0)
            throw new LinuxException("pipe2", BytePath.Empty, Libc.LastError);
        ReadEnd = new SafeFileHandle(fds[0], ownsHandle: true);
        _writeEnd = new SafeFileHandle(fds[1], ownsHandle: true);
    }

    /// <summary>Who reads, closes it; else the finalizer does.</summary>
    public SafeFileHandle ReadEnd { get; }

    /// <summary>
    /// Writes a byte; any thread. False where it is full, or closed at either end: then nobody is to be woken.
    /// </summary>
    public bool TryWrite()
    {
        byte one = 1;
        try
        {
            nint written;
            do
                written = Libc.write(_writeEnd, &one, 1);
            while (written < 0 && Libc.LastError == Errno.EINTR);
            Invariant.That(written == 1 || Libc.LastError is Errno.EAGAIN or Errno.EPIPE);
            return written == 1;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }

    /// <summary>Reads so many bytes at most: 0 at the end, negative with an errno.</summary>
    public nint Read(Span<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            nint got;
            do
                got = Libc.read(ReadEnd, start, (nuint)bytes.Length);
            while (got < 0 && Libc.LastError == Errno.EINTR);
            return got;
        }
    }

    /// <summary>Closes the end that is written to: all who wait are at the end.</summary>
    public void Dispose() => _writeEnd.Dispose();
}
