using System.Globalization;

namespace AutoCrunch.Cli;

/// <summary>Times for people. All moments are nanoseconds since 1970.</summary>
internal static class Relative
{
    private const long NsPerTick = 100;

    /// <summary>"just now", "14 s ago", "3 min ago", "5 h ago", "12 days ago"; "in 10 s" of the future.</summary>
    public static string Ago(long momentNs, long nowNs)
    {
        var age = TimeSpan.FromTicks((nowNs - momentNs) / NsPerTick);
        if (age.Duration() < TimeSpan.FromSeconds(1))
            return age < TimeSpan.Zero ? "in 1 s" : "just now";
        return age < TimeSpan.Zero ? $"in {OneUnit(age.Negate(), roundsUp: true)}" : $"{OneUnit(age, false)} ago";
    }

    /// <inheritdoc cref="Ago(long, long)"/>
    public static string Ago(long? momentNs, long nowNs, string never) =>
        momentNs is { } moment ? Ago(moment, nowNs) : never;

    /// <summary>How long something takes: "0.35 s", "12 s", "3 min 20 s", "2 h 5 min", "3 d 4 h".</summary>
    public static string Span(TimeSpan span)
    {
        if (span < TimeSpan.Zero)
            span = TimeSpan.Zero;
        (long Number, string Unit)[] parts = span switch
        {
            { TotalSeconds: < 9.95 } => [],
            { TotalSeconds: < 60 } => [(span.Seconds, "s")],
            { TotalHours: < 1 } => [(span.Minutes, "min"), (span.Seconds, "s")],
            { TotalDays: < 1 } => [(span.Hours, "h"), (span.Minutes, "min")],
            _ => [(span.Days, "d"), (span.Hours, "h")],
        };
        if (parts.Length == 0)
            return span.TotalSeconds.ToString(span.TotalSeconds < 0.995 ? "0.00" : "0.0", Invariant) + " s";
        return string.Join(' ', parts.Where((part, i) => i == 0 || part.Number > 0)
            .Select(part => string.Create(Invariant, $"{part.Number} {part.Unit}")));
    }

    /// <summary>From one moment to another.</summary>
    public static string Span(long fromNs, long toNs) => Span(TimeSpan.FromTicks((toNs - fromNs) / NsPerTick));

    /// <summary>The moment itself in local time: "2026-11-22 13:50:02".</summary>
    public static string Local(long momentNs) =>
        Time(momentNs).ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", Invariant);

    /// <summary>For programs: "2026-11-22T13:50:02.1234567Z".</summary>
    public static string Iso(long momentNs) => Time(momentNs).UtcDateTime.ToString("O", Invariant);

    /// <summary>
    /// A moment as operators write it: an age ("90s", "10m", "2h", "7d"), or a date with or without a time, local
    /// unless it says otherwise ("2026-11-22", "2026-11-22T13:50Z"). Null when it is none of them.
    /// </summary>
    public static long? Read(string text, long nowNs)
    {
        (char Suffix, double Seconds)[] units = [('s', 1), ('m', 60), ('h', 3600), ('d', 86400)];
        foreach ((char suffix, double seconds) in units)
        {
            if (text.EndsWith(suffix)
                && double.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.AllowDecimalPoint, Invariant,
                    out double number)
                && number * seconds < TimeSpan.FromDays(36500).TotalSeconds)
                return nowNs - (long)(number * seconds * 1e9);
        }

        string[] formats = ["yyyy-MM-dd", "yyyy-MM-dd HH:mm", "yyyy-MM-dd HH:mm:ss", "yyyy-MM-ddTHH:mmK",
            "yyyy-MM-ddTHH:mm:ssK", "yyyy-MM-ddTHH:mm:ss.FFFFFFFK"];
        bool isDate = DateTimeOffset.TryParseExact(
            text, formats, Invariant, DateTimeStyles.AssumeLocal, out DateTimeOffset time);
        return isDate ? (time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) * NsPerTick : null;
    }

    private static CultureInfo Invariant => CultureInfo.InvariantCulture;

    private static DateTimeOffset Time(long ns) => DateTimeOffset.UnixEpoch.AddTicks(ns / NsPerTick);

    private static string OneUnit(TimeSpan span, bool roundsUp)
    {
        (double value, string unit) = span switch
        {
            { TotalSeconds: < 60 } => (span.TotalSeconds, "s"),
            { TotalMinutes: < 60 } => (span.TotalMinutes, "min"),
            { TotalHours: < 48 } => (span.TotalHours, "h"),
            _ => (span.TotalDays, "days"),
        };
        return string.Create(Invariant, $"{(long)(roundsUp ? Math.Ceiling(value) : value)} {unit}");
    }
}
