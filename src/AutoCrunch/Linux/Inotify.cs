using System.Runtime.CompilerServices;
using AutoCrunch.Core;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Linux;

/// <summary>
/// One inotify instance (inotify(7)): watches are added from any thread, events are read by the watch thread only.
/// Reading allocates nothing.
/// </summary>
internal sealed unsafe class Inotify : IDisposable
{
    /// <summary>The operation's name in a <see cref="LinuxException"/> of <see cref="Create"/>.</summary>
    public const string CreateOperation = "inotify_init1";

    /// <summary>
    /// The operation's name for <see cref="LinuxException.Explain"/> when <see cref="AddWatch"/> failed.
    /// </summary>
    public const string AddWatchOperation = "inotify_add_watch";

    // One read takes up to 16,000 events without a name; the kernel's queue holds 16,384 by default.
    private const int BufferBytes = 256 * 1024;

    // struct inotify_event and a name of NAME_MAX bytes, its NUL included and padded.
    private const int EventBytesMax = 16 + 256;

    private readonly SafeFileHandle _handle;

    // Pinned for good: the kernel writes here while the collector may be moving everything else.
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(BufferBytes, pinned: true);

    private Inotify(SafeFileHandle handle) => _handle = handle;

    /// <summary>For <see cref="Poller"/>: readable when events are queued.</summary>
    public int FileDescriptor => (int)_handle.DangerousGetHandle();

    /// <exception cref="LinuxException">No instance: a limit of the user or the machine is reached (the message says
    /// which, and how to raise it).</exception>
    public static Inotify Create()
    {
        int fd = Libc.inotify_init1(Libc.IN_CLOEXEC | Libc.IN_NONBLOCK);
        return fd >= 0
            ? new Inotify(new SafeFileHandle(fd, ownsHandle: true))
            : throw new LinuxException(CreateOperation, BytePath.Empty, Libc.LastError);
    }

    /// <summary>
    /// Watches a directory, or changes the mask of its watch. Any thread. Returns the watch descriptor (1 or more), or
    /// the negated errno: ENOENT, ENOTDIR, EACCES, ENOSPC (max_user_watches), EBADF once disposed. The same
    /// directory under another path, or again, has the same descriptor.
    /// </summary>
    [SkipLocalsInit]
    public int AddWatch(BytePath directory, uint mask)
    {
        ReadOnlySpan<byte> path = PathBuffer.Terminate(directory.Span, stackalloc byte[PathBuffer.Size]);
        try
        {
            fixed (byte* pointer = path)
            {
                int wd;
                do
                    wd = Libc.inotify_add_watch(_handle, pointer, mask);
                while (wd < 0 && Libc.LastError == Errno.EINTR);
                return wd >= 0 ? wd : -Libc.LastError;
            }
        }
        catch (ObjectDisposedException)
        {
            return -Errno.EBADF; // a scan thread that outlived the watch thread
        }
    }

    /// <summary>
    /// Ends a watch; IN_IGNORED is queued for it. Any thread. Returns 0 or the negated errno: EINVAL when the kernel
    /// has ended it already (the directory is gone), EBADF once disposed.
    /// </summary>
    public int RemoveWatch(int wd)
    {
        try
        {
            return Libc.inotify_rm_watch(_handle, wd) == 0 ? 0 : -Libc.LastError;
        }
        catch (ObjectDisposedException)
        {
            return -Errno.EBADF;
        }
    }

    /// <summary>
    /// Takes what is queued, up to 256 KiB; empty when nothing is. Never blocks. Watch thread only; the memory is valid
    /// until the next call. For <see cref="InotifyEventReader"/>.
    /// </summary>
    /// <exception cref="LinuxException">read(2) failed; there is no way to go on with this instance.</exception>
    public ReadOnlyMemory<byte> Read()
    {
        fixed (byte* pointer = _buffer)
        {
            while (true)
            {
                nint count = Libc.read(_handle, pointer, BufferBytes);
                if (count >= 0)
                    return new ReadOnlyMemory<byte>(_buffer, 0, (int)count);
                int errno = Libc.LastError;
                if (errno == Errno.EAGAIN)
                    return default;
                if (errno != Errno.EINTR)
                    throw new LinuxException("read inotify events", BytePath.Empty, errno);
            }
        }
    }

    /// <summary>
    /// True when <paramref name="batch"/>, just read, left nothing that was queued before the read began: read(2) stops
    /// early only when the queue is empty or the next event does not fit (inotify(7)).
    /// </summary>
    public static bool HasDrained(ReadOnlyMemory<byte> batch) => batch.Length <= BufferBytes - EventBytesMax;

    /// <summary>Bytes of events waiting to be read (ioctl FIONREAD); 0 also when that cannot be told.</summary>
    public int QueuedBytes()
    {
        int bytes;
        return Libc.ioctl(_handle, Libc.FIONREAD, &bytes) == 0 ? bytes : 0;
    }

    /// <summary>Ends every watch.</summary>
    public void Dispose() => _handle.Dispose();
}
