using AutoCrunch.Core;

namespace AutoCrunch.Tests.Ledger;

/// <summary>One job of the twin.</summary>
internal sealed record TwinJob(long Id, string Path, FileVersion Version, Evidence Evidence)
{
    public JobState State { get; init; }

    public JobReason? Reason { get; init; }

    public int Attempts { get; init; }

    public int Failures { get; init; }

    public int Crashes { get; init; }

    public long? PreviousId { get; init; }

    public string Describe() => string.Create(
        null,
        $"job {Id} {Path} {Version.Inode},{Version.SizeBytes},{Version.MtimeNs} {Evidence} {State} {Reason} "
        + $"attempts {Attempts} failures {Failures} crashes {Crashes} previous {PreviousId}");
}

/// <summary>Jobs, and what operators do.</summary>
internal sealed partial class LedgerTwin
{
    private readonly SortedDictionary<long, TwinJob> _jobs = [];
    private readonly Dictionary<long, (string Claimed, string Now)> _running = [];

    private readonly HashSet<long> _moved = [];

    public IReadOnlyDictionary<long, TwinJob> Jobs => _jobs;

    /// <summary>Whether a job that waits may be claimed: none runs of its path.</summary>
    public bool CanClaim(TwinJob job) => job.State == JobState.Queued
        && !_running.Values.Any(running => running.Claimed == job.Path || running.Now == job.Path);

    public void Claim(long id)
    {
        _jobs[id] = _jobs[id] with { State = JobState.Running, Attempts = _jobs[id].Attempts + 1 };
        _running.Add(id, (_jobs[id].Path, _jobs[id].Path));
    }

    public void Settle(Attempt attempt, AttemptOutcome outcome, JobTransition transition)
    {
        long id = attempt.Job.Id;
        bool isOpen = transition.State is not (JobState.Succeeded or JobState.Failed);
        if (isOpen && transition.Reason != JobReason.ByHand)
        {
            transition = Reconsider(attempt.Job, outcome, transition);
            if (transition.State == JobState.Cancelled)
                RunUpdates(id);
        }

        _jobs[id] = _jobs[id] with
        {
            State = transition.State,
            Reason = transition.Reason,
            Failures = transition.Counts.Failures,
            Crashes = transition.Counts.Crashes,
            Attempts = transition.IsRecorded ? attempt.Number : attempt.Number - 1,
        };
        _running.Remove(id);
        _moved.Remove(id);
    }

    /// <summary>Where the file of a job is: if it was renamed since the job ended, its row was moved along.</summary>
    public string PathOf(long id)
    {
        TwinJob job = _jobs[id];
        if (Find(job.Path)?.JobId == id || job.Version.Inode == 0)
            return job.Path;
        return _rows.Where(row => row.Value.JobId == id && row.Value.Version.Inode == job.Version.Inode)
            .Select(row => row.Key).FirstOrDefault(job.Path);
    }

    public void Retry(long id)
    {
        if (!JobTransitions.CanRetry(_jobs[id].State))
            return;
        string path = PathOf(id);
        Requeue(id);
        MoveJob(id, path);
    }

    public void Cancel(long id)
    {
        if (JobTransitions.CanCancel(_jobs[id].State))
            CancelQueued(id, JobReason.ByHand);
    }

    public void Submit(string path, FileStat stat)
    {
        Row? known = Find(path);
        bool waits = known is { JobId: { } id } && _jobs[id].State == JobState.Queued
            && _jobs[id].Version == stat.Version;
        if (!waits)
            InsertJob(ByHand(path, stat), known);
        Requeue(Find(path)!.Value.JobId!.Value);
    }

    public void Adopt(string path, FileStat stat, AdoptAs how)
    {
        Row? known = Find(path);
        switch (Adoption.Of(how, stat.Version, Known(known), hadJob: known?.JobId is not null))
        {
            case AdoptAction.Job:
                InsertJob(ByHand(path, stat), known);
                break;
            case AdoptAction.CancelAndRecord:
                bool isOther = known is { BirthNs: not 0, WasLinked: false } && known.Value.Version.Inode != stat.Inode;
                CancelQueued(known!.Value.JobId, isOther ? JobReason.Superseded : JobReason.ByHand);
                Put(path, stat, EntryState.Present, null, known, keepsJob: true);
                break;
            case AdoptAction.Record:
                bool keepsJob = known is { JobId: not null } && Known(known) is { IsUnprocessed: false };
                Put(path, stat, EntryState.Present, null, known, keepsJob);
                break;
        }
    }

    private JobTransition Reconsider(Job before, AttemptOutcome outcome, JobTransition transition)
    {
        TwinJob now = _jobs[before.Id];
        Row? entry = Find(now.Path);
        bool isLatest = entry?.JobId == now.Id;
        JobTransition requeued = transition with { State = JobState.Queued, Reason = null };
        bool isMoved = now.Path != before.Path.ToString() || _moved.Contains(now.Id);
        if (isMoved && outcome is (AttemptOutcome.Gone or AttemptOutcome.Changed))
            return UnlessReplaced(requeued, now, entry);
        switch (outcome)
        {
            case AttemptOutcome.Gone:
                if (isLatest && entry!.Value.Version == now.Version)
                    _rows[now.Path] = entry.Value with { State = EntryState.Gone, GoneTime = ++_goneTimes };
                return transition;
            case AttemptOutcome.Changed changed:
                switch (ArrivalDecision.OfChange(changed.Observed, Known(entry), isLatest))
                {
                    case ChangeAction.Adopt:
                        _jobs[now.Id] = now with { Version = changed.Observed };
                        return requeued;
                    case ChangeAction.SupersedeAndExpect:
                        _rows[now.Path] = entry!.Value with { State = EntryState.Changed };
                        break;
                }

                return transition;
            default:
                return UnlessReplaced(transition, now, entry);
        }
    }

    private JobTransition UnlessReplaced(JobTransition transition, TwinJob now, Row? entry)
    {
        bool isReplaced = entry is { } latest && latest.JobId != now.Id
            && (latest.State != EntryState.Gone || latest.PreviousId == now.Id)
            && (latest.Version != now.Version
                || (latest.JobId is { } other && _jobs[other].State == JobState.Queued));
        return isReplaced ? transition with { State = JobState.Cancelled, Reason = JobReason.Superseded } : transition;
    }

    // What was left alone as an update of what would be processed: that it is not now.
    private void RunUpdates(long jobId)
    {
        TwinJob job = _jobs[jobId];
        (string Path, Row Row)[] own = Find(job.Path) is { State: EntryState.Present } row && row.JobId == jobId
            && (row.Version.Inode, row.Version.SizeBytes) != (job.Version.Inode, job.Version.SizeBytes)
            ? [(job.Path, row)] : [];
        foreach ((string path, Row update) in own.Concat(InOrder(_rows)
            .Where(each => each.Value is { State: EntryState.Present, JobId: null } && each.Value.PreviousId == jobId)
            .Select(each => (each.Key, each.Value))).ToArray())
            InsertJob(Recall(path, StatOf(update), jobId), update);
    }

    // Its attempt saw another mtime before it was told here that no more had changed.
    private void GoOn(string path, FileStat stat, Row known)
    {
        if (known.JobId is not { } id
            || _jobs[id] is not { State: JobState.Cancelled, Reason: not JobReason.ByHand } calledOff)
        {
            InsertJob(Recall(path, stat, known.JobId), known);
            return;
        }

        Put(path, stat, EntryState.Present, null, known, keepsJob: true);
        _jobs[id] = calledOff with { Version = stat.Version };
        Requeue(id);
        MoveJob(id, path);
    }

    private void RequeueCalledOff(Row row, string path)
    {
        if (row.Held is not null || row.JobId is not { } id
            || Known(row)!.Value is not { Job: JobState.Cancelled, IsUnprocessed: true })
            return;
        Requeue(id);
        MoveJob(id, path);
    }

    private void Requeue(long id) => _jobs[id] = _jobs[id] with { State = JobState.Queued, Reason = null };

    private static FileStat StatOf(Row row) => new(
        FileType.Regular, 1, row.Version.Inode, row.Version.SizeBytes, row.Version.MtimeNs, 0, row.BirthNs, 0,
        row.WasLinked ? 2u : 1u);

    private void InsertJob(Completion completion, Row? known)
    {
        CancelQueued(known?.JobId, JobReason.Superseded);
        string path = completion.Path.ToString();
        var job = new TwinJob(_jobs.Count + 1, path, completion.Version, completion.Evidence)
        {
            PreviousId = known?.LastJobId,
        };
        _jobs.Add(job.Id, job);
        Put(path, completion.Stat, EntryState.Present, null, known, keepsJob: false, job.Id);
    }

    private Completion ByHand(string path, FileStat stat) =>
        new(rule.Name, BytePath.Parse(path), stat, Evidence.ByHand, 0, 0);

    private Completion Recall(string path, FileStat stat, long? jobId)
    {
        Evidence evidence = jobId is { } id ? _jobs[id].Evidence : Evidence.Quiet;
        return new Completion(rule.Name, BytePath.Parse(path), stat, evidence, 0, 0);
    }

    private void CancelQueued(long? jobId, JobReason reason)
    {
        if (jobId is { } id && _jobs[id] is { State: JobState.Queued } job)
            _jobs[id] = job with { State = JobState.Cancelled, Reason = reason };
    }

    private void MoveJob(long? jobId, string path)
    {
        if (jobId is { } id && _jobs[id] is { State: JobState.Queued or JobState.Running } job)
        {
            _jobs[id] = job with { Path = path };
            MoveRunning(id, path);
        }
    }

    private void MoveRunning(long id, string path)
    {
        if (!_running.TryGetValue(id, out (string Claimed, string Now) running))
            return;
        _running[id] = running with { Now = path };
        _moved.Add(id);
    }
}
