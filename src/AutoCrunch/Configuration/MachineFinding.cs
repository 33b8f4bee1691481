namespace AutoCrunch.Configuration;

/// <summary>How much a finding matters.</summary>
internal enum FindingSeverity : byte
{
    /// <summary>Good to know.</summary>
    Info,

    /// <summary>It will run, but perhaps not as meant.</summary>
    Warning,

    /// <summary>It cannot run, and starting again would not help: exit code 78.</summary>
    Error,
}

/// <summary>Something about the machine that the configuration meets.</summary>
/// <param name="Severity">How much it matters.</param>
/// <param name="Key">The key it is about.</param>
/// <param name="Text">What is so, and what to do about it.</param>
internal sealed record MachineFinding(FindingSeverity Severity, string Key, string Text)
{
    /// <summary>
    /// For an error: it may be over at the next start without anybody changing the configuration or permissions: exit
    /// code 1.
    /// </summary>
    public bool MayPass { get; init; }

    /// <summary>One line for people.</summary>
    public override string ToString() => $"{Key}: {Text}";
}
