using System.Runtime.CompilerServices;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Watching;

/// <summary>
/// Looks at files: at once on local file systems, without allocating; through the root's scan thread where looking may
/// take long.
/// </summary>
/// <remarks>
/// "Gone" is said only when the file's directory and the rule's root are there: a root that was just unmounted, or a
/// directory that was just renamed, must not look like the deletion of all that was in it.
/// </remarks>
internal sealed class FileProber : IFileProber
{
    /// <inheritdoc/>
    [SkipLocalsInit]
    public bool TryProbe(
        TrackedDirectory directory, ReadOnlySpan<byte> name, ProbeDepth depth, out ProbeAnswer answer)
    {
        var watched = (WatchedDirectory)directory;
        answer = ProbeAnswer.Unreadable;
        if (watched.IsAdrift)
            return true;
        if (watched.Has(DirectoryTraits.Remote) || depth == ProbeDepth.WritersByProc)
        {
            watched.Root.Scanner.Probe(new LateProbe(watched, name.ToArray(), depth));
            return false;
        }

        Span<byte> buffer = stackalloc byte[PathBuffer.Size];
        int directoryLength = WriteAbsolutePath(watched, buffer);
        if (directoryLength == 0 || directoryLength + 1 + name.Length >= buffer.Length)
            return true;
        buffer[directoryLength] = (byte)'/';
        name.CopyTo(buffer[(directoryLength + 1)..]);
        int length = directoryLength + 1 + name.Length;
        buffer[length] = 0;
        answer = Look(buffer[..(length + 1)], depth, watched.Traits);
        if (answer.Status == ProbeStatus.Gone && !IsDirectoryThere(watched, buffer, directoryLength))
            answer = ProbeAnswer.Unreadable;
        return true;
    }

    /// <summary>
    /// Looks at one path, following nothing. "Gone" here says only that there is no such name: whether its directory
    /// and
    /// the root are there is for the caller to find out.
    /// </summary>
    public static ProbeAnswer Look(ReadOnlySpan<byte> nulTerminatedPath, ProbeDepth depth, DirectoryTraits traits)
    {
        int errno = FileStatReader.TryRead(nulTerminatedPath, out FileStat stat);
        if (errno != 0)
            return IsAbsence(errno) ? ProbeAnswer.Gone : ProbeAnswer.Unreadable;
        WriterState writer = WriterState.NotAsked;
        if (depth != ProbeDepth.Stat && stat.Type == FileType.Regular)
        {
            writer = WriterProbe.ByLease(nulTerminatedPath);
            if (writer == WriterState.Unknown && depth == ProbeDepth.WritersByProc)
                writer = WriterProbe.ByProc(stat);

            // Nobody here writes it, but somebody on another machine may.
            if (writer == WriterState.None && (traits & DirectoryTraits.Remote) != 0)
                writer = WriterState.Unknown;

            // The writer may have gone on between the first look and the lease: what counts is what is there now.
            errno = FileStatReader.TryRead(nulTerminatedPath, out stat);
            if (errno != 0)
                return IsAbsence(errno) ? ProbeAnswer.Gone : ProbeAnswer.Unreadable;
        }

        return new ProbeAnswer(ProbeStatus.Present, Stabilise(stat, traits), writer);
    }

    /// <summary>Leaves out what is no part of a file's identity where it is: the same in scans and in probes.</summary>
    public static FileStat Stabilise(FileStat stat, DirectoryTraits traits) => stat with
    {
        Inode = (traits & DirectoryTraits.UnstableInodes) != 0 ? 0 : stat.Inode,
        Device = (traits & DirectoryTraits.SeveralDevices) != 0 ? 0 : stat.Device,
    };

    /// <summary>
    /// True when an errno says that the name does not exist; every other one says that we do not know.
    /// </summary>
    public static bool IsAbsence(int errno) => errno is Errno.ENOENT or Errno.ENOTDIR;

    private static bool IsDirectoryThere(WatchedDirectory directory, Span<byte> buffer, int directoryLength)
    {
        buffer[directoryLength] = 0;
        return (directory.Parent is null
                || (FileStatReader.TryRead(buffer[..(directoryLength + 1)], out FileStat stat) == 0
                    && stat.Type == FileType.Directory))
            && directory.Root.IsIntact();
    }

    /// <summary>
    /// Writes the path without its slash at the end; returns its length, 0 when there is no room for it.
    /// </summary>
    private static int WriteAbsolutePath(WatchedDirectory directory, Span<byte> buffer)
    {
        ReadOnlySpan<byte> root = directory.Rule.Path.Span;
        int relativeLength = 0;
        for (WatchedDirectory? above = directory; above?.Parent is not null; above = above.ParentDirectory)
            relativeLength += above.Name.Length + 1;
        if (root.Length + relativeLength >= buffer.Length)
            return 0;
        root.CopyTo(buffer);
        if (relativeLength == 0)
            return root.Length;
        buffer[root.Length] = (byte)'/';
        directory.WritePath(default, buffer[(root.Length + 1)..]);
        return root.Length + relativeLength;
    }
}
