using System.Runtime.InteropServices;
using AutoCrunch.Core;

namespace AutoCrunch.Ledger;

/// <summary>One configured rule as the ledger keeps it in memory.</summary>
/// <param name="id">Its row in <c>rules</c>.</param>
/// <param name="rule">The rule.</param>
internal sealed class LedgerRule(int id, WatchRule rule)
{
    private volatile bool _firstScanDone;
    private volatile bool _isScanned;

    public int Id { get; } = id;

    public WatchRule Rule { get; } = rule;

    public string Name => Rule.Name;

    /// <summary>The engine in which its running jobs go on without the service; null when there is none.</summary>
    public string? Engine { get; init; }

    /// <summary>That of the last start: where what was left running then may still run.</summary>
    public string? EngineBefore { get; init; }

    /// <summary>Told or read: the whole tree has been scanned once.</summary>
    public bool FirstScanDone
    {
        get => _firstScanDone;
        set => _firstScanDone = value;
    }

    /// <summary>
    /// Recorded: the whole tree has been scanned with the rule as it is now. Before that no job is claimed, if there is
    /// a limit to what a scan may find.
    /// </summary>
    public bool IsScanned
    {
        get => _isScanned;
        set => _isScanned = value;
    }

    /// <summary>Ledger thread: why no job is claimed; null when they are.</summary>
    public PauseReason? Paused { get; set; }

    /// <summary>Jobs of files that no event had told of, since the last scan of the whole tree was recorded.</summary>
    public long FoundByScans { get; set; }

    /// <summary>Ledger thread, and before it starts: there may be disposals that nobody has been told of.</summary>
    public bool HasIntended { get; set; }

    /// <summary>Ledger thread: told that there are disposals to be done; must not wait.</summary>
    public Action? WakeDisposals { get; set; }

    /// <summary>Guarded by the command queue's lock: a fact or a completion of this rule was dropped.</summary>
    public bool HasDropped { get; set; }

    /// <summary>Ledger thread: takes a claimed job; null while this rule's jobs are not claimed.</summary>
    public Action<Attempt>? Run { get; set; }

    /// <summary>Ledger thread: how many jobs of this rule may run at once.</summary>
    public int Concurrency { get; set; }

    /// <summary>Ledger thread: how many run.</summary>
    public int Running { get; set; }

    /// <summary>
    /// Ledger thread: not before this moment, by the ledger's clock, can there be a job to claim; 0 when it must be
    /// looked.
    /// </summary>
    public long NextDueNs { get; set; }

    /// <summary>Ledger thread: this rule could run another job.</summary>
    public bool HasFreeSlot => Run is not null && Running < Concurrency && Paused is null
        && (IsScanned || Rule.MaxExistingFiles == 0);
}

/// <summary>A job that was claimed and not settled yet.</summary>
/// <param name="JobId">Its id.</param>
/// <param name="Rule">Its rule.</param>
/// <param name="Path">Where its file was when it was claimed.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct RunningJob(long JobId, LedgerRule Rule, BytePath Path)
{
    /// <summary>Where its file was moved to, or is back, meanwhile: no other job may run there either.</summary>
    public BytePath? MovedTo { get; init; }
}

/// <summary>
/// The jobs that run, by id and by path: never two attempts of one (rule, path) at once. Ledger thread only. What a
/// round changed here is undone when its transaction is rolled back.
/// </summary>
internal sealed class RunningJobs
{
    private readonly Dictionary<long, RunningJob> _jobs = [];
    private readonly Dictionary<(int Rule, BytePath Path), int> _paths = [];
    private readonly List<(RunningJob Job, Change Change)> _round = [];

    private enum Change : byte { Added, Removed }

    public int Count => _jobs.Count;

    public bool IsBusy(LedgerRule rule, BytePath path) => _paths.ContainsKey((rule.Id, path));

    public RunningJob this[long jobId] => _jobs[jobId];

    public void Add(RunningJob job) => Apply(job, Change.Added, isUndo: false);

    public bool IsMoved(long jobId) => _jobs.TryGetValue(jobId, out RunningJob job) && job.MovedTo is not null;

    public void Remove(long jobId) => Apply(_jobs[jobId], Change.Removed, isUndo: false);

    /// <summary>The file of a running job was renamed, or is back.</summary>
    public void Moved(long jobId, BytePath to)
    {
        if (!_jobs.TryGetValue(jobId, out RunningJob job))
            return;
        Apply(job, Change.Removed, isUndo: false);
        Apply(job with { MovedTo = to }, Change.Added, isUndo: false);
    }

    /// <summary>The directory was renamed, and the files of running jobs in it with it.</summary>
    public void DirectoryMoved(LedgerRule rule, BytePath from, BytePath to)
    {
        foreach (RunningJob job in _jobs.Values.ToArray())
        {
            BytePath path = job.MovedTo ?? job.Path;
            if (job.Rule == rule && path != from && path.IsAtOrBelow(from))
                Moved(job.JobId, to.Join(path.Span[(from.Length + 1)..]));
        }
    }

    /// <summary>The round's transaction is committed.</summary>
    public void Commit() => _round.Clear();

    /// <summary>The round's transaction is rolled back.</summary>
    public void Rollback()
    {
        for (int i = _round.Count - 1; i >= 0; i--)
            Apply(_round[i].Job, _round[i].Change == Change.Added ? Change.Removed : Change.Added, isUndo: true);
        _round.Clear();
    }

    private void Apply(RunningJob job, Change change, bool isUndo)
    {
        int step = change == Change.Added ? 1 : -1;
        if (change == Change.Added)
            _jobs.Add(job.JobId, job);
        else
            Invariant.That(_jobs.Remove(job.JobId));
        job.Rule.Running += step;
        Occupy(job.Rule, job.Path, step);
        if (job.MovedTo is { } moved)
            Occupy(job.Rule, moved, step);
        if (!isUndo)
            _round.Add((job, change));
    }

    private void Occupy(LedgerRule rule, BytePath path, int step)
    {
        ref int count = ref CollectionsMarshal.GetValueRefOrAddDefault(_paths, (rule.Id, path), out _);
        count += step;
        if (count == 0)
            _paths.Remove((rule.Id, path));
    }
}
