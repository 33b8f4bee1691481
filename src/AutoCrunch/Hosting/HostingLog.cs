using Microsoft.Extensions.Logging;

namespace AutoCrunch.Hosting;

/// <summary>What the host itself says: event ids 4000 to 4999.</summary>
internal static partial class HostingLog
{
    [LoggerMessage(4001, LogLevel.Warning,
        "The service manager could not be told {Assignment} through NOTIFY_SOCKET={Socket}: {Reason}. "
        + "The service runs on; check NotifyAccess= and the sandbox of the unit")]
    public static partial void NotifyFailed(this ILogger logger, string assignment, string socket, string reason);
}
