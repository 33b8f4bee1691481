using AutoCrunch.Configuration;
using AutoCrunch.Core;

namespace AutoCrunch.Cli;

/// <summary>What one rule makes of one file, with the facts it was told from.</summary>
internal sealed record FileExplanation(ExplanationFacts Facts, Explanation Finding);

/// <summary>Gathers what is known of files, and has it explained.</summary>
/// <param name="configuration">Rules as they are configured now.</param>
/// <param name="ledger">Read by this thread alone.</param>
/// <param name="service">Asked for what only it knows.</param>
internal sealed class FileExplainer(
    CompiledConfiguration configuration, ExplainLedger ledger, ExplainService service)
{
    /// <summary>One file of a rule, looked at as closely as can be.</summary>
    public FileExplanation Explain(CompiledRule rule, BytePath relative, long nowNs)
    {
        ServiceFacts known = service.FactsOf(rule.Rule, relative);
        FileExplanation first = Explain(rule, relative, known, nowNs);
        DiskFacts disk = first.Facts.Disk;
        if (!MayBeWritten(first.Finding.Reason) || ExplainDisk.WritersOf(disk) is not { Count: > 0 } writers)
            return first;
        ExplanationFacts facts = first.Facts with { Disk = disk with { Writers = writers } };
        return new FileExplanation(facts, Explainer.Of(facts));
    }

    /// <summary>One file of a rule of which the service's part is known.</summary>
    public FileExplanation Explain(CompiledRule rule, BytePath relative, ServiceFacts known, long nowNs)
    {
        var facts = new ExplanationFacts(
            rule.Rule, relative, ExplainDisk.Look(rule.Rule, relative), known,
            ledger.FactsOf(rule.Rule.Name, relative), nowNs)
        {
            Concurrency = rule.Dispatcher.Concurrency,
            MaxRunning = configuration.MaxRunning,
        };
        return new FileExplanation(facts, Explainer.Of(facts));
    }

    // Only then it is worth looking through the open files of all processes.
    private static bool MayBeWritten(ExplanationReason reason) => reason is ExplanationReason.BeingWritten
        or ExplanationReason.WaitsForWriter or ExplanationReason.TemporaryName or ExplanationReason.PartName
        or ExplanationReason.NotSeenYet or ExplanationReason.Changed or ExplanationReason.ServiceDown
        or ExplanationReason.ServiceNotAsked or ExplanationReason.WaitsForScan or ExplanationReason.Unreadable;
}
