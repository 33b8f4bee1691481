using System.Text.Json;
using AutoCrunch.Core;

namespace AutoCrunch.Configuration;

/// <summary>A value of <c>Dispatcher:Type</c>.</summary>
/// <param name="Name">The value.</param>
/// <param name="Section">The class its section is read as; derived from <see cref="DispatcherSection"/>.</param>
/// <param name="Compile">Makes the dispatcher's options; null when there was a mistake, which was told.</param>
internal sealed record DispatcherType(
    string Name, Type Section, Func<DispatcherSection, string, RuleCompiler, DispatcherOptions?> Compile);

/// <summary>The dispatcher types there are. A new one is one line here.</summary>
internal static class DispatcherTypes
{
    /// <summary>The table.</summary>
    public static IReadOnlyList<DispatcherType> All { get; } =
    [
        new("Process", typeof(ProcessSection), ProcessCompiler.Compile),
        new("RabbitMq", typeof(RabbitMqSection), RabbitMqCompiler.Compile),
        new("Systemd", typeof(SystemdSection), SystemdCompiler.Compile),
        new("Slurm", typeof(SlurmSection), SlurmCompiler.Compile),
    ];

    /// <summary>The type of that name, in any case; null when there is none.</summary>
    public static DispatcherType? Find(string name) =>
        All.FirstOrDefault(type => string.Equals(type.Name, name, StringComparison.OrdinalIgnoreCase));

    /// <summary>Reads a section as what its <c>Type</c> says; null when that is not known, which was told.</summary>
    public static DispatcherSection? Read(SectionReader reader, string key)
    {
        string typeKey = $"{key}:{DispatcherSection.TypeKey}";
        JsonValueKind kind = reader.Layers.KindOf(typeKey);
        string? name = kind == JsonValueKind.Undefined ? new DispatcherSection().Type : reader.Layers.Value(typeKey);
        if (name is null || reader.FindType(name) is not { } type)
        {
            reader.Mistake(typeKey, "one of " + string.Join(", ", reader.Types.Select(known => known.Name)));
            return null;
        }

        var section = (DispatcherSection)Activator.CreateInstance(type.Section)!;
        reader.ReadInto(section, key);
        return section;
    }
}
