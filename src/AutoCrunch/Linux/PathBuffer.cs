using AutoCrunch.Core;

namespace AutoCrunch.Linux;

/// <summary>
/// Ends paths with the NUL that C wants. Callers bring <see cref="Size"/> bytes of stack, enough for every path the
/// kernel accepts; a longer one gets an array, and ENAMETOOLONG from the kernel.
/// </summary>
internal static class PathBuffer
{
    /// <summary>Bytes of stack to bring: PATH_MAX, which includes the NUL.</summary>
    public const int Size = Libc.PATH_MAX;

    /// <summary>
    /// Copies <paramref name="path"/> and a NUL into <paramref name="buffer"/>; returns the part in use.
    /// </summary>
    public static ReadOnlySpan<byte> Terminate(scoped ReadOnlySpan<byte> path, Span<byte> buffer)
    {
        Invariant.That(!path.Contains((byte)0)); // the kernel would act on another path: what precedes the NUL
        if (path.Length >= buffer.Length)
            buffer = new byte[path.Length + 1];
        path.CopyTo(buffer);
        buffer[path.Length] = 0;
        return buffer[..(path.Length + 1)];
    }
}
