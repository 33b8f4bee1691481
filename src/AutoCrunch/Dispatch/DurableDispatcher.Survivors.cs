using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Dispatch;

/// <summary>
/// What was left running: processes are ended, also when their rule has another dispatcher now; what goes on in an
/// engine is followed again.
/// </summary>
public abstract partial class DurableDispatcher
{
    /// <summary>Time between SIGTERM and SIGKILL to what a crash has left running.</summary>
    private protected virtual TimeSpan SurvivorsGrace => TimeSpan.FromSeconds(10);

    private void Recover(IReadOnlyList<Job> left)
    {
        DispatchLog.Recovering(Logger, Rule.Name, left.Count);
        try
        {
            while (!TryEndSurvivors(left))
                if (_stopping.Token.WaitHandle.WaitOne(s_patience))
                    return;
        }
        catch (ObjectDisposedException) when (_isStopping)
        {
            return; // the service ended meanwhile: its next start goes on
        }
        catch (LinuxException e)
        {
            DispatchLog.CannotRecover(Logger, Rule.Name, e.Message);
        }

        // They were not left in the engine that the rule has now, if it has one: there they need not be looked for.
        if (Outlives && Ledger.Engine(Rule.Name) is null)
            Resume();
        else
            StartClaims(left);
    }

    private void Resume()
    {
        Ledger.Resume(Rule.Name, Claimed);
        StartClaims([]);
    }

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
