using System.Diagnostics.CodeAnalysis;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Ledger;

/// <summary>Completions.</summary>
internal sealed partial class LedgerWriter
{
    // A version is known at several paths when they are hard links; so many are looked at.
    private const int SourcesMax = 16;

    // Of a job that moves.
    private static readonly string s_claimedPath = $"""
        CASE WHEN state = {(int)JobState.Running} THEN coalesce(claimed_path,
            CAST(iif(length(directory) = 0, name, directory || X'2F' || name) AS BLOB)) END
        """;

    private SqliteStatement _findEntry;
    private SqliteStatement _findSources;
    private SqliteStatement _putEntry;
    private SqliteStatement _insertJob;
    private SqliteStatement _cancelQueued;
    private SqliteStatement _deleteEntry;
    private SqliteStatement _moveEntry;
    private SqliteStatement _moveJob;
    private SqliteStatement _reviveEntry;
    private SqliteStatement _linkEntry;

    /// <summary>Records a completion: whatever comes of it is decided by <see cref="ArrivalDecision"/>.</summary>
    public ArrivalAction Arrive(LedgerRule rule, Completion completion)
    {
        EntryRow? known = Find(rule, completion.Path);
        EntrySource? source = FindSource(rule, completion, known);
        ArrivalAction action = ArrivalDecision.Of(
            completion, rule.Rule.Completion, rule.Rule.ExistingFiles, known?.Known, source?.Row.Known);
        if (action == ArrivalAction.MoveEntry)
        {
            MoveEntry(rule, source!.Value, completion.Path, known);

            // It was left alone as an update, and while it was out of sight the job of what it would be one of came to
            // nothing.
            if (source.Value.Row is { JobId: null, Known: { IsHeld: false, IsUnprocessed: true } })
                InsertJob(rule, completion, Find(rule, completion.Path));
            return action;
        }

        if (action == ArrivalAction.ReviveEntry)
            ReviveEntry(rule, completion, known!.Value);
        else if (action == ArrivalAction.Job)
            InsertGuarded(rule, completion, known);
        else if (action == ArrivalAction.RecordOnly)
            PutEntry(rule, completion.Path, completion.Stat, EntryState.Present, null, known, keepsJob: true);
        else if (completion.Stat.LinkCount > 1 && known is { Known.WasLinked: false })
            LinkEntry(rule, completion.Path);

        // The kernel said that the file has left its old name; a scan's conclusion is only acted on as a whole.
        if (completion.RenamedFrom is { } from && source is { DisplacedId: null } left && left.Path == from
            && left.Row.Known.Version == completion.Version)
            Gone(rule, from);
        return action;
    }

    private EntryRow? Find(LedgerRule rule, BytePath path)
    {
        var split = new SplitPath(path);
        _findEntry.Bind(1, rule.Id).Bind(2, split.Directory).Bind(3, split.Name);
        if (!_findEntry.Step())
            return null;
        EntryRow row = LedgerRows.ReadEntry(_findEntry);
        _findEntry.Reset();
        return row;
    }

    private EntrySource? FindSource(LedgerRule rule, Completion completion, EntryRow? known)
    {
        EntrySource? first = null;
        if (completion.RenamedFrom is { } from && from != completion.Path && Find(rule, from) is { } left)
            first = new EntrySource(from, left, null);
        if (first?.Row.Known.Version == completion.Version)
            return first;
        bool isKnown = known is { Known.State: EntryState.Present } present
            && present.Known.Version == completion.Version;
        if (isKnown || !MayBeRenamed(completion))
            return first;

        var found = new List<(BytePath Path, EntryRow Row)>();
        long killedBirthNs = completion.Stat.LooksKilledInPlace ? completion.Stat.BirthNs : 0;
        _findSources.Bind(1, completion.Version).Bind(4, rule.Id).Bind(5, killedBirthNs);
        while (_findSources.Step())
            found.Add(LedgerRows.ReadEntryAt(_findSources));

        // It may have been known under several. Or the event was read so late that another file had the name by then
        // that it was renamed from.
        EntrySource? best = first;
        foreach ((BytePath path, EntryRow row) in found)
        {
            bool isSource = path != completion.Path
                && (completion.RenamedFrom is null || ArrivalDecision.HasBirthOf(row.Known, completion))
                && (row.Known.State == EntryState.Gone || ArrivalDecision.HasLeft(row.Known, completion)
                    || _isGone(rule.Rule, path, Devices.NumberOf(row.DeviceId)));
            if (isSource)
                best = Better(best, new EntrySource(path, row, null), rule, completion);
        }

        return FindDisplaced(best, rule, completion);
    }

    private static EntrySource Better(EntrySource? best, EntrySource other, LedgerRule rule, Completion completion) =>
        best is { } known && RankOf(known, rule, completion) >= RankOf(other, rule, completion) ? known : other;

    private static int RankOf(EntrySource source, LedgerRule rule, Completion completion) =>
        ArrivalDecision.RankOf(source.Row.Known, completion, rule.Rule.Completion);

    // What a scan completes, or what was out of sight for a while. A file dated by its sender may come again under
    // another name and on the same inode, with the same time: only its birth tells that from a rename.
    private static bool MayBeRenamed(Completion completion) => completion.Version.Inode != 0
        && (completion.Evidence is Evidence.Found or Evidence.Quiet
            || (completion.Evidence is Evidence.MtimeSet or Evidence.Renamed && completion.Stat.BirthNs != 0));

    private void InsertJob(LedgerRule rule, Completion completion, EntryRow? known)
    {
        if (known is { Known.Job: JobState.Queued, JobId: { } replaced })
            CancelQueued(replaced, JobReason.Superseded);
        if (known?.JobId is { } previous)
            ForgetIntention(previous);
        var split = new SplitPath(completion.Path);
        long dueNs = DueOf(rule, split);
        _insertJob.Bind(1, rule.Id).Bind(2, split.Directory).Bind(3, split.Name).Bind(4, completion.Version)
            .Bind(7, (long)completion.Evidence).Bind(8, dueNs).Bind(9, completion.ArrivedNs)
            .Bind(10, completion.CompletedNs).Bind(11, known?.LastJobId).Run();
        long jobId = _db.LastInsertId;
        PutEntry(rule, completion.Path, completion.Stat, EntryState.Present, null, known, keepsJob: false, jobId);
        rule.NextDueNs = Math.Min(rule.NextDueNs, dueNs);
    }

    // Whatever it replaces is kept aside, and what was kept aside of this file is replaced.
    private void PutEntry(
        LedgerRule rule, BytePath path, FileStat stat, EntryState state, HoldReason? hold, EntryRow? known,
        bool keepsJob, long? jobId = null)
    {
        long? previousId = null;
        bool isOther = Displace(rule, path, known, stat.Inode) || IsReborn(known, stat);
        if (isOther)
            previousId = keepsJob ? known?.LastJobId : null;
        else if (keepsJob)
            (jobId, previousId) = (known?.JobId, known?.PreviousId);
        ForgetDisplaced(rule, stat.Inode, stat.BirthNs);
        var split = new SplitPath(path);
        _putEntry.Bind(1, rule.Id).Bind(2, split.Directory).Bind(3, split.Name).Bind(4, stat.Version)
            .Bind(7, (long)state).Bind(8, (long?)hold).Bind(9, jobId).Bind(10, Clock.WallNs())
            .Bind(11, Devices.IdOf(stat.Device)).Bind(12, stat.BirthNs)
            .Bind(13, stat.LinkCount > 1 ? 1 : 0).Bind(14, previousId).Run();
    }

    // Its inode was given out again: the file before is no more, and its job is none of this one's.
    private static bool IsReborn(EntryRow? known, FileStat stat) => known is { Known.BirthNs: not 0 and var bornNs }
        && stat.BirthNs != 0 && stat.BirthNs != bornNs;

    private void ReviveEntry(LedgerRule rule, Completion completion, EntryRow known)
    {
        var split = new SplitPath(completion.Path);
        _reviveEntry.Bind(1, rule.Id).Bind(2, split.Directory).Bind(3, split.Name)
            .Bind(4, Devices.IdOf(completion.Stat.Device)).Run();
        if (IsCalledOff(known))
            Requeue(rule, known.JobId!.Value, completion.Path);
        else if (known is { Known.Job: JobState.Running, JobId: { } running })
            Running.Moved(running, completion.Path); // away and back: what its attempt saw may be old
    }

    // It goes on, and counts its attempts on.
    private static bool IsCalledOff(EntryRow row) =>
        row is { JobId: not null, Known: { IsHeld: false, Job: JobState.Cancelled, IsUnprocessed: true } };

    private void Requeue(LedgerRule rule, long jobId, BytePath path)
    {
        _retry.Bind(1, jobId).Bind(2, NowNs).Run();
        MoveJob(rule, jobId, path);
    }

    private void MoveJob(LedgerRule rule, long jobId, BytePath path)
    {
        var split = new SplitPath(path);
        _moveJob.Bind(1, jobId).Bind(2, split.Directory).Bind(3, split.Name).Bind(4, DueOf(rule, split)).Run();
        rule.NextDueNs = 0;
        Running.Moved(jobId, path);
    }

    private void LinkEntry(LedgerRule rule, BytePath path)
    {
        var split = new SplitPath(path);
        _linkEntry.Bind(1, rule.Id).Bind(2, split.Directory).Bind(3, split.Name).Run();
    }

    private void MoveEntry(LedgerRule rule, EntrySource source, BytePath to, EntryRow? overwritten)
    {
        if (overwritten is { Known.Job: JobState.Queued, JobId: { } replaced })
            CancelQueued(replaced, JobReason.Superseded);
        KnownEntry moved = source.Row.Known;
        Displace(rule, to, overwritten, moved.Version.Inode);
        Forget(rule, to);
        var from = new SplitPath(source.Path);
        var target = new SplitPath(to);
        if (source.DisplacedId is { } displacedId)
        {
            ReplaceDisplaced(displacedId, to);
            Detach(rule, source);
        }
        else
            _moveEntry.Bind(1, rule.Id).Bind(2, from.Directory).Bind(3, from.Name)
                .Bind(4, target.Directory).Bind(5, target.Name).Run();
        ForgetDisplaced(rule, moved.Version.Inode, moved.BirthNs);
        if (source.Row.JobId is not { } jobId)
            return;
        MoveIntention(rule, jobId, to);
        if (IsCalledOff(source.Row))
            Requeue(rule, jobId, to);
        else if (moved.Job is JobState.Queued or JobState.Running)
            MoveJob(rule, jobId, to);
        else if (source.DisplacedNs is { } displacedNs)
            IntendLate(rule, jobId, to, displacedNs);
    }

    // Of a row that moves: what it was left alone for as an update, as long as that may come to nothing. Else it has
    // left the name that was processed.
    private static string PreviousOf(string table) => $"""
        (SELECT p.id FROM jobs p WHERE p.id = {table}.previous_id AND {table}.hold IS NULL
            AND p.state IN ({(int)JobState.Queued}, {(int)JobState.Running}))
        """;

    private void CancelQueued(long jobId, JobReason reason) =>
        _cancelQueued.Bind(1, jobId).Bind(2, (long)reason).Bind(3, Clock.WallNs()).Run();

    [MemberNotNull(nameof(_findEntry), nameof(_findSources), nameof(_putEntry), nameof(_insertJob))]
    [MemberNotNull(nameof(_cancelQueued), nameof(_deleteEntry), nameof(_moveEntry), nameof(_moveJob))]
    [MemberNotNull(nameof(_linkEntry), nameof(_reviveEntry))]
    private void PrepareArrivals()
    {
        _findEntry = _db.Prepare($"""
            SELECT {LedgerRows.EntryColumns} FROM {LedgerRows.Entries}
            WHERE f.rule_id = ?1 AND f.directory = ?2 AND f.name = ?3
            """);
        _findSources = _db.Prepare($"""
            SELECT {LedgerRows.EntryColumns}, f.directory, f.name FROM {LedgerRows.Entries}
            WHERE f.inode = ?1 AND f.inode <> 0 AND f.rule_id = ?4 AND ((f.size = ?2 AND f.mtime_ns = ?3)
                OR (f.hold = {(int)HoldReason.OwnerOnly} AND f.birth_ns = ?5 AND ?5 <> 0))
            ORDER BY f.state = {(int)EntryState.Gone} DESC, f.gone_ns DESC LIMIT {SourcesMax}
            """);
        _putEntry = _db.Prepare("""
            INSERT INTO files (rule_id, directory, name, inode, size, mtime_ns, state, hold, job_id, recorded_ns,
                device_id, birth_ns, linked, previous_id)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
            ON CONFLICT DO UPDATE SET inode = ?4, size = ?5, mtime_ns = ?6, state = ?7, hold = ?8, job_id = ?9,
                recorded_ns = ?10, gone_ns = NULL, device_id = ?11, birth_ns = ?12, warned_ns = NULL,
                linked = ?13, previous_id = ?14
            """);
        _insertJob = _db.Prepare("""
            INSERT INTO jobs (rule_id, directory, name, inode, size, mtime_ns, evidence, due_ns, arrived_ns,
                completed_ns, previous_id)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
            """);
        _cancelQueued = _db.Prepare($"""
            UPDATE jobs SET state = {(int)JobState.Cancelled}, reason = ?2, finished_ns = ?3
            WHERE id = ?1 AND state = {(int)JobState.Queued}
            """);
        _deleteEntry = _db.Prepare("DELETE FROM files WHERE rule_id = ?1 AND directory = ?2 AND name = ?3");
        _moveEntry = _db.Prepare($"""
            UPDATE files SET directory = ?4, name = ?5, gone_ns = NULL, previous_id = {PreviousOf("files")},
                state = iif(hold IS NULL, {(int)EntryState.Present}, {(int)EntryState.Held})
            WHERE rule_id = ?1 AND directory = ?2 AND name = ?3
            """);
        _reviveEntry = _db.Prepare($"""
            UPDATE files SET gone_ns = NULL, device_id = ?4,
                state = iif(hold IS NULL, {(int)EntryState.Present}, {(int)EntryState.Held})
            WHERE rule_id = ?1 AND directory = ?2 AND name = ?3
            """);
        _linkEntry = _db.Prepare("UPDATE files SET linked = 1 WHERE rule_id = ?1 AND directory = ?2 AND name = ?3");
        _moveJob = _db.Prepare($"""
            UPDATE jobs SET directory = ?2, name = ?3, claimed_path = {s_claimedPath},
                due_ns = iif(due_ns = {Job.NeverDueNs} OR ?4 = {Job.NeverDueNs}, ?4, due_ns)
            WHERE id = ?1
            """);
    }
}
