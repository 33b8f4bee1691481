using System.Text.Json;
using System.Text.RegularExpressions;

namespace AutoCrunch.Tests.Configuration;

/// <summary>
/// As much of a JSON schema validator as our schema needs; an unknown keyword fails the test that uses it.
/// </summary>
internal sealed class SchemaCheck(JsonElement root)
{
    private static readonly string[] s_annotations =
    [
        "$schema", "title", "description", "default", "examples", "definitions", "allowComments", "allowTrailingCommas",
    ];

    /// <summary>Paths in the value that the schema does not allow; empty when it is valid.</summary>
    public IReadOnlyList<string> Validate(JsonElement value)
    {
        var errors = new List<string>();
        Validate(root, value, "", errors);
        return errors;
    }

    private void Validate(JsonElement schema, JsonElement value, string path, List<string> errors)
    {
        foreach (JsonProperty keyword in schema.EnumerateObject())
        {
            if (!s_annotations.Contains(keyword.Name) && !Holds(schema, keyword, value, path, errors))
                errors.Add($"{path}: {keyword.Name}");
        }
    }

    private bool Holds(
        JsonElement schema, JsonProperty keyword, JsonElement value, string path, List<string> errors)
    {
        JsonElement says = keyword.Value;
        bool isObject = value.ValueKind == JsonValueKind.Object;
        switch (keyword.Name)
        {
            case "type":
                return says.ValueKind == JsonValueKind.Array
                    ? says.EnumerateArray().Any(type => IsOf(type.GetString()!, value))
                    : IsOf(says.GetString()!, value);
            case "enum":
                return says.EnumerateArray().Any(name => JsonElement.DeepEquals(name, value));
            case "pattern":
                return value.ValueKind != JsonValueKind.String || Fits(value.GetString()!, says.GetString()!);
            case "minimum":
                return value.ValueKind != JsonValueKind.Number || value.GetDecimal() >= says.GetDecimal();
            case "maximum":
                return value.ValueKind != JsonValueKind.Number || value.GetDecimal() <= says.GetDecimal();
            case "minItems":
                return value.ValueKind != JsonValueKind.Array || value.GetArrayLength() >= says.GetInt32();
            case "minProperties":
                return !isObject || value.EnumerateObject().Count() >= says.GetInt32();
            case "required":
                return !isObject || says.EnumerateArray().All(name => value.TryGetProperty(name.GetString()!, out _));
            case "items":
                foreach (JsonElement item in value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : default)
                    Validate(says, item, path + "/item", errors);
                return true;
            case "$ref":
                string definition = says.GetString()!.Split('/')[^1];
                Validate(root.GetProperty("definitions").GetProperty(definition), value, path, errors);
                return true;
            case "allOf":
                foreach (JsonElement all in says.EnumerateArray())
                    Validate(all, value, path, errors);
                return true;
            case "anyOf":
                return says.EnumerateArray().Any(any => IsValid(any, value));
            case "properties" or "patternProperties" or "additionalProperties":
                if (isObject && (keyword.Name == "properties" || !schema.TryGetProperty("properties", out _)))
                    Members(schema, value, path, errors);
                return true;
            default:
                throw new InvalidOperationException($"unknown keyword {keyword.Name}");
        }
    }

    private bool IsValid(JsonElement schema, JsonElement value)
    {
        var errors = new List<string>();
        Validate(schema, value, "", errors);
        return errors.Count == 0;
    }

    // All three keywords that speak of members at once.
    private void Members(JsonElement schema, JsonElement value, string path, List<string> errors)
    {
        foreach (JsonProperty member in value.EnumerateObject())
        {
            JsonElement? found = schema.TryGetProperty("properties", out JsonElement properties)
                && properties.TryGetProperty(member.Name, out JsonElement named) ? named : null;
            if (found is null && schema.TryGetProperty("patternProperties", out JsonElement patterns))
            {
                foreach (JsonProperty pattern in patterns.EnumerateObject())
                {
                    if (Fits(member.Name, pattern.Name))
                        found = pattern.Value;
                }
            }

            bool isClosed = schema.TryGetProperty("additionalProperties", out JsonElement rest);
            if (found is null && rest.ValueKind == JsonValueKind.Object)
                found = rest;
            if (found is { } memberSchema)
                Validate(memberSchema, member.Value, $"{path}/{member.Name}", errors);
            else if (isClosed)
                errors.Add($"{path}/{member.Name}: additionalProperties");
        }
    }

    private static bool Fits(string text, string pattern) =>
        Regex.IsMatch(text, pattern, RegexOptions.None, TimeSpan.FromSeconds(1));

    private static bool IsOf(string type, JsonElement value) => type switch
    {
        "object" => value.ValueKind == JsonValueKind.Object,
        "array" => value.ValueKind == JsonValueKind.Array,
        "string" => value.ValueKind == JsonValueKind.String,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "null" => value.ValueKind == JsonValueKind.Null,
        "number" => value.ValueKind == JsonValueKind.Number,
        "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
        _ => throw new InvalidOperationException($"unknown type {type}"),
    };
}
