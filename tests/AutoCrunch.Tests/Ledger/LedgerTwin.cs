using System.Runtime.InteropServices;
using AutoCrunch.Core;

namespace AutoCrunch.Tests.Ledger;

/// <summary>
/// What the ledger should hold: the real decisions carried out on plain lists, beside the SQL that is compared with it.
/// </summary>
internal sealed partial class LedgerTwin(WatchRule rule, Func<string, bool> isThere)
{
    private readonly Dictionary<string, Row> _rows = new(StringComparer.Ordinal);
    private readonly List<(string Path, Row Row)> _displaced = [];
    private int _goneTimes;

    public IReadOnlyDictionary<string, Row> Rows => _rows;

    public IEnumerable<string> Describe() =>
    [
        .. _rows.Select(row => $"file {row.Key} {Text(row.Value)}").Order(StringComparer.Ordinal),
        .. _displaced.Select(row => $"displaced {row.Path} {Text(row.Row)}"),
        .. _jobs.Values.OrderBy(job => job.Id).Select(job => job.Describe()),
    ];

    public void Arrive(Completion completion)
    {
        string path = completion.Path.ToString();
        Row? known = Find(path);
        (string Path, Row Row)? source = FindSource(completion, path, known);
        ArrivalAction action = ArrivalDecision.Of(
            completion, rule.Completion, rule.ExistingFiles, Known(known), Known(source?.Row));
        if (action == ArrivalAction.MoveEntry)
        {
            MoveEntry(source!.Value, path, known);
            if (source.Value.Row is { JobId: null, Held: null } && Known(source.Value.Row)!.Value.IsUnprocessed)
                InsertJob(completion, Find(path));
            return;
        }

        if (action == ArrivalAction.ReviveEntry)
        {
            _rows[path] = known!.Value with { State = StateOf(known.Value), GoneTime = null };
            RequeueCalledOff(known.Value, path);
            if (known.Value.JobId is { } running && _running.ContainsKey(running))
                _moved.Add(running);
        }
        else if (action == ArrivalAction.Job)
            InsertJob(completion, known);
        else if (action == ArrivalAction.RecordOnly)
            Put(path, completion.Stat, EntryState.Present, null, known, keepsJob: true);
        else if (completion.Stat.LinkCount > 1 && known is { } linked)
            _rows[path] = linked with { WasLinked = true };
        if (completion.RenamedFrom is { } from && source is { } left && left.Path == from.ToString()
            && !_displaced.Contains(left) && left.Row.Version == completion.Version)
            Gone(left.Path);
    }

    public void Held(string path, FileStat stat, HoldReason reason, bool isMoved)
    {
        Row? known = Find(path);
        if (Known(known) is { } judged && ArrivalDecision.IsLaterThanHold(judged, stat, isMoved))
            return;
        if (known is { State: EntryState.Held } held && held.Version == stat.Version && held.Held == reason)
            return;
        CancelQueued(known?.JobId, JobReason.Superseded);
        Put(path, stat, EntryState.Held, reason, known, keepsJob: true);
    }

    public void Gone(string path) => Gone(path, ++_goneTimes);

    public void MetadataChanged(string path, FileStat stat)
    {
        if (Find(path) is not { State: not EntryState.Gone } known || known.Version.Inode != stat.Inode
            || known.Version.SizeBytes != stat.SizeBytes || IsReborn(known, stat.BirthNs))
            return;
        if (known.State == EntryState.Changed)
        {
            GoOn(path, stat, known);
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
        int time = ++_goneTimes;
        foreach (string path in PathsBelow(directory))
        {
            CancelQueued(_rows[path].JobId, JobReason.Gone);
            Gone(path, time);
        }
    }

    public void DirectoryMoved(string from, string to)
    {
        DirectoryGone(to);
        foreach (string path in PathsBelow(from).Where(path => _rows[path].State != EntryState.Gone))
            Displace(to + path[from.Length..], _rows[path].Version);
        foreach (string path in PathsBelow(from).Where(path => _rows[path].State != EntryState.Gone))
        {
            Row row = _rows[path];
            string moved = to + path[from.Length..];
            MoveJob(row.JobId, moved);
            _rows.Remove(path);
            _rows[moved] = row with { PreviousId = PreviousOf(row) };
        }

        // Also what runs of a file that another has replaced is there now.
        foreach (TwinJob job in _jobs.Values.Where(job => job.State == JobState.Running).ToArray())
            if (job.Path.StartsWith(from + "/", StringComparison.Ordinal))
                MoveJob(job.Id, to + job.Path[from.Length..]);

        // A job whose attempt missed the file before the rename was told, and was called off.
        foreach (string path in PathsBelow(from))
        {
            Row row = _rows[path];
            string moved = to + path[from.Length..];
            bool isMissed = row is { State: EntryState.Gone, JobId: { } id }
                && _jobs[id] is { State: JobState.Cancelled, Reason: JobReason.Gone };
            if (!isMissed || !isThere(moved) || Find(moved) is { State: not EntryState.Gone })
                continue;
            MoveEntry((path, row), moved, Find(moved));
        }
    }

    private void Gone(string path, int time)
    {
        if (Find(path) is not { State: not EntryState.Gone } known)
            return;
        CancelQueued(known.JobId, JobReason.Gone);
        _rows[path] = known with { State = EntryState.Gone, GoneTime = time };
    }

    private string[] PathsBelow(string directory) => [.. InOrder(_rows).Select(row => row.Key)
        .Where(path => path.StartsWith(directory + "/", StringComparison.Ordinal))];

    // As the table is sorted: by directory, then by name.
    private static IOrderedEnumerable<KeyValuePair<string, Row>> InOrder(
        IEnumerable<KeyValuePair<string, Row>> rows) => rows
        .OrderBy(row => row.Key[..Math.Max(0, row.Key.LastIndexOf('/'))], StringComparer.Ordinal)
        .ThenBy(row => row.Key, StringComparer.Ordinal);

    private Row? Find(string path) => _rows.TryGetValue(path, out Row row) ? row : null;

    private (string Path, Row Row)? FindSource(Completion completion, string path, Row? known)
    {
        (string Path, Row Row)? first = null;
        if (completion.RenamedFrom is { } from && from.ToString() != path && Find(from.ToString()) is { } left)
            first = (from.ToString(), left);
        if (first?.Row.Version == completion.Version)
            return first;
        bool isKnown = known is { State: EntryState.Present } present && present.Version == completion.Version;
        bool mayBeRenamed = completion.Evidence is Evidence.Found or Evidence.Quiet
            || (completion.Evidence is Evidence.MtimeSet or Evidence.Renamed && completion.Stat.BirthNs != 0);
        if (isKnown || !mayBeRenamed || completion.Version.Inode == 0)
            return first;
        (string Path, Row Row)? best = first;
        foreach ((string at, Row row) in InOrder(_rows).OrderByDescending(row => row.Value.GoneTime ?? 0))
        {
            KnownEntry entry = Known(row)!.Value;
            bool isSame = row.Version == completion.Version || ArrivalDecision.IsHeldAndTouched(completion, entry);
            bool isSource = isSame && at != path
                && (completion.RenamedFrom is null || ArrivalDecision.HasBirthOf(entry, completion))
                && (row.State == EntryState.Gone || ArrivalDecision.HasLeft(entry, completion) || !isThere(at));
            if (isSource)
                best = Better(best, (at, row), completion);
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
        TwinJob? job = row.JobId is { } id ? _jobs[id] : null;
        return new KnownEntry(row.Version, row.State, row.BirthNs, job?.State, job?.Reason)
        {
            Held = row.Held,
            WasLinked = row.WasLinked,
            IsUpdate = row.PreviousId is { } previous
                ? KnownEntry.IsProcessed(_jobs[previous].State, _jobs[previous].Reason) : null,
        };
    }

    // A file that is kept aside keeps its job.
    private void Put(
        string path, FileStat stat, EntryState state, HoldReason? held, Row? known, bool keepsJob, long? jobId = null)
    {
        bool isOther = Overwrite(path, stat.Version, stat.BirthNs) || (known is { } old && IsReborn(old, stat.BirthNs));
        _rows[path] = new Row(
            stat.Version, state, held, !keepsJob ? jobId : isOther ? null : known?.JobId, stat.BirthNs,
            stat.LinkCount > 1)
        {
            PreviousId = !keepsJob ? null : isOther ? known?.LastJobId : known?.PreviousId,
        };
    }

    private static bool IsReborn(Row row, long birthNs) => row.BirthNs != 0 && birthNs != 0 && row.BirthNs != birthNs;

    // What it is an update of, as long as that may come to nothing.
    private long? PreviousOf(Row row) => row is { Held: null, PreviousId: { } id }
        && _jobs[id].State is JobState.Queued or JobState.Running ? row.PreviousId : null;

    private void MoveEntry((string Path, Row Row) from, string to, Row? overwritten)
    {
        CancelQueued(overwritten?.JobId, JobReason.Superseded);
        Row row = from.Row;
        bool wasDisplaced = _displaced.Remove(from);
        Overwrite(to, row.Version, row.BirthNs);
        if (!wasDisplaced)
            _rows.Remove(from.Path);
        else
            Detach(from);
        _rows[to] = row with { State = StateOf(row), PreviousId = PreviousOf(row), GoneTime = null };
        MoveJob(row.JobId, to);
        RequeueCalledOff(row, to);
    }

    // The file had left its name before another came to it.
    private void Detach((string Path, Row Row) left)
    {
        if (Find(left.Path) is not { JobId: null, PreviousId: not null } other || other.PreviousId != left.Row.JobId)
            return;
        Row own = other with { PreviousId = null };
        _rows[left.Path] = own;
        if (own.State == EntryState.Present && rule.Completion.Updates == ProcessPolicy.Ignore)
            InsertJob(Recall(left.Path, StatOf(own), null), own);
    }

    private static EntryState StateOf(Row row) => row.Held is null ? EntryState.Present : EntryState.Held;

    // Another file has the name now. That it is the old one, when it comes to light elsewhere, its birth tells.
    private bool Overwrite(string path, FileVersion version, long birthNs)
    {
        _displaced.RemoveAll(
            each => birthNs != 0 && each.Row.Version.Inode == version.Inode && each.Row.BirthNs == birthNs);
        return Displace(path, version);
    }

    private bool Displace(string path, FileVersion version)
    {
        if (Find(path) is not { BirthNs: not 0, WasLinked: false } old || old.Version.Inode == version.Inode)
            return false;
        _displaced.Add((path, old with { GoneTime = null }));
        return true;
    }

    private static string Text(Row row) => string.Create(
        null,
        $"{row.Version.Inode},{row.Version.SizeBytes},{row.Version.MtimeNs} born {row.BirthNs} "
        + $"{row.State} {row.Held} job {row.JobId} previous {row.PreviousId} linked {row.WasLinked}");

    [StructLayout(LayoutKind.Auto)]
    internal readonly record struct Row(
        FileVersion Version, EntryState State, HoldReason? Held, long? JobId, long BirthNs, bool WasLinked)
    {
        public long? PreviousId { get; init; }

        /// <summary>Counts up: which went later; null when it is there.</summary>
        public int? GoneTime { get; init; }

        public long? LastJobId => JobId ?? PreviousId;
    }
}
