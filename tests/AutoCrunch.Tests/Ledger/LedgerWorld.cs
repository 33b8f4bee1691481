using AutoCrunch.Core;

namespace AutoCrunch.Tests.Ledger;

/// <summary>What may happen to files, and be told of them.</summary>
internal enum LedgerStepKind
{
    Write, Update, Touch, Rename, Link, Unlink, MoveDirectory, RemoveDirectory, Scan, Deliver, Claim, GoOn, Retry,
    Cancel, Submit, Adopt, Crash,

    /// <summary>Anything is told of anything, whatever is there.</summary>
    SayCompleted, SayHeld, SayGone, SayTouched, SayDirectoryMoved, SayDirectoryGone,
}

/// <summary>One step; what its numbers choose depends on what is there.</summary>
internal readonly record struct LedgerStep(LedgerStepKind Kind, int A, int B, int C);

/// <summary>A small tree of files whose story is told to a pair of ledgers, late, with gaps, or wrongly.</summary>
internal sealed partial class LedgerWorld : IDisposable
{
    private static readonly string[] s_paths = ["a", "b", "d/a", "d/b", "d/s/a", "e/a", "e/s/a"];
    private static readonly (string From, string To)[] s_moves = [("d", "e"), ("e", "d"), ("d/s", "e/s"), ("e", "x")];

    private readonly Dictionary<string, WorldFile> _files = new(StringComparer.Ordinal);
    private readonly Queue<(string Text, Action Apply)> _told = new();
    private readonly List<Slot> _slots = [];
    private readonly HashSet<int> _processed = [];
    private readonly HashSet<int> _excused = [];
    private readonly WatchRule _rule;
    private readonly bool _areBirthsKnown;
    private readonly LedgerPair _pair;
    private bool _isScanned;
    private bool _wasAdopted; // then an update of what counts as done may be left alone, wherever that was moved
    private long _now = 100;
    private int _contents;

    public LedgerWorld(WatchRule rule, bool areBirthsKnown, bool isStory)
    {
        _rule = rule;
        _areBirthsKnown = areBirthsKnown;
        _pair = new LedgerPair(rule, path => _files.ContainsKey(path)) { IsStory = isStory };
    }

    /// <summary>What was told, for people.</summary>
    public List<string> Log { get; } = [];

    public void Dispose() => _pair.Dispose();

    public void Play(LedgerStep step)
    {
        string path = s_paths[step.A % s_paths.Length];
        string other = s_paths[step.B % s_paths.Length];
        bool isTold = step.C % 5 != 0;
        switch (step.Kind)
        {
            case LedgerStepKind.Write: Write(path, step, isTold); break;
            case LedgerStepKind.Update when _files.ContainsKey(path): Update(path, step, isTold); break;
            case LedgerStepKind.Touch when _files.TryGetValue(path, out WorldFile? file):
                file.MtimeNs = file.CtimeNs = ++_now;
                Tell(isTold, path, stat => $"touched {path}", stat => _pair.MetadataChanged(path, stat));
                break;
            case LedgerStepKind.Rename when path != other && _files.ContainsKey(path): Rename(path, other, step); break;
            case LedgerStepKind.Link when path != other && _files.TryGetValue(path, out WorldFile? file)
                && !_files.ContainsKey(other):
                _files[other] = file;
                file.CtimeNs = ++_now;
                TellCompleted(isTold, other, Evidence.Linked);
                break;
            case LedgerStepKind.Unlink when _files.Remove(path):
                if (isTold)
                    Tell($"gone {path}", () => _pair.Gone(path));
                break;
            case LedgerStepKind.MoveDirectory: MoveDirectory(step, isTold); break;
            case LedgerStepKind.RemoveDirectory: RemoveDirectory(step.B % 2 == 0 ? "d" : "e", isTold); break;
            case LedgerStepKind.Scan: Scan(step.C); break;
            case LedgerStepKind.Deliver: Deliver(1 + (step.A % 3)); break;
            case LedgerStepKind.Claim: Claim(); break;
            case LedgerStepKind.GoOn when _slots.Count > 0: GoOn(_slots[step.A % _slots.Count], step.B); break;
            case LedgerStepKind.Crash: Crash(); break;
            case LedgerStepKind.Retry or LedgerStepKind.Cancel or LedgerStepKind.Submit or LedgerStepKind.Adopt:
                ByHand(step, path);
                break;
            default: Say(step, path, other); break;
        }
    }

    private void Write(string path, LedgerStep step, bool isTold)
    {
        ulong inode = (ulong)Enumerable.Range(1 + (step.C % 2), 20)
            .First(number => _files.Values.All(file => file.Inode != (ulong)number));
        bool isKilled = step.B % 5 == 0;
        _now++;
        _files[path] = new WorldFile(inode, _areBirthsKnown && step.C % 7 != 0 ? _now : 0)
        {
            SizeBytes = step.B % 2,
            MtimeNs = isKilled ? _now : _now - 50,
            CtimeNs = _now,
            IsOwnerOnly = isKilled,
            Content = ++_contents,
        };
        if (isKilled)
            TellHeld(isTold, path, isMoved: false);
        else
            TellCompleted(isTold, path, step.B % 2 == 0 ? Evidence.RenamedFromTemporary : Evidence.MtimeSet);
    }

    private void Update(string path, LedgerStep step, bool isTold)
    {
        WorldFile file = _files[path];
        file.MtimeNs = ++_now;
        file.CtimeNs = _now + 1;
        file.SizeBytes = step.B % 3;
        file.IsOwnerOnly = false;
        file.Content = ++_contents;
        TellCompleted(isTold, path, step.B % 2 == 0 ? Evidence.Quiet : Evidence.MtimeSet);
    }

    private void Rename(string from, string to, LedgerStep step)
    {
        _files.Remove(from, out WorldFile? file);
        _files[to] = file!;
        file!.CtimeNs = ++_now;
        file.WasRenamed = true;
        switch (step.C % 5)
        {
            case 0:
                break;
            case 1:
                Tell($"gone {from}", () => _pair.Gone(from));
                TellCompleted(true, to, Evidence.Renamed);
                break;
            default:
                TellCompleted(true, to, Evidence.Renamed, from);
                break;
        }
    }

    private void MoveDirectory(LedgerStep step, bool isTold)
    {
        (string from, string to) = s_moves[step.B % s_moves.Length];
        if (Below(to).Length > 0 || Below(from).Length == 0)
            return;
        foreach (string path in Below(from))
        {
            _files.Remove(path, out WorldFile? file);
            _files[to + path[from.Length..]] = file!;
            file!.WasRenamed = true;
        }

        if (isTold)
            Tell($"directory {from} moved to {to}", () => _pair.DirectoryMoved(from, to));
    }

    private void RemoveDirectory(string directory, bool isTold)
    {
        foreach (string path in Below(directory))
            _files.Remove(path);
        if (isTold)
            Tell($"directory {directory} gone", () => _pair.DirectoryGone(directory, 0));
    }

    // What a scan tells: what the ledger has of other versions than are there, or of none, and what is not there.
    private void Scan(int c)
    {
        bool isExisting = !_isScanned;
        _isScanned = true;
        Log.Add("-- scan");
        foreach (string path in _files.Keys.Union(_pair.Twin.Rows.Keys).Order(StringComparer.Ordinal).ToArray())
        {
            bool isListed = _pair.Twin.Rows.TryGetValue(path, out LedgerTwin.Row row)
                && row.State is EntryState.Present or EntryState.Held;
            if (isListed && !_files.ContainsKey(path))
                Tell($"gone {path}", () => _pair.Gone(path));
            if (!_files.TryGetValue(path, out WorldFile? file))
                continue;
            FileStat stat = Stat(file);
            bool isKnown = isListed && row.Version == stat.Version
                && (row.BirthNs == stat.BirthNs || row.BirthNs == 0 || stat.BirthNs == 0);
            if (!isKnown && stat.LooksKilledInPlace)
                TellHeld(true, path, isMoved: false);
            else if (!isKnown)
                TellCompleted(
                    true, path, c % 2 == 0 ? Evidence.Found : Evidence.Quiet, null, isExisting, isFound: true);
        }
    }

    private void Deliver(int count)
    {
        while (count-- > 0 && _told.TryDequeue(out (string Text, Action Apply) fact))
        {
            Log.Add("ledger: " + fact.Text);
            fact.Apply();
        }
    }

    private string[] Below(string directory) => [.. _files.Keys.Where(
        path => path.StartsWith(directory + "/", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    private FileStat Stat(WorldFile file) => new(
        FileType.Regular, 1, file.Inode, file.SizeBytes, file.MtimeNs, file.CtimeNs, file.BirthNs,
        file.IsOwnerOnly ? 0x180u : 0x1A4u, (uint)_files.Values.Count(other => other == file));

    private void Tell(string text, Action apply)
    {
        Log.Add("world:  " + text);
        _told.Enqueue((text, apply));
    }

    private void Tell(bool isTold, string path, Func<FileStat, string> text, Action<FileStat> apply)
    {
        FileStat stat = Stat(_files[path]);
        string full = $"{text(stat)} {stat.Version.Inode},{stat.Version.SizeBytes},{stat.Version.MtimeNs} "
            + $"born {stat.BirthNs} links {stat.LinkCount}{(stat.LooksKilledInPlace ? " killed" : "")}";
        if (isTold)
            Tell(full, () => apply(stat));
        else
            Log.Add($"world:  {full} (not told)");
    }

    private void TellHeld(bool isTold, string path, bool isMoved) => Tell(
        isTold, path, _ => $"held {path}", stat => _pair.Held(path, stat, HoldReason.OwnerOnly, isMoved));

    private void TellCompleted(
        bool isTold, string path, Evidence evidence, string? from = null, bool isExisting = false,
        bool isFound = false) => Tell(
        isTold, path, _ => $"{evidence} {path}{(from is null ? "" : " from " + from)}",
        stat => _pair.Arrive(new Completion(_rule.Name, BytePath.Parse(path), stat, evidence, 1, 1)
        {
            RenamedFrom = from is null ? null : BytePath.Parse(from),
            IsExisting = isExisting,
            IsFound = isFound,
        }));

    private sealed class WorldFile(ulong inode, long birthNs)
    {
        public ulong Inode { get; } = inode;

        public long BirthNs { get; } = birthNs;

        public long SizeBytes { get; set; }

        public long MtimeNs { get; set; }

        public long CtimeNs { get; set; }

        public bool IsOwnerOnly { get; set; }

        public bool WasRenamed { get; set; }

        /// <summary>Another with each write.</summary>
        public int Content { get; set; }
    }
}
