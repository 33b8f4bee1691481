using System.Collections;

namespace AutoCrunch.Configuration;

/// <summary>What the process was given by whoever started it, as far as the configuration depends on it.</summary>
/// <param name="CurrentDirectory">Absolute.</param>
/// <param name="ContentRoot">The folder of the program, absolute.</param>
/// <param name="Environment">The environment's variables.</param>
internal sealed record Surroundings(
    string CurrentDirectory, string ContentRoot, IReadOnlyDictionary<string, string> Environment)
{
    /// <summary>The file that is read when there is no nearer one.</summary>
    public string SystemFile { get; init; } = "/etc/autocrunch/appsettings.json";

    /// <summary>
    /// The programs of jobs are looked for. Who only reads what is recorded may lack the right to run them.
    /// </summary>
    public bool HasPrograms { get; init; } = true;

    /// <summary>
    /// Dispatcher types that are not known belong to a host of its own (<c>AddAutoCrunch</c>): who does not run jobs
    /// need not know them.
    /// </summary>
    public bool TakesOwnTypes { get; init; }

    /// <summary>Names the second layer, as for every Generic Host.</summary>
    public string EnvironmentName => this["DOTNET_ENVIRONMENT"] is { Length: > 0 } name ? name : "Production";

    /// <summary>A variable; null when it is not set.</summary>
    public string? this[string variable] => Environment.GetValueOrDefault(variable);

    /// <summary>Those of this process.</summary>
    public static Surroundings OfThisProcess()
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (DictionaryEntry variable in System.Environment.GetEnvironmentVariables())
            variables[(string)variable.Key] = (string?)variable.Value ?? "";
        return new Surroundings(CurrentDirectoryOrRoot(), AppContext.BaseDirectory, variables);
    }

    // Removed under a shell that still stands in it: then nothing is found there, which is told as such.
    private static string CurrentDirectoryOrRoot()
    {
        try
        {
            return Directory.GetCurrentDirectory();
        }
        catch (IOException)
        {
            return "/";
        }
    }
}
