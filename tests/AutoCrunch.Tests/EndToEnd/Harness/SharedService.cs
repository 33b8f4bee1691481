namespace AutoCrunch.Tests.EndToEnd.Harness;

/// <summary>
/// One step of a case: a script, and the files that must each run once after it; none: nothing may run.
/// </summary>
public sealed record Step(string Script, params string[] Runs);

/// <summary>
/// A service that the cases of one class share, each in an <see cref="Arena"/> of its own. At the end it is stopped and
/// started again: what is done must not run again, and what is held must stay held.
/// </summary>
public abstract class SharedService : IDisposable
{
    internal SharedService(RuleText rule)
    {
        Service = new ServiceUnderTest(rule);
        Service.Start();
    }

    internal ServiceUnderTest Service { get; }

    public void Dispose()
    {
        try
        {
            RestartChangesNothing();
        }
        finally
        {
            Service.Dispose();
        }
    }

    internal void Run(params Step[] steps)
    {
        var arena = new Arena(Service);
        foreach (Step step in steps)
            arena.Runs(step.Script, step.Runs);
        if (steps[^1].Runs.Length > 0)
            arena.Nothing();
    }

    private void RestartChangesNothing()
    {
        if (!Service.IsRunning)
            return;
        Service.UntilIdle();
        string[] before = [.. Service.Started().Select(record => record.ToString())];
        long held = Held();
        Service.Stop();
        Service.Start();
        Service.Quiesce();
        Assert.Equal(before, Service.Started().Select(record => record.ToString()));
        Assert.Equal(held, Held());
        Service.Records.AssertNoOverlap();
        Service.Stop();
    }

    private long Held()
    {
        using var ledger = new LedgerView(Service.Base);
        return ledger.HeldFiles();
    }
}

/// <summary>For arrivals that are complete at a rename or a link, so a short quiet period is enough.</summary>
public sealed class RenameService() : SharedService(new RuleText
{
    Exclude = ["*~", "rsync.log"],
    Completion = """{ "QuietPeriod": "00:00:00.500" }""",
});

/// <summary>For arrivals in place.</summary>
public sealed class InPlaceService() : SharedService(new RuleText { Exclude = ["*~", "*.sw?", "4913"] });
