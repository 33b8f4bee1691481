using System.CommandLine;
using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;

namespace AutoCrunch.Cli;

/// <summary>
/// <c>autocrunch check</c>: is the configuration valid, and is the machine ready for it? Changes nothing, and works
/// beside a running service.
/// </summary>
internal static class CheckVerb
{
    private const string LedgerKey = "AutoCrunch:StateDirectory";

    public static Command Create(Option<string?> config, Terminal terminal)
    {
        Option<bool> json = new("--json") { Description = "One JSON object a line." };
        var check = new Command("check", "Tells every mistake in the configuration, and whether the machine is ready.")
        {
            json,
        };
        check.SetAction(parsed => Run(parsed.GetValue(config), parsed.GetValue(json), terminal));
        return check;
    }

    private static int Run(string? configFile, bool asJson, Terminal terminal)
    {
        Setup setup = Setup.Read(configFile);
        if (setup.Configuration is not { } configuration)
        {
            foreach (ConfigurationMistake mistake in asJson ? setup.Mistakes : [])
                WriteJson(terminal, "error", mistake.Key, $"found {mistake.Found}, expected {mistake.Expected}");
            if (!asJson)
                setup.TellMistakes(terminal, "'autocrunch run' would not start");
            return ExitCodes.Configuration;
        }

        using LedgerReader? ledger = OpenLedger(configuration, out MachineFinding? problem);
        List<MachineFinding> findings =
            [.. MachineCheck.Inspect(configuration, IsKnown(ledger), rule => StandingOf(rule, ledger))];
        AddChanges(findings, configuration, ledger);
        if (problem is not null)
            findings.Add(problem);
        IReadOnlyList<MachineFinding> engines = EngineChecks.Ask(configuration);
        foreach (MachineFinding finding in findings.Concat(engines))
        {
            if (asJson)
                WriteJson(terminal, Word(finding.Severity), finding.Key, finding.Text);
            else
                terminal.Out.WriteLine($"{Mark(finding.Severity, terminal)} {finding}");
        }

        int errors = findings.Count(finding => finding.Severity == FindingSeverity.Error);
        int warnings = findings.Count(finding => finding.Severity == FindingSeverity.Warning);
        int unready = engines.Count(finding => finding.Severity == FindingSeverity.Error);
        if (!asJson)
            Conclude(configuration, errors, warnings, unready, terminal);
        return errors > 0 ? ExitCodes.Configuration : unready > 0 ? ExitCodes.Failure : ExitCodes.Success;
    }

    private static void Conclude(
        CompiledConfiguration configuration, int errors, int warnings, int unready, Terminal terminal)
    {
        string rules = Count(configuration.Rules.Count, "rule");
        if (unready > 0)
            terminal.Error.WriteLine(
                $"{Count(unready, "error")} of engines: files would be recorded, but their jobs would wait, or fail, "
                + "until what is marked !! is mended.");
        if (errors > 0)
            terminal.Error.WriteLine(
                $"{Count(errors, "error")}: 'autocrunch run' would not start. Mend what is marked !! and try again.");
        else if (unready == 0)
            terminal.Out.WriteLine($"{configuration.File} is valid: {rules}, {Count(warnings, "warning")}.");
    }

    // A ledger that is there but cannot be used would stop the service; none at all is how every service begins.
    private static LedgerReader? OpenLedger(CompiledConfiguration configuration, out MachineFinding? problem)
    {
        problem = null;
        BytePath file = new StateLayout(configuration.StateDirectory).Ledger;
        if (FileStatReader.TryReadTarget(file, out _) != 0)
            return null;
        try
        {
            return LedgerReader.Open(configuration.StateDirectory);
        }
        catch (LedgerUnusableException error)
        {
            problem = error.IsOutdated
                ? new MachineFinding(FindingSeverity.Warning, LedgerKey, error.Message
                    + " Until then it cannot be told which files it knows.")
                : new MachineFinding(FindingSeverity.Error, LedgerKey, error.Message);
            return null;
        }
    }

    private static IsKnownFile? IsKnown(LedgerReader? ledger) => ledger is null
        ? null
        : (rule, path, stat) => ledger.FindFile(rule, path) is { } file && file.Known.Version == stat.Version;

    private static RuleStanding StandingOf(WatchRule rule, LedgerReader? ledger) =>
        ledger?.Records.GetValueOrDefault(rule.Name) is not { FirstScanDone: true } record
            ? RuleStanding.New
            : record.IsSameScope(rule) ? RuleStanding.AsBefore : RuleStanding.Changed;

    // What the next start would say of rules that are not as the ledger knows them.
    private static void AddChanges(
        List<MachineFinding> findings, CompiledConfiguration configuration, LedgerReader? ledger)
    {
        if (ledger is null)
            return;
        string[] names = [.. configuration.Rules.Select(compiled => compiled.Rule.Name)];
        foreach (CompiledRule compiled in configuration.Rules)
            foreach (string sentence in RuleChanges.Of(compiled.Rule, names, ledger.Records))
                findings.Add(new MachineFinding(
                    FindingSeverity.Warning, $"AutoCrunch:Rules:{compiled.Rule.Name}", sentence));
        foreach ((string rule, long waiting) in ledger.WaitingOfOthers(names))
            findings.Add(new MachineFinding(
                FindingSeverity.Warning, "AutoCrunch:Rules",
                $"the ledger has {waiting} waiting jobs of rule '{rule}', which is configured no longer; they start "
                    + "when there is a rule of that name again"));
        foreach ((string rule, long running, string engine) in ledger.RunningInEngines())
        {
            CompiledRule? compiled = configuration.Rules.FirstOrDefault(compiled => compiled.Rule.Name == rule);
            if (compiled is null)
                findings.Add(new MachineFinding(
                    FindingSeverity.Warning, "AutoCrunch:Rules",
                    $"{Count((int)running, "job")} of rule '{rule}', which is configured no longer, left running in "
                        + $"{engine}: put the rule back as it was until they have ended or are cancelled"));
            else if (compiled.Dispatcher.Engine != engine)
                findings.Add(new MachineFinding(
                    FindingSeverity.Error, $"AutoCrunch:Rules:{rule}:Dispatcher",
                    RuleRecord.WhyKept(rule, running, engine)));
        }
    }

    private static string Mark(FindingSeverity severity, Terminal terminal) => severity switch
    {
        FindingSeverity.Error => terminal.Red("!!"),
        FindingSeverity.Warning => terminal.Yellow("! "),
        _ => terminal.Green("ok"),
    };

    private static string Word(FindingSeverity severity) => severity switch
    {
        FindingSeverity.Error => "error",
        FindingSeverity.Warning => "warning",
        _ => "info",
    };

    private static string Count(int count, string noun) => count == 1 ? $"1 {noun}" : $"{count} {noun}s";

    private static void WriteJson(Terminal terminal, string severity, string key, string text) =>
        terminal.WriteJson(json =>
        {
            json.WriteString("severity", severity);
            json.WriteString("key", key);
            json.WriteString("text", text);
        });
}
