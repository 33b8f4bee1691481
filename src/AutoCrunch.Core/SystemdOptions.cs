using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;

namespace AutoCrunch.Core;

/// <summary>
/// A rule's <c>Dispatcher</c> section of type <c>Systemd</c>, compiled: what a process needs, and what its unit gets.
/// </summary>
public sealed record SystemdOptions : ProcessOptions
{
    /// <param name="process">What runs in the unit.</param>
    [SetsRequiredMembers]
    public SystemdOptions(ProcessOptions process)
        : base(process)
    {
    }

    /// <inheritdoc/>
    public override string? Engine => "Systemd";

    /// <summary>Properties of each unit beside those that are ours, by their names (systemd.exec(5)).</summary>
    public IReadOnlyDictionary<string, string> Properties { get; init; } = new Dictionary<string, string>();
}
