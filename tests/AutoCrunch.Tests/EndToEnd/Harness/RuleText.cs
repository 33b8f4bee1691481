using System.Text.Json.Nodes;

namespace AutoCrunch.Tests.EndToEnd.Harness;

/// <summary>
/// One rule of the service under test: the job under test on everything, quick, and what a test changes.
/// </summary>
internal sealed record RuleText(string Name = "raw")
{
    public string Path { get; init; } = "incoming";

    public string[] Include { get; init; } = ["*"];

    public string[] Exclude { get; init; } = ["*~"];

    /// <summary>What the job under test does (Programs/job.c).</summary>
    public string[] Job { get; init; } = [];

    /// <summary>What the job under test is started for.</summary>
    public string Subject { get; init; } = "{path}";

    /// <summary>The whole command, instead of the job under test.</summary>
    public string[]? Command { get; init; }

    public int Concurrency { get; init; } = 2;

    /// <summary>The rule takes renames only, or wants proof: a marker written in place would not run.</summary>
    public bool MarkerByRename { get; init; }

    /// <summary>Further members of the sections, as JSON text.</summary>
    public string Completion { get; init; } = "{}";

    public string Dispatcher { get; init; } = "{}";

    public string Retry { get; init; } = """{ "Delay": "00:00:00.100" }""";

    public string Further { get; init; } = "{}";

    public JsonObject ToJson(string recordFile)
    {
        JsonObject completion = Parse(Completion);
        completion.TryAdd("QuietPeriod", "00:00:01");
        JsonObject dispatcher = Parse(Dispatcher);
        dispatcher.TryAdd("Command", Array(Command ?? [HelperPrograms.Job, recordFile, .. Job, "--", Subject]));
        dispatcher.TryAdd("Concurrency", Concurrency);
        JsonObject rule = Parse(Further);
        rule.TryAdd("MaxExistingFiles", 0);
        rule.TryAdd("PauseAfterRepeats", 0);
        rule["Path"] = Path;
        rule["Include"] = Array(Include);
        rule["Exclude"] = Array(Exclude);
        rule["Completion"] = completion;
        rule["Dispatcher"] = dispatcher;
        rule["Retry"] = Parse(Retry);
        return rule;
    }

    private static JsonObject Parse(string text) => JsonNode.Parse(text)!.AsObject();

    private static JsonArray Array(string[] values) => new([.. values.Select(value => JsonValue.Create(value))]);
}
