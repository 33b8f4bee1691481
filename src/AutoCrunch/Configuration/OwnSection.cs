using AutoCrunch.Core;

namespace AutoCrunch.Configuration;

/// <summary>A section <c>Dispatcher</c> of a type that the host has brought, as written.</summary>
internal sealed class OwnSection : DispatcherSection
{
    [Setting("What the dispatcher is told: texts, by name.")]
    public Dictionary<string, string> Settings { get; set; } = [];

    /// <summary>The type of that name.</summary>
    public static DispatcherType TypeOf(string name) => new(name, typeof(OwnSection), Compile);

    private static DispatcherOptions Compile(DispatcherSection dispatcher, string key, RuleCompiler rule) =>
        new OwnOptions
        {
            Type = dispatcher.Type,
            Concurrency = dispatcher.Concurrency,
            Settings = ((OwnSection)dispatcher).Settings,
        };
}
