namespace AutoCrunch.Core;

/// <summary>How thoroughly a file is looked at.</summary>
public enum ProbeDepth : byte
{
    /// <summary>lstat.</summary>
    Stat,

    /// <summary>lstat, and a read lease to learn whether somebody writes it.</summary>
    Writers,

    /// <summary>
    /// lstat, and a walk over /proc/*/fd where leases cannot tell. Slow: never answered on the watch thread.
    /// </summary>
    WritersByProc,
}

/// <summary>Whether a probe found the file.</summary>
public enum ProbeStatus : byte
{
    /// <summary>It is there.</summary>
    Present,

    /// <summary>ENOENT (or ENOTDIR) while the rule's root is there.</summary>
    Gone,

    /// <summary>
    /// It could not be looked at: permissions, I/O error, or the root is not there. Nothing may be concluded.
    /// </summary>
    Unreadable,
}

/// <summary>What a probe saw.</summary>
/// <param name="Status">Whether the file is there.</param>
/// <param name="Stat">Its facts, when present.</param>
/// <param name="Writer">What is known of writers; <see cref="WriterState.NotAsked"/> for a plain stat.</param>
public readonly record struct ProbeAnswer(ProbeStatus Status, FileStat Stat, WriterState Writer)
{
    /// <summary>
    /// Monotonic time at which another thread began to look; null when the look was made just now.
    /// </summary>
    public long? LookedNs { get; init; }

    /// <summary>The answer for a file that is not there.</summary>
    public static ProbeAnswer Gone => new(ProbeStatus.Gone, default, WriterState.NotAsked);

    /// <summary>The answer when nothing may be concluded.</summary>
    public static ProbeAnswer Unreadable => new(ProbeStatus.Unreadable, default, WriterState.NotAsked);
}
