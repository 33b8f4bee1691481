using AutoCrunch.Core.Tests.Machine;

namespace AutoCrunch.Core.Tests.Atlas;

/// <summary>How a recorded case is read.</summary>
public enum ReplayMode
{
    /// <summary>In the batches in which the recorder read it.</summary>
    AsRecorded,

    /// <summary>Every event alone: the reader is faster than any writer.</summary>
    OneByOne,

    /// <summary>A whole step at once, after it is over: the reader was asleep.</summary>
    AllAtOnce,

    /// <summary>As recorded, and an overlapping rule lets the events of ignored directories through.</summary>
    WithIgnoredDirectories,
}

/// <summary>Verdicts of one step: those of its events, and those only a scan after it reached.</summary>
internal sealed record StepVerdicts(IReadOnlyList<string> Live, IReadOnlyList<string> Scan);

/// <summary>
/// Plays one recorded case through the real machine, watching and scanning directories as the service does.
/// </summary>
internal sealed class Replay
{
    private const long SecondNs = 1_000_000_000;

    // Between the steps, all quiet periods pass.
    private const long BetweenStepsNs = 60 * SecondNs;
    private const long FirstWallNs = 1_767_225_600 * SecondNs;

    private readonly RecordedCase _recorded;
    private readonly ReplayMode _mode;
    private readonly ReplayedTree _tree;
    private readonly Dictionary<uint, (string Path, TrackedDirectory Directory)> _movedDirectories = [];
    private readonly List<string> _unscanned = [];

    public Replay(RecordedCase recorded, ExpectedCase expected, ReplayMode mode)
    {
        _recorded = recorded;
        _mode = mode;
        _tree = new ReplayedTree(recorded, expected);
        _tree.Rehearse(FirstWallNs);
        _tree.Files.WallNs = FirstWallNs;
        Driver = new MachineDriver(RuleOf(expected), _tree.Files, BetweenStepsNs, FirstWallNs);
        _tree.Seeded = path =>
            Driver.Ledger.Seed(new BytePath(ModelTree.BytesOf(path)), _tree.Files.Get(path).Stat);
        _tree.Lost = Lose;
    }

    public MachineDriver Driver { get; }

    public IReadOnlyList<StepVerdicts> Run()
    {
        var verdicts = new List<StepVerdicts>();
        for (int step = 0; step < _recorded.Steps.Count; step++)
        {
            _tree.Files.WallNs = Driver.Now.WallNs;
            _tree.BeginStep(step);
            Driver.RunUntil(Driver.Now.MonotonicNs + 1); // what the step before left is gone
            Driver.Ledger.Verdicts.Clear();
            Play(_recorded.Steps[step].Events);
            Driver.RunUntil(Driver.Now.MonotonicNs + BetweenStepsNs);
            string[] live = TakeVerdicts();
            Driver.Scan();
            Driver.RunUntil(Driver.Now.MonotonicNs + BetweenStepsNs);
            verdicts.Add(new StepVerdicts(live, TakeVerdicts()));
        }

        return verdicts;
    }

    /// <summary>What another service with an empty ledger makes of the tree as it is now.</summary>
    public MachineDriver ScanWithEmptyLedger()
    {
        var driver = new MachineDriver(Driver.Rule, _tree.Files, Driver.Now.MonotonicNs, Driver.Now.WallNs);
        driver.Scan();
        driver.RunUntil(driver.Now.MonotonicNs + BetweenStepsNs);
        return driver;
    }

    private static WatchRule RuleOf(ExpectedCase expected)
    {
        string[] Words(string verb) => [.. expected.Facts.Where(fact => fact[0] == verb).Select(fact => fact[1])];
        return new WatchRule
        {
            Name = "raw",
            Path = BytePath.Parse("/in"),
            Include = new PathPatterns(Words("include").DefaultIfEmpty("*.raw")),
            Completion = new CompletionPolicy { IgnoredDirectories = new PathPatterns([".*", .. Words("ignore")]) },
        };
    }

    private void Play(IReadOnlyList<RecordedEvent> events)
    {
        long startNs = Driver.Now.MonotonicNs;
        double last = 0;
        for (int first = 0; first < events.Count;)
        {
            int end = EndOfBatch(events, first);
            double time = _mode == ReplayMode.AllAtOnce ? events[^1].Time : events[first].Time;
            PlayBatch(events, first, end, startNs + (long)(last * SecondNs), startNs + (long)(time * SecondNs) + first);
            last = time;
            first = end;
        }
    }

    private int EndOfBatch(IReadOnlyList<RecordedEvent> events, int first)
    {
        int end = first + 1;
        while (end < events.Count && (_mode == ReplayMode.AllAtOnce || events[end].Entries is not null
            || (_mode != ReplayMode.OneByOne && events[end].Time.Equals(events[first].Time))))
            end++;
        return end;
    }

    // What the batch tells of happened between the last read and this one.
    private void PlayBatch(IReadOnlyList<RecordedEvent> events, int first, int end, long lastNs, long timeNs)
    {
        Driver.RunUntil(Math.Max(Driver.Now.MonotonicNs, timeNs - ((timeNs - lastNs) / 2)));
        _tree.Files.WallNs = Driver.Now.WallNs;
        for (int i = first; i < end; i++)
            _tree.Apply(i);
        Driver.Elapse(Math.Max(timeNs, Driver.Now.MonotonicNs + _tree.Files.WallNs - Driver.Now.WallNs));
        for (int i = first; i < end; i++)
            Publish(events[i], previous: _mode == ReplayMode.AllAtOnce && i > first ? events[i - 1] : null);
        foreach ((string path, _) in _movedDirectories.Values)
            Driver.ForgetDirectory(path);
        _movedDirectories.Clear();
        foreach (string directory in _unscanned)
            Driver.Scan(directory);
        _unscanned.Clear();
        Driver.QueueSeenEmpty();
        Driver.Advance();
    }

    private void Publish(RecordedEvent recordedEvent, RecordedEvent? previous)
    {
        bool isMerged = previous?.Mask == recordedEvent.Mask && previous.Path == recordedEvent.Path
            && recordedEvent.Cookie == 0;
        if (recordedEvent.Entries is not null || isMerged)
            return;
        if (recordedEvent.IsDirectory)
        {
            PublishDirectory(recordedEvent);
            return;
        }

        FileEventKind? kind = recordedEvent.Mask switch
        {
            "CREATE" => FileEventKind.Created,
            "MODIFY" => FileEventKind.Modified,
            "ATTRIB" => FileEventKind.AttributesChanged,
            "CLOSE_WRITE" => FileEventKind.ClosedAfterWrite,
            "MOVED_FROM" => FileEventKind.MovedOut,
            "MOVED_TO" => FileEventKind.MovedIn,
            "DELETE" => FileEventKind.Deleted,
            _ => null,
        };
        bool isIgnored = Driver.Directory(recordedEvent.Directory).IsIgnored;
        if (kind is null || recordedEvent.Name.Length == 0 || (isIgnored && _mode != ReplayMode.WithIgnoredDirectories))
            return;
        for (int i = 0; i < (_mode == ReplayMode.AllAtOnce ? 1 : recordedEvent.Count); i++)
            Driver.Publish(kind.Value, recordedEvent.Path, recordedEvent.Cookie);
    }

    private void PublishDirectory(RecordedEvent recordedEvent)
    {
        string path = recordedEvent.Path;
        switch (recordedEvent.Mask)
        {
            case "MOVED_TO" when _movedDirectories.Remove(recordedEvent.Cookie, out var moved):
                Driver.MoveDirectory(moved.Directory, moved.Path, path);
                break;
            case "CREATE" or "MOVED_TO":
                if (!Driver.NewDirectory(path, isUncertain: true).IsIgnored)
                    _unscanned.Add(path);
                break;
            case "MOVED_FROM":
                _movedDirectories[recordedEvent.Cookie] = (path, Driver.Directory(path));
                break;
            case "DELETE":
                Driver.ForgetDirectory(path);
                break;
            default:
                break;
        }
    }

    private void Lose(string path)
    {
        Driver.ForgetDirectory(path);
        Driver.Scan(path);
    }

    // A name that is gone for a moment and then has a verdict was replaced.
    private string[] TakeVerdicts()
    {
        var verdicts = Driver.Ledger.Verdicts;
        var kept = verdicts.Where((verdict, i) =>
            verdict.Text != "gone" || !verdicts.Skip(i + 1).Any(later => later.Path == verdict.Path));
        string[] lines = [.. kept.Select(verdict => $"{verdict.Path}: {verdict.Text}").Order(StringComparer.Ordinal)];
        verdicts.Clear();
        return lines;
    }
}
