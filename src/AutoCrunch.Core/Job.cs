namespace AutoCrunch.Core;

/// <summary>
/// Where a job is in its life. The numbers are kept in the ledger: never renumber. The last three are final, but for
/// an operator's <c>retry</c>, which queues a job again under its id.
/// </summary>
public enum JobState : byte
{
    /// <summary>Waits: for its due time (a retry), for a free slot, or for the running job of the same path.</summary>
    Queued = 0,

    /// <summary>An attempt runs, or was running when the service was killed.</summary>
    Running = 1,

    /// <summary>An attempt succeeded.</summary>
    Succeeded = 2,

    /// <summary>
    /// The last attempt that its retry policy grants failed, or one failed in a way that repeating cannot mend.
    /// </summary>
    Failed = 3,

    /// <summary>It will not run, for the reason in <see cref="JobReason"/>.</summary>
    Cancelled = 4,
}

/// <summary>Why a job was cancelled. The numbers are kept in the ledger: never renumber.</summary>
public enum JobReason : byte
{
    /// <summary>The file was gone before an attempt started.</summary>
    Gone = 0,

    /// <summary>
    /// The file was replaced before an attempt started; the new version has, or will have, its own job.
    /// </summary>
    Superseded = 1,

    /// <summary>An operator cancelled it.</summary>
    ByHand = 2,
}

/// <summary>One command to run for one completion, as the ledger has it. Immutable.</summary>
public sealed record Job
{
    /// <summary>The due time of a job that waits until its path, which the loop guard has paused, is resumed.</summary>
    public const long NeverDueNs = long.MaxValue;

    /// <summary>Unique in its ledger for ever, ascending in the order in which files completed.</summary>
    public required long Id { get; init; }

    /// <summary>The rule's name.</summary>
    public required string Rule { get; init; }

    /// <summary>
    /// Path relative to the rule's directory. Follows the file through renames while the job is queued or running.
    /// </summary>
    public required BytePath Path { get; init; }

    /// <summary>The version this job is for.</summary>
    public required FileVersion Version { get; init; }

    /// <summary>Why that version counted as finished.</summary>
    public required Evidence Evidence { get; init; }

    public required JobState State { get; init; }

    /// <summary>Why it was cancelled; null in every other state.</summary>
    public JobReason? Reason { get; init; }

    /// <summary>
    /// Not before this moment (nanoseconds since 1970, by the ledger's clock) may the next attempt start.
    /// </summary>
    public long DueNs { get; init; }

    /// <summary>True when it does not start because the loop guard has paused its path.</summary>
    public bool IsPathPaused => State == JobState.Queued && DueNs == NeverDueNs;

    /// <summary>Number of the last attempt that was started; 0 before the first.</summary>
    public int Attempts { get; init; }

    /// <summary>How many attempts failed; these count against MaxAttempts.</summary>
    public int Failures { get; init; }

    /// <summary>How many attempts, the last ones in a row, were running when the service was killed.</summary>
    public int Crashes { get; init; }

    /// <summary>Wall clock of the first sign of this version, nanoseconds since 1970.</summary>
    public long ArrivedNs { get; init; }

    /// <summary>Wall clock of the verdict, nanoseconds since 1970.</summary>
    public long CompletedNs { get; init; }

    /// <summary>Wall clock at which the last attempt started; null before the first.</summary>
    public long? StartedNs { get; init; }

    /// <summary>Wall clock at which the final state was reached; null while it is not final.</summary>
    public long? FinishedNs { get; init; }

    /// <summary>The job before this one for the same file; null when there was none (or it is forgotten).</summary>
    public long? PreviousId { get; init; }
}

/// <summary>One running attempt, as a dispatcher gets it.</summary>
/// <param name="Job">The job, state running.</param>
/// <param name="Number">Counted from 1; above 1 this is a repetition.</param>
public sealed record Attempt(Job Job, int Number)
{
    /// <summary>The device the file was seen on; 0 when that is not known.</summary>
    public ulong Device { get; init; }

    /// <summary>
    /// It was running when an earlier life of the service ended, in an engine that goes on without the service: it may
    /// have been started, or not.
    /// </summary>
    public bool IsResumed { get; init; }
}

/// <summary>One ended attempt, as the ledger has it.</summary>
/// <param name="Number">Counted from 1.</param>
/// <param name="StartedNs">Wall clock, nanoseconds since 1970.</param>
/// <param name="FinishedNs">Wall clock, nanoseconds since 1970.</param>
/// <param name="Result">How it ended.</param>
/// <param name="ExitCode">Exit code of its program, if it exited.</param>
/// <param name="Signal">Number of the signal that ended its program, if one did.</param>
/// <param name="Reason">One sentence for the operator; null when it succeeded.</param>
public sealed record AttemptRecord(
    int Number,
    long StartedNs,
    long FinishedNs,
    AttemptResult Result,
    int? ExitCode,
    int? Signal,
    string? Reason);
