using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using AutoCrunch.Watching;

namespace AutoCrunch.Hosting;

/// <summary>
/// All files of a rule's tree, as the service would find them: regular files with names that the rule takes. Symlinks
/// are not followed but by the root itself. Memory is a matter of directories that wait, not of files.
/// </summary>
internal sealed class TreeWalk(RuleFiles files)
{
    private readonly Stack<BytePath> _pending = new([BytePath.Empty]);
    private readonly WatchRule _rule = files.Rule;

    /// <summary>Directories that could not be read.</summary>
    public long Unreadable { get; private set; }

    /// <summary>Why the first of them could not.</summary>
    public string? FirstUnreadable { get; private set; }

    /// <summary>Lists directory by directory, at most so many files of one at a time.</summary>
    public IEnumerable<List<SeenFile>> Parts(int most)
    {
        while (_pending.TryPop(out BytePath relative))
        {
            using DirectoryReader? reader = Open(relative);
            if (reader is null)
                continue;
            DirectoryTraits traits = files.TraitsOf(_rule.Path.Join(relative));
            for (bool isMore = true; isMore;)
            {
                var found = new List<SeenFile>();
                isMore = TryList(reader, relative, traits, most, found);
                if (found.Count > 0)
                    yield return found;
            }
        }
    }

    private DirectoryReader? Open(BytePath relative)
    {
        BytePath path = _rule.Path.Join(relative);
        int errno = relative.IsEmpty
            ? DirectoryReader.TryOpenTarget(path, out DirectoryReader? reader)
            : DirectoryReader.TryOpen(path, out reader);
        if (reader is null && (relative.IsEmpty || errno is not (Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP)))
            AddUnreadable(path, errno);
        return reader;
    }

    // False at the end of the directory.
    private bool TryList(
        DirectoryReader reader, BytePath relative, DirectoryTraits traits, int most, List<SeenFile> found)
    {
        try
        {
            while (found.Count < most)
            {
                if (!reader.Read(out ReadOnlySpan<byte> name, out FileType type))
                    return false;
                Entry(reader, relative.Join(name), name, type, traits, found);
            }

            return true;
        }
        catch (LinuxException e)
        {
            AddUnreadable(_rule.Path.Join(relative), e.ErrorNumber);
            return false;
        }
    }

    private void Entry(
        DirectoryReader reader, BytePath relative, ReadOnlySpan<byte> name, FileType type, DirectoryTraits traits,
        List<SeenFile> found)
    {
        FileStat stat = default;
        long lookedNs = Clock.WallNs();
        bool isTaken = type is FileType.Regular or FileType.Unknown && _rule.Takes(relative.Span)
            && !RsyncNames.IsTemporaryShape(name);
        if (type == FileType.Unknown || isTaken)
        {
            if (FileStatReader.TryReadAt(reader.FileDescriptor, name, out stat) != 0)
                return; // gone meanwhile
            type = stat.Type;
        }

        if (type == FileType.Directory && _rule.Recursive
            && !_rule.Completion.IgnoredDirectories.Matches(relative.Span))
            _pending.Push(relative);
        if (type == FileType.Regular && isTaken)
            found.Add(new SeenFile(relative, FileProber.Stabilise(stat, traits), lookedNs));
    }

    private void AddUnreadable(BytePath path, int errno)
    {
        Unreadable += 1;
        FirstUnreadable ??= LinuxException.Explain("open", path, errno);
    }
}
