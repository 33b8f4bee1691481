using System.Diagnostics.CodeAnalysis;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Ledger;

/// <summary>
/// What operators do: the same functions for a running service, on the ledger thread, and for a command that has the
/// ledger to itself because no service runs.
/// </summary>
internal sealed partial class LedgerWriter
{
    private SqliteStatement _findRule;
    private SqliteStatement _setPaused;
    private SqliteStatement _findMoved;
    private SqliteStatement _listFailed;
    private SqliteStatement _cancelSome;

    /// <summary>Pauses a rule, or lets it go on (null). Null when the ledger does not know it.</summary>
    /// <param name="rule">Its name.</param>
    /// <param name="known">The rule itself; null when it is configured no longer.</param>
    /// <param name="paused">Why none of its jobs starts; null when they do.</param>
    public RulePause? SetPaused(string rule, LedgerRule? known, PauseReason? paused)
    {
        if (!_findRule.Bind(1, rule).Step())
            return null;
        int id = _findRule.Int(0);
        var before = new RulePause((PauseReason?)_findRule.OptionalInt(1), _findRule.Number(2));
        _findRule.Reset();
        _setPaused.Bind(1, id).Bind(2, (long?)paused).Run();
        if (known is not null)
        {
            Pause(known, paused);
            known.NextDueNs = 0;
        }

        return before;
    }

    /// <summary>A job by its id; null when there is none.</summary>
    /// <param name="jobId">The id.</param>
    /// <param name="ruleOf">The rule of a row in <c>rules</c>; null when it is configured no longer.</param>
    public FoundJob? FindJob(long jobId, Func<int, LedgerRule?> ruleOf)
    {
        if (!_findJob.Bind(1, jobId).Step())
            return null;
        LedgerRule? rule = ruleOf(LedgerRows.RuleId(_findJob));
        Job job = LedgerRows.ReadJob(_findJob, rule?.Name ?? "");
        _findJob.Reset();
        return rule is null ? new FoundJob(job, null, 0) : Complete(rule, job);
    }

    /// <summary>Jobs of a rule that have failed, in the order of their ids.</summary>
    public IReadOnlyList<FoundJob> ListFailed(LedgerRule rule, long afterId, int most)
    {
        var failed = new List<Job>();
        _listFailed.Bind(1, rule.Id).Bind(2, afterId).Bind(3, most);
        while (_listFailed.Step())
            failed.Add(LedgerRows.ReadJob(_listFailed, rule.Name));
        return [.. failed.Select(job => Complete(rule, job))];
    }

    /// <summary>
    /// An operator's retry of a job that was found before: due at once, whatever the policy says, under the path its
    /// file has now. False when meanwhile it has come to run, or was forgotten, or another job has taken its place, or
    /// its file began to be moved.
    /// </summary>
    /// <param name="found">The job as it was found.</param>
    /// <param name="ruleOf">The rule of a row in <c>rules</c>; null when it is configured no longer.</param>
    public bool Retry(FoundJob found, Func<int, LedgerRule?> ruleOf)
    {
        if (FindJob(found.Job.Id, ruleOf) is not { } now || now.LatestId != found.LatestId
            || now.Job.Version != found.Job.Version || !Retry(now.Job.Id))
            return false;
        var split = new SplitPath(now.Job.Path);
        _moveJob.Bind(1, found.Job.Id).Bind(2, split.Directory).Bind(3, split.Name).Bind(4, NowNs).Run();
        return true;
    }

    /// <summary>Cancels some of the rule's jobs that wait; returns how many: fewer than most means all.</summary>
    public int CancelQueued(LedgerRule rule, long upToId, int most)
    {
        _cancelSome.Bind(1, rule.Id).Bind(2, upToId).Bind(3, most).Bind(4, Clock.WallNs()).Run();
        return _db.Changes;
    }

    /// <summary>The newest job's id; 0 when there is none.</summary>
    public long NewestJobId => _db.QueryNumber("SELECT max(id) FROM jobs") ?? 0;

    /// <summary>
    /// A file is to be processed now, whatever happened to it before. A job of this version that waits is the one; else
    /// there is a new one, which waits for one that runs. Refused while the file is being moved or deleted.
    /// </summary>
    public Submitted Submit(LedgerRule rule, SeenFile file)
    {
        EntryRow? known = Find(rule, file.Path);
        if (known?.JobId is { } previous && IsBeingDisposed(previous))
            return new Submitted(previous, HasWaited: false) { IsRefused = true };
        if (IsOutdated(file, known))
            return new Submitted(0, HasWaited: false) { HasChanged = true };
        bool waits = known is { Known.Job: JobState.Queued, JobId: { } queued }
            && FindJob(rule, queued)!.Version == file.Stat.Version;
        if (!waits)
            InsertJob(rule, ByHand(rule, file), known);
        long jobId = Find(rule, file.Path)!.Value.JobId!.Value;
        Retry(jobId); // also of a path that the loop guard has paused
        return new Submitted(jobId, waits);
    }

    /// <summary>Says what files that exist count as.</summary>
    /// <param name="rule">Whose files.</param>
    /// <param name="files">As they were looked at.</param>
    /// <param name="how">What they count as.</param>
    /// <param name="isDry">Nothing is written.</param>
    public AdoptCounts Adopt(LedgerRule rule, IReadOnlyList<SeenFile> files, AdoptAs how, bool isDry)
    {
        var counts = new AdoptCounts();
        foreach (SeenFile file in files)
        {
            EntryRow? known = Find(rule, file.Path);
            AdoptAction action = IsOutdated(file, known)
                ? AdoptAction.LeaveChanged
                : Adoption.Of(how, file.Stat.Version, known?.Known, hadJob: known is { JobId: not null });
            counts.Add(action);
            if (!isDry)
                Adopt(rule, file, action, known);
        }

        return counts;
    }

    // What the watching has recorded since the look is the newer version. Times to come say nothing: the clock was set.
    private static bool IsOutdated(SeenFile file, EntryRow? known) => known is { } entry
        && entry.Known.Version != file.Stat.Version
        && entry.RecordedNs >= file.LookedNs && entry.RecordedNs <= Clock.WallNs();

    private static Completion ByHand(LedgerRule rule, SeenFile file)
    {
        long now = Clock.WallNs();
        return new Completion(rule.Name, file.Path, file.Stat, Evidence.ByHand, now, now);
    }

    private void Adopt(LedgerRule rule, SeenFile file, AdoptAction action, EntryRow? known)
    {
        switch (action)
        {
            case AdoptAction.Job:
                InsertJob(rule, ByHand(rule, file), known);
                break;
            case AdoptAction.CancelAndRecord:
                // Of another file, which has left this name, nobody said anything.
                bool isOther = IsDisplaced(known, file.Stat.Inode);
                CancelQueued(known!.Value.JobId!.Value, isOther ? JobReason.Superseded : JobReason.ByHand);
                PutEntry(rule, file.Path, file.Stat, EntryState.Present, null, known, keepsJob: true);
                break;
            case AdoptAction.Record:
                // A job that was called off would go on to say that the file was never processed.
                bool keepsJob = known is { Known.IsUnprocessed: false, JobId: not null };
                PutEntry(rule, file.Path, file.Stat, EntryState.Present, null, known, keepsJob);
                break;
        }
    }

    // A job that has ended keeps the path it had then; if its file was renamed since, its entry was moved along.
    private FoundJob Complete(LedgerRule rule, Job job)
    {
        EntryRow? entry = Find(rule, job.Path);
        if (entry?.JobId != job.Id && FindMoved(rule, job) is { } path)
        {
            job = job with { Path = path };
            entry = Find(rule, path);
        }

        return new FoundJob(job, entry?.JobId, Devices.NumberOf(entry?.DeviceId)) { Disposal = FindDisposal(job.Id) };
    }

    private BytePath? FindMoved(LedgerRule rule, Job job)
    {
        if (job.Version.Inode == 0
            || !_findMoved.Bind(1, (long)job.Version.Inode).Bind(2, rule.Id).Bind(3, job.Id).Step())
            return null;
        BytePath path = SplitPath.Join(_findMoved.Blob(0), _findMoved.Blob(1));
        _findMoved.Reset();
        return path;
    }

    [MemberNotNull(nameof(_findRule), nameof(_setPaused), nameof(_findMoved), nameof(_listFailed))]
    [MemberNotNull(nameof(_cancelSome))]
    private void PrepareByHand()
    {
        _findRule = _db.Prepare($"""
            SELECT r.id, r.paused, (SELECT count(*) FROM jobs j INDEXED BY jobs_open
                WHERE j.state = {(int)JobState.Queued} AND j.rule_id = r.id)
            FROM rules r WHERE r.name = ?1
            """);
        _setPaused = _db.Prepare("UPDATE rules SET paused = ?2, failures = 0 WHERE id = ?1");
        _findMoved = _db.Prepare("""
            SELECT directory, name FROM files WHERE inode = ?1 AND inode <> 0 AND rule_id = ?2 AND job_id = ?3
            """);
        _listFailed = _db.Prepare($"""
            SELECT {LedgerRows.JobColumns} FROM jobs j INDEXED BY jobs_failed
            WHERE j.state = {(int)JobState.Failed} AND j.rule_id = ?1 AND j.id > ?2 ORDER BY j.id LIMIT ?3
            """);
        _cancelSome = _db.Prepare($"""
            UPDATE jobs SET state = {(int)JobState.Cancelled}, reason = {(int)JobReason.ByHand}, finished_ns = ?4
            WHERE id IN (SELECT id FROM jobs INDEXED BY jobs_open
                WHERE state = {(int)JobState.Queued} AND rule_id = ?1 AND id <= ?2 LIMIT ?3)
            """);
    }
}
