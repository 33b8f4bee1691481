using System.Globalization;
using AutoCrunch.Core;
using AutoCrunch.Linux;
using FileSystemInfo = AutoCrunch.Linux.FileSystemInfo;

namespace AutoCrunch.Configuration;

/// <summary>
/// Compares a valid configuration with the machine: what <c>run</c> needs before it starts, and what <c>check</c> tells
/// beyond that. Everything found is told at once.
/// </summary>
internal sealed partial class MachineCheck
{
    private const uint StateMode = 0b111_101_000; // logs of jobs may hold what not everybody should read
    private const uint RootMode = 0b111_111_111;  // less the umask
    private const long LowSpaceBytes = 256L * 1024 * 1024;
    private const string Section = AutoCrunchSection.Key;

    private readonly CompiledConfiguration _configuration;
    private readonly bool _mayCreate;
    private readonly List<MachineFinding> _findings = [];

    private MachineCheck(CompiledConfiguration configuration, bool mayCreate)
    {
        _configuration = configuration;
        _mayCreate = mayCreate;
    }

    /// <summary>
    /// For <c>run</c>: creates what may be created (a rule's directory whose parent exists, the state and the runtime
    /// directory) and looks at nothing whose cost grows with the number of files. An error means exit code 78; as
    /// long as there is one that can be seen beforehand, nothing is created.
    /// </summary>
    public static IReadOnlyList<MachineFinding> Prepare(CompiledConfiguration configuration)
    {
        MachineCheck look = Prepare(configuration, before: null);
        return look._findings.Any(finding => finding.Severity == FindingSeverity.Error)
            ? look._findings
            : Prepare(configuration, look)._findings;
    }

    private static MachineCheck Prepare(CompiledConfiguration configuration, MachineCheck? before)
    {
        var check = new MachineCheck(configuration, mayCreate: before is not null);
        check.CheckDirectories();
        foreach (RuleLook look in check.LookAtRules(before))
            check.IsThere(look);
        return check;
    }

    /// <summary>
    /// For <c>check</c>: changes nothing, walks every tree, and also tells what is well. An error means that <c>run</c>
    /// would end with exit code 78.
    /// </summary>
    /// <param name="configuration">What is checked.</param>
    /// <param name="isKnown">Asks the ledger for a file; null when there is none yet.</param>
    /// <param name="standingOf">Asks the ledger for a rule; null when there is none yet, or the rules are as they
    /// were.</param>
    public static IReadOnlyList<MachineFinding> Inspect(
        CompiledConfiguration configuration, IsKnownFile? isKnown, Func<WatchRule, RuleStanding>? standingOf = null)
    {
        var check = new MachineCheck(configuration, mayCreate: false);
        check.CheckDirectories();
        var directories = new HashSet<(ulong Device, ulong Inode)>();
        foreach (RuleLook look in check.LookAtRules(before: null))
        {
            if (check.IsThere(look))
                check.Survey(look.Rule, isKnown, standingOf, directories);
            check.TellProgram(look.Rule);
        }

        check.CheckLimits(directories.Count);
        return check._findings;
    }

    private void CheckDirectories()
    {
        BytePath state = _configuration.StateDirectory;
        const string key = $"{Section}:{nameof(AutoCrunchSection.StateDirectory)}";
        if (CheckWritable(key, state, out FileSystemFacts facts))
        {
            if (facts.IsNetwork)
                Add(FindingSeverity.Error, key, $"{state} is on a network file system ({facts.Name}), where the "
                    + "ledger is not safe; name a directory on a local disk");
            else if (facts.FreeBytes < LowSpaceBytes)
                Add(FindingSeverity.Warning, key, $"only {facts.FreeBytes / (1024 * 1024)} MiB are free on the file "
                    + $"system of {state} ({facts.Name}); the service pauses when it is full");
            else
                Add(FindingSeverity.Info, key, $"{state} is writable, on {facts.Name}");
        }

        if (_configuration.RuntimeDirectory != state)
        {
            const string runtimeKey = $"{Section}:{nameof(AutoCrunchSection.RuntimeDirectory)}";
            if (CheckWritable(runtimeKey, _configuration.RuntimeDirectory, out _))
                Add(FindingSeverity.Info, runtimeKey, $"{_configuration.RuntimeDirectory} is writable");
        }
    }

    // True when it can be used; the facts are those of the nearest directory that exists.
    private bool CheckWritable(string key, BytePath path, out FileSystemFacts facts)
    {
        facts = default;
        int errno = _mayCreate ? PathOps.TryMakeDirectories(path, StateMode) : 0;
        BytePath existing = path;
        FileStat stat = default;
        while (errno == 0 && (errno = FileStatReader.TryReadTarget(existing, out stat)) == Errno.ENOENT
            && existing.Length > 1)
        {
            existing = existing.Directory;
            errno = 0;
        }

        if (errno == 0 && stat.Type != FileType.Directory)
            errno = Errno.ENOTDIR;
        if (errno == 0)
            errno = PathOps.TryAccess(existing, AccessMode.Read | AccessMode.Write | AccessMode.Execute);
        if (errno == 0)
            errno = FileSystemInfo.TryRead(existing, out facts);
        if (errno == 0)
            return true;
        string what = existing == path ? "use it as a directory to write in" : $"create it ('{path}')";
        AddError(key, what, existing, errno);
        return false;
    }

    // True when there is a tree to walk.
    private bool CheckRule(CompiledRule compiled)
    {
        WatchRule rule = compiled.Rule;
        CheckWorkingDirectory(compiled);
        string key = $"{RuleKey(rule)}:{nameof(RuleSection.Path)}";
        BytePath path = rule.Path;
        int errno = FileStatReader.TryReadTarget(path, out FileStat stat);
        if (errno == Errno.ENOENT)
            return CheckMissing(key, path, ref stat) && CheckRoot(rule, key, stat);
        if (errno == 0)
            return CheckRoot(rule, key, stat);
        bool isLasting = errno is Errno.EACCES or Errno.ENOTDIR or Errno.ELOOP or Errno.ENAMETOOLONG;
        Add(isLasting ? FindingSeverity.Error : FindingSeverity.Warning, key,
            "cannot " + LinuxException.Explain("watch", path, errno)
            + (isLasting ? "" : ". It is watched as soon as it can be read"));
        return false;
    }

    private bool CheckMissing(string key, BytePath path, ref FileStat stat)
    {
        if (FileStatReader.TryRead(path, out _) == 0)
        {
            Add(FindingSeverity.Warning, key,
                $"{path} is a symbolic link to nothing; it is watched as soon as it leads somewhere");
            return false;
        }

        BytePath parent = path.Directory;
        int errno = FileStatReader.TryReadTarget(parent, out FileStat parentStat);
        if (errno == 0 && parentStat.Type != FileType.Directory)
            errno = Errno.ENOTDIR;
        if (errno != 0)
        {
            Add(FindingSeverity.Error, key,
                $"{path} does not exist and is only created when its parent exists: create {parent} first");
            return false;
        }

        errno = _mayCreate
            ? PathOps.TryMakeDirectory(path, RootMode)
            : PathOps.TryAccess(parent, AccessMode.Write | AccessMode.Execute);
        if (errno is not (0 or Errno.EEXIST))
        {
            AddError(key, "create", path, errno);
            return false;
        }

        Add(FindingSeverity.Info, key, _mayCreate ? $"{path} was created" : $"{path} does not exist; run creates it");
        return _mayCreate && FileStatReader.TryReadTarget(path, out stat) == 0;
    }

    private bool CheckRoot(WatchRule rule, string key, FileStat stat)
    {
        int errno = stat.Type == FileType.Directory
            ? PathOps.TryAccess(rule.Path, AccessMode.Read | AccessMode.Execute)
            : Errno.ENOTDIR;
        FileSystemFacts facts = default;
        if (errno == 0)
            errno = FileSystemInfo.TryRead(rule.Path, out facts);
        if (errno != 0)
        {
            Add(FindingSeverity.Error, key, "cannot " + LinuxException.Explain("watch", rule.Path, errno));
            return false;
        }

        bool isRescanned = rule.RescanInterval > TimeSpan.Zero;
        if (facts.IsNetwork)
        {
            string covered = isRescanned
                ? $"covered by the rescan every {Duration.Format(rule.RescanInterval)}"
                : $"and {nameof(RuleSection.RescanInterval)} is off: files from elsewhere would be missed; set it";
            Add(isRescanned ? FindingSeverity.Info : FindingSeverity.Warning, key,
                $"{rule.Path} is on a network file system ({facts.Name}): the kernel tells nothing of what other "
                    + $"machines do, {covered}");
        }
        else
        {
            Add(FindingSeverity.Info, key, $"{rule.Path} can be watched, on {facts.Name}");
        }

        CheckLoops(rule);
        return true;
    }

    private void CheckWorkingDirectory(CompiledRule compiled)
    {
        if (compiled.Dispatcher is not ProcessOptions process)
            return;
        BytePath directory = process.WorkingDirectory;
        int errno = FileStatReader.TryReadTarget(directory, out FileStat stat);
        if (errno == 0 && stat.Type != FileType.Directory)
            errno = Errno.ENOTDIR;
        if (errno == 0)
            errno = PathOps.TryAccess(directory, AccessMode.Execute);
        if (errno != 0)
        {
            Add(FindingSeverity.Error, $"{DispatcherKey(compiled.Rule)}:{nameof(ProcessSection.WorkingDirectory)}",
                "cannot " + LinuxException.Explain("start jobs in", directory, errno));
        }
    }

    private void CheckLoops(WatchRule rule)
    {
        DispatcherOptions dispatcher = _configuration.Rules.First(compiled => compiled.Rule == rule).Dispatcher;
        foreach (string loop in FeedbackLoops.Of(rule, dispatcher, _configuration.StateDirectory))
            Add(FindingSeverity.Warning, RuleKey(rule), loop);
        foreach (string obstacle in DisposalCheck.Of(rule))
            Add(FindingSeverity.Warning, RuleKey(rule), obstacle);
        foreach (string loser in FeedbackLoops.Losers(rule, _configuration.Rules.Select(compiled => compiled.Rule)))
            Add(FindingSeverity.Warning, RuleKey(rule), loser);
    }

    private void TellProgram(CompiledRule compiled)
    {
        if (compiled.Dispatcher is not ProcessOptions process)
            return;
        string key = $"{DispatcherKey(compiled.Rule)}:{nameof(ProcessSection.Command)}:0";
        Add(FindingSeverity.Info, key, process.Program is { } program
            ? $"{program} can be executed"
            : $"{ConfigurationLayers.Quote(process.Command[0].Text)} differs from file to file: looked for at each "
                + "attempt");
    }

    private void Survey(
        CompiledRule compiled, IsKnownFile? isKnown, Func<WatchRule, RuleStanding>? standingOf,
        HashSet<(ulong Device, ulong Inode)> directories)
    {
        WatchRule rule = compiled.Rule;
        TreeSurvey survey = TreeSurvey.Of(rule, isKnown, directories);
        string key = $"{RuleKey(rule)}:{nameof(RuleSection.Path)}";
        foreach ((BytePath path, int errno) in survey.UnreadableExamples)
            Add(FindingSeverity.Warning, key, "cannot " + LinuxException.Explain("read", path, errno));
        if (survey.Unreadable > survey.UnreadableExamples.Count)
            Add(FindingSeverity.Warning, key,
                $"{survey.Unreadable - survey.UnreadableExamples.Count} more directories cannot be read");
        RuleStanding standing = isKnown is null
            ? RuleStanding.New
            : standingOf?.Invoke(rule) ?? RuleStanding.AsBefore;
        TellExisting(rule, survey, standing);
    }

    // What becomes of the files that are there, before anything does.
    private void TellExisting(WatchRule rule, TreeSurvey survey, RuleStanding standing)
    {
        string files = survey.Files == 1 ? "1 file of this rule is" : $"{Number(survey.Files)} files of this rule are";
        string example = survey.Example.IsEmpty ? "" : $", such as '{survey.Example}'";
        bool isIgnored = standing == RuleStanding.New && rule.ExistingFiles == ProcessPolicy.Ignore;
        string then = (standing, survey.Files) switch
        {
            (_, 0) => "",
            (RuleStanding.New, _) when isIgnored => "; the first start leaves them alone",
            (RuleStanding.New, _) => "; the first start processes those that are finished",
            _ => $"; {Number(survey.UnknownFiles)} of them are new to the ledger and are processed when finished",
        };
        bool isTooMany = standing != RuleStanding.AsBefore && !isIgnored && rule.MaxExistingFiles > 0
            && survey.UnknownFiles > rule.MaxExistingFiles;
        if (isTooMany)
            then += $". That is more than {nameof(rule.MaxExistingFiles)} ({Number(rule.MaxExistingFiles)}): they are "
                + $"recorded, and the rule is paused until 'autocrunch resume {rule.Name}'";
        Add(isTooMany ? FindingSeverity.Warning : FindingSeverity.Info,
            $"{RuleKey(rule)}:{nameof(RuleSection.ExistingFiles)}", $"{files} there{example}{then}");
    }

    private void CheckLimits(int directories)
    {
        const string key = $"{Section}:{nameof(AutoCrunchSection.Rules)}";
        if (Limit("max_user_instances") is 0)
            Add(FindingSeverity.Error, key, "no inotify instance is allowed: sysctl -w "
                + "fs.inotify.max_user_instances=512");
        if (Limit("max_user_watches") is not { } limit)
            return;
        string told = $"{Number(directories)} directories need a watch each, {Number(limit)} are allowed to this user "
            + "(fs.inotify.max_user_watches)";
        if (directories <= limit / 2)
        {
            Add(FindingSeverity.Info, key, told);
            return;
        }

        long wanted = 65_536;
        while (wanted < directories * 4L)
            wanted *= 2;
        string meaning = directories > limit
            ? "; what is not watched is found by rescans only"
            : ", and other programs of this user need some too";
        Add(FindingSeverity.Warning, key,
            $"{told}{meaning}. Raise it: sysctl -w "
                + $"fs.inotify.max_user_watches={wanted.ToString(CultureInfo.InvariantCulture)}");
    }

    private static long? Limit(string name)
    {
        var path = new BytePath(System.Text.Encoding.ASCII.GetBytes("/proc/sys/fs/inotify/" + name));
        return PathOps.TryReadSmallFile(path, out byte[] text) == 0
            && long.TryParse(text.AsSpan().TrimEnd((byte)'\n'), CultureInfo.InvariantCulture, out long limit)
                ? limit
                : null;
    }

    private static string RuleKey(WatchRule rule) => $"{Section}:{nameof(AutoCrunchSection.Rules)}:{rule.Name}";

    private static string DispatcherKey(WatchRule rule) => $"{RuleKey(rule)}:{nameof(RuleSection.Dispatcher)}";

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private void AddError(string key, string what, BytePath path, int errno) => _findings.Add(
        new MachineFinding(FindingSeverity.Error, key, "cannot " + LinuxException.Explain(what, path, errno))
        {
            MayPass = Errno.MayPass(errno),
        });

    private void Add(FindingSeverity severity, string key, string text) =>
        _findings.Add(new MachineFinding(severity, key, text));
}
