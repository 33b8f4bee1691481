namespace AutoCrunch.Core.Tests.Scenarios;

/// <summary>One line of a scenario: what happens when.</summary>
internal sealed record ScenarioLine(double Seconds, string[] Words);

/// <summary>
/// One story of a scenario file: settings, timed lines, and after "Output:" what must come of them. README.txt beside
/// the files explains the form.
/// </summary>
internal sealed record Scenario(
    string Title,
    IReadOnlyDictionary<string, string> Settings,
    IReadOnlyList<ScenarioLine> Lines,
    IReadOnlyList<string> Output)
{
    public static IReadOnlyDictionary<string, Scenario> All { get; } = ReadAll();

    private static Dictionary<string, Scenario> ReadAll()
    {
        var all = new Dictionary<string, Scenario>(StringComparer.Ordinal);
        string folder = Path.Combine(AppContext.BaseDirectory, "Scenarios");
        foreach (string file in Directory.EnumerateFiles(folder, "*.txt").Order(StringComparer.Ordinal))
            foreach (Scenario scenario in Read(Path.GetFileNameWithoutExtension(file), File.ReadAllLines(file)))
                all.Add(scenario.Title, scenario);
        return all;
    }

    private static IEnumerable<Scenario> Read(string file, string[] lines)
    {
        if (file == "README")
            yield break;
        for (int first = 0; first < lines.Length;)
        {
            int end = first + 1;
            while (end < lines.Length && !lines[end].StartsWith("== ", StringComparison.Ordinal))
                end++;
            if (lines[first].StartsWith("== ", StringComparison.Ordinal))
                yield return ReadOne($"{file}: {lines[first][3..]}", lines[(first + 1)..end]);
            first = end;
        }
    }

    private static Scenario ReadOne(string title, string[] lines)
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        var story = new List<ScenarioLine>();
        var output = new List<string>();
        bool isOutput = false;
        foreach (string text in lines.Select(line => line.Split('#')[0].Trim()).Where(line => line.Length > 0))
        {
            string[] words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (text == "Output:")
                isOutput = true;
            else if (isOutput)
                output.Add(string.Join(' ', words));
            else if (words[0] == "Rule:")
                foreach (string[] setting in words.Skip(1).Select(word => word.Split('=', 2)))
                    settings.Add(setting[0], setting[1]);
            else
                story.Add(new ScenarioLine(double.Parse(words[0]), words[1..]));
        }

        return isOutput && story.Count > 0
            ? new Scenario(title, settings, story, output)
            : throw new FormatException($"{title}: no lines, or no Output:");
    }
}
