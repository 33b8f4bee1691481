using AutoCrunch.Core;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Dispatch;

/// <summary>
/// What the dispatchers have to say: each attempt's outcome once, paths relative to the rule's directory.
/// </summary>
internal static partial class DispatchLog
{
    [LoggerMessage(3001, LogLevel.Debug, "Job {Job} attempt {Attempt} starts (rule {Rule}): {Path}")]
    public static partial void Started(ILogger logger, long job, int attempt, string rule, BytePath path);

    [LoggerMessage(3002, LogLevel.Information,
        "Job {Job} succeeded: {Path} (rule {Rule}, attempt {Attempt}, {Seconds:F2} s)")]
    public static partial void Succeeded(
        ILogger logger, long job, BytePath path, string rule, int attempt, double seconds);

    [LoggerMessage(3003, LogLevel.Warning,
        "Job {Job} failed: {Path} (rule {Rule}, attempt {Attempt} of {Most}): {Reason}; "
        + "tried again in {Delay}{Output}")]
    public static partial void Failed(
        ILogger logger, long job, BytePath path, string rule, int attempt, int most, string reason, TimeSpan delay,
        string output);

    [LoggerMessage(3004, LogLevel.Error,
        "Job {Job} failed for good: {Path} (rule {Rule}, attempt {Attempt}): {Reason}; "
        + "mend the cause and send the file again{Output}")]
    public static partial void FailedForGood(
        ILogger logger, long job, BytePath path, string rule, int attempt, string reason, string output);

    [LoggerMessage(3005, LogLevel.Warning,
        "Job {Job} interrupted: {Path} (rule {Rule}, attempt {Attempt}); it runs again")]
    public static partial void Interrupted(ILogger logger, long job, BytePath path, string rule, int attempt);

    [LoggerMessage(3139, LogLevel.Warning,
        "Job {Job} interrupted: {Path} (rule {Rule}, attempt {Attempt}): {Reason}; it runs again")]
    public static partial void InterruptedBy(
        ILogger logger, long job, BytePath path, string rule, int attempt, string reason);

    [LoggerMessage(3006, LogLevel.Information, "Job {Job} cancelled: {Path} (rule {Rule}): {Reason}")]
    public static partial void Cancelled(ILogger logger, long job, BytePath path, string rule, string reason);

    [LoggerMessage(3007, LogLevel.Information,
        "Job {Job} is {State} after all: its file was replaced, renamed or touched meanwhile (rule {Rule}): {Path}")]
    public static partial void Overruled(ILogger logger, long job, JobState state, string rule, BytePath path);

    [LoggerMessage(3008, LogLevel.Warning, "Rule {Rule}: jobs cannot start at present, they wait: {Reason}")]
    public static partial void NotStarted(ILogger logger, string rule, string reason);

    [LoggerMessage(3009, LogLevel.Warning,
        "Rule {Rule}: {Count} jobs were running when the service was killed; what is left of them is ended, and they "
        + "run again")]
    public static partial void Recovering(ILogger logger, string rule, int count);

    [LoggerMessage(3010, LogLevel.Error,
        "Rule {Rule}: cannot look for processes that a crash left running: {Message}")]
    public static partial void CannotRecover(ILogger logger, string rule, string message);

    [LoggerMessage(3011, LogLevel.Error,
        "Rule {Rule}: process {Pid} ({Program}) of an earlier life of the service does not end; no job starts until it "
        + "does")]
    public static partial void SurvivorLeft(ILogger logger, string rule, int pid, BytePath program);

    [LoggerMessage(3012, LogLevel.Error,
        "Rule {Rule}: process {Pid} ({Program}) of a job that was ended is still there; it hangs in the kernel or is "
        + "another user's")]
    public static partial void ProcessLeft(ILogger logger, string rule, int pid, BytePath program);

    [LoggerMessage(3015, LogLevel.Warning, "Rule {Rule}: jobs start again")]
    public static partial void StartsAgain(ILogger logger, string rule);

    [LoggerMessage(3016, LogLevel.Warning,
        "Job {Job} waits, and is tried again until its file can be looked at: {Path} (rule {Rule}): {Reason}. Further "
        + "files that cannot be looked at are not named for ten minutes")]
    public static partial void PutOff(ILogger logger, long job, BytePath path, string rule, string reason);

    [LoggerMessage(3017, LogLevel.Information,
        "Job {Job} attempt {Attempt} may have gone on while the service was down: followed again (rule {Rule}): "
        + "{Path}")]
    public static partial void TakenUp(ILogger logger, long job, int attempt, string rule, BytePath path);

    [LoggerMessage(3040, LogLevel.Information, "Job {Job}: {Path} is now {Destination} (rule {Rule})")]
    public static partial void Moved(ILogger logger, long job, BytePath path, BytePath destination, string rule);

    [LoggerMessage(3041, LogLevel.Information, "Job {Job}: {Path} is deleted (rule {Rule})")]
    public static partial void Deleted(ILogger logger, long job, BytePath path, string rule);

    [LoggerMessage(3042, LogLevel.Warning, "Job {Job}: {Path} is not {What} (rule {Rule}): {Reason}")]
    public static partial void NotDisposed(
        ILogger logger, long job, string what, BytePath path, string rule, string reason);

    [LoggerMessage(3043, LogLevel.Error,
        "Rule {Rule}: the files of jobs that have ended cannot be moved or deleted at present; it is tried again until "
        + "it can: {Reason}")]
    public static partial void CannotDispose(ILogger logger, string rule, string reason);

    [LoggerMessage(3044, LogLevel.Warning, "Rule {Rule}: the files of jobs that have ended are moved or deleted again")]
    public static partial void DisposesAgain(ILogger logger, string rule);

    [LoggerMessage(3050, LogLevel.Warning, "Held for {Time}: {Path} (rule {Rule}): {Reason}")]
    public static partial void HeldForLong(ILogger logger, TimeSpan time, BytePath path, string rule, string reason);

    [LoggerMessage(3051, LogLevel.Warning,
        "Rule {Rule}: {Count} more files are held for longer than HeldWarning: autocrunch explain tells of each")]
    public static partial void MoreHeldForLong(ILogger logger, string rule, int count);

    [LoggerMessage(3052, LogLevel.Warning, "Rule {Rule}: OnFailureCommand for {Path} failed: {Reason}")]
    public static partial void NoticeFailed(ILogger logger, string rule, BytePath path, string reason);

    [LoggerMessage(3053, LogLevel.Warning,
        "Rule {Rule}: OnFailureCommand has run {Count} times in a short time; it is run again ten minutes after the "
        + "first of them, once for all that failed or was held meanwhile")]
    public static partial void ManyNotices(ILogger logger, string rule, int count);

    [LoggerMessage(3014, LogLevel.Error,
        "Job {Job} attempt {Attempt} (rule {Rule}) ended in a way its dispatcher does not foresee")]
    public static partial void Unforeseen(ILogger logger, long job, int attempt, string rule, Exception exception);

    [LoggerMessage(3018, LogLevel.Warning,
        "What ended attempts have left cannot be told from what runs, and stays until the next start: {Reason}")]
    public static partial void CannotSweep(ILogger logger, string reason);

    [LoggerMessage(3013, LogLevel.Warning, "A job's log cannot be kept within MaxLogBytes: {Message}")]
    public static partial void CannotPunch(ILogger logger, string message);
}
