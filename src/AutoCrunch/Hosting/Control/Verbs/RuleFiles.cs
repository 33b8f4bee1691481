using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using AutoCrunch.Watching;
using FileSystemInfo = AutoCrunch.Linux.FileSystemInfo;

namespace AutoCrunch.Hosting;

/// <summary>
/// Looks at files of a rule as the watching does, for operators who name them. Waits for disks: on a thread of its own.
/// </summary>
internal sealed class RuleFiles(WatchRule rule)
{
    // Where a rule has no quiet period, a file system's clock may still be coarse.
    private static readonly TimeSpan s_quietLeast = TimeSpan.FromSeconds(1);

    private readonly Dictionary<ulong, DirectoryTraits> _traits = [];

    public WatchRule Rule { get; } = rule;

    private TimeSpan Quiet => Rule.Completion.QuietPeriod > s_quietLeast ? Rule.Completion.QuietPeriod : s_quietLeast;

    /// <summary>What kind of file system a directory is on, as far as files' identity depends on it.</summary>
    public DirectoryTraits TraitsOf(BytePath directory)
    {
        if (FileStatReader.TryReadTarget(directory, out FileStat stat) != 0)
            return DirectoryTraits.None;
        if (_traits.TryGetValue(stat.Device, out DirectoryTraits known))
            return known;
        var traits = DirectoryTraits.None;
        if (FileSystemInfo.TryRead(directory, out FileSystemFacts facts) == 0)
            traits = (facts.IsNetwork ? DirectoryTraits.Remote : DirectoryTraits.None)
                | (facts.HasStableInodes ? DirectoryTraits.None : DirectoryTraits.UnstableInodes)
                | (facts.HasSeveralDevices ? DirectoryTraits.SeveralDevices : DirectoryTraits.None);
        _traits.Add(stat.Device, traits);
        return traits;
    }

    /// <summary>
    /// Whether somebody may still be writing a file. Where that cannot be told, the quiet period decides, as it does
    /// for what arrives.
    /// </summary>
    public bool MayBeWritten(ProbeAnswer file) => file.Writer switch
    {
        WriterState.Writing => true,
        WriterState.None => false,
        _ => Clock.WallNs() - Math.Max(file.Stat.CtimeNs, file.Stat.MtimeNs) < (long)Quiet.TotalNanoseconds,
    };

    /// <summary>A file that is to be processed by hand; null, and why not, when it cannot be.</summary>
    /// <param name="given">Its path, absolute.</param>
    /// <param name="whyNot">What speaks against it.</param>
    public SeenFile? Look(BytePath given, out string whyNot)
    {
        whyNot = "";
        if (Locate(given, out whyNot) is not { } relative)
            return null;
        BytePath path = Rule.Path.Join(relative);
        long lookedNs = Clock.WallNs();
        ProbeAnswer file = FileProber.Look(
            [.. path.Span, 0], ProbeDepth.WritersByProc, TraitsOf(path.Directory));
        whyNot = file switch
        {
            { Status: ProbeStatus.Gone } => "there is no such file",
            { Status: ProbeStatus.Unreadable } => "it cannot be looked at: check the permissions of its directories",
            { Stat.Type: not FileType.Regular } => "it is no regular file",
            { Writer: WriterState.Writing } => "it is still being written: somebody has it open for writing",
            _ when MayBeWritten(file) =>
                $"it changed within the last {Quiet.TotalSeconds:0.#} seconds, and whether somebody still writes it "
                + "cannot be told: try again then",
            _ => "",
        };
        return whyNot.Length == 0 ? new SeenFile(relative, file.Stat, lookedNs) : null;
    }

    // The directories may be reached through symlinks, which are not followed in the tree: what counts is where it is.
    private BytePath? Locate(BytePath given, out string whyNot)
    {
        BytePath name = given.Name;
        whyNot = "it is the path of no file";
        if (!given.Span.StartsWith("/"u8) || name.IsEmpty || name.Span is [(byte)'.'] or [(byte)'.', (byte)'.'])
            return null;
        int errno = PathOps.TryRealPath(Rule.Path, out BytePath root);
        whyNot = "the rule's directory is not there: " + LinuxException.Explain("realpath", Rule.Path, errno);
        if (errno != 0)
            return null;
        errno = PathOps.TryRealPath(given.Directory, out BytePath directory);
        whyNot = errno is Errno.ENOENT or Errno.ENOTDIR
            ? "there is no such file"
            : LinuxException.Explain("realpath", given.Directory, errno);
        if (errno != 0)
            return null;
        BytePath path = directory.Join(name);
        whyNot = $"it is not in '{Rule.Path}', the directory of rule {Rule.Name}";
        if (!directory.IsAtOrBelow(root))
            return null;
        var relative = new BytePath(path.Span[root.Length..].TrimStart((byte)'/'));
        whyNot = Configuration.TreeSurvey.IsBeyondReach(Rule, relative)
            ? $"it is in a directory that rule {Rule.Name} does not enter (IgnoredDirectories, Recursive)"
            : RsyncNames.IsTemporaryShape(name.Span)
            ? "it has the name of a temporary file of rsync"
            : Rule.Takes(relative.Span) ? "" : $"rule {Rule.Name} does not take such names (Include, Exclude)";
        return whyNot.Length == 0 ? relative : null;
    }
}
