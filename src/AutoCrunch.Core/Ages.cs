using System;
using System.Globalization;

namespace AutoCrunch.Core;

/// <summary>How long ago, and how long until, in one unit, for sentences. Moments are nanoseconds since 1970.</summary>
internal static class Ages
{
    private const double SecondNs = 1e9;

    /// <summary>"just now", "14 s ago", "3 min ago", "12 days ago".</summary>
    public static string Ago(long momentNs, long nowNs) =>
        nowNs - momentNs < SecondNs ? "just now" : OneUnit(nowNs - momentNs) + " ago";

    /// <summary>"at once", "in 8 s": rounded up, so that it is true when it is over.</summary>
    public static string Until(long momentNs, long nowNs) =>
        momentNs <= nowNs ? "at once" : "in " + OneUnit(momentNs - nowNs + SecondNs - 1);

    /// <summary>"14 s", "3 min", "5 h", "12 days".</summary>
    public static string OneUnit(TimeSpan time) => OneUnit(time.TotalNanoseconds);

    private static string OneUnit(double ns)
    {
        (double value, string unit) = Math.Max(0, ns / SecondNs) switch
        {
            < 120 and var seconds => (seconds, "s"),
            < 7200 and var seconds => (seconds / 60, "min"),
            < 172_800 and var seconds => (seconds / 3600, "h"),
            var seconds => (seconds / 86_400, "days"),
        };
        return string.Create(CultureInfo.InvariantCulture, $"{(long)value} {unit}");
    }
}
