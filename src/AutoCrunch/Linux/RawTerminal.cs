using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Linux;

/// <summary>
/// A terminal that gives every key at once, without showing it and without making signals of any (cfmakeraw(3)), until
/// disposal. What is written to it needs "\r\n" at the end of a line.
/// </summary>
internal sealed unsafe class RawTerminal : IDisposable
{
    private const int StandardInput = 0;

    private readonly byte[] _before;
    private bool _isDisposed;

    private RawTerminal(byte[] before) => _before = before;

    /// <summary>Null when standard input is no terminal.</summary>
    public static RawTerminal? TryEnter()
    {
        byte[] before = new byte[Libc.OpaqueBytes];
        fixed (byte* mode = before)
        {
            if (Libc.tcgetattr(StandardInput, mode) != 0)
                return null;
        }

        byte[] changed = [.. before];
        fixed (byte* mode = changed)
        {
            Libc.cfmakeraw(mode);
            return Libc.tcsetattr(StandardInput, Libc.TCSADRAIN, mode) == 0 ? new RawTerminal(before) : null;
        }
    }

    /// <summary>What to poll for keys.</summary>
    public static PollFd Keys => PollFd.ForRead(StandardInput);

    /// <summary>Reads keys that are there; 0 at the end of input: the terminal is gone.</summary>
    public static int ReadKeys(Span<byte> keys)
    {
        using var input = new SafeFileHandle(StandardInput, ownsHandle: false);
        return PathOps.Read(input, keys, out int count) == 0 ? count : 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        fixed (byte* mode = _before)
            Libc.tcsetattr(StandardInput, Libc.TCSADRAIN, mode);
    }
}
