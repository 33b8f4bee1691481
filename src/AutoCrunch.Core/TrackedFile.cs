using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;

namespace AutoCrunch.Core;

/// <summary>Where a name stands on its way to a verdict.</summary>
internal enum Phase : byte
{
    /// <summary>Renamed into place; its facts are being asked for.</summary>
    Renamed,

    /// <summary>Created; not yet known whether it was opened to be written or linked as a finished file.</summary>
    Opening,

    /// <summary>Somebody writes it.</summary>
    Writing,

    /// <summary>Closed; waiting for proof or for the quiet period.</summary>
    Closed,

    /// <summary>Only its attributes changed, as far as known.</summary>
    Touched,

    /// <summary>Found by a scan; its facts are being asked for.</summary>
    Found,

    /// <summary>Held for a reason that a late change of its mtime may still lift.</summary>
    Held,
}

/// <summary>What happened to a renamed file and the ledger, which has it under its old name, was not told.</summary>
internal enum Change : byte
{
    /// <summary>Nothing, as far as events tell.</summary>
    None,

    /// <summary>Its attributes have changed, and nothing else: the content is what it was.</summary>
    Metadata,

    /// <summary>It may have been written.</summary>
    Content,
}

/// <summary>The state of one name that has no verdict yet. Entries exist only until then.</summary>
internal sealed class TrackedFile(TrackedDirectory directory, byte[] name)
{
    public const long NoTime = long.MinValue;

    public TrackedDirectory Directory = directory;
    public byte[] Name = name;
    public Phase Phase;

    /// <summary>Wall clock of the first sign of this version.</summary>
    public long ArrivedNs;

    /// <summary>
    /// Wall clock before which nobody can have begun to write this version; <see cref="NoTime"/> if unknown.
    /// </summary>
    public long WindowStartNs = NoTime;

    /// <summary>
    /// Wall clock at which the queue was last seen empty before the first event of this version under this name.
    /// </summary>
    public long QueueEmptyNs;

    /// <summary>
    /// Wall clock minus monotonic clock at that moment: a change since then means the wall clock was set.
    /// </summary>
    public long WindowClockOffsetNs;

    /// <summary>
    /// The largest such change seen so far, forwards or backwards: the clock may be set there and back.
    /// </summary>
    public long ClockStepNs;

    /// <summary>Monotonic time of the last sign of life.</summary>
    public long LastSignNs;

    /// <summary>
    /// All that had happened before a look at it has been read, and it is still the file of that look.
    /// </summary>
    public bool IsConfirmed;

    /// <summary>Monotonic time at which the last event of it was read.</summary>
    public long LastEventNs;

    /// <summary>Monotonic time at which to look again; <see cref="long.MaxValue"/> for never.</summary>
    public long DeadlineNs = long.MaxValue;

    /// <summary>The earliest time for which this entry stands in the timer queue.</summary>
    public long QueuedNs = long.MaxValue;

    /// <summary>
    /// Monotonic time of the probe whose answer waits for the queue to be seen empty; else <see cref="NoTime"/>.
    /// </summary>
    public long ConfirmAfterNs = NoTime;

    /// <summary>The name did not exist before this version, as far as known: its CREATE may have been lost.</summary>
    public bool IsNew;

    /// <summary>That it is new was not seen, only assumed, because events may have been lost.</summary>
    public bool IsNewAssumed;

    /// <summary>Found by the rule's very first scan and not written since.</summary>
    public bool IsExisting;

    /// <summary>A scan brought it, and no event has told of it since.</summary>
    public bool IsFound;

    /// <summary>Out of the table: whatever still refers to it is stale.</summary>
    public bool IsRemoved;

    /// <summary>Touched while events of the directory may have been lost.</summary>
    public bool TouchedInDoubt;

    /// <summary>Events of its directory may have been lost since the last write.</summary>
    public bool CloseMayBeLost;

    /// <summary><see cref="TrackedDirectory.Doubts"/> as far as it has been heeded here.</summary>
    public int Doubts;

    /// <summary>The last look found nothing under this name.</summary>
    public bool IsGoneSeen;

    /// <summary><see cref="TrackedDirectory.RenamesInTree"/> at that look.</summary>
    public long GoneSeenRenames;

    /// <summary>How often in a row it could not be looked at.</summary>
    public byte UnreadableCount;

    public bool HasStat;
    public FileStat Stat;
    public WriterState Writer;
    public HoldReason Hold;

    /// <summary>The version that is held, while it is.</summary>
    public FileVersion HeldVersion;

    /// <summary>
    /// The ledger has been told of the hold as it was under its old name: it is told again once it was looked at.
    /// </summary>
    public bool IsHoldMoved;

    /// <summary>Where it was renamed from, for the verdict.</summary>
    public Evidence RenameEvidence;
    public (TrackedDirectory Directory, byte[] Name)? RenamedFrom;
    public BytePath? TemporaryName;

    /// <summary>While it counts as renamed: what came first after its last verdict.</summary>
    public Change Change;

    /// <summary>Counts up as files come to their names: of two, the one with the smaller number came first.</summary>
    public long Order;

    /// <summary><see cref="Order"/> with which it left the name it was renamed from.</summary>
    public long LeftOrder;

    /// <summary>Renamed on before it had a verdict: nobody has looked whether it is being written.</summary>
    public bool IsRenamedOn;

    /// <summary>Renamed on without a verdict, and the ledger may know it under its old name all the same.</summary>
    public bool MayBeKnown;

    /// <summary>The place it had before its last rename.</summary>
    public (TrackedDirectory Directory, byte[] Name)? MovedFrom;

    /// <summary>Everything but the name: for a version that begins anew.</summary>
    public void BeginVersion(in FileEvent fileEvent, Phase phase)
    {
        Phase = phase;
        ArrivedNs = fileEvent.Time.WallNs;
        QueueEmptyNs = fileEvent.QueueEmpty.WallNs;
        BeginWindow(fileEvent);
        LastSignNs = LastEventNs = fileEvent.Time.MonotonicNs;
        ConfirmAfterNs = NoTime;
        IsNewAssumed = fileEvent.Kind != FileEventKind.Created && fileEvent.Directory.IsUncertain;
        IsNew = fileEvent.Kind == FileEventKind.Created || IsNewAssumed;
        IsExisting = false;
        IsFound = fileEvent.Kind == FileEventKind.Found;
        TouchedInDoubt = false;
        CloseMayBeLost = false;
        Doubts = fileEvent.Directory.Doubts;
        IsGoneSeen = false;
        ClockStepNs = 0;
        UnreadableCount = 0;
        HasStat = false;
        Writer = WriterState.NotAsked;
        RenamedFrom = null;
        TemporaryName = null;
        Change = Change.None;
        IsHoldMoved = false;
        IsRenamedOn = false;
        MayBeKnown = false;
        MovedFrom = null;
    }

    // The last write came after the queue was last seen empty if an event of this very writing has been read. A close
    // alone says nothing of when: stores through mmap(2) give no event, and after an overflow the others may be lost.
    private void BeginWindow(in FileEvent fileEvent)
    {
        bool isKnown = fileEvent.Kind is FileEventKind.Created or FileEventKind.Modified;
        WindowStartNs = isKnown ? fileEvent.QueueEmpty.WallNs : NoTime;
        WindowClockOffsetNs = fileEvent.QueueEmpty.WallNs - fileEvent.QueueEmpty.MonotonicNs;
    }
}

/// <summary>Key of the table: a directory by identity, a name by bytes.</summary>
internal readonly struct FileKey(TrackedDirectory directory, byte[] name)
{
    public readonly TrackedDirectory Directory = directory;
    public readonly byte[] Name = name;
}

/// <summary>The same key over bytes that lie in the reader's buffer, so that a look-up allocates nothing.</summary>
internal readonly ref struct FileKeyRef(TrackedDirectory directory, ReadOnlySpan<byte> name)
{
    public readonly TrackedDirectory Directory = directory;
    public readonly ReadOnlySpan<byte> Name = name;
}

internal sealed class FileKeyComparer : IEqualityComparer<FileKey>, IAlternateEqualityComparer<FileKeyRef, FileKey>
{
    public bool Equals(FileKey x, FileKey y) =>
        ReferenceEquals(x.Directory, y.Directory) && x.Name.AsSpan().SequenceEqual(y.Name);

    public bool Equals(FileKeyRef alternate, FileKey other) =>
        ReferenceEquals(alternate.Directory, other.Directory) && alternate.Name.SequenceEqual(other.Name);

    public int GetHashCode(FileKey obj) => Hash(obj.Directory, obj.Name);

    public int GetHashCode(FileKeyRef alternate) => Hash(alternate.Directory, alternate.Name);

    public FileKey Create(FileKeyRef alternate) => new(alternate.Directory, alternate.Name.ToArray());

    private static int Hash(TrackedDirectory directory, ReadOnlySpan<byte> name)
    {
        var hash = new HashCode();
        hash.Add(RuntimeHelpers.GetHashCode(directory));
        hash.AddBytes(name);
        return hash.ToHashCode();
    }
}
