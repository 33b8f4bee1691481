using AutoCrunch.Core;

namespace AutoCrunch.Linux;

/// <summary>
/// Lets any thread end another thread's <see cref="Poller.Poll"/>; many calls of Set count as one.
/// </summary>
internal sealed class WakeEvent : IDisposable
{
    private readonly BytePipe _pipe;

    /// <exception cref="LinuxException">No file descriptor left.</exception>
    public WakeEvent() => _pipe = new BytePipe(Libc.O_NONBLOCK);

    /// <summary>For <see cref="Poller"/>: readable from Set to Clear.</summary>
    public int FileDescriptor => (int)_pipe.ReadEnd.DangerousGetHandle();

    /// <summary>Wakes. Any thread. Does nothing once disposed: then there is nobody left to wake.</summary>
    public void Set() => _pipe.TryWrite(); // false where it is full: then it is set

    /// <summary>Back to not set. The waiting thread calls it before it looks for what it was woken for.</summary>
    public void Clear()
    {
        const int Most = 64;
        Span<byte> bytes = stackalloc byte[Most];
        nint got;
        do
            got = _pipe.Read(bytes);
        while (got == Most);
        Invariant.That(got > 0 || Libc.LastError == Errno.EAGAIN);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _pipe.Dispose();
        _pipe.ReadEnd.Dispose();
    }
}
