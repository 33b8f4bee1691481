using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Dispatch;

namespace AutoCrunch.Cli;

/// <summary>Asks the engines of all rules at once whether they would take their jobs.</summary>
internal static class EngineChecks
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    /// <summary>What they say; waits for them, but not for ever.</summary>
    public static IReadOnlyList<MachineFinding> Ask(CompiledConfiguration configuration)
    {
        using var stop = new CancellationTokenSource(s_patience);
        var asked = new List<Task<IEnumerable<MachineFinding>>>();
        foreach (CompiledRule rule in configuration.Rules)
            if (CheckOf(rule.Dispatcher) is { } check)
                asked.Add(AskAsync(rule, check, stop.Token));
        return [.. Task.WhenAll(asked).GetAwaiter().GetResult().SelectMany(findings => findings)];
    }

    // One line for each engine there is.
    private static IEngineCheck? CheckOf(DispatcherOptions options) => options switch
    {
        RabbitMqOptions => new RabbitMqCheck(),
        SystemdOptions => new SystemdCheck(UnitManager.OfThisProcess()),
        SlurmOptions => new SlurmCheck(JobEnvironment.ReadInherited()),
        _ => null,
    };

    private static async Task<IEnumerable<MachineFinding>> AskAsync(
        CompiledRule rule, IEngineCheck check, CancellationToken stop)
    {
        string key = $"{AutoCrunchSection.Key}:Rules:{rule.Rule.Name}:{nameof(RuleSection.Dispatcher)}";
        try
        {
            IReadOnlyList<EngineFinding> findings = await check.CheckAsync(rule.Rule, rule.Dispatcher, stop)
                .WaitAsync(stop).ConfigureAwait(false);
            return findings.Select(finding => new MachineFinding(
                finding.IsError ? FindingSeverity.Error : FindingSeverity.Info, $"{key}:{finding.Key}", finding.Text));
        }
        catch (OperationCanceledException)
        {
            string text = $"no answer within {s_patience.TotalSeconds:N0} s: is the engine running, and in reach?";
            return [new MachineFinding(FindingSeverity.Error, $"{key}:{DispatcherSection.TypeKey}", text)];
        }
    }
}
