using AutoCrunch.Ledger;
using Microsoft.Extensions.Hosting;

namespace AutoCrunch.Hosting;

/// <summary>Starts the ledger's threads before anything else, and closes it after everything else.</summary>
internal sealed class LedgerService(JobLedger ledger) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        ledger.Start();
        return Task.CompletedTask;
    }

    // Closing writes what waits: it may take as long as the disk does, so not on the host's thread.
    public Task StopAsync(CancellationToken cancellationToken) =>
        Task.Run(ledger.Close, CancellationToken.None).WaitAsync(cancellationToken);
}
