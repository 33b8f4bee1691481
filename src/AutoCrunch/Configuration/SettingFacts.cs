using System.Globalization;
using System.Reflection;

namespace AutoCrunch.Configuration;

/// <summary>The keys of a section class, in the order in which they are declared (of a base class first).</summary>
internal static class SettingFacts
{
    /// <summary>The public properties of a section class that are keys.</summary>
    public static IReadOnlyList<PropertyInfo> Of(Type section)
    {
        var properties = new List<PropertyInfo>();
        for (Type? type = section; type is not null && type != typeof(object); type = type.BaseType)
        {
            properties.InsertRange(0, type.GetProperties(
                BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly));
        }

        return properties;
    }

    /// <summary>What is said about a key; every key says something.</summary>
    public static SettingAttribute Describe(PropertyInfo property) =>
        property.GetCustomAttribute<SettingAttribute>()
            ?? throw new InvalidOperationException($"{property.DeclaringType}.{property.Name} has no [Setting]");

    /// <summary>What belongs at a key, as the second half of a mistake.</summary>
    public static string Expected(PropertyInfo property)
    {
        SettingAttribute setting = Describe(property);
        Type type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        string expected = type switch
        {
            _ when type == typeof(bool) => "true or false",
            _ when type == typeof(int) || type == typeof(long) => $"a whole number from {setting.Min} to {setting.Max}",
            _ when type == typeof(TimeSpan) => ExpectedDuration(setting),
            _ when type.IsEnum => "one of " + string.Join(", ", Enum.GetNames(type)),
            _ when type.IsArray && setting.Example is { } example => "a list like " + example,
            _ when type.IsArray => "a list",
            _ when type == typeof(string) && setting.Example is { } example => "a text like " + example,
            _ when type == typeof(string) => "a text",
            _ when setting.Example is { } example => "a section like " + example,
            _ => "a section { ... }",
        };
        return setting.Null is { } meaning ? $"{expected}, or null ({meaning})" : expected;
    }

    /// <summary>What belongs in an item of a list.</summary>
    public static string ExpectedItem(PropertyInfo property) => property.PropertyType == typeof(int[])
        ? $"a whole number from {Describe(property).Min} to {Describe(property).Max}"
        : "a text";

    /// <summary>True when the number lies within the key's limits.</summary>
    public static bool IsWithin(SettingAttribute setting, long value) =>
        (setting.Min is not { } min || value >= long.Parse(min, CultureInfo.InvariantCulture))
        && (setting.Max is not { } max || value <= long.Parse(max, CultureInfo.InvariantCulture));

    /// <summary>True when the duration lies within the key's limits.</summary>
    public static bool IsWithin(SettingAttribute setting, TimeSpan value) =>
        (setting.Zero is not null && value == TimeSpan.Zero)
        || ((setting.Min is not { } min || value >= TimeSpan.Parse(min, CultureInfo.InvariantCulture))
            && (setting.Max is not { } max || value <= TimeSpan.Parse(max, CultureInfo.InvariantCulture)));

    private static string ExpectedDuration(SettingAttribute setting)
    {
        string zero = setting.Zero is { } meaning ? $", or \"00:00:00\" ({meaning})" : "";
        return $"a duration from \"{setting.Min}\" to \"{setting.Max}\"{zero}";
    }
}
