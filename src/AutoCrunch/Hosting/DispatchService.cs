using AutoCrunch.Dispatch;
using Microsoft.Extensions.Hosting;

namespace AutoCrunch.Hosting;

/// <summary>Lets jobs run while the service does. Stopping gives those that run their grace.</summary>
internal sealed class DispatchService(RuleDispatchers dispatchers, FailureNotices notices) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (DurableDispatcher dispatcher in dispatchers.All)
            dispatcher.Start();
        notices.Start();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) =>
        Task.WhenAll([.. dispatchers.All.Select(dispatcher => dispatcher.StopAsync()), notices.StopAsync()])
            .WaitAsync(cancellationToken);
}
