using System.CommandLine;
using AutoCrunch.Hosting;

namespace AutoCrunch.Cli;

/// <summary><c>autocrunch pause RULE</c>: no job of the rule starts any more.</summary>
internal static class PauseVerb
{
    private static readonly WritingVerb s_verb =
        new("pause", static (configuration, ledger) => new PauseControl(configuration, ledger));

    public static Command Create(Option<string?> config, Terminal terminal)
    {
        Argument<string> rule = new("RULE") { Description = "The rule's name." };
        Option<bool> json = new("--json") { Description = "One JSON object a line." };
        var pause = new Command("pause", "Lets no job of a rule start; files go on being recorded.") { rule, json };
        pause.SetAction(parsed => s_verb.Run(
            parsed.GetValue(config), parsed.GetValue(json), terminal,
            request => request.WriteString("rule", parsed.GetRequiredValue(rule))));
        return pause;
    }
}
