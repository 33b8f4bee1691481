namespace AutoCrunch.Core.Tests.Simulation;

/// <summary>One job of the simulated ledger.</summary>
internal sealed record SimulatedJob(
    int Id, string Path, FileVersion Version, Evidence Evidence, JobState State, JobReason? Reason, JobCounts Counts)
{
    public int Attempts { get; init; }
}

/// <summary>One attempt that has begun: what its program saw.</summary>
internal readonly record struct Run(
    int JobId, int Attempt, string Path, int Serial, int Content, FileVersion Version);

/// <summary>Jobs and their attempts, each in a slot of its own.</summary>
internal sealed partial class LedgerModel
{
    private const int Slots = 2;

    private readonly Dictionary<int, SimulatedJob> _jobs = [];
    private readonly List<Slot> _slots = [];
    private readonly HashSet<int> _moved = [];
    private int _lastJob;

    /// <summary>Every attempt that has begun.</summary>
    public List<Run> Runs { get; } = [];

    /// <summary>
    /// The runs of one content whose jobs came to an end by them, one of each job. A job whose attempt was interrupted
    /// by a crash, and which was called off because the file is not there any more, does not count.
    /// </summary>
    public IEnumerable<Run> RunsOf(Inode inode) => Runs
        .Where(run => run.Serial == inode.Serial && run.Content == inode.Content
            && _jobs[run.JobId].State is JobState.Succeeded or JobState.Failed)
        .DistinctBy(run => run.JobId);

    public Evidence EvidenceOf(Run run) => _jobs[run.JobId].Evidence;

    public IEnumerable<SimulatedJob> Jobs => _jobs.Values;

    /// <summary>An attempt is under way, or due.</summary>
    public bool IsBusyNow => _slots.Count > 0 || NextDueNs <= world.MonotonicNs;

    /// <summary>Monotonic time at which the next queued job is due; null when none is queued.</summary>
    public long? NextDueNs => _jobs.Values.Where(job => job.State == JobState.Queued)
        .Select(job => (long?)job.Counts.DueNs).Min();

    /// <summary>Whether an attempt that saw this version has succeeded, or its job failed for good: by
    /// itself, or because too many crashes came while it ran.</summary>
    public bool IsProcessed(Inode inode) => Runs.Any(run => run.Serial == inode.Serial
            && (run.Content == inode.Content || run.Version == inode.Stat.Version)
            && _jobs[run.JobId].State is JobState.Succeeded or JobState.Failed)
        || _jobs.Values.Any(
            job => job.Version.Inode == inode.Number && job.Counts.Crashes >= JobTransitions.CrashesMax);

    /// <summary>Claims a due job, or takes one slot a step further.</summary>
    public void StepJobs()
    {
        if (_slots.Count < Slots && Claim())
            return;
        if (_slots.Count == 0)
            return;
        Slot slot = choices.Of(_slots);
        if (!slot.HasBegun)
            Begin(slot);
        else
            End(slot, choices.Chance(8)
                ? new AttemptOutcome.Failed("it failed", ExitCode: 1) : AttemptOutcome.Succeeded.Value);
    }

    /// <summary>The service was killed: what was told and not committed is lost, running attempts are ended.</summary>
    public void Crash()
    {
        _told.Clear();
        _slots.Clear();
        foreach (SimulatedJob job in _jobs.Values.Where(job => job.State == JobState.Running).ToArray())
            Settle(job, new AttemptOutcome.Interrupted(ByCrash: true));
    }

    private bool Claim()
    {
        SimulatedJob? due = _jobs.Values.OrderBy(job => job.Counts.DueNs).ThenBy(job => job.Id).FirstOrDefault(
            job => job.State == JobState.Queued && job.Counts.DueNs <= world.MonotonicNs && !IsBusy(job.Path));
        if (due is null)
            return false;
        SimulatedJob running = due with { State = JobState.Running, Attempts = due.Attempts + 1 };
        _jobs[due.Id] = running;
        _slots.Add(new Slot(running));
        return true;
    }

    private bool IsBusy(string path) =>
        _jobs.Values.Any(job => job.State == JobState.Running && job.Path == path);

    // The file is looked at again, by the path the job had when it was claimed.
    private void Begin(Slot slot)
    {
        SimulatedJob job = slot.Claimed;
        if (world.Find(job.Path) is not { } entry)
        {
            End(slot, AttemptOutcome.Gone.Value);
            return;
        }

        Inode inode = entry.Inode;
        if (inode.Stat.Version != job.Version)
        {
            End(slot, new AttemptOutcome.Changed(inode.Stat.Version));
            return;
        }

        world.Note($"      job {job.Id} attempt {job.Attempts} begins: {job.Path} {inode}");
        slot.HasBegun = true;
        Simulation.Check(inode.Mark == Mark.None, $"{job.Path} runs ({job.Evidence}) and it is unfinished");
        Simulation.Check(
            inode.Unfinished == 0 || !CanBeKnown(job.Evidence),
            $"{job.Path} runs ({job.Evidence}) while it is written");
        Runs.Add(new Run(job.Id, job.Attempts, job.Path, inode.Serial, inode.Content, job.Version));
        if (job.Attempts == 1)
            Count($"run {job.Evidence}");
    }

    // Without leases a rename or a link is taken at its word; without /proc too, a lost close can only be guessed. What
    // is renamed from a temporary and has an old mtime is not asked about: if the clock was set there and back, that
    // may be the time of writing.
    private bool CanBeKnown(Evidence evidence) => conditions.LeasesWork
        ? evidence != Evidence.RenamedFromTemporary || world.ClockSteps < 2
        : conditions.ProcTells
            && evidence is not (Evidence.Renamed or Evidence.RenamedFromTemporary or Evidence.Linked);

    private void End(Slot slot, AttemptOutcome outcome)
    {
        _slots.Remove(slot);
        Tell(() => Settle(slot.Claimed, outcome));
    }

    private void Settle(SimulatedJob before, AttemptOutcome outcome)
    {
        SimulatedJob now = _jobs[before.Id];
        JobTransition transition = JobTransitions.After(
            before.Counts, outcome, rule.Retry, world.MonotonicNs, choices.Next(1000) / 1000.0);
        if (transition.State is not (JobState.Succeeded or JobState.Failed))
            transition = Reconsider(before, outcome, transition);

        now = _jobs[before.Id];
        world.Note($"      job {before.Id} ends: {outcome.GetType().Name}, {transition.State} {transition.Reason}");
        _jobs[before.Id] = now with
        {
            State = transition.State,
            Reason = transition.Reason,
            Counts = transition.Counts,
            Attempts = transition.IsRecorded ? before.Attempts : before.Attempts - 1,
        };
        _moved.Remove(before.Id);
    }

    private JobTransition Reconsider(SimulatedJob before, AttemptOutcome outcome, JobTransition transition)
    {
        SimulatedJob now = _jobs[before.Id];
        Row? entry = Find(now.Path);
        bool isLatest = entry?.JobId == now.Id;
        JobTransition requeued = transition with { State = JobState.Queued, Reason = null };
        bool isMoved = now.Path != before.Path || _moved.Contains(now.Id);
        if (isMoved && outcome is (AttemptOutcome.Gone or AttemptOutcome.Changed))
            return UnlessReplaced(requeued, now, entry);
        switch (outcome)
        {
            case AttemptOutcome.Gone:
                if (isLatest && entry!.Value.Version == now.Version)
                    _rows[now.Path] = entry.Value with { State = EntryState.Gone };
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

    private static JobTransition UnlessReplaced(JobTransition transition, SimulatedJob now, Row? entry)
    {
        bool isReplaced = entry is { } latest && latest.JobId != now.Id
            && (latest.State != EntryState.Gone || latest.PreviousId == now.Id)
            && latest.Version != now.Version;
        return isReplaced ? transition with { State = JobState.Cancelled, Reason = JobReason.Superseded } : transition;
    }

    private void RequeueCalledOff(Row row, string path)
    {
        if (row.Held is not null || row.JobId is not { } id
            || Known(row)!.Value is not { Job: JobState.Cancelled, IsUnprocessed: true })
            return;
        _jobs[id] = _jobs[id] with
        {
            State = JobState.Queued,
            Reason = null,
            Path = path,
            Counts = _jobs[id].Counts with { DueNs = world.MonotonicNs },
        };
    }

    private void InsertJob(Completion completion, Row? known)
    {
        CancelQueued(known?.JobId, JobReason.Superseded);
        string path = completion.Path.ToString();
        var job = new SimulatedJob(
            ++_lastJob, path, completion.Version, completion.Evidence, JobState.Queued, null,
            new JobCounts(0, 0, world.MonotonicNs));
        _jobs.Add(job.Id, job);
        PutJob(path, completion.Stat, job.Id);
    }

    private Completion Recall(string path, FileStat stat, int? jobId)
    {
        Evidence evidence = jobId is { } id ? _jobs[id].Evidence : Evidence.Quiet;
        return new Completion(rule.Name, BytePath.Parse(path), stat, evidence, world.Now.WallNs, world.Now.WallNs);
    }

    private void CancelQueued(int? jobId, JobReason reason)
    {
        if (jobId is { } id && _jobs[id] is { State: JobState.Queued } job)
            _jobs[id] = job with { State = JobState.Cancelled, Reason = reason };
    }

    private void MoveJob(int? jobId, string path)
    {
        if (jobId is not { } id || _jobs[id] is not { State: JobState.Queued or JobState.Running } job)
            return;
        _jobs[id] = job with { Path = path };
        if (job.State == JobState.Running)
            _moved.Add(id);
    }

    private sealed class Slot(SimulatedJob claimed)
    {
        public SimulatedJob Claimed { get; } = claimed;

        public bool HasBegun { get; set; }
    }
}
