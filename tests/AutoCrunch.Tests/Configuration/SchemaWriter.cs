using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using AutoCrunch.Configuration;

namespace AutoCrunch.Tests.Configuration;

/// <summary>Writes the JSON schema (draft 7, which editors know best) that the section classes amount to.</summary>
internal static class SchemaWriter
{
    private const string Duration = @"^([0-9]+\.)?([01]?[0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,7})?$";

    private static readonly JsonSerializerOptions s_options = new()
    {
        WriteIndented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The whole schema as text.</summary>
    public static string Write()
    {
        var schema = new JsonObject
        {
            ["$schema"] = "http://json-schema.org/draft-07/schema#",
            ["title"] = "AutoCrunch configuration",
            ["description"] = "appsettings.json of AutoCrunch. Relative paths are relative to the file's folder.",
            ["allowComments"] = true,
            ["allowTrailingCommas"] = true,
            ["type"] = "object",
            ["required"] = new JsonArray(AutoCrunchSection.Key),
            ["properties"] = new JsonObject
            {
                ["$schema"] = new JsonObject { ["type"] = "string" },
                [AutoCrunchSection.Key] = Section(typeof(AutoCrunchSection)),
                ["Serilog"] = new JsonObject
                {
                    ["description"] = "Logging, as Serilog.Settings.Configuration reads it.",
                    ["type"] = "object",
                },
            },
            ["definitions"] = new JsonObject
            {
                ["rule"] = Section(typeof(RuleSection)),
                ["duration"] = new JsonObject { ["type"] = "string", ["pattern"] = Duration },
            },
        };
        return schema.ToJsonString(s_options) + "\n";
    }

    // Each type of dispatcher allows its own name only; the default may leave it out.
    private static JsonObject Section(DispatcherType type)
    {
        JsonObject section = Section(type.Section);
        section["properties"]![DispatcherSection.TypeKey]!["enum"] = new JsonArray(type.Name);
        if (type != DispatcherTypes.Find(new DispatcherSection().Type))
            section["required"]!.AsArray().Add(DispatcherSection.TypeKey);
        return section;
    }

    private static JsonObject Section(Type type)
    {
        object defaults = Activator.CreateInstance(type)!;
        var properties = new JsonObject();
        var required = new JsonArray();
        foreach (PropertyInfo property in SettingFacts.Of(type))
        {
            properties[property.Name] = Property(property, property.GetValue(defaults));
            if (SettingFacts.Describe(property).Required)
                required.Add(property.Name);
        }

        var section = new JsonObject
        {
            ["type"] = "object",
            ["additionalProperties"] = false,
            ["properties"] = properties,
        };
        if (required.Count > 0)
            section["required"] = required;
        return section;
    }

    private static JsonObject Property(PropertyInfo property, object? defaultValue)
    {
        SettingAttribute setting = SettingFacts.Describe(property);
        JsonObject schema = Value(property, setting);
        var described = new JsonObject { ["description"] = setting.Description };
        foreach ((string key, JsonNode? value) in schema)
            described[key] = value?.DeepClone();
        bool isScalar = schema["type"]?.ToString() is not "object" && !schema.ContainsKey("anyOf");
        if (!setting.Required && isScalar)
            described["default"] = Default(defaultValue);
        if (setting.Null is not null)
        {
            described["anyOf"] = new JsonArray(
                described["allOf"]![0]!.DeepClone(), new JsonObject { ["type"] = "null" });
            described.Remove("allOf");
        }

        if (setting.Example is { } example && !example.Contains("...", StringComparison.Ordinal))
            described["examples"] = new JsonArray(JsonNode.Parse(example));
        return described;
    }

    private static JsonObject Value(PropertyInfo property, SettingAttribute setting)
    {
        Type type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        if (property.DeclaringType == typeof(DispatcherSection) && property.Name == DispatcherSection.TypeKey)
            return Names(DispatcherTypes.All.Select(known => known.Name));
        if (type.IsEnum)
            return Names(Enum.GetNames(type));
        if (type == typeof(TimeSpan))
            return new JsonObject { ["allOf"] = new JsonArray(new JsonObject { ["$ref"] = "#/definitions/duration" }) };
        if (type == typeof(string[]) || type == typeof(int[]))
        {
            var list = new JsonObject { ["type"] = "array", ["items"] = Item(type, setting) };
            if (setting.AtLeast is not null)
                list["minItems"] = 1;
            return list;
        }

        if (type == typeof(Dictionary<string, string>))
        {
            return new JsonObject
            {
                ["type"] = "object",
                ["additionalProperties"] = new JsonObject { ["type"] = new JsonArray("string", "number", "boolean") },
            };
        }

        if (type == typeof(Dictionary<string, RuleSection>))
        {
            return new JsonObject
            {
                ["type"] = "object",
                ["minProperties"] = 1,
                ["additionalProperties"] = false,
                ["patternProperties"] = new JsonObject
                {
                    ["^[A-Za-z0-9_-]+$"] = new JsonObject { ["$ref"] = "#/definitions/rule" },
                },
            };
        }

        if (type == typeof(DispatcherSection))
        {
            return new JsonObject
            {
                ["anyOf"] = new JsonArray([.. DispatcherTypes.All.Select(known => Section(known))]),
            };
        }

        return type.IsClass && type != typeof(string) ? Section(type) : Item(type, setting);
    }

    private static JsonObject Item(Type type, SettingAttribute setting)
    {
        if (type == typeof(bool))
            return new JsonObject { ["type"] = "boolean" };
        if (type == typeof(string) || type == typeof(string[]))
            return new JsonObject { ["type"] = "string" };
        Assert.Contains(type, new[] { typeof(int), typeof(long), typeof(int[]) });
        return new JsonObject
        {
            ["type"] = "integer",
            ["minimum"] = long.Parse(setting.Min!, CultureInfo.InvariantCulture),
            ["maximum"] = long.Parse(setting.Max!, CultureInfo.InvariantCulture),
        };
    }

    private static JsonObject Names(IEnumerable<string> names) => new()
    {
        ["type"] = "string",
        ["enum"] = new JsonArray([.. names.Select(name => JsonValue.Create(name))]),
    };

    private static JsonNode? Default(object? value) => value switch
    {
        null => null,
        TimeSpan duration => AutoCrunch.Configuration.Duration.Format(duration),
        Enum name => name.ToString(),
        _ => JsonSerializer.SerializeToNode(value),
    };
}
