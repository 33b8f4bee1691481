using AutoCrunch.Core;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Dispatch;

/// <summary>What the dispatcher of type Systemd has to say beside what all dispatchers do.</summary>
internal static partial class SystemdLog
{
    [LoggerMessage(3140, LogLevel.Debug, "Job {Job} attempt {Attempt} is {Unit} (rule {Rule})")]
    public static partial void Submitted(ILogger logger, long job, int attempt, string unit, string rule);

    [LoggerMessage(3141, LogLevel.Warning,
        "Rule {Rule}: the service manager cannot be asked about units; what runs goes on, and it is asked until it "
        + "answers: {Reason}")]
    public static partial void Unreachable(ILogger logger, string rule, string reason);

    [LoggerMessage(3142, LogLevel.Information, "Rule {Rule}: the service manager answers again")]
    public static partial void ReachableAgain(ILogger logger, string rule);

    [LoggerMessage(3144, LogLevel.Warning,
        "Job {Job}: {Unit} was stopped by somebody else (systemctl stop, or the end of its service manager; rule "
        + "{Rule}). The job runs again, unless it is cancelled with autocrunch cancel: {Path}")]
    public static partial void Stopped(ILogger logger, long job, string unit, string rule, BytePath path);

    [LoggerMessage(3145, LogLevel.Warning,
        "Job {Job}: cannot have {Unit} stopped, it is tried again (rule {Rule}): {Reason}")]
    public static partial void CannotStop(ILogger logger, long job, string unit, string rule, string reason);

    [LoggerMessage(3146, LogLevel.Error,
        "The directory of outcomes was removed under the running service; it is made again, and units whose outcome is "
        + "lost with it run again: {Path}")]
    public static partial void DirectoryRemoved(ILogger logger, BytePath path);

    [LoggerMessage(3147, LogLevel.Warning, "Job {Job}: its unit cannot be followed at present (rule {Rule}): {Reason}")]
    public static partial void CannotFollow(ILogger logger, long job, string rule, string reason);

    [LoggerMessage(3148, LogLevel.Warning,
        "Job {Job}: how far its unit is cannot be seen at present, it is tried again (rule {Rule}): {Reason}")]
    public static partial void CannotSee(ILogger logger, long job, string rule, string reason);
}
