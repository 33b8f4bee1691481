using System.Globalization;

namespace AutoCrunch.Hosting;

/// <summary>
/// Tells the service manager how the service is doing (sd_notify(3)). Same shape as in
/// Microsoft.Extensions.Hosting.Systemd, which can take its place.
/// </summary>
internal interface ISystemdNotifier
{
    /// <summary>True when a service manager listens ($NOTIFY_SOCKET is set).</summary>
    bool IsEnabled { get; }

    /// <summary>
    /// Sends a state; does nothing when nobody listens. Never throws: a deaf manager is no reason to stop.
    /// </summary>
    void Notify(ServiceState state);
}

/// <summary>One assignment of sd_notify(3), such as <c>READY=1</c>.</summary>
/// <param name="Assignment">The text that is sent, without a line end.</param>
internal readonly record struct ServiceState(string Assignment)
{
    /// <summary>Every rule is watched and its first scan is merged.</summary>
    public static ServiceState Ready { get; } = new("READY=1");

    /// <summary>No new jobs are started; running ones get their grace.</summary>
    public static ServiceState Stopping { get; } = new("STOPPING=1");

    /// <summary>The watchdog may wait another WatchdogSec.</summary>
    public static ServiceState Watchdog { get; } = new("WATCHDOG=1");

    /// <summary>One line for <c>systemctl status</c>.</summary>
    public static ServiceState Status(string line) => new("STATUS=" + line.ReplaceLineEndings(" "));

    /// <summary>The start goes on, and may take this much longer from now.</summary>
    public static ServiceState ExtendTimeout(TimeSpan time) => new(string.Create(
        CultureInfo.InvariantCulture, $"EXTEND_TIMEOUT_USEC={(long)time.TotalMicroseconds}"));
}
