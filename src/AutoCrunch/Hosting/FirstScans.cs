using AutoCrunch.Watching;
using Microsoft.Extensions.Hosting;

namespace AutoCrunch.Hosting;

/// <summary>
/// Lets the application count as started (and READY=1 be sent) only when every rule is watched and its first scan is
/// merged. Events are taken and jobs run meanwhile.
/// </summary>
internal sealed class FirstScans(WatchService watch) : IHostedLifecycleService
{
    public Task StartedAsync(CancellationToken cancellationToken) => watch.Ready.WaitAsync(cancellationToken);

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
