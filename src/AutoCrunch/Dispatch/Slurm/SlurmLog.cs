using AutoCrunch.Core;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Dispatch;

/// <summary>What the service's log says of Slurm.</summary>
internal static partial class SlurmLog
{
    [LoggerMessage(3100, LogLevel.Information,
        "Job {Job} attempt {Attempt} is Slurm's job {SlurmId} (rule {Rule})")]
    public static partial void Submitted(ILogger logger, long job, int attempt, long slurmId, string rule);

    [LoggerMessage(3101, LogLevel.Warning,
        "It is not known whether Slurm has taken job {Job} attempt {Attempt} (rule {Rule}): {Reason}; it is asked "
        + "before anything is submitted again")]
    public static partial void NotKnown(ILogger logger, long job, int attempt, string rule, string reason);

    [LoggerMessage(3102, LogLevel.Information,
        "Job {Job} attempt {Attempt} is Slurm's job {SlurmId}, as it says (rule {Rule})")]
    public static partial void Found(ILogger logger, long job, int attempt, long slurmId, string rule);

    [LoggerMessage(3103, LogLevel.Information,
        "Job {Job} attempt {Attempt} never began in Slurm, and cannot any more (rule {Rule})")]
    public static partial void NeverBegan(ILogger logger, long job, int attempt, string rule);

    [LoggerMessage(3104, LogLevel.Error,
        "Slurm does not answer: {Reason}. Jobs wait, and what runs goes on; it is asked again for as long as it takes")]
    public static partial void Down(ILogger logger, string reason);

    [LoggerMessage(3105, LogLevel.Information, "Slurm answers again after {Seconds:0} s")]
    public static partial void Up(ILogger logger, double seconds);

    [LoggerMessage(3106, LogLevel.Warning, "Slurm could not be told to cancel jobs: {Reason}; it is told again")]
    public static partial void NotCancelled(ILogger logger, string reason);

    [LoggerMessage(3107, LogLevel.Warning,
        "The log of job {Job} attempt {Attempt} could not be taken from SharedDirectory (rule {Rule}): {Reason}")]
    public static partial void LogNotKept(ILogger logger, long job, int attempt, string rule, string reason);

    [LoggerMessage(3108, LogLevel.Warning,
        "What a finished attempt has left in SharedDirectory could not be removed: {Reason}; it is tried again "
        + "at the next start")]
    public static partial void NotRemoved(ILogger logger, string reason);

    [LoggerMessage(3109, LogLevel.Error,
        "SharedDirectory {Directory} of rule {Rule} is not the one that jobs were submitted with: {Reason}. Jobs wait: "
        + "mount it, or set it as it was. Only if nothing of them runs any more (squeue), and this is to be the place "
        + "from now on, create the file autocrunch-shared in it: what still ran elsewhere would run twice")]
    public static partial void NotMounted(ILogger logger, BytePath directory, string rule, string reason);
}
