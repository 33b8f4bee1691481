using System.Globalization;
using System.Reflection;
using System.Text.Json;

namespace AutoCrunch.Configuration;

/// <summary>
/// Reads sections into their classes and collects everything that is wrong on the way. Stricter than .NET's binder,
/// which skips what it does not know, takes a scalar for a list and "10" for ten days, and stops at the first error.
/// </summary>
/// <param name="layers">What was loaded.</param>
/// <param name="mistakes">Where mistakes are put.</param>
internal sealed class SectionReader(ConfigurationLayers layers, List<ConfigurationMistake> mistakes)
{
    /// <summary>What was loaded.</summary>
    public ConfigurationLayers Layers => layers;

    /// <summary>The dispatcher types there are.</summary>
    public IReadOnlyList<DispatcherType> Types { get; init; } = DispatcherTypes.All;

    /// <summary>A type that is not known is one of a host of its own: for who runs no jobs.</summary>
    public bool TakesOwnTypes { get; init; }

    /// <summary>The type of that name, in any case; null when there is none.</summary>
    public DispatcherType? FindType(string name) =>
        Types.FirstOrDefault(type => string.Equals(type.Name, name, StringComparison.OrdinalIgnoreCase))
            ?? (TakesOwnTypes ? OwnSection.TypeOf(name) : null);

    /// <summary>Adds a mistake about a key whose text was read but means nothing.</summary>
    public void Mistake(string key, string expected) => Mistake(key, layers.Found(key), expected);

    /// <summary>Adds a mistake.</summary>
    public void Mistake(string key, string found, string expected) =>
        mistakes.Add(new ConfigurationMistake(key, found, expected));

    /// <summary>Reads a section; what is missing or wrong keeps its default.</summary>
    public T Read<T>(string key)
        where T : new()
    {
        var section = new T();
        ReadInto(section, key);
        return section;
    }

    /// <summary>Reads a section into an object of the class that describes it.</summary>
    public void ReadInto(object section, string key)
    {
        IReadOnlyList<PropertyInfo> properties = SettingFacts.Of(section.GetType());
        if (!IsSection(key, "a section { ... }"))
            return;
        foreach (string child in layers.Children(key))
        {
            PropertyInfo? property = properties.FirstOrDefault(
                p => string.Equals(p.Name, child, StringComparison.OrdinalIgnoreCase));
            if (property is null)
                UnknownKey($"{key}:{child}", section.GetType());
            else if (ReadValue(property, $"{key}:{property.Name}") is { } value)
                property.SetValue(section, value.Value);
        }

        foreach (PropertyInfo property in properties)
        {
            if (SettingFacts.Describe(property).Required && layers.With($"{key}:{property.Name}").Count == 0)
                Mistake($"{key}:{property.Name}", "nothing", SettingFacts.Expected(property));
        }
    }

    private ReadResult? ReadValue(PropertyInfo property, string key)
    {
        Type type = property.PropertyType;
        if (type.IsArray)
            return ReadList(property, key);
        if (type == typeof(Dictionary<string, string>))
            return ReadTexts(key);
        if (type == typeof(Dictionary<string, RuleSection>))
            return ReadRules(property, key);
        if (type == typeof(DispatcherSection))
            return DispatcherTypes.Read(this, key) is { } dispatcher ? new ReadResult(dispatcher) : null;
        if (type.IsClass && type != typeof(string))
        {
            object section = Activator.CreateInstance(type)!;
            ReadInto(section, key);
            return new ReadResult(section);
        }

        return ReadScalar(property, key);
    }

    private ReadResult? ReadScalar(PropertyInfo property, string key)
    {
        SettingAttribute setting = SettingFacts.Describe(property);
        JsonValueKind kind = layers.KindOf(key);
        if (kind == JsonValueKind.Null && setting.Null is not null)
            return new ReadResult(null);
        if (kind is not (JsonValueKind.Null or JsonValueKind.Array or JsonValueKind.Object)
            && layers.Value(key) is { } text && Parse(property, setting, text) is { } value)
            return new ReadResult(value);
        string expected = SettingFacts.Expected(property);
        bool isDuration = property.PropertyType == typeof(TimeSpan) || property.PropertyType == typeof(TimeSpan?);
        if (isDuration && layers.Value(key) is { } written && !Duration.TryParse(written, out _))
        {
            expected = "a duration like \"00:00:10\"" + (Duration.IsBareNumber(written)
                ? " (a bare number would mean days)"
                : " ([days.]hours:minutes:seconds; a day is \"1.00:00:00\")");
        }

        Mistake(key, expected);
        return null;
    }

    private static object? Parse(PropertyInfo property, SettingAttribute setting, string text)
    {
        Type type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        if (type == typeof(string))
            return text;
        if (type == typeof(bool))
            return bool.TryParse(text, out bool flag) ? flag : null;
        if (type == typeof(TimeSpan))
        {
            return Duration.TryParse(text, out TimeSpan duration) && SettingFacts.IsWithin(setting, duration)
                ? duration
                : null;
        }

        if (type.IsEnum)
        {
            string? name = Array.Find(
                Enum.GetNames(type), n => string.Equals(n, text, StringComparison.OrdinalIgnoreCase));
            return name is null ? null : Enum.Parse(type, name);
        }

        if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)
            || !SettingFacts.IsWithin(setting, number))
            return null;
        return type == typeof(int) ? (object)(int)number : number;
    }

    private ReadResult? ReadList(PropertyInfo property, string key)
    {
        string expected = SettingFacts.Expected(property);
        IReadOnlyList<ConfigurationLayer> with = layers.With(key);
        if (with.Count > 1)
        {
            string names = string.Join(" and ", with.Select(layer => layer.Name));
            Mistake(key, $"a list in {names}", "a list in one place only: it would be merged item by item");
            return null;
        }

        JsonValueKind kind = layers.KindOf(key);
        bool isEmpty = kind == JsonValueKind.String && layers.Value(key) is "" && with[0].Kinds is null;
        if (kind != JsonValueKind.Array && !isEmpty)
        {
            Mistake(key, expected);
            return null;
        }

        IReadOnlyList<string> children = layers.Children(key);
        if (children.Count == 0 && SettingFacts.Describe(property).AtLeast is { } atLeast)
            Mistake(key, "an empty list", atLeast);
        var items = Array.CreateInstance(property.PropertyType.GetElementType()!, children.Count);
        for (int i = 0; i < children.Count; i++)
        {
            if (children[i] != i.ToString(CultureInfo.InvariantCulture))
            {
                Mistake(key, $"an item numbered {children[i]}", $"items numbered from 0 without a gap, {i} being next");
                return null;
            }

            if (ReadItem(property, $"{key}:{children[i]}") is not { } item)
                return null;
            items.SetValue(item, i);
        }

        return new ReadResult(items);
    }

    private object? ReadItem(PropertyInfo property, string key)
    {
        bool isScalar = layers.KindOf(key) is not (JsonValueKind.Null or JsonValueKind.Array or JsonValueKind.Object);
        string? text = isScalar ? layers.Value(key) : null;
        object? item = text;
        if (text is not null && property.PropertyType == typeof(int[]))
        {
            item = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
                && SettingFacts.IsWithin(SettingFacts.Describe(property), number) ? number : null;
        }

        if (item is null)
            Mistake(key, SettingFacts.ExpectedItem(property));
        return item;
    }

    private ReadResult? ReadTexts(string key)
    {
        if (!IsSection(key, "a section { \"NAME\": \"value\" }"))
            return null;
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string child in layers.Children(key))
        {
            string childKey = $"{key}:{child}";
            if (layers.KindOf(childKey) is JsonValueKind.Null or JsonValueKind.Array or JsonValueKind.Object
                || layers.Value(childKey) is not { } text)
                Mistake(childKey, "a text");
            else
                texts[child] = text;
        }

        return new ReadResult(texts);
    }

    private ReadResult? ReadRules(PropertyInfo property, string key)
    {
        if (!IsSection(key, SettingFacts.Expected(property)))
            return null;
        if (layers.Children(key).Count == 0)
            Mistake(key, "no rules", SettingFacts.Expected(property));
        var rules = new Dictionary<string, RuleSection>(StringComparer.OrdinalIgnoreCase);
        foreach (string name in layers.Children(key))
            rules[name] = Read<RuleSection>($"{key}:{name}");
        return new ReadResult(rules);
    }

    // Null says what is said by leaving the section out: the defaults. Only JSON tells a list from a section.
    private bool IsSection(string key, string expected)
    {
        bool isSection = layers.With(key).All(layer => layer.KindOf(key) is JsonValueKind.Object or JsonValueKind.Null
            || (layer.Kinds is null && layer.KindOf(key) == JsonValueKind.Array));
        if (!isSection)
            Mistake(key, expected);
        return isSection;
    }

    private void UnknownKey(string key, Type section)
    {
        string name = key[(key.LastIndexOf(':') + 1)..];
        string[] known = [.. SettingFacts.Of(section).Select(property => property.Name)];
        string hint = Nearest.To(name, known) is { } near ? $" (did you mean {near}?)" : "";
        if (hint.Length == 0 && KnownSections.OwnerOf(name) is { } owner)
            hint = $" ({name} belongs in {owner})";
        Mistake(key, "an unknown key" + layers.Origin(key), $"one of {string.Join(", ", known)}{hint}");
    }

    /// <summary>A value that was read; null is one.</summary>
    private readonly record struct ReadResult(object? Value);
}
