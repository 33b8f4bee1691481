using System.Text.Json;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using AutoCrunch.Watching;

namespace AutoCrunch.Hosting;

/// <summary>
/// What only the running service knows of its state: a line per rule, a line per file in flight if such are asked for
/// (<c>inFlight</c>: how many), and itself in the last line. The rest is in the ledger, for everybody to read.
/// </summary>
internal sealed class StatusControl(WatchService watch, RsyncCompletionTracker tracker, JobLedger ledger) : IControlVerb
{
    private const int InFlightMax = 1000;

    private readonly long _startedNs = Clock.WallNs();

    /// <inheritdoc/>
    public string Verb => "status";

    /// <inheritdoc/>
    public async Task AnswerAsync(ControlRequest request, ControlAnswer answer, CancellationToken stopping)
    {
        int limit = (int)Math.Clamp(request.Number("inFlight") ?? 0, 0, InFlightMax);
        var scans = watch.Scans.ToDictionary(scan => scan.Rule, StringComparer.Ordinal);
        (WatchStatus status, IReadOnlyList<InFlightCount> counts, IReadOnlyList<InFlight> files) = await watch.AskAsync(
            () => (watch.Status(), tracker.InFlightCounts(), tracker.InFlight(limit, Clock.Now())))
            .WaitAsync(stopping).ConfigureAwait(false);
        Dictionary<string, InFlightCount> byRule = counts.ToDictionary(count => count.Rule, StringComparer.Ordinal);
        foreach (RootStatus root in status.Roots)
            await answer.LineAsync(json => Write(json, root, byRule[root.Rule], scans.GetValueOrDefault(root.Rule)))
                .ConfigureAwait(false);
        foreach (InFlight file in files)
            await answer.LineAsync(json => Write(json, file)).ConfigureAwait(false);
        answer.Result(json =>
        {
            json.WriteNumber("pid", Environment.ProcessId);
            json.WriteNumber("startedNs", _startedNs);
            json.WriteBoolean("isReady", watch.Ready.IsCompletedSuccessfully);
            json.WriteNumber("overflows", status.Overflows);
            Write(json, "lastOverflowNs", status.LastOverflowNs);
            json.WriteNumber("queuedBytes", status.QueuedBytes);
            json.WriteString("pausedBecause", ledger.PausedBecause);
            json.WriteNumber("pending", ledger.Pending);
        });
    }

    private static void Write(Utf8JsonWriter json, RootStatus root, InFlightCount count, ScanStatus? scan)
    {
        json.WriteString("rule", root.Rule);
        json.WriteBoolean("isRootThere", root.IsRootThere);
        json.WriteNumber("watched", root.Watched);
        json.WriteNumber("unwatched", root.Unwatched);
        json.WriteNumber("arriving", count.Arriving);
        Write(json, "oldestNs", count.OldestNs);
        Write(json, "lastScanNs", root.LastScan?.EndedNs);
        Write(json, "lastScanFiles", root.LastScan?.Files);
        Write(json, "lastScanFound", root.LastScan?.Found);
        json.WriteNumber("foundByRescans", root.FoundByRescans);
        json.WriteString("scanning", scan?.ToString());
    }

    private static void Write(Utf8JsonWriter json, InFlight file)
    {
        json.WriteString("fileOf", file.Rule);
        json.WriteBase64String("path", file.Path.Span);
        json.WriteString("state", file.State.ToString());
        json.WriteNumber("arrivedNs", file.ArrivedNs);
        Write(json, "size", file.SizeBytes);
        Write(json, "untilNs", file.UntilNs);
    }

    private static void Write(Utf8JsonWriter json, string name, long? number)
    {
        if (number is { } value)
            json.WriteNumber(name, value);
    }
}
