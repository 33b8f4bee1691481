using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Dispatch;

/// <summary>
/// What every dispatcher of ours is built on: completions go into the ledger, which claims due jobs within the rule's
/// limits; each claimed job gets a slot's thread, its file is looked at again, the derived class runs it, and what came
/// of it goes back into the ledger. A new dispatcher is one file that implements <see cref="RunAsync"/>.
/// </summary>
public abstract partial class DurableDispatcher : IJobDispatcher, IDisposable
{
    // How often a root that is not there, or survivors that do not end, are looked at again.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    // Thousands of jobs may wait for a disk that is not mounted: each is looked at twice a minute.
    private static readonly TimeSpan s_awayDelay = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SlotThreads _slots;
    private readonly int _concurrency;
    private readonly Hindrance _hindrance;
    private readonly RuleDisposals _disposals;
    private int _running;
    private bool _isStopping;

    /// <param name="rule">The rule whose jobs these are.</param>
    /// <param name="concurrency">How many may run at once.</param>
    /// <param name="ledger">Keeps them.</param>
    /// <param name="logger">The service's log.</param>
    /// <param name="threads">
    /// How many threads at most call <see cref="RunAsync"/>; one for each running job unless told otherwise.
    /// </param>
    private protected DurableDispatcher(
        WatchRule rule, int concurrency, JobLedger ledger, ILogger logger, int? threads = null)
    {
        Rule = rule;
        Ledger = ledger;
        Logger = logger;
        _concurrency = concurrency;
        _hindrance = new Hindrance(rule.Name, logger);
        _disposals = new RuleDisposals(rule, ledger, logger);
        _slots = new SlotThreads(rule.Name, threads ?? concurrency, PrepareThread, Run);
    }

    /// <summary>The rule's name.</summary>
    public string Name => Rule.Name;

    /// <summary>The rule whose jobs these are.</summary>
    protected WatchRule Rule { get; }

    /// <summary>Keeps the jobs.</summary>
    private protected JobLedger Ledger { get; }

    /// <summary>The service's log.</summary>
    protected ILogger Logger { get; }

    /// <inheritdoc/>
    public void Dispatch(Completion completion) => Ledger.Record(completion);

    /// <summary>
    /// Starts to run jobs; what a crash left running is ended and recorded first, or taken up again where it goes on
    /// without the service. Does not wait for any of it.
    /// </summary>
    internal void Start()
    {
        _slots.WarmUp();
        _disposals.Start();
        IReadOnlyList<Job> left = Ledger.LeftRunning(Rule.Name);
        if (left.Count == 0)
            StartClaims(left);
        else if (Outlives && Ledger.EngineBefore(Rule.Name) is not null)
            Resume();
        else
            new Thread(() => Recover(left)) { Name = $"recover {Rule.Name}", IsBackground = true }.Start();
    }

    /// <summary>
    /// Starts nothing more, and completes when everything that runs has ended (how, is the derived class's business)
    /// and is told to the ledger: at once when nothing runs.
    /// </summary>
    internal async Task StopAsync()
    {
        lock (_gate)
        {
            _isStopping = true;
            if (_running == 0)
                _stopped.TrySetResult();
        }

        _ = Ledger.StopClaims(Rule.Name);
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _stopped.Task.ConfigureAwait(false);
        await _disposals.StopAsync().ConfigureAwait(false);
        _slots.Stop();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(isDisposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>
    /// Runs one attempt. Called on a slot's thread, which may be blocked for as long as the attempt takes; a dispatcher
    /// whose jobs run elsewhere returns a task instead.
    /// </summary>
    /// <param name="attempt">
    /// The attempt. Its file was there, in the job's version, a moment ago; unless it is a resumed one, which must not
    /// be started again before it is known that it was not, or is no more.
    /// </param>
    /// <param name="stopping">
    /// The service stops. An attempt that is then ended is <see cref="AttemptOutcome.Interrupted"/>; one that goes on
    /// and is followed no longer is <see cref="AttemptOutcome.LeftRunning"/>.
    /// </param>
    protected abstract Task<AttemptOutcome> RunAsync(Attempt attempt, CancellationToken stopping);

    /// <summary>
    /// Whether what an attempt has started goes on when the service ends: then it is taken up again at the next start
    /// (<see cref="Attempt.IsResumed"/>), and nothing is ended.
    /// </summary>
    protected virtual bool Outlives => false;

    /// <summary>Called once on each slot's thread, before its first attempt.</summary>
    protected virtual void PrepareThread()
    {
    }

    /// <summary>
    /// The last lines of what a failed attempt printed, for the service's log; empty when there are none.
    /// </summary>
    protected virtual string LastOutput(Attempt attempt) => "";

    /// <summary>
    /// The ledger has what came of an attempt, so what was kept of it elsewhere may go. Called on the ledger thread:
    /// must not wait.
    /// </summary>
    protected virtual void Recorded(Attempt attempt)
    {
    }

    /// <summary>Lets go of what <see cref="StopAsync"/> has made unused.</summary>
    protected virtual void Dispose(bool isDisposing)
    {
        if (!isDisposing)
            return;
        _disposals.Dispose();
        _stopping.Dispose();
    }

    /// <summary>
    /// A job has been started: what kept jobs from it is over. Known from the end of its attempt too; called by whoever
    /// knows sooner.
    /// </summary>
    protected void HasStarted() => _hindrance.Started();

    /// <summary>The file of a job, absolute.</summary>
    protected BytePath PathOf(Job job)
    {
        ArgumentNullException.ThrowIfNull(job);
        return Rule.Path.Join(job.Path);
    }

    private void StartClaims(IReadOnlyList<Job> left)
    {
        lock (_gate)
        {
            if (_isStopping)
                return;
            if (left.Count > 0)
                Ledger.RecoverCrashed(Rule.Name, TellOfCrash);
            Ledger.StartClaims(Rule.Name, _concurrency, Claimed);
        }
    }

    // Ledger thread.
    private void Claimed(Attempt attempt)
    {
        bool isTaken;
        lock (_gate)
        {
            isTaken = !_isStopping;
            if (isTaken)
            {
                _running += 1;
                _underWay.Add(attempt.Job.Id, new UnderWay(attempt));
            }
        }

        // Its thread asks for the gate first of all, so it is woken when that is open. There are threads until nothing
        // is running any more.
        if (isTaken)
            _slots.Give(attempt);
        else if (!attempt.IsResumed)
            Settle(attempt, new AttemptOutcome.NotStarted("the service stops", TimeSpan.Zero), isCancelled: false);
    }

    // Slot's thread.
    private void Run(Attempt attempt)
    {
        if (!attempt.IsResumed && LookAgain(attempt) is { } early)
        {
            End(attempt, early);
            return;
        }

        if (attempt.IsResumed)
            DispatchLog.TakenUp(Logger, attempt.Job.Id, attempt.Number, Rule.Name, attempt.Job.Path);
        else
            DispatchLog.Started(Logger, attempt.Job.Id, attempt.Number, Rule.Name, attempt.Job.Path);
        Task<AttemptOutcome> run = RunSafely(attempt);
        if (run.IsCompleted)
            End(attempt, ResultOf(attempt, run));
        else
            Then(run, () => End(attempt, ResultOf(attempt, run)));
    }

    // Not an async method, whose exceptions nobody would see: what goes wrong in a work item ends the process. And not
    // on the thread that completes the task, which is somebody else's.
    private static void Then(Task task, Action next) => task.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(
        () => ThreadPool.UnsafeQueueUserWorkItem(static work => work(), next, preferLocal: false));

    // What a dispatcher did not foresee fails the attempt; a broken invariant ends the process.
    private Task<AttemptOutcome> RunSafely(Attempt attempt)
    {
        try
        {
            return RunAsync(attempt, _stopping.Token)
                ?? throw new InvalidOperationException($"{GetType().Name} returned no task");
        }
        catch (Exception e) when (e is not InvariantException)
        {
            return Task.FromException<AttemptOutcome>(e);
        }
    }

    private AttemptOutcome ResultOf(Attempt attempt, Task<AttemptOutcome> run)
    {
        try
        {
            return run.GetAwaiter().GetResult()
                ?? throw new InvalidOperationException($"{GetType().Name} returned no outcome");
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            return Outlives ? AttemptOutcome.LeftRunning.Value : new AttemptOutcome.Interrupted(ByCrash: false);
        }
        catch (Exception e) when (e is not InvariantException)
        {
            DispatchLog.Unforeseen(Logger, attempt.Job.Id, attempt.Number, Rule.Name, e);
            return new AttemptOutcome.Failed($"the dispatcher failed: {e.Message}");
        }
    }

    // The last look: what was recorded a while ago may not be there any more, and must not run as something else.
    private AttemptOutcome? LookAgain(Attempt attempt)
    {
        if (_stopping.IsCancellationRequested)
            return new AttemptOutcome.NotStarted("the service stops", TimeSpan.Zero);
        if (IsCancelled(attempt))
            return new AttemptOutcome.NotStarted("cancelled by hand", TimeSpan.Zero);
        BytePath path = PathOf(attempt.Job);
        int errno = FileStatReader.TryRead(path, out FileStat stat);
        if (errno is Errno.ENOENT or Errno.ENOTDIR)
            return Absent(attempt, path);
        if (errno != 0)
            return CannotLook(path, errno);
        if (stat.Type != FileType.Regular)
            return AttemptOutcome.Gone.Value;
        FileVersion expected = attempt.Job.Version;
        FileVersion observed = expected.Inode == 0 ? stat.Version with { Inode = 0 } : stat.Version;
        return observed == expected ? null : new AttemptOutcome.Changed(observed);
    }

    private AttemptOutcome Absent(Attempt attempt, BytePath path)
    {
        if (!IsRootThere(out string reason))
            return new AttemptOutcome.NotStarted(reason, s_patience);
        bool isAway = attempt.Device != 0
            && FileStatReader.DeviceAbove(Rule.Path, attempt.Job.Path) != attempt.Device;
        if (!isAway)
            return AttemptOutcome.Gone.Value;
        return new AttemptOutcome.PutOff(
            $"the file system that '{path}' is on is not mounted: mount it, and the job goes on", s_awayDelay);
    }

    // Says nothing against the job: it waits, for as long as it takes.
    private AttemptOutcome CannotLook(BytePath path, int errno)
    {
        string reason = LinuxException.Explain("statx", path, errno);
        TimeSpan delay = Rule.Retry.Delay > s_patience ? Rule.Retry.Delay : s_patience;
        return errno is Errno.ENOMEM or Errno.EMFILE or Errno.ENFILE
            ? new AttemptOutcome.NotStarted(reason, s_patience)
            : new AttemptOutcome.PutOff(reason, delay);
    }

    private bool IsRootThere(out string reason)
    {
        int errno = FileStatReader.TryReadTarget(Rule.Path, out FileStat stat);
        if (errno == 0 && stat.Type != FileType.Directory)
            errno = Errno.ENOTDIR;
        reason = errno == 0 ? "" : LinuxException.Explain("statx", Rule.Path, errno);
        return errno == 0;
    }

    private void End(Attempt attempt, AttemptOutcome outcome)
    {
        switch (outcome)
        {
            case AttemptOutcome.NotStarted { Delay: var delay } hindered when delay > TimeSpan.Zero:
                _hindrance.CannotStart(hindered.Reason);
                Rest(attempt, delay, () => Finish(attempt, outcome));
                return;
            case AttemptOutcome.PutOff putOff:
                _hindrance.CannotSee(attempt.Job.Id, attempt.Job.Path, putOff.Reason);
                break;
            case not (AttemptOutcome.NotStarted or AttemptOutcome.LeftRunning or AttemptOutcome.Gone
                or AttemptOutcome.Changed):
                _hindrance.HasEnded(attempt.Job.StartedNs ?? 0);
                break;
        }

        Finish(attempt, outcome);
    }

    // Whatever happens in here, the attempt runs no more.
    private void Finish(Attempt attempt, AttemptOutcome outcome)
    {
        UnderWay ended = TakeUnderWay(attempt); // before the ledger can claim its job again
        try
        {
            if (outcome is not AttemptOutcome.LeftRunning)
                Settle(attempt, outcome, ended.IsCancelled);
        }
        finally
        {
            lock (_gate)
            {
                _running -= 1;
                if (_isStopping && _running == 0)
                    _stopped.TrySetResult();
            }

            ended.Settled.SetResult();
        }
    }

    private void Settle(Attempt attempt, AttemptOutcome outcome, bool isCancelled)
    {
        long nowNs = Ledger.NowNs;
        JobTransition transition = JobTransitions.After(
            JobCounts.Of(attempt.Job), outcome, Rule.Retry, nowNs, Random.Shared.NextDouble());
        if (isCancelled)
            transition = JobTransitions.Cancelled(transition);
        Ledger.Settle(
            attempt, outcome, transition,
            overruled => DispatchLog.Overruled(Logger, attempt.Job.Id, overruled.State, Rule.Name, attempt.Job.Path),
            transition.IsRecorded ? () => Recorded(attempt) : null);
        Tell(attempt, outcome, transition, nowNs);
    }
}
