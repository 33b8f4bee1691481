using System.Collections.Generic;

namespace AutoCrunch.Core;

/// <summary>A rule's <c>Dispatcher</c> section of a type that the host has brought, compiled.</summary>
public sealed record OwnOptions : DispatcherOptions
{
    /// <summary>The type's name, as the host has registered it.</summary>
    public required string Type { get; init; }

    /// <inheritdoc/>
    /// <remarks>Whether it goes on is known to the type alone, so it is taken for granted.</remarks>
    public override string? Engine => Type;

    /// <summary>What the dispatcher is told: texts, by name.</summary>
    public required IReadOnlyDictionary<string, string> Settings { get; init; }
}
