using System.Text.Json;

namespace AutoCrunch.Core.Tests.Atlas;

/// <summary>
/// One recorded event of the atlas, or a listing of a new directory (<see cref="Entries"/> is not null). Names have one
/// character per byte; <see cref="Count"/> is a run of equal events.
/// </summary>
internal sealed record RecordedEvent(
    double Time,
    string Directory,
    string Name,
    string Mask,
    bool IsDirectory,
    uint Cookie,
    int Count,
    string[]? Entries)
{
    public string Path => Directory.Length == 0 ? Name : Name.Length == 0 ? Directory : $"{Directory}/{Name}";
}

internal sealed record RecordedStep(string Name, IReadOnlyList<RecordedEvent> Events);

internal sealed record RecordedCase(string Name, IReadOnlyList<RecordedStep> Steps);

/// <summary>The atlas as recorded from real programs (recorded.jsonl: one step of a case on each line).</summary>
internal static class Recording
{
    public static IReadOnlyDictionary<string, RecordedCase> Cases { get; } = Read();

    private static Dictionary<string, RecordedCase> Read()
    {
        string path = Path.Combine(AppContext.BaseDirectory, "Atlas", "recorded.jsonl");
        return File.ReadLines(path).Select(line => ReadStep(JsonDocument.Parse(line).RootElement))
            .GroupBy(step => step.Case, StringComparer.Ordinal)
            .ToDictionary(
                steps => steps.Key,
                steps => new RecordedCase(steps.Key, [.. steps.Select(step => step.Step)]),
                StringComparer.Ordinal);
    }

    private static (string Case, RecordedStep Step) ReadStep(JsonElement line)
    {
        var events = new List<RecordedEvent>();
        foreach (JsonElement item in line.GetProperty("events").EnumerateArray())
            events.Add(ReadEvent(item, events.Count == 0 ? 0 : events[^1].Time));
        return (Text(line, "case"), new RecordedStep(Text(line, "step"), events));
    }

    private static RecordedEvent ReadEvent(JsonElement item, double lastTime)
    {
        if (item.TryGetProperty("scan", out JsonElement scan))
        {
            string[] entries = item.TryGetProperty("entries", out JsonElement names)
                ? [.. names.EnumerateArray().Select(name => name.GetString()!)] : [];
            return new RecordedEvent(lastTime, scan.GetString()!, "", "SCAN", IsDirectory: true, 0, 1, entries);
        }

        string[] mask = [.. item.GetProperty("mask").EnumerateArray().Select(flag => flag.GetString()!)];
        string directory = Text(item, "dir");
        return new RecordedEvent(
            item.GetProperty("t").GetDouble(), directory == "." ? "" : directory, Text(item, "name"),
            mask.Single(flag => flag != "ISDIR"), mask.Contains("ISDIR"), item.GetProperty("cookie").GetUInt32(),
            item.TryGetProperty("n", out JsonElement count) ? count.GetInt32() : 1, null);
    }

    private static string Text(JsonElement item, string name) => item.GetProperty(name).GetString()!;
}
