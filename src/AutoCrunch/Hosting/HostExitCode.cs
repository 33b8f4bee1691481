using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace AutoCrunch.Hosting;

/// <summary>
/// In a host of one's own: the process ends with a code that has the service manager start it again, if a part could do
/// its work no longer. Added first, so stopped last.
/// </summary>
internal sealed class HostExitCode(ServiceFailure failure, IServiceProvider services) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken)
    {
        // A background service that fails stops the host, and tells nobody but its own task.
        bool hasFailed = services.GetServices<IHostedService>().OfType<BackgroundService>()
            .Any(service => service.ExecuteTask is { IsFaulted: true });
        if (hasFailed || failure.First is not null)
            Environment.ExitCode = 1;
        return Task.CompletedTask;
    }
}
