using AutoCrunch.Core;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Linux;

/// <summary>Tells when something is mounted or unmounted in this process's mount namespace.</summary>
internal sealed class MountTable : IDisposable
{
    private static readonly BytePath s_path = new("/proc/self/mountinfo"u8);

    private readonly SafeFileHandle _handle;

    /// <exception cref="LinuxException">/proc is not mounted, or no file descriptor is left.</exception>
    public MountTable()
    {
        int errno = PathOps.TryOpen(s_path, OpenMode.Read, 0, out SafeFileHandle? handle);
        _handle = handle ?? throw new LinuxException("open", s_path, errno);
    }

    /// <summary>
    /// For <see cref="PollFd.ForChange"/>: an exceptional condition (POLLPRI, POLLERR) after a change (proc(5)).
    /// </summary>
    public int FileDescriptor => (int)_handle.DangerousGetHandle();

    /// <summary>
    /// Takes notice of all changes so far; call it before looking at the mounts. The kernel reports a change to one
    /// poll per open file (mounts_poll in fs/proc_namespace.c), so this looks once more without waiting.
    /// </summary>
    public void Acknowledge()
    {
        PollFd change = PollFd.ForChange(FileDescriptor);
        Poller.Poll(new Span<PollFd>(ref change), 0);
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();
}
