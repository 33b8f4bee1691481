using AutoCrunch.Configuration;
using AutoCrunch.Core;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Hosting;

/// <summary>What the host itself says: event ids 4000 to 4999.</summary>
internal static partial class HostingLog
{
    [LoggerMessage(4001, LogLevel.Warning,
        "The service manager could not be told {Assignment} through NOTIFY_SOCKET={Socket}: {Reason}. "
        + "The service runs on; check NotifyAccess= and the sandbox of the unit")]
    public static partial void NotifyFailed(this ILogger logger, string assignment, string socket, string reason);

    [LoggerMessage(4002, LogLevel.Information, "AutoCrunch {Version} starts with {File}; its state is in {State}")]
    public static partial void Starting(this ILogger logger, string version, string file, BytePath state);

    [LoggerMessage(4003, LogLevel.Warning,
        "AutoCrunch runs as process 1, where nobody takes care of processes that jobs leave behind: "
        + "start it under an init (docker run --init)")]
    public static partial void FirstProcess(this ILogger logger);

    [LoggerMessage(4004, LogLevel.Warning, "{Key}: {Text}")]
    public static partial void MachineWarning(this ILogger logger, string key, string text);

    [LoggerMessage(4005, LogLevel.Information, "Rule {Rule}: {Patterns} in {Path}, {Concurrency} at a time: {Command}")]
    private static partial void Rule(
        this ILogger logger, string rule, string patterns, BytePath path, int concurrency, string command);

    [LoggerMessage(4006, LogLevel.Critical,
        "A part of the service failed; the service ends so that it can be started again")]
    public static partial void PartFailed(this ILogger logger, Exception failure);

    [LoggerMessage(4007, LogLevel.Critical, "The service ends, and starting it again does not help: {Message}")]
    public static partial void LedgerUnusable(this ILogger logger, string message);

    [LoggerMessage(4008, LogLevel.Warning,
        "The status line for the service manager stands still, because the ledger cannot be read just now: {Reason}. "
        + "It is tried again all the time; if that lasts, check the state directory's disk and permissions")]
    public static partial void StatusFailed(this ILogger logger, string reason);

    [LoggerMessage(4010, LogLevel.Warning,
        "The control socket {Socket} cannot be made: {Reason}. Files are processed as ever, but commands such as "
        + "'autocrunch status' do not reach the service; mend it and restart")]
    public static partial void NotListening(this ILogger logger, BytePath socket, string reason);

    [LoggerMessage(4011, LogLevel.Warning, "A command could not be taken from the control socket: {Reason}")]
    public static partial void CannotAccept(this ILogger logger, string reason);

    [LoggerMessage(4012, LogLevel.Error, "A command ({Verb}) was not answered because of a bug")]
    public static partial void ControlFailed(this ILogger logger, string verb, Exception failure);

    [LoggerMessage(4013, LogLevel.Information, "Asked by user {User} (pid {Pid}): {Verb}")]
    public static partial void Asked(this ILogger logger, string verb, uint user, int pid);

    [LoggerMessage(4014, LogLevel.Debug, "The start could not be rehearsed, so the first jobs begin later: {Reason}")]
    public static partial void NotRehearsed(this ILogger logger, string reason);

    /// <summary>One line of what a rule takes and what it does.</summary>
    public static void Rule(this ILogger logger, CompiledRule compiled)
    {
        WatchRule rule = compiled.Rule;
        string patterns = string.Join(' ', rule.Include.Patterns)
            + string.Concat(rule.Exclude.Patterns.Select(pattern => " !" + pattern));
        string command = compiled.Dispatcher switch
        {
            ProcessOptions process => string.Join(' ', process.Command.Select(argument => argument.Text)),
            RabbitMqOptions rabbit => $"a message to {rabbit.Broker}, exchange '{rabbit.Exchange.Text}', routing key "
                + $"'{rabbit.RoutingKey.Text}'",
            OwnOptions own => own.Type,
            SlurmOptions slurm => "in Slurm: " + string.Join(' ', slurm.Command.Select(argument => argument.Text)),
            _ => compiled.Dispatcher.GetType().Name,
        };
        logger.Rule(rule.Name, patterns, rule.Path, compiled.Dispatcher.Concurrency, command);
    }

    [LoggerMessage(4040, LogLevel.Warning,
        "The metrics cannot be written: {Problem}. Everything else goes on, and it is tried again")]
    public static partial void MetricsNotWritten(this ILogger logger, string problem);
}
