using System.Collections.Concurrent;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Dispatch;

/// <summary>
/// Runs each job in Slurm. The ledger has the attempt on disk before sbatch is called; its job in Slurm claims it, and
/// leaves its outcome, in SharedDirectory. So whatever happens in between, it is known or can be asked whether it ran,
/// and it runs once.
/// </summary>
internal sealed class SlurmDispatcher : DurableDispatcher
{
    // RunAsync flushes the ledger on its thread, then only waits.
    private const int Threads = 4;

    private const int KeptAtOnce = 4;

    // What Slurm refuses it refuses for the rule's other jobs too: so long it is not asked again.
    private static readonly TimeSpan s_refused = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan s_hindered = TimeSpan.FromSeconds(1);

    private readonly SlurmOptions _options;
    private readonly SlurmTools _tools;
    private readonly SlurmWatch _watch;
    private readonly JobEnvironment _environment;
    private readonly ProgramRunner _runner;
    private readonly SemaphoreSlim _turn = new(1);
    private readonly SemaphoreSlim _keeping = new(KeptAtOnce);
    private readonly ConcurrentDictionary<long, Live> _live = new();
    private readonly bool _hasResumed;
    private bool _hasMarked;
    private Refusal? _refused;

    /// <param name="rule">The rule whose jobs these are.</param>
    /// <param name="options">Its <c>Dispatcher</c> section.</param>
    /// <param name="ledger">Keeps the jobs.</param>
    /// <param name="tools">Slurm's programs.</param>
    /// <param name="watch">Follows the jobs of all rules.</param>
    /// <param name="logger">The service's log.</param>
    public SlurmDispatcher(
        WatchRule rule, SlurmOptions options, JobLedger ledger, SlurmTools tools, SlurmWatch watch,
        ILogger<SlurmDispatcher> logger)
        : base(rule, options.Concurrency, ledger, logger, Threads)
    {
        _options = options;
        _tools = tools;
        _watch = watch;
        _environment = new JobEnvironment([], options.Environment, rule, ledger.Id);
        _runner = new ProgramRunner($"sbatch {rule.Name}", 1);
        _hasResumed = ledger.LeftRunning(rule.Name).Count > 0;
    }

    /// <inheritdoc/>
    protected override bool Outlives => true;

    /// <inheritdoc/>
    protected override bool CanEnd => true;

    /// <inheritdoc/>
    protected override async Task<AttemptOutcome> RunAsync(Attempt attempt, CancellationToken stopping)
    {
        SlurmPlace place = PlaceOf(attempt);
        var follow = new SlurmFollow(attempt, Rule.Name, _options, place, Logger);
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        _live[attempt.Job.Id] = new Live(follow, waiting);
        try
        {
            if (IsCancelled(attempt))
                End(attempt);
            Submission submission = default;
            if (attempt.IsResumed)
                follow.Submitted(null);
            else
                submission = await SubmitAsync(attempt, place, follow, waiting.Token, stopping).ConfigureAwait(false);
            return submission.Early
                ?? await FollowAsync(attempt, place, follow, submission.Refusal, stopping).ConfigureAwait(false);
        }
        finally
        {
            _live.TryRemove(attempt.Job.Id, out _);
            _watch.Leave(follow);
        }
    }

    /// <inheritdoc/>
    protected override void End(Attempt attempt)
    {
        if (!_live.TryGetValue(attempt.Job.Id, out Live? live))
            return;
        live.Follow.EndFor(SlurmEndCause.ByHand);
        try
        {
            live.Waiting.Cancel();
        }
        catch (ObjectDisposedException)
        {
            return; // it has ended meanwhile
        }

        _watch.Hurry();
    }

    /// <inheritdoc/>
    protected override void PrepareThread()
    {
        // Before the first job is claimed: one that a crash leaves then finds its directory told apart.
        if (!_hasResumed)
            SlurmPlace.TryMark(_options.SharedDirectory); // if it cannot be made, the first job says so
        if (SlurmPlace.TryFindMark(_options.SharedDirectory) == 0)
            _watch.Sweep(_options.SharedDirectory); // else when it is mounted: with the first submission
    }

    /// <inheritdoc/>
    protected override void Recorded(Attempt attempt) => _watch.Remove(PlaceOf(attempt));

    /// <inheritdoc/>
    protected override string LastOutput(Attempt attempt) =>
        LastLines.Of(Ledger.Layout.LogFile(attempt.Job.Id, attempt.Number));

    /// <inheritdoc/>
    protected override void Dispose(bool isDisposing)
    {
        base.Dispose(isDisposing);
        if (!isDisposing)
            return;
        _turn.Dispose();
        _keeping.Dispose();
    }

    // Until Slurm is called nothing has been started, and the attempt is given back as if it had never been claimed.
    private async Task<Submission> SubmitAsync(
        Attempt attempt, SlurmPlace place, SlurmFollow follow, CancellationToken waiting, CancellationToken stopping)
    {
        bool hasTurn = false, isCalled = false;
        try
        {
            Task up = _watch.WhenUp();
            if (!up.IsCompleted)
            {
                // The file may change meanwhile: it is claimed, and looked at, again.
                await up.WaitAsync(waiting).ConfigureAwait(false);
                return Submission.Never("Slurm did not answer", TimeSpan.Zero);
            }

            await _turn.WaitAsync(waiting).ConfigureAwait(false);
            hasTurn = true;
            if (Volatile.Read(ref _refused) is { Over.IsCompleted: false } refused)
            {
                _turn.Release();
                hasTurn = false;
                await refused.Over.WaitAsync(waiting).ConfigureAwait(false);
                return Submission.Never(refused.Reason, TimeSpan.Zero);
            }

            if (Prepare(place, out bool isClaimed) is { } hindered)
                return Submission.Never(hindered, s_hindered);
            if (isClaimed)
            {
                follow.Submitted(null); // by an earlier life whose ledger is not ours: only one may have it
                return default;
            }

            Ledger.FlushNow();
            waiting.ThrowIfCancellationRequested();
            isCalled = true;
            return await SubmitNowAsync(attempt, place, follow, stopping).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (waiting.IsCancellationRequested && !isCalled)
        {
            return Submission.Never(
                IsCancelled(attempt) ? "cancelled by hand" : "the service stops", TimeSpan.Zero);
        }
        catch (Exception e) when (!isCalled && (e is LinuxException or IOException))
        {
            return Submission.Never(e.Message, s_hindered);
        }
        finally
        {
            if (hasTurn)
                _turn.Release();
        }
    }

    // From here on it counts as submitted, whatever goes wrong: Slurm is asked. A stop leaves it so.
    private async Task<Submission> SubmitNowAsync(
        Attempt attempt, SlurmPlace place, SlurmFollow follow, CancellationToken stopping)
    {
        var values = new CommandValues(Rule.Name, Rule.Path, attempt.Job.Path, attempt.Job.Id, attempt.Number);
        byte[][] arguments = [.. _options.Command.Select(argument => argument.Expand(values))];
        byte[] script = SlurmScript.Of(attempt, _options, place, _environment.Of(attempt), arguments);
        ProgramCall call = _tools.Submit(_options, place, script);
        ProgramResult result;
        try
        {
            result = await _runner.RunAsync(call).WaitAsync(stopping).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            follow.Submitted(null);
            SlurmLog.NotKnown(Logger, attempt.Job.Id, attempt.Number, Rule.Name, e.Message);
            return new Submission(null, e.Message);
        }

        long? id = SlurmTools.IdOf(result);
        follow.Submitted(id);
        if (id is not null)
        {
            SlurmLog.Submitted(Logger, attempt.Job.Id, attempt.Number, id.Value, Rule.Name);
            HasStarted();
            return default;
        }

        string reason = result.Explain(call);
        if (result.WasNotStarted || result.Exit.ExitCode is not null)
            Volatile.Write(ref _refused, new Refusal(reason, s_refused));
        if (result.WasNotStarted)
            return Submission.Never(reason, s_refused);
        SlurmLog.NotKnown(Logger, attempt.Job.Id, attempt.Number, Rule.Name, reason);
        return new Submission(null, reason);
    }

    private async Task<AttemptOutcome> FollowAsync(
        Attempt attempt, SlurmPlace place, SlurmFollow follow, string? refusal, CancellationToken stopping)
    {
        _watch.Follow(follow);
        if (IsCancelled(attempt))
            _watch.Hurry();
        if (await follow.End.WaitAsync(stopping).ConfigureAwait(false) is not { } outcome)
        {
            return refusal is null
                ? new AttemptOutcome.NotStarted("it never began in Slurm", TimeSpan.Zero)
                : new AttemptOutcome.NotStarted(refusal, s_hindered);
        }

        await KeepLogAsync(attempt, place).ConfigureAwait(false);
        return outcome;
    }

    private SlurmPlace PlaceOf(Attempt attempt) =>
        new(_options.SharedDirectory, Ledger.Id, attempt.Job.Id, attempt.Number);

    private async Task KeepLogAsync(Attempt attempt, SlurmPlace place)
    {
        BytePath log = Ledger.Layout.LogFile(attempt.Job.Id, attempt.Number);
        await _keeping.WaitAsync().ConfigureAwait(false);
        try
        {
            int errno = SlurmLogFile.TryKeep(place.Log, log, _options.MaxLogBytes);
            if (errno != 0)
                SlurmLog.LogNotKept(
                    Logger, attempt.Job.Id, attempt.Number, Rule.Name, LinuxException.Explain("copy", log, errno));
        }
        finally
        {
            _keeping.Release();
        }
    }

    // Why nothing can be submitted; null when all is ready. The mark is made only where no job can have been submitted
    // with another SharedDirectory, which is not mounted now.
    private string? Prepare(SlurmPlace place, out bool isClaimed)
    {
        isClaimed = false;
        BytePath shared = _options.SharedDirectory;
        int errno = _hasMarked || _hasResumed ? SlurmPlace.TryFindMark(shared) : SlurmPlace.TryMark(shared);
        if (errno != 0)
            return LinuxException.Explain("open", shared.Join(SlurmPlace.MarkName), errno)
                + ": it shows that SharedDirectory is there; mount that, or set it as it was";
        if (!_hasMarked)
            _watch.Sweep(shared);
        _hasMarked = true;
        PlaceState state = place.Prepare(out errno);
        isClaimed = state == PlaceState.Claimed;
        return state == PlaceState.Unusable ? LinuxException.Explain("mkdir", place.Directory, errno) : null;
    }

    /// <param name="Early">The attempt's outcome, when certainly nothing was submitted.</param>
    /// <param name="Refusal">What sbatch said, when it is not known whether a job was submitted.</param>
    private readonly record struct Submission(AttemptOutcome? Early, string? Refusal)
    {
        public static Submission Never(string reason, TimeSpan delay) =>
            new(new AttemptOutcome.NotStarted(reason, delay), null);
    }

    /// <summary>Slurm has refused a job; for a while it would refuse the next.</summary>
    private sealed class Refusal
    {
        private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Timer _timer;

        public Refusal(string reason, TimeSpan duration)
        {
            Reason = reason;
            _timer = new Timer(_ => End(), null, duration, Timeout.InfiniteTimeSpan);
        }

        public string Reason { get; }

        public Task Over => _over.Task;

        private void End()
        {
            _timer.Dispose();
            _over.TrySetResult();
        }
    }

    private sealed record Live(SlurmFollow Follow, CancellationTokenSource Waiting);
}
