using System.Text.Json;
using Microsoft.Extensions.Configuration;

namespace AutoCrunch.Configuration;

/// <summary>Where one layer of the configuration came from.</summary>
/// <param name="Name">The file, or "the environment".</param>
/// <param name="Provider">The layer as the Generic Host has it.</param>
/// <param name="Kinds">What each key is in JSON; null for the environment, which knows only texts.</param>
internal sealed record ConfigurationLayer(
    string Name,
    IConfigurationProvider Provider,
    IReadOnlyDictionary<string, JsonValueKind>? Kinds)
{
    /// <summary>The name of the layer of environment variables.</summary>
    public const string Environment = "the environment";

    /// <summary>True when the layer says anything about the key.</summary>
    public bool Has(string key) => Provider.TryGet(key, out _) || Provider.GetChildKeys([], key).Any();

    /// <summary>What the key is in this layer; <see cref="JsonValueKind.Undefined"/> when it is not there.</summary>
    public JsonValueKind KindOf(string key)
    {
        if (Kinds is not null && Kinds.TryGetValue(key, out JsonValueKind kind))
            return kind;
        if (Provider.GetChildKeys([], key).ToArray() is { Length: > 0 } children)
            return children.All(child => int.TryParse(child, out _)) ? JsonValueKind.Array : JsonValueKind.Object;
        if (!Provider.TryGet(key, out string? value))
            return JsonValueKind.Undefined;
        return value is null ? JsonValueKind.Null : JsonValueKind.String;
    }
}

/// <summary>
/// The merged configuration, which still knows its layers: needed to tell what .NET forgets when it merges.
/// </summary>
/// <param name="root">All layers merged.</param>
/// <param name="layers">The same layers; later ones win.</param>
internal sealed class ConfigurationLayers(IConfigurationRoot root, IReadOnlyList<ConfigurationLayer> layers)
{
    /// <summary>The last part of each key directly below, numbers in numeric order.</summary>
    public IReadOnlyList<string> Children(string key) =>
        [.. root.GetSection(key).GetChildren().Select(child => child.Key)];

    /// <summary>The merged value; null for JSON's null, for sections and lists, and for what is not there.</summary>
    public string? Value(string key) => root.GetSection(key).Value;

    /// <summary>The layers that say anything about the key, in order.</summary>
    public IReadOnlyList<ConfigurationLayer> With(string key) => [.. layers.Where(layer => layer.Has(key))];

    /// <summary>What the key is in the last layer that has it.</summary>
    public JsonValueKind KindOf(string key) => With(key) is [.., var last] ? last.KindOf(key) : JsonValueKind.Undefined;

    /// <summary>What is there, for a mistake; with the layer's name when it is not the file itself.</summary>
    public string Found(string key)
    {
        if (With(key) is not [.., var last])
            return "nothing";
        string value = Value(key) ?? "";
        string found = last.KindOf(key) switch
        {
            JsonValueKind.Null => "null",
            JsonValueKind.Object => "a section",
            JsonValueKind.Array => "a list",
            JsonValueKind.True or JsonValueKind.False => value.ToLowerInvariant(),
            JsonValueKind.Number => value,
            _ => Quote(value),
        };
        return found + Origin(key, last);
    }

    /// <summary>" (in LAYER)" unless the key is in the file itself.</summary>
    public string Origin(string key) => With(key) is [.., var last] ? Origin(key, last) : "";

    /// <summary>Text in quotes, on one line and not too long.</summary>
    public static string Quote(string text)
    {
        string line = JsonEncodedText.Encode(
            text.Length <= 200 ? text : text[..200] + "...",
            System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping).ToString();
        return $"\"{line}\"";
    }

    private string Origin(string key, ConfigurationLayer layer)
    {
        if (layer == layers[0])
            return "";
        return layer.Name == ConfigurationLayer.Environment
            ? $" (in the environment, {key.Replace(":", "__", StringComparison.Ordinal)})"
            : $" (in {layer.Name})";
    }
}
