using System.Globalization;

namespace AutoCrunch.Cli;

/// <summary>Amounts of bytes for people: powers of 1024, three or four digits.</summary>
internal static class Sizes
{
    private static readonly string[] s_units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    /// <summary>"0 B", "1023 B", "1.5 KiB", "238 MiB".</summary>
    public static string Of(long bytes)
    {
        // 1023.6 would be shown as 1024: the next unit begins a little earlier.
        const double NextUnit = 1023.5;
        double value = bytes;
        int unit = 0;
        for (; Math.Abs(value) >= NextUnit && unit < s_units.Length - 1; unit++)
            value /= 1024;
        string format = unit == 0 || Math.Abs(value) >= 99.95 ? "0" : "0.0";
        return $"{value.ToString(format, CultureInfo.InvariantCulture)} {s_units[unit]}";
    }

    /// <summary>"1.5 MiB/s"; empty when nothing can be said.</summary>
    public static string Rate(double? bytesPerSecond) =>
        bytesPerSecond is { } rate && double.IsFinite(rate) && rate >= 0 ? Of((long)rate) + "/s" : "";
}
