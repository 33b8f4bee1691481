using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Linux;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Tests;

/// <summary>
/// A directory of its own for one test, removed with all it contains. Names are bytes: whatever Linux takes as a name
/// can be created, read, renamed and removed here. Text arguments are read by <see cref="BytePath.Parse"/>, so
/// <c>@"a\xFF.raw"</c> is a name with that byte.
/// </summary>
internal sealed class TempDirectory : IDisposable
{
    private const uint AllRights = 0x1FF;

    /// <summary>
    /// Below $TMPDIR, else /tmp; below <paramref name="parent"/> when a certain file system is wanted.
    /// </summary>
    public TempDirectory(string? parent = null)
    {
        string name = "autocrunch-test-" + Guid.NewGuid().ToString("N");
        Text = System.IO.Path.Combine(parent ?? System.IO.Path.GetTempPath(), name);
        Path = BytePath.Parse(Text);
        Check("mkdir", Path, PathOps.TryMakeDirectory(Path, AllRights));
        // Without symlinks: tests compare paths.
        Check("realpath", Path, PathOps.TryRealPath(Path, out BytePath real));
        Path = real;
        Text = real.ToString();
    }

    /// <summary>The directory's absolute path.</summary>
    public BytePath Path { get; }

    /// <summary><see cref="Path"/> as text, which it always can be.</summary>
    public string Text { get; }

    /// <summary>The absolute path of an entry, or of one further down: "a/b".</summary>
    public BytePath this[string relative] => Path.Join(BytePath.Parse(relative));

    /// <summary>Creates a directory and those above it that are missing; returns its path.</summary>
    public BytePath MakeDirectory(string relative)
    {
        BytePath path = this[relative];
        Check("mkdir", path, PathOps.TryMakeDirectories(path, AllRights));
        return path;
    }

    /// <summary>Writes a file (open, write, close), with the directories above it; returns its path.</summary>
    public BytePath Write(string relative, ReadOnlySpan<byte> content)
    {
        BytePath path = this[relative];
        Check("mkdir", path.Directory, PathOps.TryMakeDirectories(path.Directory, AllRights));
        using SafeFileHandle file = Open(path, OpenMode.Replace);
        RandomAccess.Write(file, content, 0);
        return path;
    }

    /// <inheritdoc cref="Write(string, ReadOnlySpan{byte})"/>
    public BytePath Write(string relative, string content = "content") =>
        Write(relative, Encoding.UTF8.GetBytes(content));

    /// <summary>The content of a file of at most 1 MiB.</summary>
    public byte[] Read(string relative)
    {
        Check("read", this[relative], PathOps.TryReadSmallFile(this[relative], out byte[] content));
        return content;
    }

    /// <summary><see cref="Read"/> as UTF-8.</summary>
    public string ReadText(string relative) => Encoding.UTF8.GetString(Read(relative));

    /// <summary>Whether there is such a name (a dangling symlink is one).</summary>
    public bool Exists(string relative) => FileStatReader.TryRead(this[relative], out _) == 0;

    /// <summary>The file's facts.</summary>
    public FileStat Stat(string relative)
    {
        Check("statx", this[relative], FileStatReader.TryRead(this[relative], out FileStat stat));
        return stat;
    }

    /// <summary>Renames within this directory.</summary>
    public void Rename(string from, string to) => Check("rename", this[from], PathOps.TryRename(this[from], this[to]));

    /// <summary>Removes a file.</summary>
    public void Unlink(string relative) => Check("unlink", this[relative], PathOps.TryUnlink(this[relative]));

    /// <summary>Opens a file and keeps it open, as a writer does; the caller disposes of it.</summary>
    public SafeFileHandle Open(string relative, OpenMode mode) => Open(this[relative], mode);

    /// <summary>Removes everything.</summary>
    public void Dispose() => RemoveTree(Path);

    private static SafeFileHandle Open(BytePath path, OpenMode mode)
    {
        int errno = PathOps.TryOpen(path, mode, 0x1B6, out SafeFileHandle? file);
        return file ?? throw new LinuxException("open", path, errno);
    }

    private static void RemoveTree(BytePath directory)
    {
        var names = new List<(byte[] Name, FileType Type)>();
        int errno = DirectoryReader.TryOpen(directory, out DirectoryReader? reader);
        if (errno == Errno.EACCES)
        {
            File.SetUnixFileMode(directory.ToString(), (UnixFileMode)AllRights);
            errno = DirectoryReader.TryOpen(directory, out reader);
        }

        Check("open", directory, errno);
        using (reader)
        {
            while (reader!.Read(out ReadOnlySpan<byte> name, out FileType type))
                names.Add((name.ToArray(), type));
        }

        foreach ((byte[] name, FileType type) in names)
        {
            if (type == FileType.Directory)
                RemoveTree(directory.Join(name));
            else
                CheckGone("unlink", directory.Join(name), PathOps.TryUnlink(directory.Join(name)));
        }

        CheckGone("rmdir", directory, PathOps.TryRemoveDirectory(directory));
    }

    private static void CheckGone(string operation, BytePath path, int errno) =>
        Check(operation, path, errno == Errno.ENOENT ? 0 : errno);

    private static void Check(string operation, BytePath path, int errno)
    {
        if (errno != 0)
            throw new LinuxException(operation, path, errno);
    }
}
