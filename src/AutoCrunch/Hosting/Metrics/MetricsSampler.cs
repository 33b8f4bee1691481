using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using AutoCrunch.Watching;

namespace AutoCrunch.Hosting;

/// <summary>One rule's numbers at one moment.</summary>
internal sealed record RuleSample(string Rule)
{
    public long Arriving { get; init; }

    public long Held { get; init; }

    public long Queued { get; init; }

    public long Running { get; init; }

    public long Failed { get; init; }

    public long Watched { get; init; }

    public long Unwatched { get; init; }

    public long FoundByRescans { get; init; }

    public double OldestWaitingSeconds { get; init; }
}

/// <summary>The service's numbers at one moment.</summary>
internal sealed record ServiceSample(
    IReadOnlyList<RuleSample> Rules, long Overflows, long KernelQueueBytes, long LedgerPending);

/// <summary>
/// Looks the numbers up when they are collected: asks the watch thread, and reads the ledger. Nothing is done as long
/// as nobody collects. Any thread but the watch thread; waits for the disk.
/// </summary>
internal sealed class MetricsSampler(
    CompiledConfiguration configuration, WatchService watch, RsyncCompletionTracker tracker, JobLedger ledger)
    : IDisposable
{
    // All instruments of one collection show the same moment.
    private const long KeptNs = 1_000_000_000;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private ServiceSample _sample = new([], 0, 0, 0);
    private LedgerReader? _reader;
    private long _takenNs = long.MinValue;
    private bool _isDisposed;

    /// <summary>The numbers of this moment; older ones when they cannot be had.</summary>
    public ServiceSample Sample()
    {
        lock (_gate)
        {
            long now = Clock.MonotonicNs();
            if (_isDisposed || (_takenNs != long.MinValue && now - _takenNs < KeptNs))
                return _sample;
            _takenNs = now;
            try
            {
                _sample = Take();
            }
            catch (Exception e) when (e is not InvariantException)
            {
                // The service stops, the disk fails, the watch thread is busy: the last numbers stand.
            }

            return _sample;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            _reader?.Dispose();
        }
    }

    private ServiceSample Take()
    {
        using var late = new CancellationTokenSource(s_patience);
        (WatchStatus status, IReadOnlyList<InFlightCount> inFlight) = watch.AskAsync(
            () => (watch.Status(), tracker.InFlightCounts()), late.Token).GetAwaiter().GetResult();
        _reader ??= LedgerReader.Open(configuration.StateDirectory);
        Dictionary<string, RuleCounts> counts = _reader.Counts().ToDictionary(count => count.Rule);
        IReadOnlyDictionary<string, long> oldest = _reader.OldestQueued();
        Dictionary<string, RootStatus> roots = status.Roots.ToDictionary(root => root.Rule);
        long nowNs = Clock.WallNs();
        RuleSample[] rules = [.. inFlight.Select(files =>
        {
            RuleCounts? count = counts.GetValueOrDefault(files.Rule);
            RootStatus? root = roots.GetValueOrDefault(files.Rule);
            long oldestNs = Math.Min(
                files.OldestNs ?? long.MaxValue, oldest.TryGetValue(files.Rule, out long ns) ? ns : long.MaxValue);
            return new RuleSample(files.Rule)
            {
                Arriving = files.Arriving,
                Held = count?.Held ?? 0,
                Queued = count?.Queued ?? 0,
                Running = count?.Running ?? 0,
                Failed = count?.Failed ?? 0,
                Watched = root?.Watched ?? 0,
                Unwatched = root?.Unwatched ?? 0,
                FoundByRescans = root?.FoundByRescans ?? 0,
                OldestWaitingSeconds = oldestNs == long.MaxValue ? 0 : Math.Max(0, nowNs - oldestNs) / 1e9,
            };
        })];
        return new ServiceSample(rules, status.Overflows, status.QueuedBytes, ledger.Pending);
    }
}
