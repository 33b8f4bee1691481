namespace AutoCrunch.Configuration;

/// <summary>Which section a key belongs in, for keys that were put in another one.</summary>
internal static class KnownSections
{
    private static readonly (string Name, Type Section)[] s_sections =
    [
        (AutoCrunchSection.Key, typeof(AutoCrunchSection)),
        ("a rule", typeof(RuleSection)),
        (nameof(RuleSection.Completion), typeof(CompletionSection)),
        (nameof(RuleSection.Retry), typeof(RetrySection)),
        (nameof(RuleSection.OnSuccess), typeof(OnSuccessSection)),
        (nameof(RuleSection.OnFailure), typeof(OnFailureSection)),
        .. DispatcherTypes.All.Select(type => (nameof(RuleSection.Dispatcher), type.Section)),
    ];

    /// <summary>The name of the section that has such a key; null when none has.</summary>
    public static string? OwnerOf(string key) => s_sections.FirstOrDefault(section => SettingFacts.Of(section.Section)
        .Any(property => string.Equals(property.Name, key, StringComparison.OrdinalIgnoreCase))).Name;
}
