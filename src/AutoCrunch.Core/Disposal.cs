namespace AutoCrunch.Core;

/// <summary>
/// What is done with the file of a job that has ended. The numbers are kept in the ledger: never renumber.
/// </summary>
public enum DisposalKind : byte
{
    /// <summary>It stays where it is.</summary>
    Keep = 0,

    /// <summary>It is moved, never over another file.</summary>
    Move = 1,

    /// <summary>It is deleted.</summary>
    Delete = 2,
}

/// <summary>A rule's <c>OnSuccess</c> or <c>OnFailure</c>, compiled.</summary>
/// <param name="Kind">What is done.</param>
/// <param name="To">The new path of the file itself; null unless it is moved.</param>
/// <param name="BaseDirectory">Where a relative one starts, absolute.</param>
public sealed record DisposalPolicy(DisposalKind Kind, CommandTemplate? To, BytePath BaseDirectory)
{
    /// <summary>The default.</summary>
    public static DisposalPolicy Keep { get; } = new(DisposalKind.Keep, null, BytePath.Empty);

    /// <summary>Where the file of a job is moved, absolute; null unless it is.</summary>
    public BytePath? DestinationOf(in CommandValues values)
    {
        if (To is null)
            return null;
        var path = new BytePath(To.Expand(values));
        return (path.Span is [(byte)'/', ..] ? path : BaseDirectory.Join(path)).Normalise();
    }
}

/// <summary>How far the file of a job was disposed of. The numbers are kept in the ledger: never renumber.</summary>
public enum DisposalState : byte
{
    /// <summary>Recorded, and not done yet, as far as is known.</summary>
    Intended = 0,

    Done = 1,

    /// <summary>Not done and not tried again, for a reason.</summary>
    Left = 2,
}

/// <summary>The disposal of one job's file, as the ledger has it. Immutable.</summary>
public sealed record Disposal
{
    public required long Id { get; init; }

    public required long JobId { get; init; }

    /// <summary>Move or delete.</summary>
    public required DisposalKind Kind { get; init; }

    /// <summary>Where the file was when its job ended, absolute.</summary>
    public required BytePath Source { get; init; }

    /// <summary>Where it is moved, absolute; null when it is deleted.</summary>
    public BytePath? Destination { get; init; }

    /// <summary>The version that was processed: nothing else is touched.</summary>
    public required FileVersion Version { get; init; }

    /// <summary>
    /// Inode of the whole copy on the destination's file system, known before the copy gets its name; null before, and
    /// where none is needed.
    /// </summary>
    public ulong? CopyInode { get; init; }

    public DisposalState State { get; init; }

    /// <summary>It is under way, or was when the service ended: until it is done, the job cannot run again.</summary>
    public bool IsBegun { get; init; }

    /// <summary>The device the file was seen on; 0 where that is not known, or was not asked for.</summary>
    public ulong Device { get; init; }

    /// <summary>Why it was left undone, one sentence; null in every other state.</summary>
    public string? Reason { get; init; }

    /// <summary>When it was recorded, nanoseconds since 1970.</summary>
    public long IntendedNs { get; init; }

    /// <summary>When it was done or left, nanoseconds since 1970.</summary>
    public long? EndedNs { get; init; }
}
