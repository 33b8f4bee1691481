using System.Globalization;
using System.Text.RegularExpressions;

namespace AutoCrunch.Configuration;

/// <summary>
/// Durations as text: <c>[days.]hh:mm:ss[.fraction]</c>. Stricter than <see cref="TimeSpan"/>, which takes "10" for ten
/// days, "24:00:00" for twenty-four and "00:10" for ten minutes.
/// </summary>
internal static partial class Duration
{
    /// <summary>Reads a duration; a sign is understood so that it can be refused by its value.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = default;
        return Form().IsMatch(text) && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out duration);
    }

    /// <summary>The duration as <see cref="TryParse"/> reads it, without needless digits.</summary>
    public static string Format(TimeSpan duration)
    {
        string text = duration.ToString("c", CultureInfo.InvariantCulture);
        return duration.Ticks % TimeSpan.TicksPerSecond == 0 ? text : text.TrimEnd('0');
    }

    /// <summary>True for what would mean days if it were taken.</summary>
    public static bool IsBareNumber(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _);

    [GeneratedRegex(
        @"^-?(?:\d{1,8}\.)?(?:[01]?\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,7})?$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Form();
}
