using System.Runtime.InteropServices;
using AutoCrunch.Core;
using AutoCrunch.Dispatch;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Watching;

/// <summary>
/// Drives one <see cref="CompletionMachine"/> per rule: answers its probes, hands its completions to the rule's
/// dispatcher and everything else it finds out to the ledger. Watch thread only.
/// </summary>
internal sealed partial class RsyncCompletionTracker : IRsyncCompletionTracker
{
    /// <summary>Names without a verdict per rule; beyond it the tree is scanned again when there is room.</summary>
    public const int TrackedMaxPerRule = 262_144;

    private readonly Dictionary<string, Tracked> _rules = new(StringComparer.Ordinal);
    private readonly IFileProber _prober;
    private readonly IKnownFiles _known;
    private readonly ILogger _logger;
    private readonly List<Effect> _effects = [];
    private readonly Transfers _transfers = new();
    private readonly Queue<TrackedDirectory> _rescans = new();

    /// <param name="rules">The rules, each with the dispatcher its completions go to.</param>
    /// <param name="prober">Looks at files.</param>
    /// <param name="known">Is told what is no completion.</param>
    /// <param name="logger">For holds and completions.</param>
    /// <param name="trackedMax">Most names without a verdict per rule.</param>
    public RsyncCompletionTracker(
        IEnumerable<KeyValuePair<WatchRule, IJobDispatcher>> rules,
        IFileProber prober,
        IKnownFiles known,
        ILogger<RsyncCompletionTracker> logger,
        int trackedMax = TrackedMaxPerRule)
    {
        foreach ((WatchRule rule, IJobDispatcher dispatcher) in rules)
            _rules.Add(rule.Name, new Tracked(new CompletionMachine(rule, trackedMax), dispatcher));
        _prober = prober;
        _known = known;
        _logger = logger;
    }

    /// <summary>Told of each completion, on the watch thread; must not wait. Set before the first event.</summary>
    public Action<Completion>? Completed { get; set; }

    /// <inheritdoc/>
    public void Publish(FileEvent fileEvent)
    {
        _transfers.Observe(fileEvent);
        Tracked tracked = Of(fileEvent.Directory);
        tracked.Machine.Observe(fileEvent, _effects);
        CarryOut(tracked, fileEvent.Time);
    }

    /// <inheritdoc/>
    public void Probed(
        TrackedDirectory directory, ReadOnlySpan<byte> name, ProbeDepth depth, ProbeAnswer answer, Moment now)
    {
        Tracked tracked = Of(directory);
        tracked.Machine.Probed(directory, name, depth, answer, now, _effects);
        CarryOut(tracked, now);
    }

    /// <inheritdoc/>
    public void Forget(TrackedDirectory directory)
    {
        _transfers.Forget(directory);
        Of(directory).Machine.Forget(directory);
    }

    /// <inheritdoc/>
    public long Advance(Moment now, Moment? queueEmptySince)
    {
        long next = long.MaxValue;
        foreach (Tracked tracked in _rules.Values)
        {
            long deadline;
            bool isSettled;
            do
            {
                deadline = tracked.Machine.Advance(now, queueEmptySince, _effects);
                isSettled = _effects.Count == 0;
                CarryOut(tracked, now);
            }
            while (!isSettled);

            next = Math.Min(next, deadline);
        }

        return next;
    }

    /// <inheritdoc/>
    public TrackedDirectory? TakeRescan() => _rescans.TryDequeue(out TrackedDirectory? directory) ? directory : null;

    /// <summary>Where a name stands; null when it has its verdict or was never seen.</summary>
    public TrackedState? Describe(TrackedDirectory directory, ReadOnlySpan<byte> name) =>
        Of(directory).Machine.Describe(directory, name);

    /// <summary>Names without a verdict in one rule.</summary>
    public int TrackedCount(WatchRule rule) => _rules[rule.Name].Machine.TrackedCount;

    private Tracked Of(TrackedDirectory directory) => _rules[directory.Rule.Name];

    // Answers add effects at the end of the list, so this is a queue without one.
    private void CarryOut(Tracked tracked, Moment now)
    {
        for (int i = 0; i < _effects.Count; i++)
        {
            Effect effect = _effects[i];
            switch (effect.Kind)
            {
                case EffectKind.Probe:
                    if (_prober.TryProbe(effect.Directory, effect.Name, effect.Depth, out ProbeAnswer answer))
                        tracked.Machine.Probed(effect.Directory, effect.Name, effect.Depth, answer, now, _effects);
                    break;
                case EffectKind.Complete:
                    LogCompleted(effect.Completion!.Rule, effect.Completion.Path, effect.Completion.Evidence);
                    tracked.Dispatcher.Dispatch(effect.Completion);
                    Completed?.Invoke(effect.Completion);
                    break;
                default:
                    Tell(effect);
                    break;
            }
        }

        _effects.Clear();
    }

    private void Tell(in Effect effect)
    {
        if (effect.Kind == EffectKind.Rescan)
        {
            _rescans.Enqueue(effect.Directory);
            return;
        }

        string rule = effect.Directory.Rule.Name;
        BytePath path = effect.Directory.PathOf(effect.Name);
        switch (effect.Kind)
        {
            case EffectKind.Hold:
                LogHeld(rule, path, HoldText.Of(effect.Reason));
                _known.Held(rule, path, effect.Stat, effect.Reason, effect.IsMoved);
                break;
            case EffectKind.Gone:
                _known.Gone(rule, path);
                break;
            case EffectKind.MetadataChanged:
                _known.MetadataChanged(rule, path, effect.Stat);
                break;
            default:
                throw new InvariantException($"Unknown effect {effect.Kind}");
        }
    }

    [LoggerMessage(1101, LogLevel.Debug, "Complete: {Path} (rule {Rule}, {Evidence})")]
    private partial void LogCompleted(string rule, BytePath path, Evidence evidence);

    [LoggerMessage(1102, LogLevel.Warning, "Held, not processed: {Path} (rule {Rule}): {Reason}")]
    private partial void LogHeld(string rule, BytePath path, string reason);

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Tracked(CompletionMachine Machine, IJobDispatcher Dispatcher);
}
