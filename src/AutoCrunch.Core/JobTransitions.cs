using System;

namespace AutoCrunch.Core;

/// <summary>What a job carries from attempt to attempt.</summary>
/// <param name="Failures">Attempts that failed.</param>
/// <param name="Crashes">
/// The last attempts, as far as each was running when the service, or what it ran on, was killed.
/// </param>
/// <param name="DueNs">When it was due: its place in the queue.</param>
public readonly record struct JobCounts(int Failures, int Crashes, long DueNs)
{
    /// <summary>The counts of a job.</summary>
    public static JobCounts Of(Job job)
    {
        ArgumentNullException.ThrowIfNull(job);
        return new JobCounts(job.Failures, job.Crashes, job.DueNs);
    }
}

/// <summary>What becomes of a job when an attempt has ended.</summary>
/// <param name="State">The next state: queued or a final one.</param>
/// <param name="Reason">Why cancelled; null in every other state.</param>
/// <param name="Counts">The new counts; the due time is that of the next attempt.</param>
/// <param name="IsRecorded">
/// False when nothing was started: the attempt leaves no row and its number is given out again.
/// </param>
public readonly record struct JobTransition(
    JobState State,
    JobReason? Reason,
    JobCounts Counts,
    bool IsRecorded);

/// <summary>The life of a job between its attempts: pure decisions, carried out by the ledger.</summary>
public static class JobTransitions
{
    /// <summary>
    /// So many attempts of one job in a row may be running when the service is killed: then it is taken for the cause
    /// (it may eat all memory) and fails, or it would kill the service for ever.
    /// </summary>
    public const int CrashesMax = 5;

    /// <summary>Decides what follows from an attempt's outcome.</summary>
    /// <param name="counts">The job's counts before this outcome.</param>
    /// <param name="outcome">What came of the attempt.</param>
    /// <param name="policy">The rule's retry policy.</param>
    /// <param name="nowNs">The present, by the ledger's clock.</param>
    /// <param name="random">Uniform in [0, 1): the jitter of the retry delay.</param>
    public static JobTransition After(
        JobCounts counts,
        AttemptOutcome outcome,
        RetryPolicy policy,
        long nowNs,
        double random)
    {
        ArgumentNullException.ThrowIfNull(outcome);
        ArgumentNullException.ThrowIfNull(policy);
        return outcome switch
        {
            AttemptOutcome.Succeeded => Final(JobState.Succeeded, counts),
            AttemptOutcome.Failed failed => AfterFailure(counts, IsPermanent(failed, policy), policy, nowNs, random),
            AttemptOutcome.TimedOut => AfterFailure(counts, isPermanent: false, policy, nowNs, random),
            AttemptOutcome.CannotStart => AfterFailure(counts, isPermanent: false, policy, nowNs, random),
            AttemptOutcome.Interrupted { ByCrash: true } => AfterCrash(counts),
            AttemptOutcome.Interrupted => new(JobState.Queued, null, counts with { Crashes = 0 }, IsRecorded: true),
            AttemptOutcome.EndedByHand => new(JobState.Cancelled, JobReason.ByHand, counts, IsRecorded: true),
            AttemptOutcome.NotStarted => new(JobState.Queued, null, counts, IsRecorded: false),
            AttemptOutcome.PutOff putOff => new(
                JobState.Queued, null, counts with { DueNs = nowNs + Nanoseconds(putOff.Delay) }, IsRecorded: false),
            AttemptOutcome.Gone => new(JobState.Cancelled, JobReason.Gone, counts, IsRecorded: false),
            AttemptOutcome.Changed => new(JobState.Cancelled, JobReason.Superseded, counts, IsRecorded: false),
            _ => throw new InvariantException($"no transition for {outcome}"),
        };
    }

    /// <summary>
    /// True when an operator's <c>retry</c> may queue a job of this state again: whatever MaxAttempts says, due at
    /// once, the counts kept, so that one more failure is final again where it was final before.
    /// </summary>
    public static bool CanRetry(JobState state) => state != JobState.Running;

    /// <summary>
    /// What becomes of a job that an operator cancelled while its attempt was under way: whatever came of that, it does
    /// not run again. A success stays one.
    /// </summary>
    public static JobTransition Cancelled(JobTransition transition) =>
        transition.State is JobState.Queued or JobState.Failed
            ? transition with { State = JobState.Cancelled, Reason = JobReason.ByHand }
            : transition;

    /// <summary>True when an operator's <c>cancel</c> may cancel a job of this state.</summary>
    public static bool CanCancel(JobState state) => state == JobState.Queued;

    private static bool IsPermanent(AttemptOutcome.Failed failed, RetryPolicy policy) => failed.IsPermanent
        || (failed.ExitCode is { } code && Array.IndexOf(policy.PermanentExitCodes, code) >= 0);

    private static JobTransition AfterFailure(
        JobCounts counts,
        bool isPermanent,
        RetryPolicy policy,
        long nowNs,
        double random)
    {
        counts = counts with { Failures = counts.Failures + 1, Crashes = 0 };
        if (isPermanent || counts.Failures >= policy.MaxAttempts)
            return Final(JobState.Failed, counts);
        TimeSpan delay = RetryDelay.After(counts.Failures, policy, random);
        long dueNs = nowNs + Nanoseconds(delay);
        return new JobTransition(JobState.Queued, null, counts with { DueNs = dueNs }, IsRecorded: true);
    }

    // The interrupted one keeps its place in the queue: it is older than what waits.
    private static JobTransition AfterCrash(JobCounts counts)
    {
        counts = counts with { Crashes = counts.Crashes + 1 };
        return counts.Crashes >= CrashesMax
            ? Final(JobState.Failed, counts)
            : new JobTransition(JobState.Queued, null, counts, IsRecorded: true);
    }

    private static long Nanoseconds(TimeSpan time) => time.Ticks * TimeSpan.NanosecondsPerTick;

    private static JobTransition Final(JobState state, JobCounts counts) =>
        new(state, null, counts, IsRecorded: true);
}
