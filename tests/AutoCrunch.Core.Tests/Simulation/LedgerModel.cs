using System.Runtime.InteropServices;

namespace AutoCrunch.Core.Tests.Simulation;

/// <summary>
/// What the ledger keeps over a crash: the real decisions in the place of the real SQL. What is told to it waits until
/// it is committed; a crash loses what waits.
/// </summary>
internal sealed partial class LedgerModel(
    World world, WatchRule rule, Conditions conditions, Choices choices)
{
    private readonly SortedDictionary<string, Row> _rows = new(StringComparer.Ordinal);
    private readonly Queue<Action> _told = new();
    private readonly HashSet<FileVersion> _judged = [];
    private readonly List<(string Path, Row Row)> _displaced = [];

    public bool IsFirstScan { get; private set; } = true;

    /// <summary>What is committed.</summary>
    public IReadOnlyDictionary<string, Row> Rows => _rows;

    public Dictionary<string, long> Counts { get; } = new(StringComparer.Ordinal);

    public bool IsSettled => _told.Count == 0;

    /// <summary>A version that a verdict was told of.</summary>
    public bool HasJudged(FileVersion version) => _judged.Contains(version);

    public void Tell(Action fact) => _told.Enqueue(fact);

    public void Commit()
    {
        while (_told.TryDequeue(out Action? fact))
            fact();
    }

    public void TellArrival(Completion completion)
    {
        _judged.Add(completion.Version);
        Tell(() => Arrive(completion));
    }

    public void TellHold(string path, FileStat stat, HoldReason reason, bool isMoved)
    {
        _judged.Add(stat.Version);
        Tell(() => Held(path, stat, reason, isMoved));
    }

    /// <summary>
    /// A file whose mtime was changed since it completed, where the ledger has not heard of that as of metadata only:
    /// with events lost since, more may have happened to it, so it is processed anew.
    /// </summary>
    public void EventsAreLost()
    {
        foreach (Entry entry in world.Files)
        {
            entry.Inode.WasRenamedUnseen |= !IsRecorded(entry) && _judged.Contains(entry.Inode.Stat.Version);
            GetsOutOfSight(entry);
        }
    }

    public void GetsOutOfSight(Entry entry)
    {
        FileVersion now = entry.Inode.Stat.Version;
        entry.Inode.WasTouchedUnseen |= !IsRecorded(entry) && _judged.Any(
            was => was != now && was == now with { MtimeNs = was.MtimeNs });
    }

    public void FirstScanFinished() => IsFirstScan = false;

    /// <summary>The directories in which existing files are known.</summary>
    public IEnumerable<string> Directories() =>
        _rows.Where(row => IsListed(row.Value)).Select(row => DirectoryOf(row.Key)).Distinct();

    public IEnumerable<(string Name, Row Row)> FilesIn(string directory) =>
        _rows.Where(row => IsListed(row.Value) && DirectoryOf(row.Key) == directory)
            .Select(row => (row.Key[(row.Key.LastIndexOf('/') + 1)..], row.Value));

    private bool IsRecorded(Entry entry) =>
        Find(entry.Folder.PathOf(entry.Name)) is { } row && row.Version == entry.Inode.Stat.Version;

    private void Arrive(Completion completion)
    {
        string path = completion.Path.ToString();
        Row? known = Find(path);
        (string Path, Row Row)? source = FindSource(completion, path, known);
        ArrivalAction action = ArrivalDecision.Of(
            completion, rule.Completion, rule.ExistingFiles, Known(known), Known(source?.Row));
        world.Note($"      ledger {action} {path}{(source is { } s ? $" from {s.Path}" : "")}");
        Count($"arrival {action}");
        if (action == ArrivalAction.MoveEntry)
        {
            MoveEntry(source!.Value, path, known);
            return;
        }

        if (action == ArrivalAction.ReviveEntry)
        {
            _rows[path] = known!.Value with { State = StateOf(known.Value) };
            RequeueCalledOff(known.Value, path);
            if (known.Value.JobId is { } id && _jobs[id].State == JobState.Running)
                _moved.Add(id);
        }
        else if (action == ArrivalAction.Job)
            InsertJob(completion, known);
        else if (action == ArrivalAction.RecordOnly)
            Put(path, completion.Stat, EntryState.Present, null, known);
        else if (completion.Stat.LinkCount > 1 && known is { } linked)
            _rows[path] = linked with { WasLinked = true };
        if (completion.RenamedFrom is { } from && source is { } left && left.Path == from.ToString()
            && !_displaced.Contains(left) && left.Row.Version == completion.Version)
            Gone(from.ToString());
    }

    private void Held(string path, FileStat stat, HoldReason reason, bool isMoved)
    {
        Row? known = Find(path);
        if (Known(known) is { } judged && ArrivalDecision.IsLaterThanHold(judged, stat, isMoved))
            return;
        CancelQueued(known?.JobId, JobReason.Superseded);
        Put(path, stat, EntryState.Held, reason, known);
    }

    public void Gone(string path)
    {
        if (Find(path) is not { State: not EntryState.Gone } known)
            return;
        CancelQueued(known.JobId, JobReason.Gone);
        _rows[path] = known with { State = EntryState.Gone };
    }

    public void MetadataChanged(string path, FileStat stat)
    {
        if (Find(path) is not { State: not EntryState.Gone } known || known.Version.Inode != stat.Inode
            || known.Version.SizeBytes != stat.SizeBytes)
            return;
        if (known.State == EntryState.Changed)
        {
            InsertJob(Recall(path, stat, known.JobId), known);
            return;
        }

        if (known.Version == stat.Version || known.State == EntryState.Held || known.WasLinked || stat.LinkCount > 1)
            return;
        _rows[path] = known with { Version = stat.Version };
        if (known.JobId is { } id && _jobs[id] is { State: JobState.Queued or JobState.Running } job)
            _jobs[id] = job with { Version = stat.Version };
    }

    public void DirectoryGone(string directory)
    {
        foreach (string path in PathsBelow(directory))
            Gone(path);
    }

    public void DirectoryMoved(string from, string to)
    {
        DirectoryGone(to);
        foreach (string path in PathsBelow(from))
        {
            Row row = _rows[path];
            if (row.State == EntryState.Gone)
                continue;
            string moved = to + path[from.Length..];
            MoveJob(row.JobId, moved);
            Overwrite(moved, row.Version, row.BirthNs);
            _rows.Remove(path);
            _rows[moved] = row with { PreviousId = null };
        }

        foreach (string path in PathsBelow(from))
            Revive(path, to + path[from.Length..]);
    }

    // A job whose attempt missed the file before the rename was told, and was called off.
    private void Revive(string path, string moved)
    {
        Row row = _rows[path];
        bool isMissed = row is { State: EntryState.Gone, JobId: { } id }
            && _jobs[id] is { State: JobState.Cancelled, Reason: JobReason.Gone };
        if (!isMissed || world.Find(moved) is null || Find(moved) is { State: not EntryState.Gone })
            return;
        MoveEntry((path, row), moved, Find(moved));
    }

    private string[] PathsBelow(string directory) =>
        [.. _rows.Keys.Where(path => path.StartsWith(directory + "/", StringComparison.Ordinal))];

    private static string DirectoryOf(string path) => path.Contains('/') ? path[..path.LastIndexOf('/')] : "";

    private Row? Find(string path) => _rows.TryGetValue(path, out Row row) ? row : null;

    private (string Path, Row Row)? FindSource(Completion completion, string path, Row? known)
    {
        (string Path, Row Row)? first = null;
        if (completion.RenamedFrom is { } from && Find(from.ToString()) is { } left)
            first = (from.ToString(), left);
        if (first?.Row.Version == completion.Version)
            return first;
        bool isKnown = known is { State: EntryState.Present } present && present.Version == completion.Version;
        bool mayBeRenamed = completion.Evidence is Evidence.Found or Evidence.Quiet
            || (completion.Evidence is Evidence.MtimeSet or Evidence.Renamed && completion.Stat.BirthNs != 0);
        if (isKnown || !mayBeRenamed)
            return first;
        (string Path, Row Row)? best = first;
        foreach ((string at, Row row) in _rows.OrderByDescending(row => row.Value.State == EntryState.Gone))
        {
            bool isSame = row.Version == completion.Version
                || ArrivalDecision.IsHeldAndTouched(completion, Known(row)!.Value);
            bool isSource = isSame && at != path
                && (completion.RenamedFrom is null || ArrivalDecision.HasBirthOf(Known(row)!.Value, completion))
                && (row.State == EntryState.Gone || ArrivalDecision.HasLeft(Known(row)!.Value, completion)
                    || world.Find(at) is null);
            if (isSource)
                best = Better(best, (at, row), completion);
            else if (row.Version == completion.Version && at != path)
                Forgotten(row.Version);
        }

        foreach ((string Path, Row Row) row in _displaced.AsEnumerable().Reverse())
        {
            if (ArrivalDecision.IsDisplaced(Known(row.Row)!.Value, BytePath.Parse(row.Path), completion))
                best = Better(best, row, completion);
        }

        return best;
    }

    private (string Path, Row Row) Better(
        (string Path, Row Row)? best, (string Path, Row Row) other, Completion completion) =>
        best is { } known && RankOf(known.Row, completion) >= RankOf(other.Row, completion) ? known : other;

    private int RankOf(Row row, Completion completion) =>
        ArrivalDecision.RankOf(Known(row)!.Value, completion, rule.Completion);

    private KnownEntry? Known(Row? known)
    {
        if (known is not { } row)
            return null;
        SimulatedJob? job = row.JobId is { } id ? _jobs[id] : null;
        return new KnownEntry(row.Version, row.State, row.BirthNs, job?.State, job?.Reason)
        {
            Held = row.Held,
            WasLinked = row.WasLinked,
            IsUpdate = row.PreviousId is { } previous
                ? KnownEntry.IsProcessed(_jobs[previous].State, _jobs[previous].Reason) : null,
        };
    }

    // A file that is remembered elsewhere keeps its job.
    private void Put(string path, FileStat stat, EntryState state, HoldReason? held, Row? known)
    {
        bool isDisplaced = Overwrite(path, stat.Version, stat.BirthNs);
        _rows[path] = new Row(
            stat.Version, state, held, isDisplaced ? null : known?.JobId, stat.BirthNs, stat.LinkCount > 1)
        {
            PreviousId = isDisplaced ? known?.JobId ?? known?.PreviousId : known?.PreviousId,
        };
    }

    private void PutJob(string path, FileStat stat, int jobId)
    {
        Overwrite(path, stat.Version, stat.BirthNs);
        _rows[path] = new Row(stat.Version, EntryState.Present, null, jobId, stat.BirthNs, stat.LinkCount > 1);
    }

    private void MoveEntry((string Path, Row Row) from, string to, Row? overwritten)
    {
        CancelQueued(overwritten?.JobId, JobReason.Superseded);
        Row row = from.Row;
        bool wasDisplaced = _displaced.Remove(from);
        Overwrite(to, row.Version, row.BirthNs);
        if (!wasDisplaced)
            _rows.Remove(from.Path);
        _rows[to] = row with { State = StateOf(row), PreviousId = null };
        MoveJob(row.JobId, to);
        RequeueCalledOff(row, to);
    }

    private static bool IsListed(Row row) => row.State is EntryState.Present or EntryState.Held;

    private static EntryState StateOf(Row row) => row.Held is null ? EntryState.Present : EntryState.Held;

    private void Remove(string path)
    {
        Forgotten(_rows[path].Version);
        _rows.Remove(path);
    }

    // Another file has the name now. That it is the old one, when it comes to light elsewhere, its birth tells.
    private bool Overwrite(string path, FileVersion version, long birthNs)
    {
        _displaced.RemoveAll(
            each => birthNs != 0 && each.Row.Version.Inode == version.Inode && each.Row.BirthNs == birthNs);
        if (Find(path) is not { } old || old.Version.Inode == version.Inode)
            return false;
        if (old is { BirthNs: not 0, WasLinked: false })
        {
            _displaced.Add((path, old));
            return true;
        }

        Forgotten(old.Version);
        return false;
    }

    // The ledger keeps one row for each name. Once a file is elsewhere unseen, and another has its old name, what was
    // known of it is forgotten. A hold too; and since a rename moves the ctime, a file that rsync left half written no
    // longer shows that by itself.
    private void Forgotten(FileVersion version)
    {
        foreach (Entry entry in world.Files.Concat(world.Outside.Tree.SelectMany(folder => folder.Files.Values)))
        {
            Inode inode = entry.Inode;
            if (inode.Stat.Version != version || !inode.WasRenamedUnseen)
                continue;
            inode.WasForgotten = true;
            if (inode.Mark == Mark.OwnerOnly)
                inode.Mark = Mark.None;
        }
    }

    private void Count(string name) => Counts[name] = Counts.GetValueOrDefault(name) + 1;

    [StructLayout(LayoutKind.Auto)]
    internal readonly record struct Row(
        FileVersion Version, EntryState State, HoldReason? Held, int? JobId, long BirthNs, bool WasLinked)
    {
        public int? PreviousId { get; init; }
    }
}
