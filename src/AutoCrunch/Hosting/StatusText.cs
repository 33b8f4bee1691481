using System.Globalization;
using AutoCrunch.Ledger;
using AutoCrunch.Watching;

namespace AutoCrunch.Hosting;

/// <summary>The service's state in one line, what asks for attention first.</summary>
internal static class StatusText
{
    /// <summary>
    /// "ledger cannot be written: disk full; raw: scanning, ...; 3 rules, 12 running, 4 queued, 2 held; last arrival
    /// 14 s ago".
    /// </summary>
    /// <param name="counts">Of the configured rules.</param>
    /// <param name="scans">Scans of whole roots under way.</param>
    /// <param name="pausedBecause">Why the ledger cannot be written; null while it can.</param>
    /// <param name="paused">Rules whose jobs are not started.</param>
    /// <param name="sinceArrival">Since the last file arrived; null when none has.</param>
    public static string Of(
        IReadOnlyCollection<RuleCounts> counts, IEnumerable<ScanStatus> scans, string? pausedBecause,
        IEnumerable<string> paused, TimeSpan? sinceArrival)
    {
        var parts = new List<string>();
        if (pausedBecause is not null)
            parts.Add($"ledger cannot be written: {pausedBecause}");
        parts.AddRange(scans.Select(scan => $"{scan.Rule}: scanning, {scan}"));
        parts.AddRange(paused.Select(rule => $"{rule}: paused until 'autocrunch resume {rule}'"));
        var numbers = new List<string>
        {
            Count(counts.Count, counts.Count == 1 ? "rule" : "rules"),
            Count(counts.Sum(rule => rule.Running), "running"),
            Count(counts.Sum(rule => rule.Queued), "queued"),
            Count(counts.Sum(rule => rule.Held), "held"),
        };
        if (counts.Sum(rule => rule.Failed) is > 0 and long failed)
            numbers.Add(Count(failed, "failed"));
        parts.Add(string.Join(", ", numbers));
        parts.Add(sinceArrival is { } since ? $"last arrival {Age(since)} ago" : "no arrival yet");
        return string.Join("; ", parts);
    }

    // Coarser with age, so that an idle service has nothing to say.
    private static string Age(TimeSpan age) => age switch
    {
        { TotalSeconds: < 60 } => Count((long)Math.Max(0, age.TotalSeconds), "s"),
        { TotalMinutes: < 60 } => Count((long)age.TotalMinutes, "min"),
        { TotalHours: < 48 } => Count((long)age.TotalHours, "h"),
        _ => Count((long)age.TotalDays, "days"),
    };

    private static string Count(long number, string what) => $"{number.ToString(CultureInfo.InvariantCulture)} {what}";
}
