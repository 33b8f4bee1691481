using System.CommandLine;

namespace AutoCrunch.Cli;

/// <summary><c>autocrunch status</c>: is all well, and what goes on? Works while the service is down too.</summary>
internal static class StatusVerb
{
    public static Command Create(Option<string?> config, Terminal terminal)
    {
        Option<bool> json = new("--json") { Description = "One JSON object." };
        var status = new Command("status", "Tells what goes on, and what asks for attention.") { json };
        status.SetAction(parsed =>
        {
            if (ReadingVerb.Configuration(parsed.GetValue(config), terminal) is not { } configuration)
                return ExitCodes.Configuration;
            StatusFacts facts = StatusFacts.Read(configuration, files: 0);
            if (parsed.GetValue(json))
                terminal.WriteJson(writer => StatusJson.Write(writer, facts));
            else
                foreach (string line in StatusPage.Lines(facts, terminal))
                    terminal.Out.WriteLine(line);
            return ExitCodes.Success;
        });
        return status;
    }
}
