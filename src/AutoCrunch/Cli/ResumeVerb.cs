using System.CommandLine;
using AutoCrunch.Core;
using AutoCrunch.Hosting;

namespace AutoCrunch.Cli;

/// <summary>
/// <c>autocrunch resume RULE</c>: ends a pause, whoever made it; or, with <c>--path</c>, that of one path.
/// </summary>
internal static class ResumeVerb
{
    private static readonly WritingVerb s_verb =
        new("resume", static (configuration, ledger) => new ResumeControl(configuration, ledger, isLive: false));

    public static Command Create(Option<string?> config, Terminal terminal)
    {
        Argument<string> rule = new("RULE") { Description = "The rule's name." };
        Option<string?> path = new("--path")
        {
            Description = "Only this path of the rule, which is paused because it completed too often.",
            HelpName = "PATH",
        };
        Option<bool> json = new("--json") { Description = "One JSON object a line." };
        var resume = new Command("resume", "Lets the jobs of a paused rule, or path, start again.")
        {
            rule, path, json,
        };
        resume.SetAction(parsed =>
        {
            BytePath? resumed = null;
            try
            {
                if (parsed.GetValue(path) is { } text)
                    resumed = BytePath.Parse(RawArguments.TextOf(text));
            }
            catch (FormatException error)
            {
                terminal.Error.WriteLine($"--path {error.Message}.");
                return ExitCodes.Usage;
            }

            return s_verb.Run(parsed.GetValue(config), parsed.GetValue(json), terminal, request =>
            {
                request.WriteString("rule", parsed.GetRequiredValue(rule));
                if (resumed is { } bytes)
                    request.WriteBase64String("path", bytes.Span);
            });
        });
        return resume;
    }
}
