using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Dispatch;

/// <summary>What a disposal has to tell the ledger before it goes on. Both return when it is recorded.</summary>
internal interface IDisposalRecord
{
    /// <summary>
    /// What is about to appear at this place, which the rule itself takes, is to make no job there.
    /// </summary>
    /// <param name="disposal">The disposal.</param>
    /// <param name="path">Relative to the rule's directory.</param>
    /// <param name="stat">The file that will have that name.</param>
    void Expect(Disposal disposal, BytePath path, FileStat stat);

    /// <summary>
    /// The whole copy is on disk under its temporary name; that is to be recorded on disk too. False when the disposal
    /// is not intended any more: the job is to run again.
    /// </summary>
    bool Copied(Disposal disposal, ulong inode);
}

/// <summary>
/// Moves or deletes the file of a job that has ended. Each step can be the last one before a crash: doing it again
/// finds out how far it had come. Nothing is ever replaced, and nothing but the version that was processed is taken
/// away: before a file is unlinked it is taken aside under a name that nobody else uses, and looked at there.
/// </summary>
/// <param name="rule">The rule.</param>
/// <param name="ledgerId">The ledger's id.</param>
/// <param name="record">Tells the ledger.</param>
internal sealed class FileDisposer(WatchRule rule, string ledgerId, IDisposalRecord record)
{
    private const uint DirectoryPermissions = 0x1FF; // 0777, less the umask
    private const int MaxNameLength = 255;

    private const string Changed = "it has changed since it was processed";
    private const string Gone = "it is not there any more";

    /// <summary>Does it, or what is left of it to do.</summary>
    /// <exception cref="OperationCanceledException">The service stops: the next start goes on.</exception>
    public DisposalResult Perform(Disposal disposal, CancellationToken stopping)
    {
        try
        {
            BytePath aside = TemporaryName(disposal.Source, disposal);
            int errno = FileStatReader.TryRead(aside, out _);
            if (errno == 0)
                return EndAside(aside, disposal);
            if (!IsMissing(errno))
                return CannotAside("statx", aside, errno);
            return disposal.Kind == DisposalKind.Move ? Move(disposal, stopping) : Delete(disposal);
        }
        catch (Exception e) when (e is LinuxException or IOException)
        {
            return new DisposalResult.Later(e.Message);
        }
    }

    /// <summary>
    /// The name under which the file is for a moment, made as rsync makes its own temporaries: what watches the
    /// directory waits for the name that follows, or takes no notice. Always the same for one job, so that what a crash
    /// left is found.
    /// </summary>
    internal BytePath TemporaryName(BytePath path, Disposal disposal)
    {
        const int SuffixLength = 6;
        const string Alphanumerics = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        Span<byte> name = stackalloc byte[MaxNameLength];
        int length = RsyncNames.TemporaryPrefix(path.Name.Span, name, withTempDir: false);
        name[length++] = (byte)'.';
        byte[] hash = SHA256.HashData(Encoding.ASCII.GetBytes($"{ledgerId} {disposal.JobId}"));
        for (int i = 0; i < SuffixLength; i++)
            name[length++] = (byte)Alphanumerics[hash[i] % Alphanumerics.Length];
        return path.Directory.Join(name[..length]);
    }

    private DisposalResult Delete(Disposal disposal)
    {
        if (LookAtSource(disposal, out _) is { } cannot)
            return cannot is DisposalResult.Left { Reason: Gone } && disposal.IsBegun
                ? DisposalResult.Done.Value // by the life of the service that began it
                : cannot;
        return TakeAway(disposal);
    }

    private DisposalResult Move(Disposal disposal, CancellationToken stopping)
    {
        BytePath destination = disposal.Destination!.Value;
        int errno = FileStatReader.TryRead(destination, out FileStat there);
        if (errno == 0)
            return AfterArrival(disposal, there);
        if (!IsMissing(errno))
            return Cannot("statx", destination, errno);
        if (LookAtSource(disposal, out FileStat source) is { } cannot)
            return cannot;
        errno = PathOps.TryMakeDirectoriesDurably(destination.Directory, DirectoryPermissions);
        if (errno != 0)
            return Cannot("mkdir", destination.Directory, errno);
        BytePath? own = OwnPlace(destination);
        if (own is { } place)
            record.Expect(disposal, place, AsJudged(source, disposal));
        errno = PathOps.TryRenameNew(disposal.Source, destination);
        return errno switch
        {
            0 => AfterRename(disposal),
            Errno.EEXIST => Taken(destination),
            Errno.EXDEV => Copy(disposal, own, stopping),
            Errno.EINVAL or Errno.ENOSYS => Link(disposal, own, stopping),
            Errno.ENOENT => new DisposalResult.Later(LinuxException.Explain("rename", disposal.Source, errno)),
            _ => Cannot("rename", destination, errno),
        };
    }

    // The look and the rename are two calls: in between the name may have passed to a newer file, which belongs back.
    private static DisposalResult AfterRename(Disposal disposal)
    {
        BytePath destination = disposal.Destination!.Value;
        int errno = FileStatReader.TryRead(destination, out FileStat there);
        if (errno == 0 && !IsProcessed(there, disposal))
        {
            errno = PathOps.TryRenameNew(destination, disposal.Source);
            return new DisposalResult.Left(errno == 0
                ? Changed
                : $"{Changed}; the version that took its place meanwhile is '{destination}'");
        }

        FlushDirectories(disposal);
        return DisposalResult.Done.Value;
    }

    // Something is at the destination: what an earlier life brought there, or somebody else's.
    private DisposalResult AfterArrival(Disposal disposal, FileStat there)
    {
        BytePath destination = disposal.Destination!.Value;
        bool isCopy = disposal.CopyInode is { } inode && there.Type == FileType.Regular && there.Inode == inode
            && there.SizeBytes == disposal.Version.SizeBytes && there.MtimeNs == disposal.Version.MtimeNs;
        int errno = FileStatReader.TryRead(disposal.Source, out FileStat source);
        if (errno != 0 && !IsMissing(errno))
            return Cannot("statx", disposal.Source, errno);
        if (errno != 0 && IsAway(disposal))
            return NotMounted(disposal);
        bool isSource = errno == 0 && IsProcessed(source, disposal);
        bool isLink = isSource && source.Inode == there.Inode && source.Device == there.Device;
        if (isLink && (source.LinkCount < 2 || IsSameName(disposal)))
            return new DisposalResult.Left($"'{destination}' is the file itself");
        if (isCopy || isLink)
        {
            errno = PathOps.TryFlushDirectory(destination.Directory);
            if (errno != 0)
                return Cannot("fsync", destination.Directory, errno);
            return isSource ? TakeAway(disposal) : DisposalResult.Done.Value;
        }

        if (isSource || !IsProcessed(there, disposal))
            return Taken(destination);
        FlushDirectories(disposal);
        return DisposalResult.Done.Value;
    }

    // Directories may be reached by several paths: through symlinks and mounts.
    private static bool IsSameName(Disposal disposal) => disposal.Source.Name == disposal.Destination!.Value.Name
        && FileStatReader.TryReadTarget(disposal.Source.Directory, out FileStat from) == 0
        && FileStatReader.TryReadTarget(disposal.Destination.Value.Directory, out FileStat to) == 0
        && from.Inode == to.Inode && from.Device == to.Device;

    // Where a rename may replace: a second name cannot.
    private DisposalResult Link(Disposal disposal, BytePath? own, CancellationToken stopping)
    {
        BytePath destination = disposal.Destination!.Value;
        int errno = PathOps.TryLink(disposal.Source, destination);
        if (errno == Errno.EEXIST)
            return Taken(destination);
        if (errno != 0)
            return Copy(disposal, own, stopping);
        errno = FileStatReader.TryRead(destination, out FileStat there);
        if (errno != 0 || !IsProcessed(there, disposal))
            return new DisposalResult.Left($"{Changed}; what took its place meanwhile is '{destination}' too");
        FlushDirectories(disposal);
        return TakeAway(disposal);
    }

    private DisposalResult Copy(Disposal disposal, BytePath? own, CancellationToken stopping)
    {
        BytePath destination = disposal.Destination!.Value;
        BytePath temporary = TemporaryName(destination, disposal);
        int errno = PathOps.TryUnlink(temporary); // what an earlier life left
        if (!IsMissing(errno) && errno != 0)
            return Cannot("unlink", temporary, errno);
        if (!FileCopy.TryCopy(disposal.Source, temporary, disposal.Version, stopping))
            return new DisposalResult.Left(Changed);
        errno = FileStatReader.TryRead(temporary, out FileStat copy);
        if (errno != 0)
            return Cannot("statx", temporary, errno);
        if (own is { } place)
            record.Expect(disposal, place, AsJudged(copy, disposal));
        if (!record.Copied(disposal, copy.Inode))
        {
            PathOps.TryUnlink(temporary);
            return new DisposalResult.Left("its job is to run again");
        }

        errno = Publish(temporary, destination);
        if (errno != 0)
        {
            PathOps.TryUnlink(temporary);
            return errno == Errno.EEXIST ? Taken(destination) : Cannot("rename", destination, errno);
        }

        errno = PathOps.TryFlushDirectory(destination.Directory);
        return errno == 0 ? TakeAway(disposal) : Cannot("fsync", destination.Directory, errno);
    }

    private static int Publish(BytePath temporary, BytePath destination)
    {
        int errno = PathOps.TryRenameNew(temporary, destination);
        if (errno is not (Errno.EINVAL or Errno.ENOSYS))
            return errno;
        errno = PathOps.TryLink(temporary, destination);
        return errno == 0 ? PathOps.TryUnlink(temporary) : errno;
    }

    // Unlinked is only what was taken aside and is the right one; whatever else was met there is put back.
    private DisposalResult TakeAway(Disposal disposal)
    {
        BytePath aside = TemporaryName(disposal.Source, disposal);
        int errno = PathOps.TryRenameNew(disposal.Source, aside);
        if (errno is Errno.EINVAL or Errno.ENOSYS)
            errno = PathOps.TryRename(disposal.Source, aside);
        if (errno == Errno.ENOENT)
            return DisposalResult.Done.Value;
        if (errno != 0)
            return Cannot("rename", disposal.Source, errno);
        return EndAside(aside, disposal);
    }

    // Nobody opens it any more under this name, but somebody may have opened it before it got it. Writers are asked for
    // first: what they have written by then shows.
    private static DisposalResult EndAside(BytePath aside, Disposal disposal)
    {
        bool isWritten = IsWritten(aside);
        int errno = FileStatReader.TryRead(aside, out FileStat taken);
        if (errno != 0)
            return CannotAside("statx", aside, errno);
        if (!IsProcessed(taken, disposal))
            return PutBack(aside, disposal);
        if (!isWritten)
            return Unlink(aside);
        errno = TryPutBack(aside, disposal);
        return new DisposalResult.Later(OpenForWriting(disposal.Source)) { IsAside = errno != 0 };
    }

    // If its name has a newer file by now, it stays aside: nothing is unlinked that was not processed.
    private static DisposalResult PutBack(BytePath aside, Disposal disposal)
    {
        int errno = TryPutBack(aside, disposal);
        if (errno == Errno.EEXIST)
            return new DisposalResult.Left(
                $"{Changed}, and its name has been taken once more: the version in between is '{aside}'");
        if (errno != 0)
            return CannotAside("rename", aside, errno);
        return disposal.Kind == DisposalKind.Delete
            ? new DisposalResult.Left(Changed)
            : DisposalResult.Done.Value; // what was processed is at the destination; this is newer
    }

    private static int TryPutBack(BytePath aside, Disposal disposal)
    {
        int errno = PathOps.TryRenameNew(aside, disposal.Source);
        if (errno is Errno.EINVAL or Errno.ENOSYS)
        {
            errno = PathOps.TryLink(aside, disposal.Source);
            if (errno == 0)
                errno = PathOps.TryUnlink(aside);
        }

        return errno;
    }

    private static DisposalResult Unlink(BytePath aside)
    {
        int errno = PathOps.TryUnlink(aside);
        return errno == 0 || IsMissing(errno) ? DisposalResult.Done.Value : CannotAside("unlink", aside, errno);
    }

    // Null when it is there, and is what was processed.
    private DisposalResult? LookAtSource(Disposal disposal, out FileStat stat)
    {
        int errno = FileStatReader.TryRead(disposal.Source, out stat);
        if (IsMissing(errno))
        {
            errno = FileStatReader.TryReadTarget(rule.Path, out _);
            if (errno == 0 && IsAway(disposal))
                return NotMounted(disposal);
            return errno == 0 ? new DisposalResult.Left(Gone) : Cannot("statx", rule.Path, errno);
        }

        if (errno != 0)
            return Cannot("statx", disposal.Source, errno);
        if (!IsProcessed(stat, disposal))
            return new DisposalResult.Left(Changed);
        return IsWritten(disposal.Source) ? new DisposalResult.Later(OpenForWriting(disposal.Source)) : null;
    }

    [SkipLocalsInit]
    private static bool IsWritten(BytePath file)
    {
        Span<byte> path = stackalloc byte[file.Length + 1];
        file.Span.CopyTo(path);
        path[^1] = 0;
        return WriterProbe.ByLease(path) == WriterState.Writing;
    }

    // What is mounted elsewhere, or not at all, is not gone. Of a rule that has another directory by now, it is not
    // asked.
    private bool IsAway(Disposal disposal)
    {
        if (disposal.Device == 0 || disposal.Source == rule.Path || !disposal.Source.IsAtOrBelow(rule.Path))
            return false;
        ReadOnlySpan<byte> below = disposal.Source.Span[rule.Path.Length..];
        return FileStatReader.DeviceAbove(rule.Path, new BytePath(below.TrimStart((byte)'/'))) != disposal.Device;
    }

    private static DisposalResult.Later NotMounted(Disposal disposal) => new(
        $"the file system that '{disposal.Source}' is on is not mounted: mount it, and this goes on");

    private static string OpenForWriting(BytePath file) => $"'{file}' is open for writing: it is looked at again";

    // Where the destination is in the rule's own tree, if the rule would take it there; null otherwise.
    private BytePath? OwnPlace(BytePath destination)
    {
        if (PathOps.TryRealPath(rule.Path, out BytePath root) != 0
            || PathOps.TryRealPath(destination.Directory, out BytePath directory) != 0
            || !directory.IsAtOrBelow(root))
            return null;
        int start = root.Length == 1 ? 1 : Math.Min(root.Length + 1, directory.Length);
        BytePath relative = new BytePath(directory.Span[start..]).Join(destination.Name);
        return rule.Reaches(relative) && rule.Takes(relative.Span) ? relative : null;
    }

    private static bool IsProcessed(FileStat stat, Disposal disposal) =>
        stat.Type == FileType.Regular && AsJudged(stat, disposal).Version == disposal.Version;

    // Where inode numbers are not stable, no version has one.
    private static FileStat AsJudged(FileStat stat, Disposal disposal) =>
        disposal.Version.Inode == 0 ? stat with { Inode = 0 } : stat;

    // A power cut later would only have it done again, so what is refused here does no harm.
    private static void FlushDirectories(Disposal disposal)
    {
        PathOps.TryFlushDirectory(disposal.Destination!.Value.Directory);
        PathOps.TryFlushDirectory(disposal.Source.Directory);
    }

    private static bool IsMissing(int errno) => errno is Errno.ENOENT or Errno.ENOTDIR;

    private static DisposalResult.Left Taken(BytePath destination) =>
        new($"'{destination}' exists already, and nothing is moved over it");

    private static DisposalResult.Later CannotAside(string operation, BytePath aside, int errno) =>
        Cannot(operation, aside, errno) with { IsAside = true };

    private static DisposalResult.Later Cannot(string operation, BytePath path, int errno) =>
        new(LinuxException.Explain(operation, path, errno));
}
