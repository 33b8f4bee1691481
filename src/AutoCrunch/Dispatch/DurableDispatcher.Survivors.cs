using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Dispatch;

/// <summary>
/// Processes that a crash of the service left running: also when their rule has another dispatcher now.
/// </summary>
public abstract partial class DurableDispatcher
{
    /// <summary>Time between SIGTERM and SIGKILL to what a crash has left running.</summary>
    private protected virtual TimeSpan SurvivorsGrace => TimeSpan.FromSeconds(10);

    // False when something is left: it is tried again.
    private bool TryEndSurvivors(IReadOnlyList<Job> jobs)
    {
        byte[] ledger = JobEnvironment.LedgerEntry(Ledger.Id);
        List<ProcessFacts> Find() =>
            [.. jobs.SelectMany(job => ProcessTable.Survivors(ledger, JobEnvironment.JobIdEntry(job.Id)))];
        IReadOnlyList<ProcessFacts> left = ProcessTable.EndAll(Find, SurvivorsGrace);
        foreach (ProcessFacts process in left)
            DispatchLog.SurvivorLeft(Logger, Rule.Name, process.Pid, process.Comm);
        return left.Count == 0;
    }
}
