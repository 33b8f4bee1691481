using System.Globalization;

namespace AutoCrunch.Cli;

/// <summary>Numbers of things.</summary>
internal static class Counts
{
    /// <summary>"1,234".</summary>
    public static string Of(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>"1 job", "1,234 jobs".</summary>
    public static string Of(long number, string noun) => number == 1 ? $"1 {noun}" : $"{Of(number)} {noun}s";
}
