using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Configuration;

/// <summary>Tells whether the ledger knows this version of a file.</summary>
internal delegate bool IsKnownFile(string rule, BytePath relative, FileStat stat);

/// <summary>How the ledger knows a rule.</summary>
internal enum RuleStanding : byte
{
    /// <summary>As it is configured now.</summary>
    AsBefore,

    /// <summary>With another Path, or other patterns.</summary>
    Changed,

    /// <summary>Not, or its first scan has not ended.</summary>
    New,
}

/// <summary>What is in a rule's tree, counted as the service would look at it.</summary>
internal sealed class TreeSurvey
{
    private const int MaxExamples = 5;

    private readonly WatchRule _rule;
    private readonly IsKnownFile? _isKnown;
    private readonly HashSet<(ulong Device, ulong Inode)> _directories;

    private TreeSurvey(WatchRule rule, IsKnownFile? isKnown, HashSet<(ulong Device, ulong Inode)> directories)
    {
        _rule = rule;
        _isKnown = isKnown;
        _directories = directories;
    }

    /// <summary>Regular files whose names the rule takes.</summary>
    public long Files { get; private set; }

    /// <summary>Those of them that the ledger does not know; all of them where it was not asked.</summary>
    public long UnknownFiles { get; private set; }

    /// <summary>The first of them; empty when there is none.</summary>
    public BytePath Example { get; private set; }

    /// <summary>Directories that could not be read.</summary>
    public long Unreadable { get; private set; }

    /// <summary>The first few of them with the reason.</summary>
    public List<(BytePath Path, int Errno)> UnreadableExamples { get; } = [];

    /// <summary>
    /// Walks the tree. Symlinks are not followed, except by the root itself; ignored directories not entered.
    /// </summary>
    /// <param name="rule">Whose tree.</param>
    /// <param name="isKnown">Asks the ledger; null when there is none yet.</param>
    /// <param name="directories">Where watched directories are added; overlapping rules share their watches.</param>
    public static TreeSurvey Of(
        WatchRule rule, IsKnownFile? isKnown, HashSet<(ulong Device, ulong Inode)> directories)
    {
        var survey = new TreeSurvey(rule, isKnown, directories);
        var pending = new Stack<BytePath>([BytePath.Empty]);
        while (pending.TryPop(out BytePath relative))
            survey.Visit(relative, pending);
        return survey;
    }

    /// <summary>
    /// True when no file at this path could ever have a job: below an ignored directory, or beside the tree.
    /// </summary>
    public static bool IsBeyondReach(WatchRule rule, BytePath relative) => !rule.Reaches(relative);

    private void Visit(BytePath relative, Stack<BytePath> pending)
    {
        BytePath path = _rule.Path.Join(relative);
        int errno = relative.IsEmpty
            ? DirectoryReader.TryOpenTarget(path, out DirectoryReader? reader)
            : DirectoryReader.TryOpen(path, out reader);
        if (reader is null)
        {
            if (errno is not (Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP))
                AddUnreadable(path, errno);
            return;
        }

        using (reader)
        {
            if (FileStatReader.TryReadTarget(path, out FileStat directory) == 0)
                _directories.Add((directory.Device, directory.Inode));
            try
            {
                while (reader.Read(out ReadOnlySpan<byte> name, out FileType type))
                    Entry(reader, relative.Join(name), name, type, pending);
            }
            catch (LinuxException e)
            {
                AddUnreadable(path, e.ErrorNumber);
            }
        }
    }

    private void Entry(
        DirectoryReader reader, BytePath relative, ReadOnlySpan<byte> name, FileType type, Stack<BytePath> pending)
    {
        FileStat stat = default;
        bool isFile = type is FileType.Regular or FileType.Unknown && _rule.Takes(relative.Span)
            && !RsyncNames.IsTemporaryShape(name);
        if (type == FileType.Unknown || isFile)
        {
            if (FileStatReader.TryReadAt(reader.FileDescriptor, name, out stat) != 0)
                return;
            type = stat.Type;
        }

        if (type == FileType.Directory && _rule.Recursive
            && !_rule.Completion.IgnoredDirectories.Matches(relative.Span))
            pending.Push(relative);
        if (type != FileType.Regular || !isFile)
            return;
        if (Files++ == 0)
            Example = relative;
        if (_isKnown is null || !_isKnown(_rule.Name, relative, stat))
            UnknownFiles += 1;
    }

    private void AddUnreadable(BytePath path, int errno)
    {
        if (Unreadable++ < MaxExamples)
            UnreadableExamples.Add((path, errno));
    }
}
