using System.CommandLine;

namespace AutoCrunch.Cli;

/// <summary><c>autocrunch status</c>: is all well, and what goes on? Works while the service is down too.</summary>
internal static class StatusVerb
{
    public static Command Create(Option<string?> config, Terminal terminal)
    {
        Option<bool> json = new("--json") { Description = "One JSON object." };
        Option<bool> watch = new("--watch") { Description = "Again every second, on a terminal as a live screen." };
        var status = new Command("status", "Tells what goes on, and what asks for attention.") { watch, json };
        status.SetAction(parsed =>
        {
            if (ReadingVerb.Configuration(parsed.GetValue(config), terminal) is not { } configuration)
                return ExitCodes.Configuration;
            bool asJson = parsed.GetValue(json);
            if (parsed.GetValue(watch))
            {
                using var screen = new StatusWatch(configuration, terminal);
                screen.Run(facts => Write(facts, asJson, terminal), isDrawn: terminal.IsScreen && !asJson);
            }
            else
            {
                Write(StatusFacts.Read(configuration, files: 0), asJson, terminal);
            }

            return ExitCodes.Success;
        });
        return status;
    }

    private static void Write(StatusFacts facts, bool asJson, Terminal terminal)
    {
        if (asJson)
            terminal.WriteJson(json => StatusJson.Write(json, facts));
        else
            foreach (string line in StatusPage.Lines(facts, terminal))
                terminal.Out.WriteLine(line);
        terminal.Out.Flush();
    }
}
