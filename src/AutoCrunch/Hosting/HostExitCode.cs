using Microsoft.Extensions.Hosting;

namespace AutoCrunch.Hosting;

/// <summary>
/// In a host of one's own: the process ends with a code that has the service manager start it again, if a part could do
/// its work no longer. Added first, so stopped last.
/// </summary>
internal sealed class HostExitCode(ServiceFailure failure) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken)
    {
        if (failure.First is not null)
            Environment.ExitCode = 1;
        return Task.CompletedTask;
    }
}
