using AutoCrunch.Ledger;

namespace AutoCrunch.Hosting;

/// <summary>How verbs wait for the ledger: not for a client that has gone, nor for a disk that stays full.</summary>
internal static class LedgerWait
{
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(1);

    /// <summary>Waits for what the ledger was asked for.</summary>
    /// <exception cref="OperationCanceledException">The service stops, or the client has gone.</exception>
    /// <exception cref="ControlRefusedException">The ledger cannot be written.</exception>
    public static async Task<T> ByAsync<T>(this Task<T> asked, JobLedger ledger, CancellationToken stopping)
    {
        while (true)
        {
            try
            {
                return await asked.WaitAsync(s_look, stopping).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                if (!asked.IsCompleted && ledger.PausedBecause is { } reason)
                    throw new ControlRefusedException(
                        "The ledger cannot be written at present. What was asked for is kept, and done as soon as it "
                        + $"can be, if the service is not stopped before: {reason}");
            }
        }
    }
}
