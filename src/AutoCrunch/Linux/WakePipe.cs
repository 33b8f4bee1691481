using AutoCrunch.Core;

namespace AutoCrunch.Linux;

/// <summary>
/// Wakes one of several threads that wait, by a byte in a pipe: each byte is read by one of them. The end they read
/// from is closed by the finalizer, when none of them is left.
/// </summary>
internal sealed class WakePipe
{
    private readonly BytePipe _pipe;

    /// <exception cref="LinuxException">No file descriptor left.</exception>
    public WakePipe() => _pipe = new BytePipe(0);

    /// <summary>
    /// Wakes one thread, or has the next one that waits go on at once. Any thread. At the end all are awake.
    /// </summary>
    public void Wake() => _pipe.TryWrite();

    /// <summary>Waits for its turn to be woken, or for the end.</summary>
    public void Wait()
    {
        byte one = 0;
        Invariant.That(_pipe.Read(new Span<byte>(ref one)) >= 0);
    }

    /// <summary>Wakes all threads; nobody waits any more.</summary>
    public void End() => _pipe.Dispose();
}
