using System.Buffers;
using System.Buffers.Binary;
using AutoCrunch.Core;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Linux;

/// <summary>
/// Lists one directory, names as bytes, in the file system's order. Reading allocates nothing. One thread at a time.
/// </summary>
internal sealed unsafe class DirectoryReader : IDisposable
{
    private const int BufferBytes = 64 * 1024;

    // struct linux_dirent64 of getdents64(2): d_ino, d_off (8 bytes each), d_reclen (2), d_type (1), d_name with NUL.
    internal const int RecordLengthOffset = 16;
    internal const int TypeOffset = 18;
    internal const int NameOffset = 19;

    private readonly SafeFileHandle _handle;
    private readonly BytePath _path;
    private byte[]? _buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
    private int _next;
    private int _end;

    private DirectoryReader(SafeFileHandle handle, BytePath path)
    {
        _handle = handle;
        _path = path;
    }

    /// <summary>For <see cref="FileStatReader.TryReadAt"/>; open until disposal.</summary>
    public int FileDescriptor => (int)_handle.DangerousGetHandle();

    /// <summary>
    /// Opens a directory. Returns 0 or the errno; a path that ends in a symlink is refused (ENOTDIR or ELOOP), so a
    /// directory that is replaced by a link between listing and opening does not lead out of the tree.
    /// </summary>
    public static int TryOpen(BytePath path, out DirectoryReader? reader) =>
        Open(Libc.AT_FDCWD, path, Libc.O_NOFOLLOW, out reader);

    /// <summary>
    /// Like <see cref="TryOpen"/>, for a name in an open directory: whatever the path to that one is by now.
    /// </summary>
    public static int TryOpenAt(DirectoryReader parent, byte[] name, out DirectoryReader? reader) =>
        Open(parent.FileDescriptor, new BytePath(name), Libc.O_NOFOLLOW, out reader);

    /// <summary>Like <see cref="TryOpen"/>, but follows a symlink: for a rule's root.</summary>
    public static int TryOpenTarget(BytePath path, out DirectoryReader? reader) =>
        Open(Libc.AT_FDCWD, path, 0, out reader);

    /// <summary>
    /// The next entry but "." and ".."; false at the end, which gives the buffer back: the descriptor may be kept open
    /// for as long as it takes to walk a tree. The name is valid until the next call.
    /// </summary>
    /// <exception cref="LinuxException">The directory could not be read on.</exception>
    public bool Read(out ReadOnlySpan<byte> name, out FileType type)
    {
        ObjectDisposedException.ThrowIf(_handle.IsClosed, this);
        while (true)
        {
            if (_buffer is null || (_next == _end && !Fill(_buffer)))
            {
                ReturnBuffer();
                name = default;
                type = FileType.Unknown;
                return false;
            }

            ReadOnlySpan<byte> record = _buffer.AsSpan(_next, _end - _next);
            int length = BinaryPrimitives.ReadUInt16LittleEndian(record[RecordLengthOffset..]);
            Invariant.That(length > NameOffset && length <= record.Length);
            _next += length;
            ReadOnlySpan<byte> padded = record[NameOffset..length];
            name = padded[..padded.IndexOf((byte)0)];
            if (name is [(byte)'.'] or [(byte)'.', (byte)'.'])
                continue;
            type = record[TypeOffset] switch
            {
                Libc.DT_REG => FileType.Regular,
                Libc.DT_DIR => FileType.Directory,
                Libc.DT_LNK => FileType.Symlink,
                Libc.DT_UNKNOWN => FileType.Unknown,
                _ => FileType.Other,
            };
            return true;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _handle.Dispose();
        ReturnBuffer();
    }

    private void ReturnBuffer()
    {
        if (_buffer is { } buffer)
            ArrayPool<byte>.Shared.Return(buffer);
        _buffer = null;
    }

    private static int Open(int parent, BytePath path, int flags, out DirectoryReader? reader)
    {
        int errno = PathOps.OpenAt(
            parent, path.Span, Libc.O_RDONLY | Libc.O_DIRECTORY | Libc.O_NONBLOCK | flags, 0,
            out SafeFileHandle? handle);
        reader = handle is null ? null : new DirectoryReader(handle, path);
        return errno;
    }

    private bool Fill(byte[] buffer)
    {
        fixed (byte* pointer = buffer)
        {
            while (true)
            {
                nint count = Libc.getdents64(_handle, pointer, BufferBytes);
                if (count >= 0)
                {
                    _next = 0;
                    _end = (int)count;
                    return count > 0;
                }

                int errno = Libc.LastError;
                if (errno == Errno.ENOENT)
                    return false; // the directory was removed while it was open: there is nothing in it any more
                if (errno != Errno.EINTR)
                    throw new LinuxException("getdents64", _path, errno);
            }
        }
    }
}
