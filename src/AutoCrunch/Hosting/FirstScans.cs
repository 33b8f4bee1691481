using AutoCrunch.Watching;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Hosting;

/// <summary>
/// Lets the application count as started (and READY=1 be sent) only when every rule is watched and its first scan is
/// merged, and the rehearsal is over. Events are taken and jobs run meanwhile.
/// </summary>
internal sealed class FirstScans(WatchService watch, Rehearsal rehearsal, ILogger<FirstScans> logger)
    : IHostedLifecycleService
{
    // Longer than it may ever take: it is no reason not to start.
    private static readonly TimeSpan s_rehearsalPatience = TimeSpan.FromSeconds(10);

    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        await watch.Ready.WaitAsync(cancellationToken);
        await rehearsal.Over.WaitAsync(s_rehearsalPatience, cancellationToken)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _ = rehearsal.Over.ContinueWith(
            _ =>
            {
                if (rehearsal.Failure is { } failure)
                    logger.NotRehearsed(failure.Message);
            },
            TaskScheduler.Default);
        return Task.CompletedTask;
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
