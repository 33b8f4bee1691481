using System.Text.Json;

namespace AutoCrunch.Cli;

/// <summary>The state of everything as one JSON object; the fields are those of autocrunch(1).</summary>
internal static class StatusJson
{
    public static void Write(Utf8JsonWriter json, StatusFacts facts)
    {
        json.WriteString("state", facts.State);
        json.WriteOptional("pid", facts.Live?.Pid);
        json.WriteTime("started", facts.Live?.StartedNs);
        json.WriteTime("now", facts.NowNs);
        json.WriteOptional("overflows", facts.Live?.Overflows);
        json.WriteTime("lastOverflow", facts.Live?.LastOverflowNs);
        json.WriteString("ledgerPaused", facts.Live?.PausedBecause);
        json.WriteStartArray("problems");
        foreach (Problem problem in facts.Problems)
        {
            json.WriteStartObject();
            json.WriteString("rule", problem.Rule);
            json.WriteString("text", problem.Text);
            json.WriteString("command", problem.Command);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("rules");
        foreach (RuleFacts rule in facts.Rules)
        {
            json.WriteStartObject();
            Write(json, rule);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    // Null is what cannot be told: without the service, or without a ledger.
    private static void Write(Utf8JsonWriter json, RuleFacts rule)
    {
        json.WriteString("rule", rule.Rule.Name);
        json.WritePath(rule.Rule.Path);
        json.WriteBoolean("isPaused", rule.Ledger?.Paused is not null);
        if (rule.Live is { } live)
            json.WriteBoolean("isRootThere", live.IsRootThere);
        else
            json.WriteNull("isRootThere");
        json.WriteOptional("watched", rule.Live?.Watched);
        json.WriteOptional("unwatched", rule.Live?.Unwatched);
        json.WriteOptional("arriving", rule.Live?.Arriving);
        json.WriteOptional("held", rule.Ledger?.Counts.Held);
        json.WriteOptional("queued", rule.Ledger?.Counts.Queued);
        json.WriteOptional("running", rule.Ledger?.Counts.Running);
        json.WriteOptional("failed", rule.Ledger?.Counts.Failed);
        json.WriteOptional("lastMinute", rule.Ledger?.LastMinute);
        json.WriteOptional("lastHour", rule.Ledger?.LastHour);
        json.WriteOptional("failedLastHour", rule.Ledger?.FailedLastHour);
        json.WriteTime("oldestWaiting", rule.OldestNs);
        json.WriteTime("lastArrival", rule.Ledger?.LastArrivalNs);
        json.WriteTime("lastScan", rule.Live?.LastScanNs);
        json.WriteOptional("lastScanFiles", rule.Live is { LastScanNs: not null } ? rule.Live.LastScanFiles : null);
        json.WriteOptional("lastScanFound", rule.Live is { LastScanNs: not null } ? rule.Live.LastScanFound : null);
        json.WriteOptional("foundByRescans", rule.Live?.FoundByRescans);
        json.WriteString("scanning", rule.Live?.Scanning);
    }
}
