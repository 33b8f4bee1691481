using System.Diagnostics.CodeAnalysis;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Ledger;

/// <summary>Jobs and their attempts.</summary>
internal sealed partial class LedgerWriter
{
    private readonly List<Job> _due = [];
    private SqliteStatement _findDue;
    private SqliteStatement _nextDue;
    private SqliteStatement _claim;
    private SqliteStatement _findJob;
    private SqliteStatement _settle;
    private SqliteStatement _insertAttempt;
    private SqliteStatement _expectEntry;
    private SqliteStatement _retry;
    private SqliteStatement _findDevice;
    private SqliteStatement _findUpdates;

    /// <summary>
    /// Claims the due jobs of one rule, oldest completion first, leaving out those whose path has a running job:
    /// records them as running, before anything of them runs.
    /// </summary>
    /// <param name="rule">The rule; has a free slot.</param>
    /// <param name="most">No more than this.</param>
    /// <param name="claimed">Takes them.</param>
    public void Claim(LedgerRule rule, int most, List<Attempt> claimed)
    {
        long now = NowNs;
        // What waits behind a running job, under its old name or its new one, is read over. Not as a bound LIMIT:
        // SQLite would compile the statement anew each time it is bound, which costs more than all else that a claim
        // does.
        _findDue.Bind(1, rule.Id).Bind(2, now);
        _due.Clear();
        while (_due.Count < most && _findDue.Step())
        {
            Job job = LedgerRows.ReadJob(_findDue, rule.Name);
            if (!Running.IsBusy(rule, job.Path))
                _due.Add(job);
        }

        _findDue.Reset();
        long startedNs = Clock.WallNs();
        foreach (Job job in _due)
        {
            if (Running.IsBusy(rule, job.Path))
                continue; // by one that was claimed just now
            _claim.Bind(1, job.Id).Bind(2, startedNs).Run();
            Running.Add(new RunningJob(job.Id, rule, job.Path));
            claimed.Add(AttemptOf(
                rule, job with { State = JobState.Running, Attempts = job.Attempts + 1, StartedNs = startedNs }));
        }

        if (_due.Count < most)
            SetNextDue(rule, now);
    }

    /// <summary>
    /// Attempts that an earlier life of the service has claimed take their slots again, under the paths that their
    /// files have by now.
    /// </summary>
    public void Resume(LedgerRule rule, IReadOnlyList<Job> jobs, List<Attempt> resumed)
    {
        foreach (Job left in jobs)
        {
            Job job = FindJob(rule, left.Id)!;
            BytePath? claimed = FindClaimedPath(job.Id);
            Running.Add(new RunningJob(job.Id, rule, claimed ?? job.Path)
            {
                MovedTo = claimed is null ? null : job.Path,
            });
            resumed.Add(AttemptOf(rule, job) with { IsResumed = true });
        }
    }

    /// <summary>When the rule's oldest due job became due; null when none is.</summary>
    public long? FindOldestDue(LedgerRule rule, long now)
    {
        long? dueNs = _findDue.Bind(1, rule.Id).Bind(2, now).Step() ? _findDue.Number(10) : null;
        _findDue.Reset();
        if (dueNs is null)
            SetNextDue(rule, now);
        return dueNs;
    }

    /// <summary>Records what came of an attempt, and what becomes of its job.</summary>
    /// <returns>What was recorded; differs from the given transition when the file was replaced or moved
    /// meanwhile.</returns>
    public JobTransition Settle(LedgerRule rule, Attempt attempt, AttemptOutcome outcome, JobTransition transition)
    {
        Job before = attempt.Job;
        bool isOpen = transition.State is not (JobState.Succeeded or JobState.Failed);
        if (isOpen && transition.Reason != JobReason.ByHand)
        {
            transition = Reconsider(rule, before, outcome, transition);
            if (transition.State == JobState.Cancelled)
                RunUpdates(rule, before.Id);
        }

        long now = Clock.WallNs();
        if (transition.IsRecorded)
            RecordAttempt(before.Id, attempt.Number, before.StartedNs!.Value, now, outcome);
        bool isFinal = transition.State != JobState.Queued;
        _settle.Bind(1, before.Id).Bind(2, (long)transition.State).Bind(3, (long?)transition.Reason)
            .Bind(4, transition.Counts.DueNs)
            .Bind(5, transition.IsRecorded ? attempt.Number : attempt.Number - 1)
            .Bind(6, transition.Counts.Failures).Bind(7, transition.Counts.Crashes)
            .Bind(8, isFinal ? now : (long?)null).Run();
        Invariant.That(_db.Changes == 1);
        CountFailures(rule, transition.State);
        Intend(rule, attempt, transition.State);
        NoteFailure(rule, attempt, outcome, transition.State);
        return transition;
    }

    /// <summary>Frees the slot of a settled attempt.</summary>
    public void Release(LedgerRule rule, long jobId)
    {
        Running.Remove(jobId);
        rule.NextDueNs = 0;
    }

    /// <summary>
    /// The jobs of a rule that are recorded as running; asked before any is claimed, they are a crash's remains.
    /// </summary>
    public List<Job> FindRunning(int ruleId, string rule)
    {
        using SqliteStatement find = _db.Prepare(
            $"SELECT {LedgerRows.JobColumns} FROM jobs j INDEXED BY jobs_open "
            + $"WHERE j.rule_id = ?1 AND j.state = {(int)JobState.Running}");
        find.Bind(1, ruleId);
        var running = new List<Job>();
        while (find.Step())
            running.Add(LedgerRows.ReadJob(find, rule));
        return running;
    }

    /// <summary>
    /// An operator's retry: due at once, whatever the policy says. False when there is no such job, or it runs, or its
    /// file is being moved or deleted.
    /// </summary>
    public bool Retry(long jobId)
    {
        if (FindJobState(jobId) is not { } state || !JobTransitions.CanRetry(state) || IsBeingDisposed(jobId))
            return false;
        _retry.Bind(1, jobId).Bind(2, NowNs).Run();
        ForgetIntention(jobId);
        return true;
    }

    /// <summary>An operator's cancel. False when there is no such job, or it does not wait.</summary>
    public bool Cancel(long jobId)
    {
        if (FindJobState(jobId) is not { } state || !JobTransitions.CanCancel(state))
            return false;
        CancelQueued(jobId, JobReason.ByHand);
        return true;
    }

    /// <summary>Records the attempt that a crash left running as interrupted. Its processes must have ended.</summary>
    public JobTransition RecoverCrashed(LedgerRule rule, Job job)
    {
        var outcome = new AttemptOutcome.Interrupted(ByCrash: true);
        JobTransition transition = JobTransitions.After(
            JobCounts.Of(job), outcome, rule.Rule.Retry, NowNs, random: 0);
        return Settle(rule, new Attempt(job, job.Attempts), outcome, transition);
    }

    private Attempt AttemptOf(LedgerRule rule, Job job) =>
        new(job, job.Attempts) { Device = Devices.NumberOf(FindDevice(rule, job.Path)) };

    private long? FindDevice(LedgerRule rule, BytePath path)
    {
        var split = new SplitPath(path);
        _findDevice.Bind(1, rule.Id).Bind(2, split.Directory).Bind(3, split.Name);
        long? id = _findDevice.Step() ? _findDevice.OptionalNumber(0) : null;
        _findDevice.Reset();
        return id;
    }

    private BytePath? FindClaimedPath(long jobId)
    {
        using SqliteStatement find = _db.Prepare("SELECT claimed_path FROM jobs WHERE id = ?1");
        return find.Bind(1, jobId).Step() && !find.IsNull(0) ? new BytePath(find.Blob(0)) : null;
    }

    private void SetNextDue(LedgerRule rule, long now)
    {
        rule.NextDueNs = _nextDue.Bind(1, rule.Id).Bind(2, now).Step() ? _nextDue.Number(0) : long.MaxValue;
        _nextDue.Reset();
    }

    private JobState? FindJobState(long jobId)
    {
        if (!_findJob.Bind(1, jobId).Step())
            return null;
        var state = (JobState)_findJob.Int(8);
        _findJob.Reset();
        return state;
    }

    // What happened to the file while the attempt was under way, and what the attempt saw of it, belong together here.
    private JobTransition Reconsider(LedgerRule rule, Job before, AttemptOutcome outcome, JobTransition transition)
    {
        Job? found = FindJob(rule, before.Id);
        Invariant.That(found is not null);
        Job now = found;
        EntryRow? entry = Find(rule, now.Path);
        bool isLatest = entry?.JobId == now.Id;
        bool isMoved = now.Path != before.Path || Running.IsMoved(now.Id);
        if (isMoved && outcome is (AttemptOutcome.Gone or AttemptOutcome.Changed))
            return UnlessReplaced(Requeue(transition), now, entry); // it looked where the file had been, or too early
        switch (outcome)
        {
            case AttemptOutcome.Gone:
                if (isLatest && entry!.Value.Known.Version == now.Version)
                    MarkGone(rule, now.Path);
                return transition;
            case AttemptOutcome.Changed changed:
                switch (ArrivalDecision.OfChange(changed.Observed, entry?.Known, isLatest))
                {
                    case ChangeAction.Adopt:
                        _updateJobVersion.Bind(1, now.Id).Bind(2, changed.Observed).Run();
                        return Requeue(transition);
                    case ChangeAction.SupersedeAndExpect:
                        var split = new SplitPath(now.Path);
                        _expectEntry.Bind(1, rule.Id).Bind(2, split.Directory).Bind(3, split.Name).Run();
                        break;
                }

                return transition;
            default:
                return UnlessReplaced(transition, now, entry);
        }
    }

    // It would run again, but the path has a newer version with a job of its own, or this version was submitted by hand
    // meanwhile: of a path, one job waits at most. Or another file took its name and went: then its own is elsewhere.
    private static JobTransition UnlessReplaced(JobTransition transition, Job now, EntryRow? entry)
    {
        bool isReplaced = entry is { } latest && latest.JobId != now.Id
            && (latest.Known.State != EntryState.Gone || latest.PreviousId == now.Id)
            && (latest.Known.Version != now.Version || latest.Known.Job == JobState.Queued);
        return isReplaced
            ? transition with { State = JobState.Cancelled, Reason = JobReason.Superseded }
            : transition;
    }

    // What was left alone as an update of what would be processed, wherever it is now: that it is not.
    private void RunUpdates(LedgerRule rule, long jobId)
    {
        var updates = new List<(BytePath Path, EntryRow Row)>();
        Job job = FindJob(rule, jobId)!;
        (ulong, long) file = (job.Version.Inode, job.Version.SizeBytes);
        if (Find(rule, job.Path) is { Known: { State: EntryState.Present, Version: var version } } own
            && own.JobId == jobId && (version.Inode, version.SizeBytes) != file)
            updates.Add((job.Path, own)); // it has the job's own row, as births are not known
        _findUpdates.Bind(1, rule.Id).Bind(2, jobId);
        while (_findUpdates.Step())
            updates.Add(LedgerRows.ReadEntryAt(_findUpdates));
        foreach ((BytePath path, EntryRow row) in updates)
            InsertJob(rule, Recall(rule, path, row), row);
    }

    private static JobTransition Requeue(JobTransition transition) =>
        transition with { State = JobState.Queued, Reason = null };

    private void RecordAttempt(long jobId, int number, long startedNs, long finishedNs, AttemptOutcome outcome)
    {
        (AttemptResult result, int? exitCode, int? signal) = outcome switch
        {
            AttemptOutcome.Succeeded => (AttemptResult.Succeeded, (int?)0, (int?)null),
            AttemptOutcome.Failed failed => (AttemptResult.Failed, failed.ExitCode, failed.Signal),
            AttemptOutcome.TimedOut timedOut => (AttemptResult.TimedOut, timedOut.ExitCode, timedOut.Signal),
            AttemptOutcome.CannotStart => (AttemptResult.CannotStart, null, null),
            AttemptOutcome.Interrupted => (AttemptResult.Interrupted, null, null),
            AttemptOutcome.EndedByHand ended => (AttemptResult.Interrupted, ended.ExitCode, ended.Signal),
            _ => throw new InvariantException($"{outcome} is not recorded"),
        };
        _insertAttempt.Bind(1, jobId).Bind(2, number).Bind(3, startedNs).Bind(4, finishedNs).Bind(5, (long)result)
            .Bind(6, exitCode).Bind(7, signal).Bind(8, outcome.Sentence).Run();
    }

    [MemberNotNull(nameof(_findDue), nameof(_nextDue), nameof(_claim), nameof(_findJob), nameof(_settle))]
    [MemberNotNull(nameof(_insertAttempt), nameof(_expectEntry), nameof(_retry), nameof(_findDevice))]
    [MemberNotNull(nameof(_findUpdates))]
    private void PrepareJobs()
    {
        _findDue = _db.Prepare($"""
            SELECT {LedgerRows.JobColumns} FROM jobs j INDEXED BY jobs_open
            WHERE j.state = {(int)JobState.Queued} AND j.rule_id = ?1 AND j.due_ns <= ?2
            ORDER BY j.due_ns, j.id
            """);
        _nextDue = _db.Prepare($"""
            SELECT due_ns FROM jobs INDEXED BY jobs_open
            WHERE state = {(int)JobState.Queued} AND rule_id = ?1 AND due_ns > ?2 ORDER BY due_ns LIMIT 1
            """);
        _claim = _db.Prepare($"""
            UPDATE jobs SET state = {(int)JobState.Running}, attempts = attempts + 1, started_ns = ?2,
                claimed_path = NULL WHERE id = ?1
            """);
        _findJob = _db.Prepare($"SELECT {LedgerRows.JobColumns} FROM jobs j WHERE j.id = ?1");
        _settle = _db.Prepare($"""
            UPDATE jobs SET state = ?2, reason = ?3, due_ns = ?4, attempts = ?5, failures = ?6, crashes = ?7,
                finished_ns = ?8,
                started_ns = CASE WHEN ?5 = attempts THEN started_ns
                    ELSE (SELECT a.started_ns FROM attempts a WHERE a.job_id = ?1 AND a.number = ?5) END
            WHERE id = ?1 AND state = {(int)JobState.Running}
            """);
        _insertAttempt = _db.Prepare("""
            INSERT INTO attempts (job_id, number, started_ns, finished_ns, result, exit_code, signal, reason)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            """);
        _expectEntry = _db.Prepare($"""
            UPDATE files SET state = {(int)EntryState.Changed} WHERE rule_id = ?1 AND directory = ?2 AND name = ?3
            """);
        _findDevice = _db.Prepare(
            "SELECT device_id FROM files WHERE rule_id = ?1 AND directory = ?2 AND name = ?3");

        // Not by the primary key, which would read all files of the rule.
        _findUpdates = _db.Prepare($"""
            SELECT {LedgerRows.EntryColumns}, f.directory, f.name FROM {LedgerRows.Entries}
            WHERE +f.rule_id = ?1 AND f.previous_id = ?2 AND f.job_id IS NULL
                AND f.state = {(int)EntryState.Present}
            ORDER BY f.directory, f.name
            """);
        _retry = _db.Prepare($"""
            UPDATE jobs SET state = {(int)JobState.Queued}, reason = NULL, due_ns = ?2, finished_ns = NULL WHERE id = ?1
            """);
    }
}
