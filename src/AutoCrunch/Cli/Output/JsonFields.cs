using System.Text.Json;
using AutoCrunch.Core;

namespace AutoCrunch.Cli;

/// <summary>Fields that mean the same in every verb's JSON.</summary>
internal static class JsonFields
{
    /// <summary>
    /// <c>path</c> as <see cref="BytePath.ToString"/> prints it, which can be pasted back, and <c>pathBase64</c>: its
    /// exact bytes.
    /// </summary>
    public static void WritePath(this Utf8JsonWriter json, BytePath path, string name = "path")
    {
        json.WriteString(name, path.ToString());
        json.WriteBase64String(name + "Base64", path.Span);
    }

    /// <summary>A moment as ISO 8601 in UTC, or null.</summary>
    public static void WriteTime(this Utf8JsonWriter json, string name, long? momentNs)
    {
        if (momentNs is { } moment)
            json.WriteString(name, Relative.Iso(moment));
        else
            json.WriteNull(name);
    }

    public static void WriteOptional(this Utf8JsonWriter json, string name, long? number)
    {
        if (number is { } value)
            json.WriteNumber(name, value);
        else
            json.WriteNull(name);
    }
}
