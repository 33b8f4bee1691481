using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using AutoCrunch.Core;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Linux;

/// <summary>What <see cref="PathOps.TryAccess"/> asks for (access(2)).</summary>
[Flags]
internal enum AccessMode
{
    Exists = 0,
    Execute = 1,
    Write = 2,
    Read = 4,
}

/// <summary>How <see cref="PathOps.TryOpen"/> opens.</summary>
internal enum OpenMode
{
    /// <summary>An existing file, for reading.</summary>
    Read,

    /// <summary>For reading and writing; created when missing.</summary>
    ReadWrite,

    /// <summary>For writing at the end; created when missing.</summary>
    Append,

    /// <summary>For writing; created, or emptied.</summary>
    Replace,

    /// <summary>For writing; EEXIST when there is such a name.</summary>
    CreateNew,
}

/// <summary>Operations on names, by byte paths. Every method returns 0 or the errno.</summary>
internal static unsafe partial class PathOps
{
    private const int SmallFileBytes = 1024 * 1024;

    /// <summary>Creates one directory; EEXIST when the name is taken.</summary>
    [SkipLocalsInit]
    public static int TryMakeDirectory(BytePath path, uint mode)
    {
        fixed (byte* pointer = PathBuffer.Terminate(path.Span, stackalloc byte[PathBuffer.Size]))
            return Result(Libc.mkdir(pointer, mode));
    }

    /// <summary>Creates a directory and those above it that are missing; 0 also when it is there already.</summary>
    public static int TryMakeDirectories(BytePath path, uint mode)
    {
        int errno = TryMakeDirectory(path, mode);
        if (errno == Errno.ENOENT && !path.Directory.IsEmpty && path.Directory != path)
        {
            errno = TryMakeDirectories(path.Directory, mode);
            if (errno == 0)
                errno = TryMakeDirectory(path, mode);
        }

        if (errno != Errno.EEXIST)
            return errno;
        errno = FileStatReader.TryReadTarget(path, out FileStat stat);
        return errno == 0 && stat.Type != FileType.Directory ? Errno.ENOTDIR : errno;
    }

    /// <summary>Absolute, without symlinks, "." and ".." (realpath(3)); the path must exist.</summary>
    [SkipLocalsInit]
    public static int TryRealPath(BytePath path, out BytePath real)
    {
        byte* resolved = stackalloc byte[Libc.PATH_MAX];
        fixed (byte* pointer = PathBuffer.Terminate(path.Span, stackalloc byte[PathBuffer.Size]))
        {
            bool found = Libc.realpath(pointer, resolved) is not null;
            int errno = found ? 0 : Libc.LastError;
            real = found ? new BytePath(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(resolved)) : BytePath.Empty;
            return errno;
        }
    }

    /// <summary>What a symbolic link says (readlink(2)), which may be relative to its directory.</summary>
    [SkipLocalsInit]
    public static int TryReadLink(BytePath path, out BytePath target)
    {
        byte* buffer = stackalloc byte[Libc.PATH_MAX];
        fixed (byte* pointer = PathBuffer.Terminate(path.Span, stackalloc byte[PathBuffer.Size]))
        {
            nint length = Libc.readlink(pointer, buffer, Libc.PATH_MAX);
            int errno = length < 0 ? Libc.LastError : 0;
            target = errno == 0 ? new BytePath(new ReadOnlySpan<byte>(buffer, (int)length)) : BytePath.Empty;
            return errno;
        }
    }

    /// <summary>The directory that relative paths are relative to.</summary>
    [SkipLocalsInit]
    public static int TryCurrentDirectory(out BytePath path)
    {
        byte* buffer = stackalloc byte[Libc.PATH_MAX];
        bool found = Libc.getcwd(buffer, Libc.PATH_MAX) is not null;
        int errno = found ? 0 : Libc.LastError;
        path = found ? new BytePath(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(buffer)) : BytePath.Empty;
        return errno;
    }

    /// <summary>Whether this process may (effective user, capabilities count); EACCES or EROFS when not.</summary>
    [SkipLocalsInit]
    public static int TryAccess(BytePath path, AccessMode mode)
    {
        fixed (byte* pointer = PathBuffer.Terminate(path.Span, stackalloc byte[PathBuffer.Size]))
            return Result(Libc.faccessat(Libc.AT_FDCWD, pointer, (int)mode, Libc.AT_EACCESS));
    }

    /// <summary>Removes a name that is not a directory's.</summary>
    public static int TryUnlink(BytePath path) => Remove(path, 0);

    /// <summary>Removes an empty directory.</summary>
    public static int TryRemoveDirectory(BytePath path) => Remove(path, Libc.AT_REMOVEDIR);

    /// <summary>Renames, replacing what has the new name; EXDEV between file systems.</summary>
    [SkipLocalsInit]
    public static int TryRename(BytePath from, BytePath to)
    {
        fixed (byte* source = PathBuffer.Terminate(from.Span, stackalloc byte[PathBuffer.Size]))
        fixed (byte* target = PathBuffer.Terminate(to.Span, stackalloc byte[PathBuffer.Size]))
            return Result(Libc.rename(source, target));
    }

    /// <summary>
    /// Opens a file, for ordinary streams (<c>new FileStream(handle, ...)</c>, <see cref="RandomAccess"/>). Never waits
    /// for the other end of a fifo; closed in every job that is started.
    /// </summary>
    /// <param name="path">The file; symlinks are followed.</param>
    /// <param name="mode">How.</param>
    /// <param name="permissions">Permission bits of a file that is created, less the umask.</param>
    /// <param name="file">The open file, when 0 is returned.</param>
    public static int TryOpen(BytePath path, OpenMode mode, uint permissions, out SafeFileHandle? file)
    {
        int flags = mode switch
        {
            OpenMode.Read => Libc.O_RDONLY,
            OpenMode.ReadWrite => Libc.O_RDWR | Libc.O_CREAT,
            OpenMode.Append => Libc.O_WRONLY | Libc.O_CREAT | Libc.O_APPEND,
            OpenMode.Replace => Libc.O_WRONLY | Libc.O_CREAT | Libc.O_TRUNC,
            OpenMode.CreateNew => Libc.O_WRONLY | Libc.O_CREAT | Libc.O_EXCL,
            _ => throw new ArgumentOutOfRangeException(nameof(mode)),
        };
        return Open(path, flags | Libc.O_NONBLOCK, permissions, out file);
    }

    /// <summary>
    /// Reads a whole file of at most <paramref name="maxBytes"/> (EFBIG beyond), also one of /proc that tells no size.
    /// </summary>
    public static int TryReadSmallFile(BytePath path, out byte[] content, int maxBytes = SmallFileBytes)
    {
        content = [];
        int errno = TryOpen(path, OpenMode.Read, 0, out SafeFileHandle? file);
        if (file is null)
            return errno;
        using (file)
        {
            byte[] buffer = new byte[4096];
            int length = 0;
            while (true)
            {
                if (length == buffer.Length)
                    Array.Resize(ref buffer, length * 2);
                errno = Read(file, buffer.AsSpan(length), out int count);
                if (errno != 0)
                    return errno;
                if (count == 0)
                    break;
                length += count;
                if (length > maxBytes)
                    return Errno.EFBIG;
            }

            content = buffer[..length];
            return 0;
        }
    }

    /// <summary>
    /// Opens a directory as a place only (O_PATH): needs no permission for the directory itself. Under
    /// <c>/proc/self/fd</c> it gives what is in it a short name of plain ASCII, whatever its own is.
    /// </summary>
    public static int TryOpenPlace(BytePath directory, out SafeFileHandle? place) =>
        Open(directory, Libc.O_PATH | Libc.O_DIRECTORY, 0, out place);

    /// <summary>open(2) with these flags and O_CLOEXEC | O_NOCTTY.</summary>
    [SkipLocalsInit]
    internal static int Open(BytePath path, int flags, uint mode, out SafeFileHandle? file) =>
        OpenAt(Libc.AT_FDCWD, path.Span, flags, mode, out file);

    /// <summary>open(2) relative to an open directory, with O_CLOEXEC and O_NOCTTY.</summary>
    [SkipLocalsInit]
    internal static int OpenAt(
        int directory, ReadOnlySpan<byte> path, int flags, uint mode, out SafeFileHandle? file)
    {
        fixed (byte* pointer = PathBuffer.Terminate(path, stackalloc byte[PathBuffer.Size]))
        {
            while (true)
            {
                int fd = Libc.openat(directory, pointer, flags | Libc.O_CLOEXEC | Libc.O_NOCTTY, mode);
                int errno = fd < 0 ? Libc.LastError : 0;
                if (errno == Errno.EINTR)
                    continue;
                file = fd < 0 ? null : new SafeFileHandle(fd, ownsHandle: true);
                return errno;
            }
        }
    }

    /// <summary>One read(2), repeated only when a signal came.</summary>
    internal static int Read(SafeFileHandle file, Span<byte> buffer, out int count)
    {
        fixed (byte* pointer = buffer)
        {
            while (true)
            {
                nint got = Libc.read(file, pointer, (nuint)buffer.Length);
                int errno = got < 0 ? Libc.LastError : 0;
                if (errno == Errno.EINTR)
                    continue;
                count = (int)Math.Max(0, got);
                return errno;
            }
        }
    }

    [SkipLocalsInit]
    private static int Remove(BytePath path, int flags)
    {
        fixed (byte* pointer = PathBuffer.Terminate(path.Span, stackalloc byte[PathBuffer.Size]))
            return Result(Libc.unlinkat(Libc.AT_FDCWD, pointer, flags));
    }

    private static int Result(int returned) => returned == 0 ? 0 : Libc.LastError;
}
