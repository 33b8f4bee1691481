using System.CommandLine;
using System.Globalization;
using AutoCrunch.Ledger;

namespace AutoCrunch.Cli;

/// <summary>
/// <c>autocrunch pause RULE</c>: from the next start on no job of the rule starts. Writes the ledger itself, so the
/// service must not run.
/// </summary>
internal static class PauseVerb
{
    public static Command Create(Option<string?> config, Terminal terminal)
    {
        Argument<string> rule = new("RULE") { Description = "The rule's name." };
        var pause = new Command(
            "pause", "Lets no job of a rule start; files go on being recorded. The service must be stopped.")
        {
            rule,
        };
        pause.SetAction(parsed => Run(parsed.GetValue(config), parsed.GetRequiredValue(rule), terminal));
        return pause;
    }

    /// <summary>
    /// Pauses the rule, or lets it go on; the caller says what came of it, the next start tells the rest.
    /// </summary>
    /// <returns>Null, and the exit code, when nothing was changed; that is told.</returns>
    public static RulePause? Change(
        string? configFile, string rule, PauseReason? paused, Terminal terminal, out int exitCode)
    {
        string verb = paused is null ? "resume" : "pause";
        Setup setup = Setup.Read(configFile);
        exitCode = ExitCodes.Configuration;
        if (setup.Configuration is not { } configuration)
        {
            setup.TellMistakes(terminal, "nothing was changed");
            return null;
        }

        try
        {
            RulePause? change = RulePause.TrySet(
                configuration.StateDirectory, rule, paused, out IReadOnlyList<string> known);
            exitCode = change is null ? ExitCodes.Usage : ExitCodes.Success;
            if (change is null)
                terminal.Error.WriteLine(
                    $"The ledger in {configuration.StateDirectory} knows no rule '{rule}', only "
                    + $"{string.Join(", ", known)}: nothing was changed. A rule is known once it was started.");
            return change;
        }
        catch (LedgerLockedException locked)
        {
            string pid = locked.HolderPid is { } holder ? $" (pid {holder})" : "";
            terminal.Error.WriteLine(
                $"The service is running{pid}: stop it, run 'autocrunch {verb} {rule}' again, start it. "
                + "Nothing was changed.");
            exitCode = ExitCodes.Failure;
            return null;
        }
    }

    /// <summary>"1,234 of its jobs wait".</summary>
    public static string Waiting(RulePause change) => change.Waiting switch
    {
        0 => "none of its jobs waits",
        1 => "1 of its jobs waits",
        _ => string.Create(CultureInfo.InvariantCulture, $"{change.Waiting:N0} of its jobs wait"),
    };

    private static int Run(string? configFile, string rule, Terminal terminal)
    {
        if (Change(configFile, rule, PauseReason.ByHand, terminal, out int exitCode) is not { } change)
            return exitCode;
        string state = change.Before is null ? "is paused" : "was paused already, and is so by hand now";
        terminal.Out.WriteLine(
            $"Rule {rule} {state}; {Waiting(change)}. Files go on being recorded when the service runs; no job starts "
            + $"until 'autocrunch resume {rule}'.");
        return exitCode;
    }
}
