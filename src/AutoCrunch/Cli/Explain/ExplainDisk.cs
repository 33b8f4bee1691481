using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Cli;

/// <summary>What is there, as the user who asks sees it. Looks only, follows no link.</summary>
internal static class ExplainDisk
{
    private const int WritersMax = 4;

    /// <summary>The facts of a file of a rule.</summary>
    public static DiskFacts Look(WatchRule rule, BytePath relative)
    {
        BytePath path = rule.Path.Join(relative);
        bool isRootThere = FileStatReader.TryReadTarget(rule.Path, out FileStat root) == 0
            && root.Type == FileType.Directory;
        BytePath? link = LinkOnTheWay(rule.Path, relative);
        int errno = FileStatReader.TryRead(path, out FileStat stat);
        bool isLink = link is not null || (errno == 0 && stat.Type == FileType.Symlink);
        return new DiskFacts(errno == 0 ? stat : null)
        {
            Problem = errno is 0 or Errno.ENOENT or Errno.ENOTDIR ? null : Errno.Describe(errno),
            IsRootThere = isRootThere,
            Link = link,
            RealPath = isLink && PathOps.TryRealPath(path, out BytePath real) == 0 ? real : null,
        };
    }

    /// <summary>Who writes the file. Slow: looks through the open files of every process.</summary>
    public static IReadOnlyList<FileWriter> WritersOf(DiskFacts disk) =>
        disk.Stat is { Type: FileType.Regular } stat ? WriterProbe.FindWriters(stat, WritersMax) : [];

    private static BytePath? LinkOnTheWay(BytePath root, BytePath relative)
    {
        for (int end = 0; end < relative.Length; end++)
        {
            int length = relative.Span[end..].IndexOf((byte)'/');
            if (length < 0)
                return null;
            end += length;
            var directory = new BytePath(relative.Span[..end]);
            if (FileStatReader.TryRead(root.Join(directory), out FileStat stat) == 0 && stat.Type == FileType.Symlink)
                return directory;
        }

        return null;
    }
}
