using System.Diagnostics.CodeAnalysis;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Ledger;

/// <summary>What becomes known of files besides their completion.</summary>
internal sealed partial class LedgerWriter
{
    private const long AnyDevice = 0;

    private SqliteStatement _goneEntry;
    private SqliteStatement _updateEntryVersion;
    private SqliteStatement _updateJobVersion;
    private SqliteStatement _findOrigin;
    private SqliteStatement _cancelQueuedBelow;
    private SqliteStatement _goneBelow;
    private SqliteStatement _moveJobsBelow;
    private SqliteStatement _moveBelow;
    private SqliteStatement _missedBelow;

    public void Held(LedgerRule rule, BytePath path, FileStat stat, HoldReason reason, bool isMoved)
    {
        EntryRow? known = Find(rule, path);
        if (known is { Known: { } judged } && ArrivalDecision.IsLaterThanHold(judged, stat, isMoved))
            return;
        if (known is { Known.State: EntryState.Held } held && held.Known.Version == stat.Version
            && held.Known.Held == reason)
            return; // for how long it has been held, counts from the first time
        if (known is { Known.Job: JobState.Queued, JobId: { } jobId })
            CancelQueued(jobId, JobReason.Superseded);
        PutEntry(rule, path, stat, EntryState.Held, reason, known, keepsJob: true);
    }

    public void Gone(LedgerRule rule, BytePath path)
    {
        if (Find(rule, path) is not { Known.State: not EntryState.Gone } known)
            return;
        if (known is { Known.Job: JobState.Queued, JobId: { } jobId })
            CancelQueued(jobId, JobReason.Gone);
        MarkGone(rule, path);
    }

    public void MetadataChanged(LedgerRule rule, BytePath path, FileStat stat)
    {
        if (Find(rule, path) is not { Known.State: not EntryState.Gone } known)
            return;
        FileVersion version = known.Known.Version;
        if (version.Inode != stat.Inode || version.SizeBytes != stat.SizeBytes || IsReborn(known, stat))
            return; // not the file that was judged: its own completion, or the next scan, brings it
        if (known.Known.State == EntryState.Changed)
        {
            GoOn(rule, path, stat, known);
            return;
        }

        // The next scan judges what is held, and what may have been written through another link.
        if (version == stat.Version || known.Known.State == EntryState.Held || known.Known.WasLinked
            || stat.LinkCount > 1)
            return;
        var split = new SplitPath(path);
        _updateEntryVersion.Bind(1, rule.Id).Bind(2, split.Directory).Bind(3, split.Name).Bind(4, stat.Version).Run();
        if (known is { Known.Job: JobState.Queued or JobState.Running, JobId: { } jobId })
            _updateJobVersion.Bind(1, jobId).Bind(2, stat.Version).Run();
    }

    // Its attempt saw another mtime before it was told here that no more had changed, and was called off.
    private void GoOn(LedgerRule rule, BytePath path, FileStat stat, EntryRow known)
    {
        if (known is not { Known: { Job: JobState.Cancelled, JobReason: not JobReason.ByHand }, JobId: { } calledOff })
        {
            InsertJob(rule, Recall(rule, path, stat, known.JobId), known);
            return;
        }

        PutEntry(rule, path, stat, EntryState.Present, null, known, keepsJob: true);
        _updateJobVersion.Bind(1, calledOff).Bind(2, stat.Version).Run();
        Requeue(rule, calledOff, path);
    }

    public void DirectoryGone(LedgerRule rule, BytePath directory, ulong device)
    {
        long now = Clock.WallNs();
        foreach ((byte[] from, byte[] to) in PathRange.AtAndBelow(directory))
        {
            _cancelQueuedBelow.Bind(1, rule.Id).Bind(2, from).Bind(3, to).Bind(4, now).Bind(5, (long)device).Run();
            _goneBelow.Bind(1, rule.Id).Bind(2, from).Bind(3, to).Bind(4, now).Bind(5, (long)device).Run();
        }
    }

    public void DirectoryMoved(LedgerRule rule, BytePath from, BytePath to)
    {
        Invariant.That(!from.IsEmpty && !to.IsEmpty);
        long now = Clock.WallNs();
        foreach ((byte[] low, byte[] high) in PathRange.AtAndBelow(to))
        {
            // rename(2) replaces only an empty directory: what was known there is gone. Or it is back: it was renamed
            // away unseen before.
            _cancelQueuedBelow.Bind(1, rule.Id).Bind(2, low).Bind(3, high).Bind(4, now).Bind(5, AnyDevice).Run();
            _goneBelow.Bind(1, rule.Id).Bind(2, low).Bind(3, high).Bind(4, now).Bind(5, AnyDevice).Run();
        }

        DisplaceBelow(rule, from, to);
        foreach ((byte[] low, byte[] high) in PathRange.AtAndBelow(from))
        {
            _moveJobsBelow.Bind(1, rule.Id).Bind(2, low).Bind(3, high).Bind(4, to.Span).Bind(5, from.Length + 1)
                .Bind(6, NowNs).Run();
            _moveBelow.Bind(1, rule.Id).Bind(2, low).Bind(3, high).Bind(4, to.Span).Bind(5, from.Length + 1).Run();
        }

        MoveIntentionsBelow(rule, from, to);
        rule.NextDueNs = 0;
        Running.DirectoryMoved(rule, from, to);
        foreach ((byte[] low, byte[] high) in PathRange.AtAndBelow(from))
            ReviveBelow(rule, low, high, from, to);
    }

    // Jobs whose attempt missed the file before the rename was told, and was called off: if it is there under the new
    // name, nobody else will bring it.
    private void ReviveBelow(LedgerRule rule, byte[] low, byte[] high, BytePath from, BytePath to)
    {
        var missed = new List<(BytePath From, EntryRow Row)>();
        _missedBelow.Bind(1, rule.Id).Bind(2, low).Bind(3, high);
        while (_missedBelow.Step())
            missed.Add(LedgerRows.ReadEntryAt(_missedBelow));

        foreach ((BytePath path, EntryRow row) in missed)
        {
            BytePath now = to.Join(path.Span[(from.Length + 1)..]);
            EntryRow? there = Find(rule, now);
            if (_isGone(rule.Rule, now, AnyDevice) || there is { Known.State: not EntryState.Gone })
                continue;
            MoveEntry(rule, new EntrySource(path, row, null), now, there);
        }
    }

    private void Forget(LedgerRule rule, BytePath path)
    {
        var split = new SplitPath(path);
        _deleteEntry.Bind(1, rule.Id).Bind(2, split.Directory).Bind(3, split.Name).Run();
    }

    private void MarkGone(LedgerRule rule, BytePath path)
    {
        var split = new SplitPath(path);
        _goneEntry.Bind(1, rule.Id).Bind(2, split.Directory).Bind(3, split.Name).Bind(4, Clock.WallNs()).Run();
    }

    // The attempt saw another mtime before the ledger heard that only the metadata had changed, and was called off: the
    // version that is there now has not been processed, and no other completion will come for it.
    private Completion Recall(LedgerRule rule, BytePath path, FileStat stat, long? jobId)
    {
        long now = Clock.WallNs();
        var evidence = Evidence.Quiet;
        long arrivedNs = now;
        if (jobId is { } id && _findOrigin.Bind(1, id).Step())
        {
            evidence = (Evidence)_findOrigin.Int(0);
            arrivedNs = _findOrigin.Number(1);
            _findOrigin.Reset();
        }

        return new Completion(rule.Name, path, stat, evidence, arrivedNs, now);
    }

    private Completion Recall(LedgerRule rule, BytePath path, EntryRow row)
    {
        KnownEntry known = row.Known;
        var stat = new FileStat(
            FileType.Regular, Devices.NumberOf(row.DeviceId), known.Version.Inode, known.Version.SizeBytes,
            known.Version.MtimeNs, 0, known.BirthNs, 0, known.WasLinked ? 2u : 1u);
        return Recall(rule, path, stat, row.LastJobId);
    }

    [MemberNotNull(nameof(_goneEntry), nameof(_updateEntryVersion), nameof(_updateJobVersion), nameof(_findOrigin))]
    [MemberNotNull(nameof(_cancelQueuedBelow), nameof(_goneBelow), nameof(_moveJobsBelow))]
    [MemberNotNull(nameof(_moveBelow), nameof(_missedBelow))]
    private void PrepareFacts()
    {
        const string Below = "rule_id = ?1 AND directory >= ?2 AND directory < ?3";
        const string OnDevice =
            "(?5 = 0 OR device_id IS NULL OR device_id IN (SELECT id FROM devices WHERE number = ?5))";
        _goneEntry = _db.Prepare($"""
            UPDATE files SET state = {(int)EntryState.Gone}, gone_ns = ?4
            WHERE rule_id = ?1 AND directory = ?2 AND name = ?3
            """);
        _updateEntryVersion = _db.Prepare("""
            UPDATE files SET inode = ?4, size = ?5, mtime_ns = ?6
            WHERE rule_id = ?1 AND directory = ?2 AND name = ?3
            """);
        _updateJobVersion = _db.Prepare("UPDATE jobs SET inode = ?2, size = ?3, mtime_ns = ?4 WHERE id = ?1");
        _findOrigin = _db.Prepare("SELECT evidence, arrived_ns FROM jobs WHERE id = ?1");
        _cancelQueuedBelow = _db.Prepare($"""
            UPDATE jobs SET state = {(int)JobState.Cancelled}, reason = {(int)JobReason.Gone}, finished_ns = ?4
            WHERE state = {(int)JobState.Queued} AND id IN (SELECT job_id FROM files WHERE {Below} AND {OnDevice})
            """);
        _goneBelow = _db.Prepare($"""
            UPDATE files SET state = {(int)EntryState.Gone}, gone_ns = ?4
            WHERE {Below} AND state <> {(int)EntryState.Gone} AND {OnDevice}
            """);
        _moveJobsBelow = _db.Prepare($"""
            UPDATE jobs SET directory = CAST(?4 || substr(directory, ?5) AS BLOB), claimed_path = {s_claimedPath},
                due_ns = iif(due_ns = {Job.NeverDueNs}, ?6, due_ns)
            WHERE state IN ({(int)JobState.Queued}, {(int)JobState.Running})
                AND id IN (SELECT job_id FROM files WHERE {Below} AND state <> {(int)EntryState.Gone} UNION ALL
                    SELECT id FROM jobs INDEXED BY jobs_open WHERE state = {(int)JobState.Running} AND {Below})
            """);
        _moveBelow = _db.Prepare($"""
            UPDATE OR REPLACE files SET directory = CAST(?4 || substr(directory, ?5) AS BLOB),
                previous_id = {PreviousOf("files")}
            WHERE {Below} AND state <> {(int)EntryState.Gone}
            """);
        _missedBelow = _db.Prepare($"""
            SELECT {LedgerRows.EntryColumns}, f.directory, f.name FROM {LedgerRows.Entries}
            WHERE f.rule_id = ?1 AND f.directory >= ?2 AND f.directory < ?3 AND f.state = {(int)EntryState.Gone}
                AND j.state = {(int)JobState.Cancelled} AND j.reason = {(int)JobReason.Gone}
            """);
    }
}
