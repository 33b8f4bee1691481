using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using AutoCrunch.Core;
using AutoCrunch.Linux;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Json;

namespace AutoCrunch.Configuration;

/// <summary>Reads one JSON file as a layer, and remembers what each key is, which .NET's provider forgets.</summary>
internal static class JsonLayer
{
    private static readonly JsonDocumentOptions s_options =
        new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip };

    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>Reads the file's bytes. Returns 0 or the errno.</summary>
    public static int TryReadFile(string file, out byte[] content)
    {
        int errno = PathOps.TryReadSmallFile(new BytePath(Encoding.UTF8.GetBytes(file)), out content);
        if (content.AsSpan().StartsWith(ByteOrderMark))
            content = content[ByteOrderMark.Length..];
        return errno;
    }

    /// <summary>
    /// True when the text has a section of that name, or cannot be read but mentions it: then it is meant, and its
    /// mistake must be told.
    /// </summary>
    public static bool HasSection(byte[] content, string section)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(content, s_options);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.EnumerateObject().Any(
                property => (property.Name + ":").StartsWith(section + ":", StringComparison.OrdinalIgnoreCase));
        }
        catch (JsonException)
        {
            return content.AsSpan().IndexOf(Encoding.UTF8.GetBytes(section)) >= 0;
        }
    }

    /// <summary>Makes a layer of a file's content; null when there was a mistake, which is added.</summary>
    public static ConfigurationLayer? TryParse(string file, byte[] content, List<ConfigurationMistake> mistakes)
    {
        int before = mistakes.Count;
        if (!Utf8.IsValid(content))
        {
            mistakes.Add(NotUtf8(file, content));
            return null;
        }

        var kinds = new Dictionary<string, JsonValueKind>(StringComparer.OrdinalIgnoreCase);
        try
        {
            using JsonDocument document = JsonDocument.Parse(content, s_options);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                mistakes.Add(new(file, "JSON that is no object", "{ \"AutoCrunch\": { ... } }"));
                return null;
            }

            Walk(document.RootElement, "", kinds, file, mistakes);
        }
        catch (JsonException e)
        {
            string reason = e.Message.Split(" LineNumber:")[0].TrimEnd('.');
            mistakes.Add(new($"{file}:{e.LineNumber + 1}:{e.BytePositionInLine + 1}", $"broken JSON ({reason})",
                "JSON, in which comments and trailing commas are allowed"));
        }
        catch (InvalidOperationException)
        {
            // Told by the text only when it is decoded: an escape like \ud800 without its partner.
            mistakes.Add(new(file, "a text with half a surrogate pair", "whole characters in every text"));
        }

        if (mistakes.Count > before)
            return null;
        using var stream = new MemoryStream(content);
        var provider = new JsonStreamConfigurationProvider(new JsonStreamConfigurationSource { Stream = stream });
        provider.Load();
        return new ConfigurationLayer(file, new Loaded(provider), kinds);
    }

    private static ConfigurationMistake NotUtf8(string file, byte[] content)
    {
        int invalid = 0;
        while (Rune.DecodeFromUtf8(content.AsSpan(invalid), out _, out int used) == System.Buffers.OperationStatus.Done)
            invalid += used;
        int line = content.AsSpan(0, invalid).Count((byte)'\n') + 1;
        return new($"{file}:{line}", $"a byte 0x{content[invalid]:X2} that is not UTF-8",
            "UTF-8; a byte of a path is written \\\\xNN");
    }

    private static void Walk(
        JsonElement element, string key, Dictionary<string, JsonValueKind> kinds, string file,
        List<ConfigurationMistake> mistakes)
    {
        if (key.Length > 0 && !kinds.TryAdd(key, element.ValueKind))
        {
            mistakes.Add(new(
                key, $"the same key twice in {file}", "it once (capital and small letters count as equal)"));
            return;
        }

        if (element.ValueKind == JsonValueKind.String)
            _ = element.GetString();
        string prefix = key.Length > 0 ? key + ":" : "";
        if (element.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty property in element.EnumerateObject())
                Walk(property.Value, prefix + property.Name, kinds, file, mistakes);
        }
        else if (element.ValueKind == JsonValueKind.Array)
        {
            int index = 0;
            foreach (JsonElement item in element.EnumerateArray())
                Walk(item, $"{prefix}{index++}", kinds, file, mistakes);
        }
    }

    // A stream can be read once, and building a root loads every provider again.
    private sealed class Loaded : ConfigurationProvider
    {
        public Loaded(JsonStreamConfigurationProvider provider) => Copy(provider, null);

        private void Copy(JsonStreamConfigurationProvider provider, string? parent)
        {
            foreach (string child in provider.GetChildKeys([], parent).Distinct(StringComparer.OrdinalIgnoreCase))
            {
                string key = parent is null ? child : $"{parent}:{child}";
                if (provider.TryGet(key, out string? value))
                    Data[key] = value;
                Copy(provider, key);
            }
        }
    }
}
