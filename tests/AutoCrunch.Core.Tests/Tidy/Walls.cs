using System.Text.RegularExpressions;

namespace AutoCrunch.Core.Tests.Tidy;

/// <summary>Which part of the house may see which (ARCHITECTURE.md, "Walls"). A finding is one line of text.</summary>
internal static partial class Walls
{
    private static readonly string[] s_everything =
        ["Core", "Linux", "Watching", "Ledger", "Dispatch", "Configuration", "Hosting", "Cli"];

    /// <summary>Part of the house to the parts it may name. Only Hosting, Cli and Program.cs see everything.</summary>
    private static readonly Dictionary<string, string[]> s_sees = new(StringComparer.Ordinal)
    {
        ["Core"] = [],
        ["Linux"] = ["Core"],
        ["Watching"] = ["Core", "Linux", "Dispatch"],   // of Dispatch: IJobDispatcher alone
        ["Ledger"] = ["Core", "Linux"],
        ["Dispatch"] = ["Core", "Linux", "Ledger"],
        ["Configuration"] = ["Core", "Linux"],
        ["Hosting"] = s_everything,
        ["Cli"] = s_everything,
        [""] = s_everything,
    };

    /// <summary>Names of other parts in this file that it may not see.</summary>
    public static IEnumerable<string> Imports(SourceText file)
    {
        if (!file.IsCSharp || file.House is not { } house)
            yield break;
        if (!s_sees.TryGetValue(house, out string[]? sees))
        {
            yield return $"{file.Path}: the house has no part '{house}'";
            yield break;
        }

        foreach ((int line, string code) in Numbered(file.CodeLines))
            foreach (Match match in PartName().Matches(code))
                if (match.Groups[1].Value is var part && s_everything.Except(sees).Contains(part) && part != house)
                    yield return $"{file.Path}:{line}: {house} may not see {part}";
    }

    /// <summary>A namespace that is not the folder's.</summary>
    public static IEnumerable<string> Namespaces(SourceText file)
    {
        if (!file.IsCSharp || file.House is not { Length: > 0 } house)
            yield break;
        foreach ((int line, string code) in Numbered(file.CodeLines))
            if (NamespaceLine().Match(code) is { Success: true } name && name.Groups[1].Value != "AutoCrunch." + house)
                yield return $"{file.Path}:{line}: namespace {name.Groups[1].Value} in the folder of {house}";
    }

    /// <summary>Types of Dispatch other than IJobDispatcher that Watching names.</summary>
    public static IEnumerable<string> WatchingKnowsOnlyTheInterface(IReadOnlyList<SourceText> files)
    {
        HashSet<string> watching = [.. files.Where(file => file.House == "Watching").SelectMany(DeclaredTypes)];
        HashSet<string> dispatch = [.. files.Where(file => file.House == "Dispatch").SelectMany(DeclaredTypes)];
        dispatch.Remove("IJobDispatcher");
        dispatch.ExceptWith(watching);
        foreach (SourceText file in files.Where(file => file.House == "Watching" && file.IsCSharp))
            foreach ((int line, string code) in Numbered(file.CodeLines))
                foreach (Match match in Word().Matches(code))
                    if (dispatch.Contains(match.Value))
                        yield return $"{file.Path}:{line}: {match.Value}: Watching may see IJobDispatcher only";
    }

    /// <summary>SQL, or the SQLite client, outside Ledger.</summary>
    public static IEnumerable<string> Sql(SourceText file)
    {
        if (!file.IsCSharp || !file.IsSource || file.House == "Ledger")
            yield break;
        foreach ((int line, string code) in Numbered(file.WithoutComments.Split('\n')))
            if (SqlText().IsMatch(code))
                yield return $"{file.Path}:{line}: SQL belongs to Ledger";
    }

    /// <summary>Unsafe or native code outside Linux.</summary>
    public static IEnumerable<string> NativeCode(SourceText file)
    {
        if (!file.IsCSharp || !file.IsSource || file.House == "Linux")
            yield break;
        foreach ((int line, string code) in Numbered(file.CodeLines))
            if (Native().IsMatch(code))
                yield return $"{file.Path}:{line}: native and unsafe code belongs to Linux";
    }

    /// <summary>The core's project file brings in anything but analyzers, or its ban list has a hole.</summary>
    public static IEnumerable<string> CoreIsPure(SourceText project, SourceText bans, SourceText severities)
    {
        foreach (Match match in Reference().Matches(project.Text))
            if (match.Groups[1].Value is not ("Meziantou.Analyzer" or "Microsoft.CodeAnalysis.BannedApiAnalyzers"))
                yield return $"{project.Path}: the core references {match.Groups[1].Value}";
        string[] banned = ["N:System.IO;", "N:System.Net;", "N:System.Threading;", "N:System.Threading.Tasks;",
            "T:System.Diagnostics.Process;", "T:System.Diagnostics.Stopwatch;", "T:System.TimeProvider;",
            "T:System.Random;", "T:System.Environment;", "T:System.Console;", "P:System.DateTime.UtcNow;",
            "P:System.DateTime.Now;"];
        foreach (string ban in banned)
            if (!bans.Lines.Any(line => line.StartsWith(ban, StringComparison.Ordinal)))
                yield return $"{bans.Path}: no line bans {ban}";
        if (!project.Text.Contains("AdditionalFiles Include=\"BannedSymbols.txt\"", StringComparison.Ordinal))
            yield return $"{project.Path}: the ban list is not handed to the compiler";
        if (!severities.Lines.Contains("dotnet_diagnostic.RS0030.severity = error"))
            yield return $"{severities.Path}: a banned symbol is not an error";
    }

    internal static IEnumerable<(int Line, string Text)> Numbered(IEnumerable<string> lines) =>
        lines.Select((text, index) => (index + 1, text));

    private static IEnumerable<string> DeclaredTypes(SourceText file) =>
        from line in file.IsCSharp ? file.CodeLines : []
        from match in Declaration().Matches(line)
        select match.Groups[1].Value;

    [GeneratedRegex(@"\bAutoCrunch\.([A-Z][A-Za-z]*)")]
    private static partial Regex PartName();

    [GeneratedRegex(@"^\s*namespace\s+([A-Za-z.]+)")]
    private static partial Regex NamespaceLine();

    [GeneratedRegex(@"\b(?:class|struct|interface|enum|record|delegate\s+[\w<>?]+)\s+(?:class\s+|struct\s+)?([A-Z]\w*)")]
    private static partial Regex Declaration();

    [GeneratedRegex(@"\b[A-Z]\w*\b")]
    private static partial Regex Word();

    [GeneratedRegex("""Microsoft\.Data\.Sqlite|SQLitePCL|"[^"]*\b(?:SELECT\s|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+(?:TABLE|INDEX)|PRAGMA\s|BEGIN\s+IMMEDIATE)""")]
    private static partial Regex SqlText();

    [GeneratedRegex(@"\bunsafe\b|\bLibraryImport\b|\bDllImport\b|\bfixed\s*\(|\bMarshal\.|\bNativeLibrary\.|\bUnsafe\.")]
    private static partial Regex Native();

    [GeneratedRegex("<(?:Package|Framework|Project)?Reference Include=\"([^\"]+)\"")]
    private static partial Regex Reference();
}
