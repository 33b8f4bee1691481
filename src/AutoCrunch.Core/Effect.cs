namespace AutoCrunch.Core;

/// <summary>What the machine wants done in the world.</summary>
internal enum EffectKind : byte
{
    /// <summary>Look at the file and answer through <see cref="CompletionMachine.Probed"/>.</summary>
    Probe,

    /// <summary>The file has finished arriving.</summary>
    Complete,

    /// <summary>This version is held.</summary>
    Hold,

    /// <summary>The file is gone.</summary>
    Gone,

    /// <summary>Only metadata changed.</summary>
    MetadataChanged,

    /// <summary>The directory must be scanned again: the table was full.</summary>
    Rescan,
}

/// <summary>One effect: a value that whoever drives the machine carries out, in order.</summary>
internal readonly record struct Effect(EffectKind Kind, TrackedDirectory Directory, byte[] Name)
{
    /// <summary>For <see cref="EffectKind.Probe"/>.</summary>
    public ProbeDepth Depth { get; init; }

    /// <summary>For <see cref="EffectKind.Hold"/> and <see cref="EffectKind.MetadataChanged"/>.</summary>
    public FileStat Stat { get; init; }

    /// <summary>For <see cref="EffectKind.Hold"/>.</summary>
    public HoldReason Reason { get; init; }

    /// <summary>
    /// For <see cref="EffectKind.Hold"/>: the hold of the name it was renamed from; nobody has looked at it since.
    /// </summary>
    public bool IsMoved { get; init; }

    /// <summary>For <see cref="EffectKind.Complete"/>.</summary>
    public Completion? Completion { get; init; }
}
