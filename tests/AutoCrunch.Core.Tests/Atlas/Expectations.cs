namespace AutoCrunch.Core.Tests.Atlas;

/// <summary>What the recording cannot say of a step, and what must come of it.</summary>
/// <param name="Name">The step's name as recorded.</param>
/// <param name="Facts">Lines "! verb arguments".</param>
/// <param name="Verdicts">Lines "path: verdict", sorted.</param>
/// <param name="ScanVerdicts">
/// The same, for what a scan after the step finds beyond that (lines "~ path: verdict").
/// </param>
internal sealed record ExpectedStep(
    string Name,
    List<string[]> Facts,
    List<string> Verdicts,
    List<string> ScanVerdicts)
{
    public bool SaysNothing { get; set; }
}

/// <summary>One case of the atlas with its verdict, written by hand from the atlas's tables.</summary>
/// <param name="Name">The case as recorded.</param>
/// <param name="Rows">Numbers of the atlas's rows it stands for.</param>
/// <param name="Facts">Facts of all its steps.</param>
/// <param name="Steps">Its steps; a single nameless one where the block names none.</param>
internal sealed record ExpectedCase(string Name, string Rows, List<string[]> Facts, List<ExpectedStep> Steps);

/// <summary>Reads expected.txt, which explains its own form.</summary>
internal static class Expectations
{
    public static IReadOnlyDictionary<string, ExpectedCase> Cases { get; } = Read();

    private static Dictionary<string, ExpectedCase> Read()
    {
        var cases = new Dictionary<string, ExpectedCase>(StringComparer.Ordinal);
        string[] names = [];
        string path = Path.Combine(AppContext.BaseDirectory, "Atlas", "expected.txt");
        foreach (string line in File.ReadLines(path).Select(line => line.Trim()))
        {
            if (line.Length == 0 || line[0] == '#')
                continue;
            if (line.StartsWith("== ", StringComparison.Ordinal))
                names = Begin(cases, line[3..]);
            else
                foreach (string name in names)
                    Take(cases[name], line);
        }

        return cases;
    }

    private static string[] Begin(Dictionary<string, ExpectedCase> cases, string header)
    {
        int rows = header.IndexOf('(', StringComparison.Ordinal);
        string[] names = header[..rows].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        foreach (string name in names)
            cases.Add(name, new ExpectedCase(name, header[(rows + 1)..^1], [], []));
        return names;
    }

    private static void Take(ExpectedCase expected, string line)
    {
        if (line.StartsWith("--", StringComparison.Ordinal))
        {
            expected.Steps.Add(new ExpectedStep(line[2..].Trim(), [], [], []));
            return;
        }

        bool isFact = line[0] == '!';
        if (isFact && expected.Steps.Count == 0)
        {
            expected.Facts.Add(Words(line[1..]));
            return;
        }

        if (expected.Steps.Count == 0)
            expected.Steps.Add(new ExpectedStep("", [], [], []));
        ExpectedStep step = expected.Steps[^1];
        if (isFact)
            step.Facts.Add(Words(line[1..]));
        else if (line == "nothing")
            step.SaysNothing = true;
        else
            (line[0] == '~' ? step.ScanVerdicts : step.Verdicts).Add(line.TrimStart('~', ' '));
    }

    private static string[] Words(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
