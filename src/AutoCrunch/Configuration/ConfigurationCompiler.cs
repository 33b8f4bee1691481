using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Configuration;

/// <summary>Makes a <see cref="CompiledConfiguration"/> of what was loaded, or all mistakes in it at once.</summary>
internal static class ConfigurationCompiler
{
    /// <summary>
    /// Compiles. Looks for programs, and at nothing else of the machine (that is for <see cref="MachineCheck"/>).
    /// </summary>
    /// <param name="loaded">What was loaded; its mistakes count too.</param>
    /// <param name="surroundings">The environment: PATH and the directories systemd gives.</param>
    /// <param name="mistakes">Everything that is wrong; empty exactly when a configuration is returned.</param>
    /// <param name="own">Dispatcher types that the host brings.</param>
    public static CompiledConfiguration? Compile(
        LoadedConfiguration loaded, Surroundings surroundings, out IReadOnlyList<ConfigurationMistake> mistakes,
        IReadOnlyList<DispatcherType>? own = null)
    {
        var found = new List<ConfigurationMistake>(loaded.Mistakes);
        mistakes = found;
        if (found.Count > 0)
            return null;
        var reader = new SectionReader(loaded.Layers, found)
        {
            Types = [.. DispatcherTypes.All, .. own ?? []],
            TakesOwnTypes = surroundings.TakesOwnTypes,
        };
        if (loaded.Layers.With(AutoCrunchSection.Key).Count == 0)
        {
            string[] sections = [.. loaded.Root.GetChildren().Select(child => child.Key)];
            string hint = Nearest.To(AutoCrunchSection.Key, sections) is { } near ? $" (is {near} a misspelling?)" : "";
            reader.Mistake(AutoCrunchSection.Key, "nothing", $"this section in {loaded.File}{hint}");
            return null;
        }

        AutoCrunchSection section = reader.Read<AutoCrunchSection>(AutoCrunchSection.Key);
        string searchPath = surroundings["PATH"] ?? ProgramFinder.DefaultPath;
        var compiler = new RuleCompiler(reader, loaded.BaseDirectory, searchPath)
        {
            FindsPrograms = surroundings.HasPrograms,
        };
        BytePath? state = StateDirectory(section, compiler, surroundings);
        BytePath? runtime = RuntimeDirectory(section, compiler, surroundings) ?? state;
        BytePath? metrics = section.MetricsFile.Length == 0 ? null
            : compiler.ResolvePath($"{AutoCrunchSection.Key}:{nameof(section.MetricsFile)}", section.MetricsFile);
        List<CompiledRule> rules = [];
        foreach (string name in section.Rules.Keys.Order(StringComparer.Ordinal))
        {
            if (compiler.Compile(name, section.Rules[name]) is { } compiled)
                rules.Add(compiled);
        }

        if (found.Count > 0 || state is null || runtime is null)
            return null;
        return new CompiledConfiguration
        {
            File = loaded.File,
            BaseDirectory = loaded.BaseDirectory,
            StateDirectory = state.Value,
            RuntimeDirectory = runtime.Value,
            MaxRunning = section.MaxRunning,
            ShutdownGrace = section.ShutdownGrace,
            KeepHistory = section.KeepHistory,
            MetricsFile = metrics,
            Rules = rules,
        };
    }

    // systemd gives a list when the unit names several directories (systemd.exec(5)): the first is the service's own.
    private static BytePath? Given(Surroundings surroundings, string variable) =>
        surroundings[variable]?.Split(':')[0] is { Length: > 0 } first && first[0] == '/'
            ? new BytePath(Encoding.UTF8.GetBytes(first)).Normalise()
            : null;

    private static BytePath? StateDirectory(AutoCrunchSection section, RuleCompiler compiler, Surroundings surroundings)
    {
        const string key = $"{AutoCrunchSection.Key}:{nameof(section.StateDirectory)}";
        bool isWritten = compiler.Reader.Layers.With(key).Count > 0;
        return (isWritten ? null : Given(surroundings, "STATE_DIRECTORY"))
            ?? compiler.ResolvePath(key, section.StateDirectory);
    }

    private static BytePath? RuntimeDirectory(
        AutoCrunchSection section, RuleCompiler compiler, Surroundings surroundings)
    {
        const string key = $"{AutoCrunchSection.Key}:{nameof(section.RuntimeDirectory)}";
        return section.RuntimeDirectory.Length > 0
            ? compiler.ResolvePath(key, section.RuntimeDirectory)
            : Given(surroundings, "RUNTIME_DIRECTORY");
    }
}
