using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Hosting;

/// <summary>
/// Stands in for <c>AddSystemd()</c> of Microsoft.Extensions.Hosting.Systemd: with that package, this file, the
/// notifier and its interface go, and the registration line stays as it is.
/// </summary>
internal static class SystemdHosting
{
    /// <summary>READY=1 when the application has started, STOPPING=1 when it begins to stop.</summary>
    public static IServiceCollection AddSystemd(this IServiceCollection services)
    {
        services.AddSingleton<ISystemdNotifier>(provider => new SystemdNotifier(
            Environment.GetEnvironmentVariable(SystemdNotifier.SocketVariable),
            provider.GetRequiredService<ILogger<SystemdNotifier>>()));
        return services.AddHostedService<SystemdNotifications>();
    }

    // The application counts as started when FirstScans.StartedAsync has returned: every first scan is merged.
    private sealed class SystemdNotifications(IHostApplicationLifetime lifetime, ISystemdNotifier notifier)
        : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            lifetime.ApplicationStarted.Register(() => notifier.Notify(ServiceState.Ready));
            lifetime.ApplicationStopping.Register(() => notifier.Notify(ServiceState.Stopping));
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
