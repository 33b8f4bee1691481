using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Ledger;

namespace AutoCrunch.Cli;

/// <summary>What verbs that read the ledger have in common, beside a running service or without one.</summary>
internal static class ReadingVerb
{
    /// <summary>Reads the configuration, opens the ledger, and reads.</summary>
    /// <param name="configFile">What <c>--config</c> names; null to look in the usual places.</param>
    /// <param name="terminal">Where mistakes are told.</param>
    /// <param name="read">
    /// Does the verb's work and returns its exit code. The reader is null when the service has never run with this
    /// configuration.
    /// </param>
    /// <exception cref="LedgerUnusableException">The ledger cannot be read.</exception>
    public static int Run(
        string? configFile, Terminal terminal, Func<CompiledConfiguration, LedgerReader?, int> read)
    {
        if (Configuration(configFile, terminal) is not { } configuration)
            return ExitCodes.Configuration;
        using LedgerReader? ledger = Open(configuration);
        try
        {
            return read(configuration, ledger);
        }
        catch (SqliteException) when (ledger?.IsOvertaken == true)
        {
            terminal.Error.WriteLine("The service was started while its ledger was read: ask again.");
            return ExitCodes.Failure;
        }
    }

    /// <summary>Reads the configuration; null when there are mistakes, which are told.</summary>
    public static CompiledConfiguration? Configuration(string? configFile, Terminal terminal)
    {
        Setup setup = Setup.Read(configFile, runsJobs: false, makesDispatchers: false);
        if (setup.Configuration is null)
            setup.TellMistakes(terminal, "so it is not known where the ledger is");
        return setup.Configuration;
    }

    /// <summary>Opens the ledger; null when the service has never run with this configuration.</summary>
    public static LedgerReader? Open(CompiledConfiguration configuration)
    {
        try
        {
            return LedgerReader.Open(configuration.StateDirectory);
        }
        catch (LedgerUnusableException missing) when (missing.IsMissing)
        {
            return null;
        }
    }

    /// <summary>
    /// The directory of a rule, as configured, else as it was when its tree was scanned last; null when not known.
    /// </summary>
    public static BytePath? RootOf(CompiledConfiguration configuration, LedgerReader? ledger, string rule)
    {
        foreach (CompiledRule configured in configuration.Rules)
            if (configured.Rule.Name == rule)
                return configured.Rule.Path;
        return ledger?.Records.GetValueOrDefault(rule)?.Path;
    }

    /// <summary>
    /// The absolute path of a job's file; as the ledger has it where its rule's directory is not known.
    /// </summary>
    public static BytePath PathOf(CompiledConfiguration configuration, LedgerReader? ledger, Job job) =>
        RootOf(configuration, ledger, job.Rule) is { } root ? root.Join(job.Path) : job.Path;

    /// <summary>
    /// Tells that a rule's name is neither configured nor in the ledger, and returns true; false when it is known.
    /// </summary>
    public static bool IsUnknownRule(
        CompiledConfiguration configuration, LedgerReader? ledger, string rule, Terminal terminal)
    {
        string[] known = [.. configuration.Rules.Select(configured => configured.Rule.Name)
            .Union(ledger?.Rules ?? [], StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        if (known.Contains(rule, StringComparer.Ordinal))
            return false;
        terminal.Error.WriteLine($"There is no rule '{rule}', only {string.Join(", ", known)}.");
        return true;
    }
}
