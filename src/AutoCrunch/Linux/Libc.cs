using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

// The system's libraries only, nothing beside the assembly: there is one libc.
[assembly: DefaultDllImportSearchPaths(DllImportSearchPath.System32)]

namespace AutoCrunch.Linux;

/// <summary>
/// The C library, as it is: C names, pointers and integers, -1 and errno. Nothing here retries, converts or throws; the
/// owner classes of this folder do. errno must be taken (<see cref="LastError"/>) by the very next statement.
/// Needs Linux 5.9 and glibc 2.34. Variadic functions (open, fcntl, ioctl, prctl, syscall) are declared with the
/// arguments used: the calling conventions of x86_64 and arm64 Linux pass those exactly as fixed ones.
/// </summary>
internal static unsafe partial class Libc
{
    private const string Library = "libc";

    /// <summary>errno of the last call of this thread that was declared with SetLastError.</summary>
    public static int LastError => Marshal.GetLastPInvokeError();

    [LibraryImport(Library, SetLastError = true)]
    public static partial int open(byte* path, int flags, uint mode);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int openat(int directory, byte* path, int flags, uint mode);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int close(int fd);

    [LibraryImport(Library, SetLastError = true)]
    public static partial nint read(SafeFileHandle fd, byte* buffer, nuint count);

    [LibraryImport(Library, SetLastError = true)]
    public static partial nint write(SafeFileHandle fd, byte* buffer, nuint count);

    [LibraryImport(Library, SetLastError = true)]
    public static partial nint pread(SafeFileHandle fd, byte* buffer, nuint count, long offset);

    [LibraryImport(Library, SetLastError = true)]
    public static partial long lseek(SafeFileHandle fd, long offset, int whence);

    [LibraryImport(Library, SetLastError = true)]
    public static partial nint getdents64(SafeFileHandle fd, byte* buffer, nuint count);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int statx(int directory, byte* path, int flags, uint mask, Statx* result);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int statfs(byte* path, Statfs* result);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int fcntl(int fd, int command, nint argument);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int ioctl(SafeFileHandle fd, nuint request, int* argument);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int flock(SafeFileHandle fd, int operation);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int fallocate(SafeFileHandle fd, int mode, long offset, long length);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int mkdir(byte* path, uint mode);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int unlinkat(int directory, byte* path, int flags);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int rename(byte* from, byte* to);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int renameat2(int fromDirectory, byte* from, int toDirectory, byte* to, uint flags);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int linkat(int fromDirectory, byte* from, int toDirectory, byte* to, int flags);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int fsync(SafeFileHandle fd);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int fchmod(SafeFileHandle fd, uint mode);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int fchown(SafeFileHandle fd, uint owner, uint group);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int futimens(SafeFileHandle fd, Timespec* times);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int faccessat(int directory, byte* path, int mode, int flags);

    [LibraryImport(Library, SetLastError = true)]
    public static partial byte* realpath(byte* path, byte* resolved);

    [LibraryImport(Library, SetLastError = true)]
    public static partial nint readlink(byte* path, byte* buffer, nuint size);

    [LibraryImport(Library, SetLastError = true)]
    public static partial byte* getcwd(byte* buffer, nuint size);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int inotify_init1(int flags);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int inotify_add_watch(SafeFileHandle fd, byte* path, uint mask);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int inotify_rm_watch(SafeFileHandle fd, int wd);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int pipe2(int* fds, int flags);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int ppoll(PollFd* fds, nuint count, Timespec* timeout, void* signalMask);

    // Served by the vDSO in some 20 ns: leaving managed code properly would cost as much again.
    [LibraryImport(Library), SuppressGCTransition]
    public static partial int clock_gettime(int clock, Timespec* time);
}
