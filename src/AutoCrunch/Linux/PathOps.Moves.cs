using System.Runtime.CompilerServices;
using AutoCrunch.Core;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Linux;

/// <summary>What moving a file takes that must neither replace another one nor be lost with the power.</summary>
internal static unsafe partial class PathOps
{
    /// <summary>
    /// rename(2) that never replaces: EEXIST when the new name is taken. EINVAL where the file system cannot promise
    /// that (renameat2(2), RENAME_NOREPLACE), EXDEV between file systems.
    /// </summary>
    [SkipLocalsInit]
    public static int TryRenameNew(BytePath from, BytePath to)
    {
        fixed (byte* source = PathBuffer.Terminate(from.Span, stackalloc byte[PathBuffer.Size]))
        fixed (byte* target = PathBuffer.Terminate(to.Span, stackalloc byte[PathBuffer.Size]))
            return Result(Libc.renameat2(Libc.AT_FDCWD, source, Libc.AT_FDCWD, target, Libc.RENAME_NOREPLACE));
    }

    /// <summary>A second name for a file; EEXIST when it is taken. Of a symlink: for itself.</summary>
    [SkipLocalsInit]
    public static int TryLink(BytePath from, BytePath to)
    {
        fixed (byte* source = PathBuffer.Terminate(from.Span, stackalloc byte[PathBuffer.Size]))
        fixed (byte* target = PathBuffer.Terminate(to.Span, stackalloc byte[PathBuffer.Size]))
            return Result(Libc.linkat(Libc.AT_FDCWD, source, Libc.AT_FDCWD, target, 0));
    }

    /// <summary>
    /// Returns when the names in a directory are on disk. 0 also where the file system has no such thing (EINVAL), and
    /// for a directory that may be written and not read, which nobody can ask for.
    /// </summary>
    public static int TryFlushDirectory(BytePath directory)
    {
        int errno = Open(directory, Libc.O_RDONLY | Libc.O_DIRECTORY, 0, out SafeFileHandle? handle);
        if (handle is null)
            return errno == Errno.EACCES ? 0 : errno;
        using (handle)
            errno = Result(Libc.fsync(handle));
        return errno is Errno.EINVAL or Errno.EROFS ? 0 : errno;
    }

    /// <summary>
    /// <see cref="TryMakeDirectories"/>, and what was made is on disk: it will be there after a power cut.
    /// </summary>
    public static int TryMakeDirectoriesDurably(BytePath path, uint mode)
    {
        if (FileStatReader.TryReadTarget(path, out FileStat stat) == 0)
            return stat.Type == FileType.Directory ? 0 : Errno.ENOTDIR;
        BytePath above = path.Directory;
        int errno = above.IsEmpty || above == path ? 0 : TryMakeDirectoriesDurably(above, mode);
        if (errno == 0)
            errno = TryMakeDirectory(path, mode);
        if (errno == 0)
            return TryFlushDirectory(above);
        return errno == Errno.EEXIST ? TryMakeDirectories(path, mode) : errno;
    }
}
