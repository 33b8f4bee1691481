namespace AutoCrunch.Configuration;

/// <summary>What is said about a key: in the JSON schema, in mistakes, and the limits of its values.</summary>
/// <param name="description">One or two sentences for the person who writes the file.</param>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class SettingAttribute(string description) : Attribute
{
    /// <summary>What the setting does.</summary>
    public string Description { get; } = description;

    /// <summary>Smallest value; a number or a duration as text.</summary>
    public string? Min { get; init; }

    /// <summary>Largest value; a number or a duration as text.</summary>
    public string? Max { get; init; }

    /// <summary>What zero stands for, where it lies below <see cref="Min"/> and is allowed all the same.</summary>
    public string? Zero { get; init; }

    /// <summary>What null stands for, where it is allowed.</summary>
    public string? Null { get; init; }

    /// <summary>True when there is no default.</summary>
    public bool Required { get; init; }

    /// <summary>What a list must hold at least, where it may not be empty.</summary>
    public string? AtLeast { get; init; }

    /// <summary>What a value looks like, as JSON.</summary>
    public string? Example { get; init; }
}
