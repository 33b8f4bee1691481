using AutoCrunch.Core;

namespace AutoCrunch.Watching;

/// <content>
/// What people ask about files without a verdict. Watch thread only: others ask through the watch service.
/// </content>
internal sealed partial class RsyncCompletionTracker
{
    /// <summary>
    /// Files without a verdict of all rules: those that are not held first, then the oldest first; no more than
    /// <paramref name="limit"/> (<see cref="InFlightCounts"/> says how many there are).
    /// </summary>
    public IReadOnlyList<InFlight> InFlight(int limit, Moment now) =>
    [
        .. _rules.Values.SelectMany(rule => rule.Machine.InFlight(BytePath.Empty, limit, now))
            .OrderBy(file => (file.State == InFlightState.Held, file.ArrivedNs)).Take(limit),
    ];

    /// <summary>The same for one rule, at and below a directory relative to the rule's.</summary>
    public IReadOnlyList<InFlight> InFlight(string rule, BytePath directory, int limit, Moment now) =>
        _rules[rule].Machine.InFlight(directory, limit, now);

    /// <inheritdoc cref="CompletionMachine.FindUnrecorded"/>
    public Unrecorded FindUnrecorded(Moment since, int most, Moment now)
    {
        Unrecorded[] all = [.. _rules.Values.Select(rule => rule.Machine.FindUnrecorded(since, most, now))];
        return new Unrecorded(
            all.Sum(rule => rule.Waited), all.FirstOrDefault(rule => rule.Waited > 0)?.FirstWaited,
            all.Sum(rule => rule.Arriving),
            [.. all.SelectMany(rule => rule.FirstArriving).OrderBy(file => file.ArrivedNs).Take(most)]);
    }

    /// <summary>How many files of each rule have no verdict, in the order of the rules' names.</summary>
    public IReadOnlyList<InFlightCount> InFlightCounts() =>
    [
        .. _rules.OrderBy(rule => rule.Key, StringComparer.Ordinal).Select(rule => rule.Value.Machine.CountInFlight()),
    ];

    /// <summary>
    /// Temporary names that rsync writes to, the oldest first: they become files without a verdict when they are
    /// renamed. Some may be gone already, where events were lost.
    /// </summary>
    public IReadOnlyList<Transfer> Transfers() => _transfers.List();

    /// <summary>
    /// One file, its path relative to the rule's directory; null when it has its verdict or was never seen.
    /// </summary>
    public InFlight? Find(string rule, BytePath path, Moment now) => _rules[rule].Machine.FindInFlight(path, now);
}
