using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using AutoCrunch.Watching;

namespace AutoCrunch.Hosting;

/// <summary>
/// <c>sync</c>: answers when all that arrived before the call is recorded: every event read, every scan merged, every
/// quiet period over, every verdict in the ledger. Files that somebody still writes have not arrived: they are named.
/// With <c>timeoutMs</c> it gives up after that time, and says what is missing.
/// </summary>
internal sealed class SyncControl(
    WatchService watch, RsyncCompletionTracker tracker, JobLedger ledger, CompiledConfiguration configuration)
    : IControlVerb
{
    private const int NamedMax = 20;

    // Each look walks over what has no verdict, on the watch thread.
    private static readonly TimeSpan s_firstLook = TimeSpan.FromSeconds(0.01);
    private static readonly TimeSpan s_longestLook = TimeSpan.FromSeconds(0.5);

    /// <inheritdoc/>
    public string Verb => "sync";

    /// <inheritdoc/>
    public bool Waits(ControlRequest request) => true;

    /// <inheritdoc/>
    public async Task AnswerAsync(ControlRequest request, ControlAnswer answer, CancellationToken stopping)
    {
        Moment called = Clock.Now();
        using var late = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        if (request.Number("timeoutMs") is { } timeoutMs)
            late.CancelAfter(TimeSpan.FromMilliseconds(Math.Clamp(timeoutMs, 1, int.MaxValue)));
        string missing = "events are still being read";
        try
        {
            await watch.AskAsync(
                () =>
                {
                    watch.ScanUnwatched();
                    return true;
                },
                late.Token).ConfigureAwait(false);
            Unrecorded left;
            using var pause = new PeriodicTimer(s_firstLook);
            while (true)
            {
                (bool hasSeenAll, left) = await watch.AskAsync(
                    () => (watch.HasSeenAllBefore(called.MonotonicNs),
                        tracker.FindUnrecorded(called, NamedMax, Clock.Now())),
                    late.Token).ConfigureAwait(false);
                if (hasSeenAll && left.Waited == 0)
                    break;
                missing = left.FirstWaited is { } first
                    ? $"'{PathOf(first)}'{More(left.Waited - 1)} is being looked at, or its quiet period runs"
                    : "a scan is under way, or events are still being read";
                await pause.WaitForNextTickAsync(late.Token).ConfigureAwait(false);
                pause.Period = pause.Period < s_longestLook / 2 ? pause.Period * 1.5 : s_longestLook;
            }

            missing = "the ledger has not written it yet";
            await ledger.SyncAsync().WaitAsync(late.Token).ConfigureAwait(false);
            await TellAsync(left, answer).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !stopping.IsCancellationRequested)
        {
            throw new ControlRefusedException($"Not all that has arrived is recorded yet: {missing}.");
        }
    }

    private static string More(long count) => count == 0 ? "" : $" (and {count} more)";

    private static string Why(InFlightState state) => state switch
    {
        InFlightState.BeingWritten => "is still being written",
        InFlightState.Unreadable => "cannot be looked at",
        InFlightState.WaitsForWriter => "may still be written; that cannot be told",
        _ => "has changed since",
    };

    private BytePath PathOf(InFlight file) => JobLines.RuleOf(configuration, file.Rule).Rule.Path.Join(file.Path);

    private async Task TellAsync(Unrecorded left, ControlAnswer answer)
    {
        foreach (InFlight file in left.FirstArriving)
        {
            BytePath path = PathOf(file);
            await answer.LineAsync(json =>
            {
                json.WriteString("rule", file.Rule);
                json.WriteString("path", path.ToString());
                json.WriteBase64String("pathBase64", path.Span);
                json.WriteBoolean("done", false);
                json.WriteString("message", $"{path}: not recorded: it {Why(file.State)}.");
            }).ConfigureAwait(false);
        }

        answer.Result(json =>
        {
            json.WriteNumber("arriving", left.Arriving);
            json.WriteString("message", left.Arriving == 0
                ? "All that has arrived is recorded."
                : $"All that has arrived is recorded, but for {left.Arriving} that still arrive.");
        });
    }
}
