using System.Globalization;
using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Linux;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Dispatch;

/// <summary>What <see cref="SlurmPlace.Prepare"/> found.</summary>
internal enum PlaceState : byte
{
    /// <summary>Nothing has claimed the attempt: a job may be submitted.</summary>
    Ready,

    /// <summary>A job has claimed the attempt: it is to be followed, not submitted.</summary>
    Claimed,

    /// <summary>SharedDirectory cannot be used; the errno says why.</summary>
    Unusable,
}

/// <summary>The outcome that a batch script left.</summary>
/// <param name="Code">The exit code of the command, as the shell saw it: 128 and the number for a signal.</param>
/// <param name="SlurmId">The job in Slurm that ran it.</param>
/// <param name="Node">The node it ran on.</param>
/// <param name="IsTerminated">The script got SIGTERM, as when Slurm ends a job.</param>
internal sealed record SlurmOutcome(int Code, long SlurmId, string Node, bool IsTerminated = false);

/// <summary>
/// The directory of one attempt in SharedDirectory (<see cref="SlurmToken.DirectoryOf"/>): <c>claim</c>, a directory
/// that whoever runs the attempt makes (mkdir(2) lets only one do that); <c>outcome</c>, which appears by a rename;
/// <c>log</c>. Any thread.
/// </summary>
/// <param name="shared">SharedDirectory.</param>
/// <param name="ledgerId">The ledger's id.</param>
/// <param name="jobId">The attempt's job.</param>
/// <param name="attempt">The attempt's number.</param>
internal sealed class SlurmPlace(BytePath shared, string ledgerId, long jobId, int attempt)
{
    /// <summary>A file in SharedDirectory that tells it from an empty place where it is not mounted.</summary>
    public static readonly byte[] MarkName = "autocrunch-shared"u8.ToArray();

    private const uint OwnerAndGroup = 0b111_101_000; // 0750
    private const uint OwnerAndGroupFile = 0b110_100_000;
    private const int OutcomeBytesMax = 4096;

    private static readonly byte[] s_void = "void"u8.ToArray();

    /// <summary>The directory.</summary>
    public BytePath Directory { get; } = shared.Join(
        Encoding.ASCII.GetBytes(SlurmToken.DirectoryOf(ledgerId, jobId, attempt)));

    /// <summary>What the job prints, appended by Slurm.</summary>
    public BytePath Log => Directory.Join("log"u8);

    /// <summary>The name of the job in Slurm.</summary>
    public string JobName { get; } = SlurmToken.NameOf(SlurmToken.Of(ledgerId, jobId, attempt));

    /// <summary>Whether somebody has claimed the attempt, as far as this machine can see by now.</summary>
    public bool IsClaimed => FileStatReader.TryRead(Claim, out _) == 0;

    /// <summary>Whether it is certain that the attempt never ran and never will: we have claimed it.</summary>
    public bool IsVoid => FileStatReader.TryRead(Void, out _) == 0;

    private BytePath Claim => Directory.Join("claim"u8);

    private BytePath Outcome => Directory.Join("outcome"u8);

    private BytePath Void => Claim.Join(s_void);

    private BytePath Freed => Directory.Join("freed"u8);

    /// <summary>Whether SharedDirectory is the one that jobs were submitted with. Returns 0 or the errno.</summary>
    public static int TryFindMark(BytePath shared) => FileStatReader.TryReadTarget(shared.Join(MarkName), out _);

    /// <summary>Makes the mark where there is none. Returns 0 or the errno.</summary>
    public static int TryMark(BytePath shared)
    {
        if (TryFindMark(shared) == 0)
            return 0;
        int errno = PathOps.TryOpen(
            shared.Join(MarkName), OpenMode.Append, OwnerAndGroupFile, out SafeFileHandle? file);
        file?.Dispose();
        return errno;
    }

    /// <summary>Makes the directory, and takes back what an earlier submission of the attempt left unclaimed.</summary>
    public PlaceState Prepare(out int errno)
    {
        errno = TryMakeDirectory();
        if (errno == Errno.EEXIST)
        {
            errno = 0;
            if (IsVoid)
            {
                // A late copy of the earlier submission and the next one look the same: either may have it.
                // One rename: a claim that is left half taken back would look like a job's.
                RemoveFreed();
                errno = PathOps.TryRename(Claim, Freed);
                RemoveFreed();
            }
            else if (IsClaimed || TryReadOutcome() is not null)
            {
                return PlaceState.Claimed;
            }
        }

        return errno == 0 ? PlaceState.Ready : PlaceState.Unusable;
    }

    /// <summary>
    /// Claims the attempt, so that no job can: whatever arrives late in Slurm exits at once. 0: it never ran and never
    /// will. EEXIST: a job has it. Any other errno: not known.
    /// </summary>
    public int TryVoid()
    {
        if (IsVoid)
            return 0;
        int errno = TryFindMark(shared);
        if (errno != 0)
            return errno; // what is not mounted shows no claim
        errno = TryMakeDirectory();
        if (errno is 0 or Errno.EEXIST)
            errno = PathOps.TryMakeDirectory(Claim, OwnerAndGroup);
        if (errno != 0)
            return errno;
        errno = PathOps.TryOpen(Void, OpenMode.Append, OwnerAndGroupFile, out SafeFileHandle? file);
        file?.Dispose();
        if (errno != 0)
            PathOps.TryRemoveDirectory(Claim); // without that file it would look like a job's
        return errno;
    }

    /// <summary>The job in Slurm that has claimed the attempt; null when that is not known.</summary>
    public long? TryReadClaimer() =>
        PathOps.TryReadSmallFile(Claim.Join("job"u8), out byte[] content, OutcomeBytesMax) == 0
            && long.TryParse(content.AsSpan().Trim((byte)'\n'), NumberStyles.None, CultureInfo.InvariantCulture,
                out long id) ? id : null;

    /// <summary>The outcome; null while there is none that is whole.</summary>
    public SlurmOutcome? TryReadOutcome()
    {
        if (PathOps.TryReadSmallFile(Outcome, out byte[] content, OutcomeBytesMax) != 0)
            return null;
        List<string> lines = [.. Encoding.UTF8.GetString(content).Split('\n')];
        bool isTerminated = lines is [_, _, _, _, "term", ..];
        if (isTerminated)
            lines.RemoveAt(4);
        return lines is ["autocrunch 1", ['c', 'o', 'd', 'e', ' ', .. var code], ['j', 'o', 'b', ' ', .. var job],
            ['n', 'o', 'd', 'e', ' ', .. var node], "end", ..]
            && int.TryParse(code, NumberStyles.None, CultureInfo.InvariantCulture, out int exitCode)
            && long.TryParse(job, NumberStyles.None, CultureInfo.InvariantCulture, out long id)
                ? new SlurmOutcome(exitCode, id, node, isTerminated)
                : null;
    }

    /// <summary>Removes everything: the attempt is settled. Returns 0 or the first errno.</summary>
    public int Remove()
    {
        int first = 0;
        foreach (BytePath directory in new[] { Claim, Freed, Directory })
        {
            int listed = TryList(directory, out List<byte[]> names);
            if (listed is not (0 or Errno.ENOENT) && first == 0)
                first = listed;
            foreach (byte[] name in names)
            {
                int errno = PathOps.TryUnlink(directory.Join(name));
                if (errno is not (0 or Errno.ENOENT) && first == 0)
                    first = errno;
            }

            int removed = PathOps.TryRemoveDirectory(directory);
            if (removed is not (0 or Errno.ENOENT) && first == 0)
                first = removed;
        }

        return first;
    }

    // What stays is removed with the directory.
    private void RemoveFreed()
    {
        PathOps.TryUnlink(Freed.Join(s_void));
        PathOps.TryRemoveDirectory(Freed);
    }

    // Never SharedDirectory itself: where that is missing, it is to be mounted.
    private int TryMakeDirectory()
    {
        int errno = PathOps.TryMakeDirectory(Directory.Directory, OwnerAndGroup);
        return errno is 0 or Errno.EEXIST ? PathOps.TryMakeDirectory(Directory, OwnerAndGroup) : errno;
    }

    private static int TryList(BytePath directory, out List<byte[]> names)
    {
        names = [];
        int errno = DirectoryReader.TryOpen(directory, out DirectoryReader? reader);
        if (errno != 0)
            return errno;
        using (reader)
        {
            try
            {
                while (reader!.Read(out ReadOnlySpan<byte> name, out FileType type))
                    if (type != FileType.Directory)
                        names.Add(name.ToArray());
            }
            catch (LinuxException e)
            {
                return e.ErrorNumber;
            }
        }

        return 0;
    }
}
