using AutoCrunch.Configuration;

namespace AutoCrunch.Tests.Configuration;

/// <summary>
/// A folder with configuration files, read as the service reads them, in surroundings made up by the test.
/// </summary>
internal sealed class ConfigurationCase : IDisposable
{
    /// <summary>The shortest rule there is, to be put between braces after other keys.</summary>
    public const string Required = """ "Path": "in", "Dispatcher": { "Command": ["true"] } """;

    private readonly Dictionary<string, string> _environment = new() { ["PATH"] = "/usr/bin:/bin" };

    public TempDirectory Folder { get; } = new();

    public IReadOnlyList<ConfigurationMistake> Mistakes { get; private set; } = [];

    public LoadedConfiguration? Loaded { get; private set; }

    public Surroundings Surroundings => new(Folder.Text, Folder.Text + "/program", _environment)
    {
        SystemFile = Folder.Text + "/etc/appsettings.json",
    };

    /// <summary>Sets a variable.</summary>
    public string this[string variable]
    {
        set => _environment[variable] = value;
    }

    /// <summary>A file with one rule "raw" that has these keys.</summary>
    public static string Rule(string keys) => $$"""{ "AutoCrunch": { "Rules": { "raw": { {{keys}} } } } }""";

    /// <summary>A file with the shortest rule, and these keys beside the rules.</summary>
    public static string Beside(string keys) =>
        $$"""{ "AutoCrunch": { {{keys}}, "Rules": { "raw": { {{Required}} } } } }""";

    /// <summary>Writes appsettings.json and compiles what is found.</summary>
    public CompiledConfiguration? Compile(string json)
    {
        Folder.Write("appsettings.json", json);
        return Compile();
    }

    /// <summary>Compiles what is found.</summary>
    public CompiledConfiguration? Compile(string? configFile = null, bool named = false)
    {
        Loaded = ConfigurationLoader.Load(named ? configFile : null, Surroundings);
        CompiledConfiguration? compiled =
            ConfigurationCompiler.Compile(Loaded, Surroundings, out IReadOnlyList<ConfigurationMistake> mistakes);
        Mistakes = mistakes;
        Assert.Equal(compiled is null, mistakes.Count > 0);
        return compiled;
    }

    /// <summary>Compiles a file that must be right.</summary>
    public CompiledConfiguration CompileRight(string json)
    {
        CompiledConfiguration? compiled = Compile(json);
        Assert.True(compiled is not null, string.Join('\n', Mistakes));
        return compiled;
    }

    public void Dispose() => Folder.Dispose();
}
