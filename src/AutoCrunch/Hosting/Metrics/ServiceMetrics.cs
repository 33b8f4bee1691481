using System.Diagnostics.Metrics;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Hosting;

/// <summary>
/// The meter "AutoCrunch". What happens is counted once for each file or attempt, never for each event; what is, is
/// looked up only when somebody collects it.
/// </summary>
internal sealed class ServiceMetrics : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "AutoCrunch";

    private readonly Meter _meter = new(MeterName);
    private readonly MetricsSampler _sampler;
    private readonly Counter<long> _completions;
    private readonly Counter<long> _jobs;
    private readonly Histogram<double> _attempts;

    public ServiceMetrics(MetricsSampler sampler)
    {
        _sampler = sampler;
        _completions = _meter.CreateCounter<long>(
            "autocrunch.completions", "{file}", "Versions of files that have finished arriving, by evidence.");
        _jobs = _meter.CreateCounter<long>(
            "autocrunch.jobs.ended", "{job}", "Jobs that were started and have ended, by outcome.");
        _attempts = _meter.CreateHistogram<double>(
            "autocrunch.attempt.duration", "s", "Attempts that have ended, by result: how long they took.");

        PerRule("autocrunch.files.arriving", "{file}", "Files on their way: no verdict yet.", rule => rule.Arriving);
        PerRule("autocrunch.files.held", "{file}", "Files that are held.", rule => rule.Held);
        PerRule("autocrunch.jobs.queued", "{job}", "Jobs that wait, for whatever reason.", rule => rule.Queued);
        PerRule("autocrunch.jobs.running", "{job}", "Jobs that run.", rule => rule.Running);
        PerRule("autocrunch.jobs.failed", "{job}", "Jobs that have failed for good and are remembered.",
            rule => rule.Failed);
        PerRule("autocrunch.directories.watched", "{directory}", "Directories that are watched.", rule => rule.Watched);
        PerRule("autocrunch.directories.unwatched", "{directory}", "Directories that only rescans look into.",
            rule => rule.Unwatched);
        _meter.CreateObservableCounter(
            "autocrunch.files.rescued", () => Measure(rule => rule.FoundByRescans), "{file}",
            "Files that no event told of: only a rescan has found them.");
        _meter.CreateObservableGauge(
            "autocrunch.oldest.waiting", () => Measure(rule => rule.OldestWaitingSeconds), "s",
            "How long the file that is on its way longest, or the oldest job that waits, has been waiting.");
        _meter.CreateObservableCounter(
            "autocrunch.overflows", () => _sampler.Sample().Overflows, "{overflow}",
            "How often the kernel's queue of events has overflowed.");
        _meter.CreateObservableGauge(
            "autocrunch.kernel.queue", () => _sampler.Sample().KernelQueueBytes, "By",
            "What waits in the kernel's queue of events.");
        _meter.CreateObservableGauge(
            "autocrunch.ledger.pending", () => _sampler.Sample().LedgerPending, "{command}",
            "What waits to be written into the ledger.");
    }

    /// <summary>The meter itself: for those who listen to this one and no other.</summary>
    public Meter Meter => _meter;

    /// <summary>A file has finished arriving. Watch thread.</summary>
    public void Completed(Completion completion) => _completions.Add(
        1, new("rule", completion.Rule), new("evidence", EvidenceNames.Of(completion.Evidence)));

    /// <summary>An attempt has ended, and that is recorded. Ledger thread.</summary>
    public void Settled(Attempt attempt, AttemptOutcome outcome, JobTransition recorded)
    {
        KeyValuePair<string, object?> rule = new("rule", attempt.Job.Rule);
        if (recorded.IsRecorded && attempt.Job.StartedNs is { } startedNs)
            _attempts.Record(
                Math.Max(0, Clock.WallNs() - startedNs) / 1e9, rule, new("result", ResultOf(outcome)));
        string? ended = recorded.State switch
        {
            JobState.Succeeded => "succeeded",
            JobState.Failed => "failed",
            JobState.Cancelled => "cancelled",
            _ => null,
        };
        if (ended is not null)
            _jobs.Add(1, rule, new("outcome", ended));
    }

    public void Dispose() => _meter.Dispose();

    private static string ResultOf(AttemptOutcome outcome) => outcome switch
    {
        AttemptOutcome.Succeeded => "succeeded",
        AttemptOutcome.TimedOut => "timed_out",
        AttemptOutcome.CannotStart => "cannot_start",
        AttemptOutcome.Interrupted or AttemptOutcome.EndedByHand => "interrupted",
        _ => "failed",
    };

    private void PerRule(string name, string unit, string description, Func<RuleSample, long> value) =>
        _meter.CreateObservableGauge(name, () => Measure(value), unit, description);

    private IEnumerable<Measurement<T>> Measure<T>(Func<RuleSample, T> value)
        where T : struct
    {
        foreach (RuleSample rule in _sampler.Sample().Rules)
            yield return new Measurement<T>(value(rule), new KeyValuePair<string, object?>("rule", rule.Rule));
    }

    // Kept, so that counting allocates no text.
    private static class EvidenceNames
    {
        private static readonly string[] s_names =
            ["renamed_from_temporary", "renamed", "linked", "mtime_set", "quiet", "found", "by_hand"];

        public static string Of(Evidence evidence) => s_names[(int)evidence];
    }
}
