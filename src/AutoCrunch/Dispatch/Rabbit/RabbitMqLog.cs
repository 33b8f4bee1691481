using Microsoft.Extensions.Logging;

namespace AutoCrunch.Dispatch;

/// <summary>What is said of brokers: each change of their state once. Never a password.</summary>
internal static partial class RabbitMqLog
{
    [LoggerMessage(3170, LogLevel.Information, "Connected to the broker {Broker}")]
    public static partial void Connected(ILogger logger, string broker);

    [LoggerMessage(3171, LogLevel.Warning,
        "The broker {Broker} cannot be used at present, its jobs wait and it is tried again: {Reason}")]
    public static partial void Unusable(ILogger logger, string broker, string reason);

    [LoggerMessage(3172, LogLevel.Warning, "The broker {Broker} can be used again; what waits is published now")]
    public static partial void UsableAgain(ILogger logger, string broker);

    [LoggerMessage(3173, LogLevel.Warning,
        "Rule {Rule}: the broker refuses its messages, its jobs wait and it is tried again: {Reason}")]
    public static partial void Refused(ILogger logger, string rule, string reason);

    [LoggerMessage(3174, LogLevel.Warning, "Rule {Rule}: the broker takes its messages again")]
    public static partial void TakenAgain(ILogger logger, string rule);

    [LoggerMessage(3175, LogLevel.Debug, "Job {Job} attempt {Attempt} (rule {Rule}) is published again: {Reason}")]
    public static partial void Again(ILogger logger, long job, int attempt, string rule, string reason);
}
