using System.Text.Json;
using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Hosting;

namespace AutoCrunch.Cli;

/// <summary>What the service says of a rule. Times are nanoseconds since 1970.</summary>
internal sealed record LiveRule(
    bool IsRootThere, long Watched, long Unwatched, long Arriving, long? OldestNs, long? LastScanNs, long LastScanFiles,
    long LastScanFound, long FoundByRescans, string? Scanning);

/// <summary>A file without a verdict.</summary>
/// <param name="Rule">The rule's name.</param>
/// <param name="Path">Relative to the rule's directory.</param>
/// <param name="State">What it waits for.</param>
/// <param name="ArrivedNs">First sign of it.</param>
/// <param name="SizeBytes">Null when it has not been looked at.</param>
/// <param name="UntilNs">Until when it waits, where that is known.</param>
internal sealed record LiveFile(
    string Rule, BytePath Path, InFlightState State, long ArrivedNs, long? SizeBytes, long? UntilNs);

/// <summary>What the running service says of itself.</summary>
internal sealed record LiveStatus(
    int Pid, long StartedNs, bool IsReady, long Overflows, long? LastOverflowNs, string? PausedBecause,
    IReadOnlyDictionary<string, LiveRule> Rules, IReadOnlyList<LiveFile> Files)
{
    // The watch thread answers between two batches of events: longer means that it hangs.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    /// <summary>Asks the service; null when it does not run.</summary>
    /// <param name="configuration">Where it listens.</param>
    /// <param name="files">How many files in flight are wanted.</param>
    /// <exception cref="ControlRefusedException">This user may not ask, or the service does not answer.</exception>
    public static LiveStatus? TryAsk(CompiledConfiguration configuration, int files)
    {
        using ControlClient? client = ControlClient.TryConnect(configuration);
        if (client is null)
            return null;
        var rules = new Dictionary<string, LiveRule>(StringComparer.Ordinal);
        var inFlight = new List<LiveFile>();
        JsonElement last = client.Ask(
            "status",
            json => json.WriteNumber("inFlight", files),
            line =>
            {
                if (line.TryGetProperty("rule", out JsonElement rule))
                    rules[rule.GetString()!] = ReadRule(line);
                else
                    inFlight.Add(ReadFile(line));
            },
            s_patience);
        return new LiveStatus(
            last.GetProperty("pid").GetInt32(), last.GetProperty("startedNs").GetInt64(),
            last.GetProperty("isReady").GetBoolean(), last.GetProperty("overflows").GetInt64(),
            Optional(last, "lastOverflowNs"), last.GetProperty("pausedBecause").GetString(), rules, inFlight);
    }

    private static LiveRule ReadRule(JsonElement line) => new(
        line.GetProperty("isRootThere").GetBoolean(), line.GetProperty("watched").GetInt64(),
        line.GetProperty("unwatched").GetInt64(), line.GetProperty("arriving").GetInt64(), Optional(line, "oldestNs"),
        Optional(line, "lastScanNs"), Optional(line, "lastScanFiles") ?? 0, Optional(line, "lastScanFound") ?? 0,
        line.GetProperty("foundByRescans").GetInt64(), line.GetProperty("scanning").GetString());

    private static LiveFile ReadFile(JsonElement line) => new(
        line.GetProperty("fileOf").GetString()!, new BytePath(line.GetProperty("path").GetBytesFromBase64()),
        Enum.Parse<InFlightState>(line.GetProperty("state").GetString()!), line.GetProperty("arrivedNs").GetInt64(),
        Optional(line, "size"), Optional(line, "untilNs"));

    private static long? Optional(JsonElement line, string name) =>
        line.TryGetProperty(name, out JsonElement value) ? value.GetInt64() : null;
}
