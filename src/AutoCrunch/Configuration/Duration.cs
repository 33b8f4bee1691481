using System.Globalization;

namespace AutoCrunch.Configuration;

/// <summary>
/// Durations as text: <c>[days.]hh:mm:ss[.fraction]</c>. Stricter than <see cref="TimeSpan"/>, which takes "10" for ten
/// days, "24:00:00" for twenty-four and "00:10" for ten minutes.
/// </summary>
internal static class Duration
{
    private const int MaxDayDigits = 7;

    /// <summary>Reads a duration; a sign is understood so that it can be refused by its value.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = default;
        ReadOnlySpan<char> rest = text.AsSpan(text.StartsWith('-') ? 1 : 0);
        int colon = rest.IndexOf(':');
        int dot = colon < 0 ? -1 : rest[..colon].IndexOf('.');
        return (dot < 0 || AreDigits(rest[..dot], 1, MaxDayDigits))
            && IsTimeOfDay(rest[(dot + 1)..])
            && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out duration);
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

    // h:mm:ss or hh:mm:ss, with up to seven digits of a fraction.
    private static bool IsTimeOfDay(ReadOnlySpan<char> text)
    {
        int colon = text.IndexOf(':');
        if (colon < 0 || !AreDigits(text[..colon], 1, 2) || int.Parse(text[..colon], CultureInfo.InvariantCulture) > 23)
            return false;
        ReadOnlySpan<char> rest = text[colon..];
        return rest.Length >= 6
            && rest[0] == ':' && rest[1] is >= '0' and <= '5' && char.IsAsciiDigit(rest[2])
            && rest[3] == ':' && rest[4] is >= '0' and <= '5' && char.IsAsciiDigit(rest[5])
            && (rest.Length == 6 || (rest[6] == '.' && AreDigits(rest[7..], 1, 7)));
    }

    private static bool AreDigits(ReadOnlySpan<char> text, int min, int max) =>
        text.Length >= min && text.Length <= max && !text.ContainsAnyExceptInRange('0', '9');
}
