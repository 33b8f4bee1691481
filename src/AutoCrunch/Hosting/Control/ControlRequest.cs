using System.Text.Json;
using AutoCrunch.Core;

namespace AutoCrunch.Hosting;

/// <summary>
/// A request as it came: a JSON object, of which nothing is trusted. What is missing or of the wrong kind is refused by
/// the name of its field.
/// </summary>
/// <param name="root">The object.</param>
internal sealed class ControlRequest(JsonElement root)
{
    /// <summary>No path is longer (PATH_MAX, limits.h).</summary>
    private const int PathBytesMax = 4096;

    /// <summary>What is asked for.</summary>
    public string Verb => Text("verb") ?? throw Missing("verb");

    /// <summary>A string; null when it is not there.</summary>
    public string? Text(string name) => Find(name) is { } value
        ? value.ValueKind == JsonValueKind.String ? TextOf(name, value) : throw Wrong(name, "a string")
        : null;

    /// <summary>A string that must be there.</summary>
    public string RequiredText(string name) => Text(name) ?? throw Missing(name);

    /// <summary>A truth value; false when it is not there.</summary>
    public bool Flag(string name) => Find(name) is { } value && value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Wrong(name, "true or false"),
    };

    /// <summary>A whole number; null when it is not there.</summary>
    public long? Number(string name) => Find(name) is { } value ? NumberOf(name, value) : null;

    /// <summary>A list of whole numbers; empty when it is not there.</summary>
    public IReadOnlyList<long> Numbers(string name) => [.. List(name).Select(value => NumberOf(name, value))];

    /// <summary>A path, given as base64 of its bytes; null when it is not there.</summary>
    public BytePath? Path(string name) => Find(name) is { } value ? PathOf(name, value) : null;

    /// <summary>A list of paths, each given as base64 of its bytes; empty when it is not there.</summary>
    public IReadOnlyList<BytePath> Paths(string name) => [.. List(name).Select(value => PathOf(name, value))];

    private static string TextOf(string name, JsonElement value)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw Wrong(name, "valid UTF-8"); // half a surrogate pair, or bytes that are no UTF-8
        }
    }

    private static long NumberOf(string name, JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number)
            ? number
            : throw Wrong(name, "a whole number");

    private static BytePath PathOf(string name, JsonElement value)
    {
        bool isBase64 = value.ValueKind == JsonValueKind.String;
        byte[]? bytes = null;
        try
        {
            isBase64 = isBase64 && value.TryGetBytesFromBase64(out bytes);
        }
        catch (InvalidOperationException)
        {
            isBase64 = false;
        }

        if (!isBase64 || bytes is not { Length: > 0 and < PathBytesMax } || bytes.Contains((byte)0))
            throw Wrong(name, "the base64 of a path's bytes");
        return new BytePath(bytes);
    }

    private static ControlRefusedException Missing(string name) =>
        new($"The request has no field '{name}'.") { IsUsage = true };

    private static ControlRefusedException Wrong(string name, string expected) =>
        new($"The request's field '{name}' must be {expected}.") { IsUsage = true };

    private IEnumerable<JsonElement> List(string name)
    {
        if (Find(name) is not { } list)
            return [];
        return list.ValueKind == JsonValueKind.Array ? list.EnumerateArray() : throw Wrong(name, "a list");
    }

    private JsonElement? Find(string name) =>
        root.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
