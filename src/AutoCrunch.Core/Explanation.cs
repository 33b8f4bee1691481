using System.Collections.Generic;

namespace AutoCrunch.Core;

/// <summary>
/// Why a file was, or was not, processed: the one finding that decides. The names are shown in JSON, and stable.
/// </summary>
internal enum ExplanationReason : byte
{
    // The name.
    NotUnderAnyRoot,
    NotRecursive,
    IgnoredDirectory,
    Excluded,
    NotIncluded,
    PartName,
    TemporaryName,
    PathTooLong,

    // What is there.
    SymlinkOnTheWay,
    Symlink,
    NotAFile,
    RootMissing,
    Gone,
    NeverSeen,
    NotLookedAt,

    // On the way to a verdict.
    BeingWritten,
    WaitsForQuiet,
    WaitsForWriter,
    BeingLookedAt,
    Unreadable,
    WaitsForScan,
    NotWatched,
    NotSeenYet,
    Changed,
    HeldZeroMtime,
    HeldOwnerOnly,
    HeldUnproven,
    HeldTemporaryName,
    HeldWrittenInPlace,

    // Who would do it.
    ServiceDown,
    ServiceNotAsked,
    RuleNotRunning,

    // The verdict, and the job.
    LeftAlone,
    UpdateIgnored,
    RenameIgnored,
    RulePaused,
    PathPaused,
    LedgerPaused,
    WaitsForFirstScan,
    RetryWaits,
    PutOff,
    QueuedBehindItself,
    Queued,
    Running,
    Interrupted,
    Succeeded,
    Failed,
    CancelledByHand,
    CancelledGone,
    Superseded,
}

/// <summary>What one rule makes of one file, for the operator.</summary>
/// <param name="Reason">The finding.</param>
/// <param name="Sentence">The finding in words.</param>
/// <param name="Remedy">What would make it run, with the command; in one sentence.</param>
internal sealed record Explanation(ExplanationReason Reason, string Sentence, string Remedy);

/// <summary>Whether the running service could be asked.</summary>
internal enum ServiceAnswer : byte
{
    /// <summary>It answered.</summary>
    Running,

    /// <summary>None runs on this ledger.</summary>
    Down,

    /// <summary>One may run, but it could not be asked: <see cref="ServiceFacts.Problem"/>.</summary>
    NotAsked,
}

/// <summary>How the service sees the directory a file is in.</summary>
internal enum Coverage : byte
{
    /// <summary>Watched.</summary>
    Watched,

    /// <summary>On a network file system: events tell only of what this machine does.</summary>
    Remote,

    /// <summary>Not watched, because no more watches could be had: found by rescans.</summary>
    NotWatched,

    /// <summary>The service may not read it.</summary>
    Unreadable,

    /// <summary>Not in its tree (yet).</summary>
    Unknown,

    /// <summary>The rule's Path is not there.</summary>
    RootMissing,
}

/// <summary>What only the running service knows.</summary>
internal sealed record ServiceFacts(ServiceAnswer Answer)
{
    /// <summary>Why it could not be asked, as the end of a sentence.</summary>
    public string Problem { get; init; } = "";

    /// <summary>False when it does not have the rule, or has it with another Path or other patterns.</summary>
    public bool HasRule { get; init; } = true;

    public InFlight? InFlight { get; init; }

    public Coverage Coverage { get; init; }

    /// <summary>What keeps the directory from being watched or read, with advice; empty when nothing does.</summary>
    public string CoverageProblem { get; init; } = "";

    /// <summary>A scan of the rule's whole tree is under way.</summary>
    public bool IsScanning { get; init; }

    /// <summary>Why the ledger cannot be written; null while it can.</summary>
    public string? LedgerPaused { get; init; }
}

/// <summary>A process that has the file open for writing.</summary>
internal readonly record struct FileWriter(int Pid, BytePath Program);

/// <summary>What is there, as whoever asks sees it.</summary>
/// <param name="Stat">
/// The facts; null when there is no such file, or <see cref="Problem"/> kept us from looking.
/// </param>
internal sealed record DiskFacts(FileStat? Stat)
{
    /// <summary>Why whoever asks could not look at it, in a few words; null when that was possible.</summary>
    public string? Problem { get; init; }

    /// <summary>The rule's Path is there.</summary>
    public bool IsRootThere { get; init; } = true;

    /// <summary>The first directory below Path that is a symbolic link, relative to Path; null when none is.</summary>
    public BytePath? Link { get; init; }

    /// <summary>Where a link on the way, or the file itself, leads; null when it is no link, or a broken one.</summary>
    public BytePath? RealPath { get; init; }

    /// <summary>Who writes it, as far as can be seen.</summary>
    public IReadOnlyList<FileWriter> Writers { get; init; } = [];
}

/// <summary>What the ledger has of one path of one rule.</summary>
internal sealed record LedgerFacts
{
    /// <summary>Why the rule's jobs are not started, as the end of a sentence; null when they are.</summary>
    public string? RulePaused { get; init; }

    /// <summary>Why this path's jobs are not started, as the end of a sentence; null when they are.</summary>
    public string? PathPaused { get; init; }

    /// <summary>The rule's whole tree has been scanned once.</summary>
    public bool FirstScanDone { get; init; } = true;

    /// <summary>What is believed of the file; null when nothing is known.</summary>
    public KnownEntry? Entry { get; init; }

    /// <summary>Its jobs, the latest first.</summary>
    public IReadOnlyList<Job> Jobs { get; init; } = [];

    /// <summary>The latest one is of the file that had this name before: what is there now has none.</summary>
    public bool IsJobOfOther { get; init; }

    /// <summary>The last attempt of the latest job that has ended; null when none has.</summary>
    public AttemptRecord? LastAttempt { get; init; }

    /// <summary>What was done with the file when the latest job had ended; null when nothing was.</summary>
    public Disposal? Disposal { get; init; }

    /// <summary>Jobs of the rule that are due before the latest one.</summary>
    public int Ahead { get; init; }

    /// <summary>There are more than <see cref="Ahead"/>: it was not counted further.</summary>
    public bool IsAheadCut { get; init; }

    /// <summary>Jobs of the rule that run.</summary>
    public int Running { get; init; }

    /// <summary>Jobs of all rules that run.</summary>
    public int RunningOfAll { get; init; }

    /// <summary>Another job of the path that runs; null when none does.</summary>
    public long? RunningOfPath { get; init; }
}

/// <summary>All that is known of one file of one rule: what <see cref="Explainer"/> decides on.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="Path">Relative to the rule's directory.</param>
/// <param name="Disk">What is there.</param>
/// <param name="Service">What the service says.</param>
/// <param name="Ledger">What the ledger has.</param>
/// <param name="NowNs">The present, wall clock, nanoseconds since 1970.</param>
internal sealed record ExplanationFacts(
    WatchRule Rule, BytePath Path, DiskFacts Disk, ServiceFacts Service, LedgerFacts Ledger, long NowNs)
{
    /// <summary>How many jobs of the rule may run at once.</summary>
    public int Concurrency { get; init; } = int.MaxValue;

    /// <summary>How many jobs of all rules may run at once; 0 = no limit.</summary>
    public int MaxRunning { get; init; }

    public BytePath AbsolutePath => Rule.Path.Join(Path);
}
