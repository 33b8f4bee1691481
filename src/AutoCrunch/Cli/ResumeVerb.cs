using System.CommandLine;

namespace AutoCrunch.Cli;

/// <summary>
/// <c>autocrunch resume RULE</c>: ends a pause, made by hand or by MaxExistingFiles. Writes the ledger itself, so the
/// service must not run.
/// </summary>
internal static class ResumeVerb
{
    public static Command Create(Option<string?> config, Terminal terminal)
    {
        Argument<string> rule = new("RULE") { Description = "The rule's name." };
        var resume = new Command(
            "resume", "Lets the jobs of a paused rule start again. The service must be stopped.") { rule };
        resume.SetAction(parsed => Run(parsed.GetValue(config), parsed.GetRequiredValue(rule), terminal));
        return resume;
    }

    private static int Run(string? configFile, string rule, Terminal terminal)
    {
        if (PauseVerb.Change(configFile, rule, null, terminal, out int exitCode) is not { } change)
            return exitCode;
        terminal.Out.WriteLine(change.Before is null
            ? $"Rule {rule} was not paused; {PauseVerb.Waiting(change)}."
            : $"Rule {rule} goes on when the service is started; {PauseVerb.Waiting(change)}.");
        return exitCode;
    }
}
