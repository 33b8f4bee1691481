using System.CommandLine;
using System.CommandLine.Parsing;
using AutoCrunch.Core;
using AutoCrunch.Hosting;

namespace AutoCrunch.Cli;

/// <summary><c>autocrunch adopt</c>: says what the files that are there count as.</summary>
internal static class AdoptVerb
{
    public static Command Create(Option<string?> config, Terminal terminal)
    {
        Option<string> rule = new("--rule")
        {
            Description = "The rule whose files are meant.",
            HelpName = "RULE",
            Required = true,
        };
        Option<AdoptAs> how = new("--as")
        {
            Description = "done: they are not processed, and what waits is cancelled; pending: those that never had a "
                + "job get one.",
            HelpName = "done|pending",
            Required = true,
            CustomParser = ReadAs,
        };
        Option<bool> dryRun = new("--dry-run") { Description = "Only count what would become of them." };
        Option<bool> json = new("--json") { Description = "One JSON object." };
        var adopt = new Command("adopt", "Records all files of a rule's directory as done, or as pending.")
        {
            rule, how, dryRun, json,
        };
        adopt.SetAction(parsed =>
        {
            bool isDry = parsed.GetValue(dryRun);
            var verb = new WritingVerb(
                "adopt", static (configuration, ledger) => new AdoptControl(configuration, ledger, isLive: false))
            {
                MakesLedger = true,
                IsDry = isDry,
            };
            return verb.Run(parsed.GetValue(config), parsed.GetValue(json), terminal, request =>
            {
                request.WriteString("rule", parsed.GetRequiredValue(rule));
                request.WriteString("as", parsed.GetValue(how) == AdoptAs.Done ? "done" : "pending");
                request.WriteBoolean("dryRun", isDry);
            });
        });
        return adopt;
    }

    private static AdoptAs ReadAs(ArgumentResult result)
    {
        switch (result.Tokens[0].Value)
        {
            case "done":
                return AdoptAs.Done;
            case "pending":
                return AdoptAs.Pending;
            default:
                result.AddError($"--as takes done or pending, not '{result.Tokens[0].Value}'.");
                return default;
        }
    }
}
