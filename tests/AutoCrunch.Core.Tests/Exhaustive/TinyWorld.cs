using AutoCrunch.Core.Tests.Machine;

namespace AutoCrunch.Core.Tests.Exhaustive;

/// <summary>Two names, one machine, and everything that can happen to them.</summary>
internal sealed class TinyWorld
{
    private const long SecondNs = 1_000_000_000;
    private const long OldNs = 1_577_836_800 * SecondNs;
    private const uint Mode = 0x1A4;

    private static readonly string[] s_names = ["a.raw", "b.raw"];

    private static readonly WatchRule s_rule = new()
    {
        Name = "raw", Path = BytePath.Parse("/in"), Include = new PathPatterns(["*.raw"]),
    };

    private readonly ModelTree _tree = new();
    private readonly MachineDriver _driver;
    private readonly List<string> _done = [];
    private readonly HashSet<ulong> _linked = [];
    private bool _wasReadLate;
    private int _effectsSeen;
    private int _jobsSeen;

    public TinyWorld(bool isAbsentAtFirst)
    {
        _driver = new MachineDriver(s_rule, _tree, SecondNs, 1_767_225_600 * SecondNs);
        _tree.WallNs = _driver.Now.WallNs;
        if (isAbsentAtFirst)
            return;
        ModelInode known = _tree.Put(s_names[0], Mode);
        known.MtimeNs = OldNs;
        _driver.Ledger.Seed(BytePath.Parse(s_names[0]), known.Stat);
        _driver.RunUntil(_driver.Now.MonotonicNs + (100 * SecondNs));
    }

    /// <summary>What happened, for people.</summary>
    public string Story => string.Join(", ", _done);

    /// <summary>One more thing happens, and is read, or not yet.</summary>
    public void Step(Choices choices, bool isReadLate)
    {
        List<(string Text, Action Do)> possible = Possible();
        (string text, Action act) = possible[choices.Next(possible.Count)];
        _done.Add(text);
        _tree.WallNs = _driver.Now.WallNs;
        act();
        _wasReadLate |= isReadLate;
        if (!isReadLate)
            Read();
    }

    public void Read()
    {
        _driver.ReadQueue();
        CheckCompletions();
    }

    /// <summary>Everybody closes, all is read, and all quiet periods pass.</summary>
    public void End()
    {
        Read();
        foreach (string path in _tree.Paths.ToArray())
            for (ModelInode inode = _tree.Get(path); inode.Writers > 0;)
            {
                _tree.WallNs = _driver.Now.WallNs;
                _tree.Close(path);
            }

        Read();
        Pass(100);
        CheckEveryFileHasItsVerdict(_linked);
        _driver.Scan();
        Pass(100);
        CheckEveryFileHasItsVerdict([]);
        if (!_wasReadLate)
            CheckNothingRanTwice();
        Check(_driver.Machine.TrackedCount == 0, "something is still tracked");
    }

    private List<(string Text, Action Do)> Possible()
    {
        var possible = new List<(string Text, Action Do)>
        {
            ("0.3 s", () => Pass(0.3)),
            ("11 s", () => Pass(11)),
        };
        for (int i = 0; i < s_names.Length; i++)
            Add(possible, s_names[i], s_names[1 - i]);
        return possible;
    }

    private void Add(List<(string Text, Action Do)> possible, string name, string other)
    {
        if (_tree.Find(name) is not { } inode)
        {
            possible.Add(($"create {name}", () => _tree.Create(name, Mode)));
            possible.Add(($"rsync {name}", () => _tree.MoveIn(name, Mode, OldNs)));
            if (_tree.Exists(other))
                possible.Add(($"link {other} {name}", () => Link(other, name)));
            return;
        }

        possible.Add(($"rename {name} {other}", () => _tree.Rename(name, other)));
        possible.Add(($"unlink {name}", () => _tree.Unlink(name)));
        possible.Add(($"utime {name}", () => _tree.SetMtime(name, OldNs)));
        if (inode.Writers == 0)
            possible.Add(($"open {name}", () => _tree.Open(name)));
        else
        {
            possible.Add(($"write {name}", () => _tree.Write(name)));
            possible.Add(($"close {name}", () => _tree.Close(name)));
        }
    }

    private void Link(string existing, string name)
    {
        _tree.Link(existing, name);
        _linked.Add(_tree.Get(name).Number);
    }

    private void Pass(double seconds)
    {
        if (_tree.Events.Count > 0)
            _driver.Elapse(_driver.Now.MonotonicNs + (long)(seconds * SecondNs));
        else
            _driver.RunUntil(_driver.Now.MonotonicNs + (long)(seconds * SecondNs));
        CheckCompletions();
    }

    private void CheckCompletions()
    {
        for (; _effectsSeen < _driver.Effects.Count; _effectsSeen++)
        {
            Effect effect = _driver.Effects[_effectsSeen];
            if (effect.Kind != EffectKind.Complete)
                continue;
            Completion completion = effect.Completion!;
            bool isWritten = _tree.Find(completion.Path.ToString()) is { Writers: > 0 } inode
                && inode.Stat.Version == completion.Version;
            bool isRename = completion.Evidence is Evidence.Renamed or Evidence.RenamedFromTemporary;
            Check(isRename || !isWritten, $"{completion.Path} completed ({completion.Evidence}) while it is written");
        }

        var verdicts = _driver.Ledger.Verdicts;
        for (; _jobsSeen < verdicts.Count; _jobsSeen++)
            _done.Add($"=> {verdicts[_jobsSeen].Path}: {verdicts[_jobsSeen].Text}");
    }

    // A write through another link shows no event: the scan has to find those.
    private void CheckEveryFileHasItsVerdict(HashSet<ulong> exempt)
    {
        foreach (string path in _tree.Paths.Where(path => !exempt.Contains(_tree.Get(path).Number)))
        {
            var key = BytePath.Parse(path);
            FileVersion version = _tree.Get(path).Stat.Version;
            bool isHeld = _driver.Ledger.HoldOf(key, version) is not null;
            Check(isHeld || _driver.Ledger.IsCompleted(key, version), $"{path} is neither completed nor held");
        }

        foreach (BytePath path in _driver.Ledger.PresentPaths)
            Check(_tree.Exists(path.ToString()), $"{path} is known and not there");
    }

    // Every write makes the file longer, so (inode, size) is one content. Links are jobs of their own. When the events
    // of two renames onto a name are read together, the first is taken for what the second brought: that may repeat.
    private void CheckNothingRanTwice()
    {
        var ran = new HashSet<(ulong Inode, long SizeBytes)>();
        foreach (Completion job in _driver.Ledger.Jobs)
            Check(ran.Add((job.Stat.Inode, job.Stat.SizeBytes)) || _linked.Contains(job.Stat.Inode),
                $"{job.Path} ran twice");
    }

    private void Check(bool condition, string message)
    {
        if (!condition)
            throw new InvalidOperationException($"{message}: {Story}");
    }
}
