using AutoCrunch.Core;

namespace AutoCrunch.Ledger;

/// <summary>Something to be written, waiting for the ledger thread.</summary>
/// <param name="rule">The rule it concerns; null when it concerns none, or all.</param>
internal abstract class LedgerCommand(LedgerRule? rule)
{
    public LedgerRule? Rule { get; } = rule;

    /// <summary>True for what a scan of the rule's tree would bring again.</summary>
    public virtual bool IsRepeatable => false;

    /// <summary>True for what goes before everything that waits, whenever that was given.</summary>
    public virtual bool IsUrgent => false;

    /// <summary>Writes it, inside a transaction; applied again when that is rolled back.</summary>
    public abstract void Apply(LedgerWriter writer);

    /// <summary>It is in the kernel's hands. Ledger thread; must not wait.</summary>
    public virtual void Committed()
    {
    }

    /// <summary>It will never be written: the service ends.</summary>
    public virtual void Abandoned()
    {
    }
}

/// <summary>A file has finished arriving.</summary>
internal sealed class ArrivalCommand(LedgerRule rule, Completion completion) : LedgerCommand(rule)
{
    private ArrivalAction _action;

    // Found again by a later scan it would not count as found by the first one, and would run.
    public override bool IsRepeatable => !completion.IsExisting || Rule!.Rule.ExistingFiles != ProcessPolicy.Ignore;

    public override void Apply(LedgerWriter writer) => _action = writer.Arrive(Rule!, completion);

    public override void Committed()
    {
        if (_action == ArrivalAction.Job && completion.IsFound)
            Rule!.FoundByScans++;
    }
}

/// <summary>Something else became known of files.</summary>
internal sealed class FactCommand(LedgerRule rule, Action<LedgerWriter, LedgerRule> apply) : LedgerCommand(rule)
{
    public override bool IsRepeatable => true;

    public override void Apply(LedgerWriter writer) => apply(writer, Rule!);
}

/// <summary>
/// The whole tree of a rule has been scanned for the first time, or with the rule as it is now: no later scan tells
/// that again.
/// </summary>
internal sealed class WholeScanCommand(LedgerRule rule, long found, Action<LedgerRule, WholeScan> told)
    : LedgerCommand(rule)
{
    private WholeScan _recorded;

    public override void Apply(LedgerWriter writer) => _recorded = writer.WholeScanFinished(Rule!, found);

    public override void Committed()
    {
        Rule!.IsScanned = true;
        Rule.NextDueNs = 0;
        told(Rule, _recorded);
    }
}

/// <summary>The whole tree of a rule has been scanned again: all that was told before is recorded then.</summary>
internal sealed class LaterScanCommand(LedgerRule rule, Action<LedgerRule, WholeScan> told) : LedgerCommand(rule)
{
    public override void Apply(LedgerWriter writer)
    {
    }

    public override void Committed() => told(Rule!, default);
}

/// <summary>
/// An attempt has ended. That it overtakes what was told of its file before is safe: the end of an attempt and a fact
/// lead to the same in either order.
/// </summary>
internal sealed class SettleCommand(
    LedgerRule rule,
    Attempt attempt,
    AttemptOutcome outcome,
    JobTransition transition,
    Action<JobTransition>? overruled) : LedgerCommand(rule)
{
    private JobTransition _recorded;

    public override bool IsUrgent => true;

    public Action<Attempt, AttemptOutcome, JobTransition>? Settled { get; init; }

    public Action? Recorded { get; init; }

    public override void Apply(LedgerWriter writer)
    {
        _recorded = writer.Settle(Rule!, attempt, outcome, transition);
        writer.Release(Rule!, attempt.Job.Id);
    }

    public override void Committed()
    {
        if (_recorded.State != transition.State)
            overruled?.Invoke(_recorded);
        Settled?.Invoke(attempt, outcome, _recorded);
        Recorded?.Invoke();
    }
}

/// <summary>An attempt was running when the service was killed.</summary>
internal sealed class RecoverCommand(
    LedgerRule rule, Job job, Action<Attempt, AttemptOutcome, JobTransition>? settled) : LedgerCommand(rule)
{
    private JobTransition _recorded;

    public override void Apply(LedgerWriter writer) => _recorded = writer.RecoverCrashed(Rule!, job);

    public override void Committed() => settled?.Invoke(
        new Attempt(job, job.Attempts), new AttemptOutcome.Interrupted(ByCrash: true), _recorded);
}

/// <summary>A change of how jobs are claimed.</summary>
internal sealed class ClaimsCommand(LedgerRule rule, int concurrency, Action<Attempt>? run) : LedgerCommand(rule)
{
    public override void Apply(LedgerWriter writer)
    {
        Rule!.Concurrency = concurrency;
        Rule.Run = run;
        Rule.NextDueNs = 0;
    }
}

/// <summary>Attempts of an earlier life of the service go on.</summary>
internal sealed class ResumeCommand(LedgerRule rule, IReadOnlyList<Job> jobs, Action<Attempt> run)
    : LedgerCommand(rule)
{
    private readonly List<Attempt> _resumed = [];

    public override void Apply(LedgerWriter writer)
    {
        _resumed.Clear();
        writer.Resume(Rule!, jobs, _resumed);
    }

    public override void Committed()
    {
        foreach (Attempt attempt in _resumed)
            run(attempt);
    }
}

/// <summary>Anything else, whose writing somebody waits for.</summary>
internal sealed class RequestCommand<T>(LedgerRule? rule, Func<LedgerWriter, T> apply, Action? committed = null)
    : LedgerCommand(rule)
{
    private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T? _result;

    /// <summary>Completes when it is committed.</summary>
    public Task<T> Done => _done.Task;

    public override void Apply(LedgerWriter writer) => _result = apply(writer);

    public override void Committed()
    {
        committed?.Invoke();
        _done.TrySetResult(_result!);
    }

    public override void Abandoned() => _done.TrySetCanceled();
}
