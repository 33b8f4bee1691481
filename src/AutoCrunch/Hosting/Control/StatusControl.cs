using System.Text.Json;
using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using AutoCrunch.Watching;

namespace AutoCrunch.Hosting;

/// <summary>
/// What only the running service knows of its state: a line per rule, a line per file in flight if such are asked for
/// (<c>inFlight</c>: how many), and itself in the last line. The rest is in the ledger, for everybody to read.
/// </summary>
internal sealed class StatusControl(
    CompiledConfiguration configuration, WatchService watch, RsyncCompletionTracker tracker, JobLedger ledger)
    : IControlVerb
{
    private const int InFlightMax = 1000;

    private readonly Dictionary<string, BytePath> _roots = configuration.Rules.ToDictionary(
        rule => rule.Rule.Name, rule => rule.Rule.Path, StringComparer.Ordinal);

    private readonly long _startedNs = Clock.WallNs();
    private int _isLooking;

    /// <inheritdoc/>
    public string Verb => "status";

    /// <inheritdoc/>
    public async Task AnswerAsync(ControlRequest request, ControlAnswer answer, CancellationToken stopping)
    {
        int limit = (int)Math.Clamp(request.Number("inFlight") ?? 0, 0, InFlightMax);
        var scans = watch.Scans.ToDictionary(scan => scan.Rule, StringComparer.Ordinal);
        (WatchStatus status, IReadOnlyList<InFlightCount> counts, IReadOnlyList<InFlight> files) = await watch.AskAsync(
            () => (watch.Status(), tracker.InFlightCounts(), InFlight(limit)), stopping).ConfigureAwait(false);
        files = await WithSizesAsync(files).ConfigureAwait(false);
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

    // What rsync still writes under a temporary name is on its way too. Watch thread.
    private IReadOnlyList<InFlight> InFlight(int limit)
    {
        IEnumerable<InFlight> transfers = tracker.Transfers().Take(limit).Select(transfer => new InFlight(
            transfer.Rule.Name, transfer.Path, InFlightState.BeingWritten, transfer.SinceNs, transfer.SinceNs));
        return [.. transfers.Concat(tracker.InFlight(limit, Clock.Now())).Take(limit)];
    }

    // One at a time: where a file server hangs, it is one client that waits for it, and not every one that comes after.
    private async Task<IReadOnlyList<InFlight>> WithSizesAsync(IReadOnlyList<InFlight> files)
    {
        if (files.Count == 0 || Interlocked.Exchange(ref _isLooking, 1) != 0)
            return files;
        try
        {
            return await ControlWork.OnThreadAsync(() => LookAt(files)).ConfigureAwait(false);
        }
        finally
        {
            Volatile.Write(ref _isLooking, 0);
        }
    }

    // The sizes of this moment; those that are gone by now are left out.
    private IReadOnlyList<InFlight> LookAt(IReadOnlyList<InFlight> files)
    {
        var seen = new List<InFlight>();
        foreach (InFlight file in files)
        {
            int errno = FileStatReader.TryRead(_roots[file.Rule].Join(file.Path), out FileStat stat);
            if (errno == 0)
                seen.Add(file with { SizeBytes = stat.SizeBytes });
            else if (errno != Errno.ENOENT)
                seen.Add(file);
        }

        return seen;
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
