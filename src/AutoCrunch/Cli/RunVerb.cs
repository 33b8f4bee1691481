using System.CommandLine;
using AutoCrunch.Configuration;
using AutoCrunch.Hosting;

namespace AutoCrunch.Cli;

/// <summary><c>autocrunch run</c>: the service.</summary>
internal static class RunVerb
{
    public static Command Create(Option<string?> config, Terminal terminal)
    {
        var run = new Command("run", "Watches, and runs jobs, until it is told to stop. The default verb.");
        run.SetAction(parsed => Run(parsed.GetValue(config), terminal));
        return run;
    }

    // In the order in which an operator can mend things: the file, the machine, the state of an earlier run.
    private static int Run(string? configFile, Terminal terminal)
    {
        Setup setup = Setup.Read(configFile);
        if (setup.Configuration is not { } configuration)
        {
            setup.TellMistakes(terminal, "nothing was started");
            return ExitCodes.Configuration;
        }

        IReadOnlyList<MachineFinding> findings = MachineCheck.Prepare(configuration);
        MachineFinding[] errors = [.. findings.Where(finding => finding.Severity == FindingSeverity.Error)];
        if (errors.Length > 0)
        {
            TellErrors(errors, configuration, terminal);
            return Array.TrueForAll(errors, error => error.MayPass) ? ExitCodes.Failure : ExitCodes.Configuration;
        }

        return ServiceHost.Run(setup.Loaded, configuration, findings) ? ExitCodes.Success : ExitCodes.Failure;
    }

    private static void TellErrors(
        MachineFinding[] errors, CompiledConfiguration configuration, Terminal terminal)
    {
        foreach (MachineFinding error in errors)
            terminal.Error.WriteLine(error);
        terminal.Error.WriteLine(
            $"This machine is not ready for {configuration.File}: nothing was started. Mend it and start again; "
            + "'autocrunch check' tells more.");
    }
}
