using System.Globalization;
using System.Text;

namespace AutoCrunch.Cli;

/// <summary>How many columns of a terminal a text takes, and how to make it take fewer.</summary>
internal static class TextWidth
{
    // Scripts and symbols that terminals show two columns wide (Unicode's East_Asian_Width W and F, in broad ranges).
    private static readonly (int First, int Last)[] s_wide =
    [
        (0x1100, 0x115F), (0x2E80, 0x303E), (0x3041, 0x33FF), (0x3400, 0x4DBF), (0x4E00, 0xA4CF), (0xA960, 0xA97C),
        (0xAC00, 0xD7A3), (0xF900, 0xFAFF), (0xFE30, 0xFE6F), (0xFF01, 0xFF60), (0xFFE0, 0xFFE6),
        (0x1F300, 0x1F64F), (0x1F680, 0x1F6FF), (0x1F900, 0x1F9FF), (0x20000, 0x3FFFD),
    ];

    /// <summary>Columns of the whole text, which must not contain control characters.</summary>
    public static int Of(string text)
    {
        int width = 0;
        foreach (Rune rune in text.EnumerateRunes())
            width += Of(rune);
        return width;
    }

    /// <summary>
    /// At most so many columns: the text, or its beginning and its end with "…" for what was left out between them,
    /// as names that are alike differ at their ends.
    /// </summary>
    public static string Shorten(string text, int columns)
    {
        if (columns <= 0)
            return "";
        if (Of(text) <= columns)
            return text;
        Rune[] runes = [.. text.EnumerateRunes()];
        int tail = runes.Length, tailWidth = 0;
        while (tail > 0 && tailWidth + Of(runes[tail - 1]) <= (columns - 1) / 2)
            tailWidth += Of(runes[--tail]);
        int head = 0, headWidth = 0;
        while (head < tail && headWidth + Of(runes[head]) <= columns - 1 - tailWidth)
            headWidth += Of(runes[head++]);
        return $"{string.Concat(runes[..head])}…{string.Concat(runes[tail..])}";
    }

    /// <summary>
    /// The first columns of a text with colours (CSI ... m), which take no room and are ended with it.
    /// </summary>
    public static string Clip(string text, int columns)
    {
        var clipped = new StringBuilder();
        int width = 0;
        bool isEscape = false, hasColours = false;
        foreach (Rune rune in text.EnumerateRunes())
        {
            isEscape |= rune.Value == '\e';
            hasColours |= isEscape;
            width += isEscape ? 0 : Of(rune);
            if (width > columns)
                return clipped.Append(hasColours ? "\e[0m" : "").ToString();
            clipped.Append(rune);
            isEscape &= rune.Value != 'm';
        }

        return text;
    }

    private static int Of(Rune rune)
    {
        if (rune.Value < 0x300)
            return 1;
        UnicodeCategory category = Rune.GetUnicodeCategory(rune);
        if (category is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format)
            return 0;
        return Array.Exists(s_wide, range => rune.Value >= range.First && rune.Value <= range.Last) ? 2 : 1;
    }
}
