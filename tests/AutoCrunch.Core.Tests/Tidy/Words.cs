using System.Globalization;
using System.Text.RegularExpressions;

namespace AutoCrunch.Core.Tests.Tidy;

/// <summary>What must not be written, and numbers that must be unique.</summary>
internal static partial class Words
{
    // Put together here so that this file does not contain what it forbids.
    private static readonly string[] s_unfinished =
        ["TO" + "DO", "FIX" + "ME", "HA" + "CK", "NotImplemented" + "Exception", "Thread" + ".Sleep",
        "Task" + ".Delay"];

    /// <summary>
    /// (path, word, why it is right there). A wait in a test is only right where time itself is the fact under test.
    /// </summary>
    private static readonly (string Path, string Word, string Reason)[] s_allowed =
    [
        ("tests/AutoCrunch.Tests/Wait.cs", "Thread" + ".Sleep", "a step between two looks at a fact"),
        ("tests/AutoCrunch.Tests/Wait.cs", "Task" + ".Delay", "the step between two looks at a fact"),
        ("tests/AutoCrunch.Benchmarks/Harness/Patience.cs", "Thread" + ".Sleep", "between two looks at a fact"),
        ("tests/AutoCrunch.Benchmarks/ScaleBenchmark.cs", "Thread" + ".Sleep", "between two looks at a fact"),
    ];

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    /// <summary>Folders to the first of their thousand event ids.</summary>
    private static readonly Dictionary<string, int> s_eventIds = new(StringComparer.Ordinal)
    {
        ["Watching"] = 1000,
        ["Ledger"] = 2000,
        ["Dispatch"] = 3000,
        ["Hosting"] = 4000,
    };

    /// <summary>Marks of unfinished work, and waits for time instead of for a fact.</summary>
    public static IEnumerable<string> Unfinished(SourceText file)
    {
        foreach ((int line, string text) in Walls.Numbered(file.Lines))
            foreach (string word in s_unfinished)
                if (Regex.IsMatch(text, $@"\b{Regex.Escape(word)}\b", RegexOptions.None, s_patience)
                    && !s_allowed.Any(allowed => allowed.Path == file.Path && allowed.Word == word))
                    yield return $"{file.Path}:{line}: {word}";
    }

    /// <summary>Where packages come from is the builder's affair, not the repository's.</summary>
    public static IEnumerable<string> PackageSources(SourceText file)
    {
        if (Path.GetFileName(file.Path).Equals("nuget.config", StringComparison.OrdinalIgnoreCase))
            yield return $"{file.Path}: names a source of packages";
        foreach ((int line, string text) in Walls.Numbered(file.Lines))
            if (PackageSource().IsMatch(text))
                yield return $"{file.Path}:{line}: names a source of packages";
    }

    /// <summary>Every log message has its own event id, from its folder's range.</summary>
    public static IEnumerable<string> EventIds(IEnumerable<SourceText> files)
    {
        var seen = new Dictionary<int, string>();
        foreach (SourceText file in files.Where(file => file.IsCSharp && file.IsSource))
            foreach (Match match in LogMessage().Matches(file.WithoutComments))
            {
                string where = $"{file.Path}:{file.Text[..match.Index].Count(c => c == '\n') + 1}";
                if (!int.TryParse(match.Groups[1].Value, CultureInfo.InvariantCulture, out int id))
                {
                    yield return $"{where}: a log message without an event id";
                    continue;
                }

                if (!s_eventIds.TryGetValue(file.House ?? "", out int first) || id < first || id >= first + 1000)
                    yield return $"{where}: event id {id} is not in the range of {file.House}";
                if (!seen.TryAdd(id, where))
                    yield return $"{where}: event id {id} is also at {seen[id]}";
            }
    }

    [GeneratedRegex(@"(?i)\b((nu" + @"get|my" + @"get)\.org|[a]rtifactory|pkgs\.dev\.|v3/+index\.json|registry\.np" + "m)")]
    private static partial Regex PackageSource();

    [GeneratedRegex(@"\[LoggerMessage\(\s*(?:EventId\s*=\s*)?([A-Za-z0-9.]*)")]
    private static partial Regex LogMessage();
}
