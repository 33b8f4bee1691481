using AutoCrunch.Core;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Linux;

/// <summary>
/// An exclusive lock on a file (flock(2)), held until disposal or the end of the process. The file stays: removing it
/// would let two processes hold "the" lock. Jobs do not inherit it.
/// </summary>
internal sealed class FileLock : IDisposable
{
    private readonly SafeFileHandle _handle;

    private FileLock(SafeFileHandle handle) => _handle = handle;

    /// <summary>
    /// Locks the file, creating it if needed (0600 less the umask), without waiting. Returns 0 or the errno: EAGAIN
    /// when another process, or another <see cref="FileLock"/> of this one, holds it.
    /// </summary>
    public static int TryTake(BytePath path, out FileLock? fileLock)
    {
        const uint OwnerOnly = 0x180;
        fileLock = null;
        int errno = PathOps.TryOpen(path, OpenMode.ReadWrite, OwnerOnly, out SafeFileHandle? handle);
        if (handle is null)
            return errno;
        do
            errno = Libc.flock(handle, Libc.LOCK_EX | Libc.LOCK_NB) == 0 ? 0 : Libc.LastError;
        while (errno == Errno.EINTR);
        if (errno == 0)
            fileLock = new FileLock(handle);
        else
            handle.Dispose();
        return errno;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Closing alone would leave it locked while a child that is just being started still has its copy of the
        // descriptor, until its execve(2).
        if (!_handle.IsClosed)
            Libc.flock(_handle, Libc.LOCK_UN);
        _handle.Dispose();
    }
}
