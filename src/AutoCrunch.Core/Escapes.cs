using System;
using System.Globalization;

namespace AutoCrunch.Core;

/// <summary>The one way to write bytes in text: <c>\xNN</c> for a byte, <c>\\</c> for a backslash.</summary>
internal static class Escapes
{
    /// <summary>Reads the escape at <paramref name="i"/>, which must be a backslash, and moves behind it.</summary>
    /// <exception cref="FormatException">It is followed by something else.</exception>
    public static byte Take(ReadOnlySpan<byte> text, ref int i)
    {
        if (i + 1 < text.Length && text[i + 1] == '\\')
        {
            i += 2;
            return (byte)'\\';
        }

        if (i + 3 < text.Length && text[i + 1] == 'x' && byte.TryParse(
            text.Slice(i + 2, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value))
        {
            i += 4;
            return value;
        }

        throw new FormatException("a backslash must be followed by xNN (two hex digits) or a backslash");
    }
}
