using System.Text.Json;
using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Hosting;
using AutoCrunch.Ledger;

namespace AutoCrunch.Cli;

/// <summary>Asks the running service for what only it knows; without one, or where that is refused, says so.</summary>
internal sealed class ExplainService(CompiledConfiguration configuration)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private ServiceFacts? _notRunning;

    /// <summary>What it knows of one file, relative to the rule's directory.</summary>
    public ServiceFacts FactsOf(WatchRule rule, BytePath path) => Ask(rule, path, isBelow: false, [], null);

    /// <summary>
    /// What it knows of a directory; the files in flight below it, by path relative to the rule's.
    /// </summary>
    public ServiceFacts FactsBelow(WatchRule rule, BytePath directory, Dictionary<BytePath, InFlight> inFlight) =>
        Ask(rule, directory, isBelow: true, [], line =>
        {
            if (InFlightJson.Read(line) is { } file)
                inFlight[file.Path] = file;
        });

    /// <summary>How directories are watched, relative to the rule's; those it cannot say of are left out.</summary>
    public Dictionary<BytePath, Coverage> CoverageOf(WatchRule rule, IEnumerable<BytePath> directories)
    {
        var coverage = new Dictionary<BytePath, Coverage>();
        BytePath[] asked = [.. directories.Where(directory => !directory.IsEmpty).Take(ExplainControl.CoveredMax)];
        Ask(rule, BytePath.Empty, isBelow: false, asked, line =>
        {
            if (line.TryGetProperty("directory", out JsonElement directory))
                coverage[new BytePath(directory.GetBytesFromBase64())] = CoverageIn(line);
        });
        return coverage;
    }

    private ServiceFacts Ask(
        WatchRule rule, BytePath path, bool isBelow, BytePath[] covered, Action<JsonElement>? takeLine)
    {
        if (_notRunning is { } known)
            return known;
        try
        {
            using ControlClient? client = ControlClient.TryConnect(configuration);
            if (client is null)
                return _notRunning = new ServiceFacts(ServiceAnswer.Down);
            return Read(client.Ask(
                "explain", json => WriteRequest(json, rule, path, isBelow, covered), takeLine, s_patience));
        }
        catch (ControlRefusedException refused)
        {
            return _notRunning = new ServiceFacts(ServiceAnswer.NotAsked) { Problem = refused.Message.TrimEnd('.') };
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or FormatException or ArgumentException
            or InvalidOperationException)
        {
            return _notRunning = new ServiceFacts(ServiceAnswer.NotAsked)
            {
                Problem = "the running service is of another version than this command; restart it",
            };
        }
    }

    private static void WriteRequest(
        Utf8JsonWriter json, WatchRule rule, BytePath path, bool isBelow, BytePath[] covered)
    {
        json.WriteString("rule", rule.Name);
        json.WriteBase64String("root", rule.Path.Span);
        json.WriteString("patterns", RuleRecord.PatternsOf(rule));
        if (!path.IsEmpty)
            json.WriteBase64String("path", path.Span);
        json.WriteBoolean("below", isBelow);
        json.WriteStartArray("covered");
        foreach (BytePath directory in covered)
            json.WriteBase64StringValue(directory.Span);
        json.WriteEndArray();
    }

    private static ServiceFacts Read(JsonElement last)
    {
        // What it says of a rule with another Path is about other files.
        if (!last.GetProperty("hasRule").GetBoolean())
            return new ServiceFacts(ServiceAnswer.Running) { HasRule = false };
        return new ServiceFacts(ServiceAnswer.Running)
        {
            Coverage = CoverageIn(last),
            CoverageProblem = last.GetProperty("coverageProblem").GetString() ?? "",
            IsScanning = last.GetProperty("scanning").GetBoolean(),
            LedgerPaused = last.GetProperty("ledgerPaused").GetString(),
            InFlight = InFlightJson.Read(last),
        };
    }

    private static Coverage CoverageIn(JsonElement line) =>
        Enum.Parse<Coverage>(line.GetProperty("coverage").GetString()!);
}
