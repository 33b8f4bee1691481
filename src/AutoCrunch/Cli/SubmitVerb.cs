using System.CommandLine;
using AutoCrunch.Core;
using AutoCrunch.Hosting;

namespace AutoCrunch.Cli;

/// <summary><c>autocrunch submit</c>: files are processed now, whatever happened to them before.</summary>
internal static class SubmitVerb
{
    private static readonly WritingVerb s_verb =
        new("submit", static (configuration, ledger) => new SubmitControl(configuration, ledger, isLive: false));

    public static Command Create(Option<string?> config, Terminal terminal)
    {
        Argument<string[]> files = new("FILE")
        {
            Description = "A file in the rule's directory; \\xNN stands for a byte where no file has that name.",
            Arity = ArgumentArity.OneOrMore,
        };
        Option<string> rule = new("--rule")
        {
            Description = "The rule that is to process them.",
            HelpName = "RULE",
            Required = true,
        };
        Option<bool> wait = new("--wait") { Description = "Return when all their jobs have ended." };
        Option<bool> json = new("--json") { Description = "One JSON object a line." };
        var submit = new Command("submit", "Processes files now, by hand, also if they were processed before.")
        {
            files, rule, wait, json,
        };
        submit.SetAction(parsed =>
        {
            IReadOnlyList<BytePath> paths = RawArguments.FilesOf(parsed.GetRequiredValue(files));
            return s_verb.Run(parsed.GetValue(config), parsed.GetValue(json), terminal, request =>
            {
                request.WriteString("rule", parsed.GetRequiredValue(rule));
                request.WriteBoolean("wait", parsed.GetValue(wait));
                request.WriteStartArray("paths");
                foreach (BytePath path in paths)
                    request.WriteBase64StringValue(path.Span);
                request.WriteEndArray();
            });
        });
        return submit;
    }
}
