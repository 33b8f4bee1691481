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
}
