using AutoCrunch.Ledger;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Hosting;

/// <summary>
/// A part of the service can do its work no longer: the service stops, and its exit code says so, so that the service
/// manager starts it again. Any thread.
/// </summary>
internal sealed class ServiceFailure(IHostApplicationLifetime lifetime, ILogger<ServiceFailure> logger)
{
    private Exception? _first;

    /// <summary>What failed first; null while all is well.</summary>
    public Exception? First => Volatile.Read(ref _first);

    /// <summary>Says what failed and ends the service in good order.</summary>
    public void Report(Exception failure)
    {
        if (Interlocked.CompareExchange(ref _first, failure, null) is null)
        {
            // Whoever reads it can mend this; a stack would only hide how.
            if (failure is LedgerUnusableException)
                logger.LedgerUnusable(failure.Message);
            else
                logger.PartFailed(failure);
        }

        lifetime.StopApplication();
    }
}
