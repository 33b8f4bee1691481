namespace AutoCrunch.Core;

/// <summary>Why a file counts as finished.</summary>
public enum Evidence : byte
{
    /// <summary>Renamed into place from one of rsync's temporary names for this very name.</summary>
    RenamedFromTemporary,

    /// <summary>Renamed into place from elsewhere (another directory, another name, out of sight).</summary>
    Renamed,

    /// <summary>Appeared by link(2) as a finished file: nobody wrote it under this name.</summary>
    Linked,

    /// <summary>
    /// Closed, and its mtime was set by the sender: it lies outside the time in which it was written here.
    /// </summary>
    MtimeSet,

    /// <summary>Closed, no writer, and nothing happened to it for the quiet period.</summary>
    Quiet,

    /// <summary>Found by a scan, no writer, and touched by a rename or by metadata since it was last written.</summary>
    Found,

    /// <summary>An operator said so (<c>submit</c>, <c>adopt</c>).</summary>
    ByHand,
}

/// <summary>Why a file is not processed although nobody writes it: shown to the operator, kept per version.</summary>
public enum HoldReason : byte
{
    /// <summary>mtime 0: what an interrupted <c>rsync --partial</c> leaves under the final name.</summary>
    ZeroMtime,

    /// <summary>
    /// New, mtime equal to ctime, mode without group and other bits: what a killed <c>rsync --inplace</c> leaves.
    /// </summary>
    OwnerOnly,

    /// <summary>Under <c>InPlace: Proven</c>: only the quiet period speaks for it.</summary>
    Unproven,

    /// <summary>Found by a scan under a name shaped like one of rsync's temporaries.</summary>
    TemporaryName,

    /// <summary>Under <c>Arrivals: Rename</c>: found by a scan, written in place.</summary>
    WrittenInPlace,
}

/// <summary>The fact "this version of this path is finished". Immutable.</summary>
/// <param name="Rule">The rule's name.</param>
/// <param name="Path">Path relative to the rule's directory.</param>
/// <param name="Stat">What lstat said at the verdict.</param>
/// <param name="Evidence">Why it counts as finished.</param>
/// <param name="ArrivedNs">Wall clock of the first sign of this version, nanoseconds since 1970.</param>
/// <param name="CompletedNs">Wall clock of the verdict, nanoseconds since 1970.</param>
public sealed record Completion(
    string Rule,
    BytePath Path,
    FileStat Stat,
    Evidence Evidence,
    long ArrivedNs,
    long CompletedNs)
{
    /// <summary>The finished version.</summary>
    public FileVersion Version => Stat.Version;

    /// <summary>
    /// Where the file was before it was renamed here, relative to the rule's directory, if that was a name the rule
    /// could have processed; null otherwise. If the ledger knows this version there, this is a rename and no arrival.
    /// </summary>
    public BytePath? RenamedFrom { get; init; }

    /// <summary>A scan brought it, and no event has told of it.</summary>
    public bool IsFound { get; init; }

    /// <summary>The temporary name rsync renamed the file from; null for every other evidence.</summary>
    public BytePath? TemporaryName { get; init; }

    /// <summary>
    /// True when the rule's very first scan found it: it was there before AutoCrunch (setting ExistingFiles).
    /// </summary>
    public bool IsExisting { get; init; }
}
