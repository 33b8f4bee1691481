using System.Globalization;
using AutoCrunch.Core;
using AutoCrunch.Watching;

namespace AutoCrunch.Hosting;

/// <summary>
/// What the service manager's watchdog asks of us (sd_watchdog_enabled(3)): the watch loop's canary answers it, so that
/// a loop that hangs, or events that no longer flow, end in a restart.
/// </summary>
internal static class SystemdWatchdog
{
    private const string FileName = "canary";

    // Two beats may be lost to a busy machine.
    private const int BeatsPerTimeout = 3;

    /// <summary>The canary, if a watchdog waits for this process; null otherwise.</summary>
    /// <param name="runtimeDirectory">Where its file is.</param>
    /// <param name="notifier">Told WATCHDOG=1 for each beat, on a thread of the pool.</param>
    /// <param name="variable">Reads an environment variable.</param>
    public static CanaryOptions? Canary(
        BytePath runtimeDirectory, ISystemdNotifier notifier, Func<string, string?> variable)
    {
        if (!notifier.IsEnabled || Timeout(variable) is not { } timeout)
            return null;
        return new CanaryOptions(
            runtimeDirectory.Join(BytePath.Parse(FileName)), timeout / BeatsPerTimeout, () =>
            {
                // Not on the watch thread: a manager that does not read must not stop it.
                ThreadPool.UnsafeQueueUserWorkItem(
                    static notifier => notifier.Notify(ServiceState.Watchdog), notifier, preferLocal: false);
            });
    }

    private static TimeSpan? Timeout(Func<string, string?> variable)
    {
        string? pid = variable("WATCHDOG_PID");
        bool isForUs = string.IsNullOrEmpty(pid)
            || pid == Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        bool isNumber = long.TryParse(
            variable("WATCHDOG_USEC"), NumberStyles.None, CultureInfo.InvariantCulture, out long microseconds);
        return isForUs && isNumber && microseconds > 0 ? TimeSpan.FromMicroseconds(microseconds) : null;
    }
}
