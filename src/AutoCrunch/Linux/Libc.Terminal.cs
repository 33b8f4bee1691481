using System.Runtime.InteropServices;

namespace AutoCrunch.Linux;

/// <content>Terminals (termios(3)); their mode is kept as the C library gives it, and never looked into.</content>
internal static unsafe partial class Libc
{
    public const int TCSADRAIN = 1;

    [LibraryImport(Library, SetLastError = true)]
    public static partial int tcgetattr(int fd, byte* mode);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int tcsetattr(int fd, int when, byte* mode);

    [LibraryImport(Library)]
    public static partial void cfmakeraw(byte* mode);
}
