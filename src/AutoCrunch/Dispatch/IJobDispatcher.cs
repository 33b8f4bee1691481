using AutoCrunch.Core;

namespace AutoCrunch.Dispatch;

/// <summary>
/// Gets the jobs of one rule done. Configured per watch rule in appsettings (<c>Dispatcher.Type</c>). The dispatchers
/// we ship derive from <c>DurableDispatcher</c>, which puts every job into the ledger before it runs.
/// </summary>
public interface IJobDispatcher
{
    /// <summary>
    /// Takes over a finished file. Called on the watch thread, in the order in which files finished: must not wait for
    /// anything, and must not throw for what can go wrong with a job (that is an attempt's outcome).
    /// </summary>
    void Dispatch(Completion completion);
}
