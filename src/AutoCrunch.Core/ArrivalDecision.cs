using System;

namespace AutoCrunch.Core;

/// <summary>What the ledger believes of a file. The numbers are kept in the ledger: never renumber.</summary>
public enum EntryState : byte
{
    /// <summary>This version is there and was judged: completed, or recorded without a job.</summary>
    Present = 0,

    /// <summary>This version is there and held.</summary>
    Held = 1,

    /// <summary>The file is gone.</summary>
    Gone = 2,

    /// <summary>
    /// Seen to differ from the judged version just before an attempt, so that attempt did not start; what completes
    /// here next is new, even if it looks like the version judged before.
    /// </summary>
    Changed = 3,
}

/// <summary>What the ledger knows of one path.</summary>
/// <param name="Version">The version last judged.</param>
/// <param name="State">What is believed of the file.</param>
/// <param name="BirthNs">
/// Birth time of the file that was judged, nanoseconds since 1970; 0 where it is not known.
/// </param>
/// <param name="Job">State of the file's latest job; null when it never had one.</param>
/// <param name="JobReason">Why that job was cancelled, if it was.</param>
public readonly record struct KnownEntry(
    FileVersion Version,
    EntryState State,
    long BirthNs,
    JobState? Job,
    JobReason? JobReason)
{
    /// <summary>Why it is held, when it is, or was when it went.</summary>
    public HoldReason? Held { get; init; }

    /// <summary>It was seen with several links: it may be written through another of them.</summary>
    public bool WasLinked { get; init; }

    /// <summary>
    /// It has no job, and another file had this name before: whether that one was processed. Null where there was none,
    /// or nobody knows any more.
    /// </summary>
    public bool? IsUpdate { get; init; }

    /// <summary>True when what is recorded here was held when it was last seen.</summary>
    public bool IsHeld => State == EntryState.Held || (State == EntryState.Gone && Held is not null);

    /// <summary>
    /// True when what is recorded here was never processed, nor is it to be left alone: to go on without a job would
    /// lose it.
    /// </summary>
    public bool IsUnprocessed => State is EntryState.Changed
        || (Job is null ? !(IsUpdate ?? !IsHeld) : !IsProcessed(Job, JobReason));

    /// <summary>
    /// True when a job has run or runs, or is not to run. One that was called off, so that another runs, has not.
    /// </summary>
    /// <param name="job">Its state; null when there is none.</param>
    /// <param name="reason">Why it was cancelled, if it was.</param>
    public static bool IsProcessed(JobState? job, JobReason? reason) => job switch
    {
        null or JobState.Queued => false,
        JobState.Cancelled => reason is Core.JobReason.ByHand,
        _ => true,
    };
}

/// <summary>What a completion leads to.</summary>
public enum ArrivalAction : byte
{
    /// <summary>Known already: nothing.</summary>
    Nothing,

    /// <summary>The version is recorded as judged; no job.</summary>
    RecordOnly,

    /// <summary>The version is recorded and gets a job, which supersedes a queued job of the path.</summary>
    Job,

    /// <summary>
    /// A file known under another name came here: its entry, and its job if that has not ended, move along. A job that
    /// was called off because the file was not where it had been is queued again.
    /// </summary>
    MoveEntry,

    /// <summary>
    /// The very file that was gone is back (its file system was mounted again, it was moved out and in): its entry is
    /// as it was before, judged or held; no job but one that was called off because it was gone, which is queued again.
    /// </summary>
    ReviveEntry,
}

/// <summary>What a file's change, seen just before an attempt, leads to.</summary>
public enum ChangeAction : byte
{
    /// <summary>The job is superseded; what replaces it is recorded already.</summary>
    Supersede,

    /// <summary>The job is superseded, and the next completion of the path is new whatever it looks like.</summary>
    SupersedeAndExpect,

    /// <summary>
    /// Only metadata changed, and that is recorded: the job is queued again for the version as it is now.
    /// </summary>
    Adopt,
}

/// <summary>
/// Whether something that finished arriving is news. Every completion passes here, also those of scans and of events
/// that came twice: an equal version makes no second job, and that is what makes every repetition harmless.
/// </summary>
public static class ArrivalDecision
{
    /// <summary>Decides what a completion leads to.</summary>
    /// <param name="completion">What finished.</param>
    /// <param name="policy">The rule's completion policy.</param>
    /// <param name="existingFiles">The rule's policy for files found by its very first scan.</param>
    /// <param name="known">What is known of the completion's path; null when nothing is.</param>
    /// <param name="source">
    /// What is known of the path it was renamed from; for a completion found by a scan, of another path of the rule
    /// with the same version whose file is gone; null when there is none.
    /// </param>
    public static ArrivalAction Of(
        Completion completion,
        CompletionPolicy policy,
        ProcessPolicy existingFiles,
        KnownEntry? known,
        KnownEntry? source)
    {
        ArgumentNullException.ThrowIfNull(completion);
        ArgumentNullException.ThrowIfNull(policy);
        if (known is { State: EntryState.Present } present && present.Version == completion.Version)
            return ArrivalAction.Nothing;
        if (known is { } held && IsHeldStill(held, completion, policy))
            return ArrivalAction.Nothing;

        // A file that is back under its own name is that, unless the kernel tells otherwise: another of its links may
        // be gone too, and will come back for its own entry.
        bool isBack = known is { } left && IsBack(left, completion) && CanRevive(left, completion, policy);
        if (isBack && completion.RenamedFrom is null)
            return ArrivalAction.ReviveEntry;
        if (source is { } from && CanMoveFrom(from, completion, policy))
            return ArrivalAction.MoveEntry;
        if (isBack)
            return ArrivalAction.ReviveEntry;
        if (known is { IsUnprocessed: false } && policy.Updates == ProcessPolicy.Ignore)
            return ArrivalAction.RecordOnly;
        if (completion.IsExisting && existingFiles == ProcessPolicy.Ignore && known is not { IsUnprocessed: true })
            return ArrivalAction.RecordOnly;
        return ArrivalAction.Job;
    }

    /// <summary>True when what completed is the file known under another name, and its entry moves along.</summary>
    public static bool CanMoveFrom(KnownEntry source, Completion completion, CompletionPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(completion);
        ArgumentNullException.ThrowIfNull(policy);
        return IsSameFile(completion, source) && CanMove(source, policy);
    }

    /// <summary>
    /// How much what is known under another name says of what completed, where it is known under several: most where it
    /// was processed or is held, for that speaks for all.
    /// </summary>
    public static int RankOf(KnownEntry source, Completion completion, CompletionPolicy policy) =>
        !CanMoveFrom(source, completion, policy) ? 0 : source.IsHeld || !source.IsUnprocessed ? 2 : 1;

    /// <summary>
    /// True when what completed is certainly the file that is known under another name, and that name is no longer its
    /// own, whatever is there now: one birth, and one link.
    /// </summary>
    public static bool HasLeft(KnownEntry source, Completion completion)
    {
        ArgumentNullException.ThrowIfNull(completion);
        return completion.Stat.LinkCount == 1 && HasBirthOf(source, completion)
            && (source.Version == completion.Version || IsHeldAndTouched(completion, source));
    }

    /// <summary>
    /// True when what completed is certainly the file whose name another file took: it is elsewhere, or back under that
    /// name, and then may have other links by now.
    /// </summary>
    public static bool IsDisplaced(KnownEntry known, BytePath path, Completion completion)
    {
        ArgumentNullException.ThrowIfNull(completion);
        return HasLeft(known, completion)
            || (path == completion.Path && known.Version == completion.Version && HasBirthOf(known, completion));
    }

    /// <summary>True when the file known here was born when what completed was.</summary>
    public static bool HasBirthOf(KnownEntry known, Completion completion)
    {
        ArgumentNullException.ThrowIfNull(completion);
        return known.BirthNs != 0 && known.BirthNs == completion.Stat.BirthNs;
    }

    /// <summary>
    /// True when what completed is a killed file that is held under another name, and was touched since it was renamed:
    /// it looks killed still, and is.
    /// </summary>
    public static bool IsHeldAndTouched(Completion completion, KnownEntry source)
    {
        ArgumentNullException.ThrowIfNull(completion);
        return source is { IsHeld: true, Held: HoldReason.OwnerOnly }
            && source.Version.Inode == completion.Version.Inode && completion.Stat.LooksKilledInPlace
            && (HasBirthOf(source, completion)
                || (completion.RenamedFrom is not null && IsBirthUnknown(source, completion)));
    }

    /// <summary>
    /// True when a file that is told to be held has completed already: this version did, so that a later look knows
    /// less; or a scan saw it complete under this name before it was read that it was renamed here.
    /// </summary>
    /// <param name="known">What is known of the path.</param>
    /// <param name="stat">The file as it was when it was held.</param>
    /// <param name="isMoved">It was held under the name it was renamed from.</param>
    public static bool IsLaterThanHold(KnownEntry known, FileStat stat, bool isMoved) =>
        known.State == EntryState.Present
        && (known.Version == stat.Version || (isMoved && known.Version.Inode == stat.Inode
            && known.BirthNs != 0 && known.BirthNs == stat.BirthNs));

    /// <summary>Decides what becomes of a job whose file was seen changed just before its attempt.</summary>
    /// <param name="observed">The version seen.</param>
    /// <param name="entry">What is known of the path now; null when nothing is.</param>
    /// <param name="isLatest">True when the job is the path's latest.</param>
    public static ChangeAction OfChange(FileVersion observed, KnownEntry? entry, bool isLatest)
    {
        if (entry is not { } known || !isLatest)
            return ChangeAction.Supersede;
        return known.State switch
        {
            EntryState.Present when known.Version == observed => ChangeAction.Adopt,
            EntryState.Present or EntryState.Changed => ChangeAction.SupersedeAndExpect,
            _ => ChangeAction.Supersede,
        };
    }

    // Neither a rename nor a later chmod or a scan makes a held version whole, nor a clock that was set: only its
    // sender does, by setting its mtime, which makes another version of it.
    private static bool IsHeldStill(KnownEntry known, Completion completion, CompletionPolicy policy)
    {
        if (known.State != EntryState.Held || (known.Held is { } reason && !policy.Holds(reason)))
            return false;
        if (known.Version == completion.Version)
            return true;

        // Sent again and killed again, while the first hold was not at hand: the next scan holds the new version.
        return completion.Evidence == Evidence.Quiet && known.Held == HoldReason.OwnerOnly
            && known.Version.Inode == completion.Version.Inode && completion.Stat.LooksKilledInPlace;
    }

    // The kernel told of the rename; else it is only concluded, and inode numbers are given out again: a file with
    // another birth is another one. A sender also sets the same mtime again, and what is renamed from out of sight may
    // come from anywhere: then the birth must be known.
    private static bool IsSameFile(Completion completion, KnownEntry source) =>
        (source.Version == completion.Version && (completion.RenamedFrom is not null
            || HasBirthOf(source, completion)
            || (completion.Evidence is Evidence.Found or Evidence.Quiet && IsBirthUnknown(source, completion))))
        || IsHeldAndTouched(completion, source);

    private static bool IsBack(KnownEntry known, Completion completion) =>
        known.State == EntryState.Gone && known.Version == completion.Version && HasBirthOf(known, completion);

    private static bool IsBirthUnknown(KnownEntry known, Completion completion) =>
        known.BirthNs == 0 || completion.Stat.BirthNs == 0;

    private static bool CanRevive(KnownEntry known, Completion completion, CompletionPolicy policy)
    {
        if (known.Held is { } reason)
            return policy.Holds(reason) && completion.Evidence != Evidence.MtimeSet;
        bool isRename = completion.Evidence is Evidence.Renamed or Evidence.RenamedFromTemporary;
        bool waits = known.Job is JobState.Cancelled or JobState.Queued; // what was called off is queued again
        return (waits || !known.IsUnprocessed) && !(isRename && policy.Renames == ProcessPolicy.Process);
    }

    // A hold is kept per version: no rename makes a whole file of half a one. A queued job moves along, and so does one
    // that was called off because the file was gone from its old name or differed: it is queued again.
    private static bool CanMove(KnownEntry source, CompletionPolicy policy) => source.IsHeld
        || (policy.Renames == ProcessPolicy.Ignore && source.State is not EntryState.Changed);
}
