using AutoCrunch.Configuration;
using AutoCrunch.Hosting;

namespace AutoCrunch.Cli;

/// <summary>
/// What a verb that works on a configuration begins with: the same file and the same mistakes for all of them.
/// </summary>
/// <param name="Loaded">What was read.</param>
/// <param name="Configuration">What it means; null when there are mistakes.</param>
/// <param name="Mistakes">Everything that is wrong in it.</param>
internal sealed record Setup(
    LoadedConfiguration Loaded, CompiledConfiguration? Configuration, IReadOnlyList<ConfigurationMistake> Mistakes)
{
    /// <param name="configFile">What <c>--config</c> names; null to look in the usual places.</param>
    /// <param name="runsJobs">False: whether the programs of jobs can be run by this user does not matter.</param>
    /// <param name="makesDispatchers">False: dispatchers of a host of its own are none of its business.</param>
    public static Setup Read(string? configFile, bool runsJobs = true, bool makesDispatchers = true)
    {
        Surroundings surroundings = Surroundings.OfThisProcess() with
        {
            HasPrograms = runsJobs,
            TakesOwnTypes = !makesDispatchers,
        };
        LoadedConfiguration loaded = ConfigurationLoader.Load(configFile, surroundings);
        CompiledConfiguration? configuration = ConfigurationCompiler.Compile(
            loaded, surroundings, out IReadOnlyList<ConfigurationMistake> mistakes);
        if (loaded.Mistakes.Count == 0)
            mistakes = [.. mistakes, .. SerilogLogging.FindMistakes(loaded.Root)];
        return new Setup(loaded, mistakes.Count == 0 ? configuration : null, mistakes);
    }

    /// <summary>Tells every mistake, one a line, and what to do about them.</summary>
    /// <param name="terminal">Where.</param>
    /// <param name="consequence">What follows from them, as the beginning of a sentence: "nothing was started".</param>
    public void TellMistakes(Terminal terminal, string consequence)
    {
        foreach (ConfigurationMistake mistake in Mistakes)
            terminal.Error.WriteLine(mistake);
        string file = Loaded.File.Length > 0 ? $" in {Loaded.File}" : "";
        string count = Mistakes.Count == 1 ? "1 mistake" : $"{Mistakes.Count} mistakes";
        terminal.Error.WriteLine($"{count}{file}: {consequence}. Mend them and try again.");
    }
}
