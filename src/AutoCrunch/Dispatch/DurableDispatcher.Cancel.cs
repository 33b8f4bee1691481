using AutoCrunch.Core;

namespace AutoCrunch.Dispatch;

/// <summary>An operator's cancel of what runs.</summary>
public abstract partial class DurableDispatcher
{
    // Guarded by _gate.
    private readonly Dictionary<long, UnderWay> _underWay = [];

    /// <summary>What came of <see cref="CancelAsync"/>.</summary>
    internal enum CancelResult : byte
    {
        /// <summary>The attempt has ended, and what came of it is told to the ledger.</summary>
        Ended,

        /// <summary>No attempt of the job is under way here.</summary>
        NotUnderWay,

        /// <summary>What this kind of dispatcher has started cannot be ended.</summary>
        Refused,
    }

    /// <summary>
    /// Ends the attempt of a job that is under way: unless it succeeds before that, the job is cancelled by hand. Any
    /// thread; completes when the attempt has ended.
    /// </summary>
    internal async Task<CancelResult> CancelAsync(long jobId)
    {
        UnderWay? found;
        lock (_gate)
        {
            if (!_underWay.TryGetValue(jobId, out found))
                return CancelResult.NotUnderWay;
            if (!CanEnd)
                return CancelResult.Refused;
            found.IsCancelled = true;
            found.Resting?.Cancel();
        }

        End(found.Attempt);
        await found.Settled.Task.ConfigureAwait(false);
        return CancelResult.Ended;
    }

    /// <summary>Whether <see cref="End(Attempt)"/> can do what it says.</summary>
    protected virtual bool CanEnd => false;

    /// <summary>
    /// Ends what runs for this attempt, if it does by now; whoever starts something for it later looks at
    /// <see cref="IsCancelled"/> then. Does not wait. Any thread.
    /// </summary>
    protected virtual void End(Attempt attempt)
    {
    }

    /// <summary>An operator has cancelled the job of this attempt.</summary>
    protected bool IsCancelled(Attempt attempt)
    {
        lock (_gate)
            return _underWay.TryGetValue(attempt.Job.Id, out UnderWay? found) && found.IsCancelled;
    }

    // The next job would fare no better: the slot stays taken for a while, or until the job is cancelled or the service
    // stops.
    private void Rest(Attempt attempt, TimeSpan delay, Action next)
    {
        CancellationToken end;
        lock (_gate)
        {
            UnderWay resting = _underWay[attempt.Job.Id];
            resting.Resting = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
            end = resting.Resting.Token;
            if (resting.IsCancelled)
                resting.Resting.Cancel();
        }

        ThreadPool.UnsafeRegisterWaitForSingleObject(
            end.WaitHandle, (_, _) => Rested(attempt, next), null, delay, executeOnlyOnce: true);
    }

    private void Rested(Attempt attempt, Action next)
    {
        lock (_gate)
        {
            UnderWay rested = _underWay[attempt.Job.Id];
            rested.Resting!.Dispose();
            rested.Resting = null;
        }

        next();
    }

    private UnderWay TakeUnderWay(Attempt attempt)
    {
        lock (_gate)
        {
            Invariant.That(_underWay.Remove(attempt.Job.Id, out UnderWay? ended) && ended.Attempt == attempt);
            return ended!;
        }
    }

    private sealed class UnderWay(Attempt attempt)
    {
        public Attempt Attempt { get; } = attempt;

        public TaskCompletionSource Settled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool IsCancelled { get; set; }

        /// <summary>Ends the rest of its slot; null while it does not rest.</summary>
        public CancellationTokenSource? Resting { get; set; }
    }
}
