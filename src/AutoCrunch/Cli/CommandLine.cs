using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;

namespace AutoCrunch.Cli;

/// <summary>
/// The command <c>autocrunch</c>: its verbs and the one place where mistakes become messages and exit codes.
/// </summary>
internal static class CommandLine
{
    /// <summary>Runs the verb the arguments name, <c>run</c> when they name none; returns the exit code.</summary>
    public static int Invoke(string[] args, Terminal terminal)
    {
        ParseResult parsed = Build(terminal).Parse(args);
        if (parsed.Action is ParseErrorAction)
        {
            foreach (ParseError error in parsed.Errors)
                terminal.Error.WriteLine(error.Message);
            terminal.Error.WriteLine($"Nothing was done. See: {FullName(parsed.CommandResult.Command)} --help");
            return ExitCodes.Usage;
        }

        try
        {
            return parsed.Invoke(new InvocationConfiguration
            {
                Output = terminal.Out,
                Error = terminal.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,   // signals belong to the verbs
            });
        }
        catch (LedgerUnusableException error)
        {
            terminal.Error.WriteLine(error.Message);
            return ExitCodes.Configuration;
        }
        catch (Exception error) when (error is LedgerLockedException or LinuxException)
        {
            terminal.Error.WriteLine(error.Message);
            return ExitCodes.Failure;
        }
        catch (SqliteException error)
        {
            terminal.Error.WriteLine($"The ledger cannot be used at present: {error.Message}; {error.Advice}.");
            return ExitCodes.Failure;
        }
        catch (Exception error)
        {
            terminal.Error.WriteLine($"This is a bug in AutoCrunch; please report it with these lines:\n{error}");
            return ExitCodes.Failure;
        }
    }

    /// <summary>All verbs with their options.</summary>
    internal static RootCommand Build(Terminal terminal)
    {
        Option<string?> config = new("--config")
        {
            Description = "The configuration file. Default: ./appsettings.json if it has an AutoCrunch section, "
                + "else /etc/autocrunch/appsettings.json.",
            HelpName = "FILE",
            Recursive = true,
        };

        Command run = RunVerb.Create(config, terminal);
        var root = new RootCommand("Runs a job for every file that has finished arriving.") { config, run };
        root.Add(CheckVerb.Create(config, terminal));
        root.Add(TraceVerb.Create(terminal));
        root.Add(StatusVerb.Create(config, terminal));
        root.Add(JobsVerb.Create(config, terminal));
        root.Add(ShowVerb.Create(config, terminal));
        root.Add(ExplainVerb.Create(config, terminal));
        root.Add(RetryVerb.Create(config, terminal));
        root.Add(CancelVerb.Create(config, terminal));
        root.Add(SubmitVerb.Create(config, terminal));
        root.Add(AdoptVerb.Create(config, terminal));
        root.Add(SyncVerb.Create(config, terminal));
        root.Add(PauseVerb.Create(config, terminal));
        root.Add(ResumeVerb.Create(config, terminal));
        root.Action = run.Action;

        HelpOption help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpWithExamples((HelpAction)help.Action!);
        return root;
    }

    private static string FullName(Command command) =>
        command is RootCommand ? "autocrunch" : "autocrunch " + command.Name;

    private sealed class HelpWithExamples(HelpAction help) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            int exitCode = help.Invoke(parseResult);
            TextWriter output = parseResult.InvocationConfiguration.Output;
            output.WriteLine("Examples:");
            foreach ((string line, string meaning) in Examples.Of(parseResult.CommandResult.Command))
                output.WriteLine($"  {line,-45}  {meaning}");
            if (parseResult.CommandResult.Command is RootCommand)
                output.WriteLine("\nExit codes: 0 done, 1 failed, 64 wrong command line, 78 mend the configuration.");
            return exitCode;
        }
    }
}
