using System.Runtime.InteropServices;

namespace AutoCrunch.Tests.Linux;

/// <summary>A descriptor without close-on-exec, as a careless library would open it.</summary>
internal static partial class Inheritable
{
    private const int O_RDONLY = 0;

    public static int Open()
    {
        int fd = open("/dev/null\0"u8, O_RDONLY);
        Assert.True(fd > 2);
        return fd;
    }

    public static void Close(int fd) => Assert.Equal(0, close(fd));

    private static int open(ReadOnlySpan<byte> path, int flags) => open(in MemoryMarshal.GetReference(path), flags);

    [LibraryImport("libc")]
    private static partial int open(in byte path, int flags);

    [LibraryImport("libc")]
    private static partial int close(int fd);
}
