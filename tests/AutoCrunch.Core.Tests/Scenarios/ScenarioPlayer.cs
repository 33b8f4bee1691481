using System.Globalization;
using AutoCrunch.Core.Tests.Machine;

namespace AutoCrunch.Core.Tests.Scenarios;

/// <summary>Plays a scenario: files change, events are read, time passes. Returns the lines of its output.</summary>
internal sealed class ScenarioPlayer
{
    private const double SecondNs = 1e9;
    private const long StartNs = 1000L * 1_000_000_000;
    private const long StartWallNs = 1_767_225_600L * 1_000_000_000;
    private const long OldNs = 1_577_836_800L * 1_000_000_000;
    private const uint Readable = 0x1A4;
    private const uint OwnerOnly = 0x180;

    private readonly Dictionary<string, string> _answers = new(StringComparer.Ordinal);
    private readonly List<(string Path, ProbeDepth Depth, ProbeAnswer Answer)> _late = [];
    private readonly bool _showsProbes;
    private readonly int _trackedMax;
    private bool _isAsleep;

    private readonly long _shiftNs;
    private readonly Predicate<int>? _isPause;

    /// <param name="settings">The story's settings.</param>
    /// <param name="shiftNs">Everything happens so much later.</param>
    /// <param name="isPause">Where the reader of a batch lets deadlines pass, by the index of the event.</param>
    public ScenarioPlayer(
        IReadOnlyDictionary<string, string> settings, long shiftNs = 0, Predicate<int>? isPause = null)
    {
        _shiftNs = shiftNs;
        _isPause = isPause;
        _trackedMax = int.Parse(settings.GetValueOrDefault("TrackedMax", "1000"));
        _showsProbes = settings.ContainsKey("Probes");
        Driver = new MachineDriver(
            RuleOf(settings), new ModelTree(), StartNs + shiftNs, StartWallNs + shiftNs, _trackedMax)
        {
            Answer = Answer,
        };
    }

    public MachineDriver Driver { get; }

    private ModelTree Tree => Driver.Tree;

    public IReadOnlyList<string> Play(Scenario scenario)
    {
        for (int first = 0; first < scenario.Lines.Count;)
        {
            double seconds = scenario.Lines[first].Seconds;
            if (_isAsleep)
                Driver.Elapse(NsOf(seconds));
            else
                Driver.RunUntil(NsOf(seconds));
            Tree.WallNs = Driver.Now.WallNs;
            int end = first;
            for (; end < scenario.Lines.Count && scenario.Lines[end].Seconds.Equals(seconds); end++)
                Do(scenario.Lines[end].Words);
            if (!_isAsleep)
                Driver.ReadQueue(_isPause);
            first = end;
        }

        Driver.RunUntil(NsOf(scenario.Lines[^1].Seconds + 100));
        return [.. Driver.Log.Select(line => $"{SecondsOf(line.Time)} {line.Text}")];
    }

    private static WatchRule RuleOf(IReadOnlyDictionary<string, string> settings)
    {
        string Text(string name, string otherwise) => settings.GetValueOrDefault(name, otherwise);
        T Value<T>(T otherwise) where T : struct, Enum =>
            Enum.Parse<T>(Text(typeof(T).Name, otherwise.ToString()));
        HoldPolicy Policy(string name) => Enum.Parse<HoldPolicy>(Text(name, "Hold"));
        ProcessPolicy Process(string name, string otherwise) => Enum.Parse<ProcessPolicy>(Text(name, otherwise));
        return new WatchRule
        {
            Name = "raw",
            Path = BytePath.Parse("/in"),
            Include = new PathPatterns(Text("Include", "*.raw").Split(',')),
            ExistingFiles = Process("ExistingFiles", "Process"),
            Completion = new CompletionPolicy
            {
                Arrivals = Value(Arrivals.RenameAndInPlace),
                InPlace = Value(InPlace.Quiet),
                QuietPeriod = TimeSpan.FromSeconds(double.Parse(Text("QuietPeriod", "10"))),
                ZeroMtime = Policy("ZeroMtime"),
                OwnerOnly = Policy("OwnerOnly"),
                Renames = Process("Renames", "Ignore"),
                Updates = Process("Updates", "Process"),
                IgnoredDirectories = new PathPatterns(
                    Text("IgnoredDirectories", ".*").Split(',', StringSplitOptions.RemoveEmptyEntries)),
            },
        };
    }

    private long NsOf(double seconds) => StartNs + _shiftNs + (long)(seconds * SecondNs);

    private string SecondsOf(Moment time) =>
        ((time.MonotonicNs - StartNs - _shiftNs) / SecondNs).ToString("F3", CultureInfo.InvariantCulture);

    private void Do(string[] words)
    {
        string path = words.Length > 1 ? words[1] : "";
        if (!DoToFile(words[0], path, words) && !DoToPlace(words[0], path, words)
            && !DoToService(words[0], path, words))
            throw new FormatException($"unknown word {words[0]}");
    }

    private bool DoToFile(string verb, string path, string[] words)
    {
        switch (verb)
        {
            case "create":
                Tree.Create(path, Mode(words, 2, OwnerOnly));
                break;
            case "open":
                Tree.Open(path);
                break;
            case "write":
                Tree.Write(path, words.Length > 2 ? long.Parse(words[2]) : 1000);
                break;
            case "store":
                Tree.Store(path);
                break;
            case "close":
                Tree.Close(path);
                break;
            case "utime":
                Tree.SetMtime(path, When(words[2]));
                break;
            case "touch":
                Tree.Touch(path);
                break;
            case "chmod":
                Tree.SetMode(path, Mode(words, 2, 0));
                break;
            default:
                return false;
        }

        return true;
    }

    private bool DoToPlace(string verb, string path, string[] words)
    {
        switch (verb)
        {
            case "rsync":
                Rsync(path);
                break;
            case "link":
                Tree.Link(path, words[2]);
                break;
            case "unlink":
                Tree.Unlink(path);
                break;
            case "rename":
                Tree.Rename(path, words[2]);
                break;
            case "exchange":
                Tree.Exchange(path, words[2]);
                break;
            case "move-out":
                Tree.MoveOut(path);
                break;
            case "move-in":
                Tree.MoveIn(path, Mode(words, 3, Readable), When(words[2]));
                break;
            case "symlink":
                Tree.Create(path, 0x1FF, FileType.Symlink);
                break;
            case "had" or "there":
                Had(verb, path, words);
                break;
            case "lose":
                Tree.Leave(path);
                break;
            default:
                return false;
        }

        return true;
    }

    private bool DoToService(string verb, string path, string[] words)
    {
        switch (verb)
        {
            case "asleep":
                Driver.ReadQueue(_isPause);
                _isAsleep = true;
                break;
            case "read":
                Driver.ReadSome(int.Parse(path));
                break;
            case "awake":
                _isAsleep = false;
                break;
            case "overflow":
                Driver.Overflow(words.Length > 1 ? int.Parse(path) : 0);
                break;
            case "scan" or "first-scan":
                Driver.Scan(path, isFirstScan: verb == "first-scan");
                break;
            case "restart":
                Driver.Restart(_trackedMax);
                break;
            case "clock":
                Driver.StepClock((long)(double.Parse(path) * SecondNs));
                Tree.WallNs = Driver.Now.WallNs;
                break;
            case "mkdir":
                Driver.NewDirectory(path, isUncertain: true);
                break;
            case "move-directory":
                MoveDirectory(path, words[2]);
                break;
            case "answer":
                _answers[path] = words[2];
                break;
            case "answers-come":
                DeliverLate();
                break;
            default:
                return verb == "end";
        }

        return true;
    }

    // As `rsync -t` does it: everything is set on the temporary, then it is renamed.
    private void Rsync(string path)
    {
        string directory = ModelTree.DirectoryOf(path);
        string temporary = $"{directory}{(directory.Length > 0 ? "/" : "")}.{ModelTree.NameOf(path)}.aB3dE5";
        Tree.Create(temporary, OwnerOnly);
        Tree.Write(temporary);
        Tree.Close(temporary);
        Tree.SetMtime(temporary, When("old"));
        Tree.SetMode(temporary, Readable);
        Tree.Rename(temporary, path);
    }

    private void Had(string verb, string path, string[] words)
    {
        ModelInode inode = Tree.Put(path, Mode(words, 3, Readable));
        inode.SizeBytes = 500;
        if (words.Length > 2)
            inode.MtimeNs = When(words[2]);
        if (words.Contains("written"))
            inode.CtimeNs = inode.MtimeNs;
        if (verb == "had")
            Driver.Ledger.Seed(new BytePath(ModelTree.BytesOf(path)), inode.Stat);
    }

    private void MoveDirectory(string from, string to)
    {
        Driver.MoveDirectory(Driver.Directory(from), from, to);
        foreach (string path in Tree.Paths.Where(at => at.StartsWith(from + "/", StringComparison.Ordinal)).ToArray())
        {
            ModelInode inode = Tree.Get(path);
            Tree.Enter(to + path[from.Length..], inode);
            inode.Links++;
            Tree.Leave(path);
        }
    }

    private ProbeAnswer? Answer(string path, ProbeDepth depth)
    {
        ProbeAnswer real = Driver.AnswerFromTree(path, depth)!.Value;
        string kind = _answers.GetValueOrDefault(path, "real");
        WriterState writer = (kind, depth) switch
        {
            (_, ProbeDepth.Stat) => WriterState.NotAsked,
            ("unknown", _) or ("proc", ProbeDepth.Writers) => WriterState.Unknown,
            _ => real.Writer,
        };
        ProbeAnswer answer = kind == "unreadable" ? ProbeAnswer.Unreadable
            : real.Status == ProbeStatus.Gone ? real : real with { Writer = writer };
        if (_showsProbes)
            Driver.Log.Add((Driver.Now, $"look {path} {depth}: {(answer.Status == ProbeStatus.Present
                ? answer.Writer : answer.Status)}"));
        if (kind != "late")
            return answer;
        _late.Add((path, depth, answer));
        return null;
    }

    private void DeliverLate()
    {
        var late = _late.ToArray();
        _late.Clear();
        foreach ((string path, ProbeDepth depth, ProbeAnswer answer) in late)
            Driver.Probed(path, depth, answer);
    }

    // old: 2020; zero: in the first second of 1970; else seconds from now.
    private long When(string text) => text switch
    {
        "old" => OldNs + _shiftNs,
        "zero" => 123_456_789,
        _ => Tree.WallNs + (long)(double.Parse(text) * SecondNs),
    };

    private static uint Mode(string[] words, int index, uint otherwise) =>
        words.Length > index ? Convert.ToUInt32(words[index], 8) : otherwise;
}
