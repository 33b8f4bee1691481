using System;
using System.Collections.Generic;

namespace AutoCrunch.Core;

/// <content>What each kind of event does to a name (atlas section 13, as amended).</content>
internal sealed partial class CompletionMachine
{
    /// <summary>Takes one event, in kernel order.</summary>
    public void Observe(in FileEvent fileEvent, List<Effect> effects)
    {
        if (Find(fileEvent) is { } known && fileEvent.Kind != FileEventKind.Found)
        {
            known.LastEventNs = fileEvent.Time.MonotonicNs;
            known.IsConfirmed = known.IsFound = false;
        }

        // What had no room may be anything, also where a scan that began before has been since.
        if (_overflowed is not null)
            fileEvent.Directory.IsUncertain = true;
        switch (fileEvent.Kind)
        {
            case FileEventKind.Created:
                Created(fileEvent);
                break;
            case FileEventKind.Modified:
                Modified(fileEvent);
                break;
            case FileEventKind.AttributesChanged:
                AttributesChanged(fileEvent, effects);
                break;
            case FileEventKind.ClosedAfterWrite:
                ClosedAfterWrite(fileEvent, effects);
                break;
            case FileEventKind.MovedOut:
                MovedOut(fileEvent, effects);
                break;
            case FileEventKind.MovedIn:
                MovedIn(fileEvent, effects);
                break;
            case FileEventKind.Deleted:
                Deleted(fileEvent, effects);
                break;
            case FileEventKind.Found:
                FoundByScan(fileEvent, effects);
                break;
            case FileEventKind.Missing:
                MissingInScan(fileEvent, effects);
                break;
            default:
                throw new InvariantException($"Unknown event kind {fileEvent.Kind}");
        }
    }

    // A name that was opened to be written gets its MODIFY and CLOSE_WRITE; one that was linked gets nothing more.
    private void Created(in FileEvent fileEvent)
    {
        if (!TakesInFlight(fileEvent) || FindOrAdd(fileEvent) is not { } file)
            return;
        Begin(file, fileEvent, Phase.Opening);
        SetDeadline(file, fileEvent.Time.MonotonicNs + LinkDelayNs);
    }

    private void Modified(in FileEvent fileEvent)
    {
        TrackedFile? file = Find(fileEvent);
        if (_policy.Arrivals == Arrivals.Rename)
        {
            DropUnlessRenamed(file);
            return;
        }

        if (file is not null && RsyncNames.IsTemporaryShape(file.Name))
        {
            Remove(file); // found by a scan, and in flight
            return;
        }

        if (file is null)
        {
            if (!TakesInFlight(fileEvent) || (file = FindOrAdd(fileEvent)) is null)
                return;
            Begin(file, fileEvent, Phase.Writing);
        }
        else if (file.Phase is Phase.Touched or Phase.Held or Phase.Found or Phase.Renamed)
        {
            // A held file that is sent again and killed again is still one that never was whole.
            bool isNew = file.IsNew;
            Begin(file, fileEvent, Phase.Writing);
            file.IsNew |= isNew;
        }

        file.Phase = Phase.Writing;
        file.CloseMayBeLost = false;
        file.Doubts = file.Directory.Doubts;
        file.IsExisting = false;
        file.ConfirmAfterNs = TrackedFile.NoTime;
        SignOfLife(file, fileEvent.Time);
        SetDeadline(file, fileEvent.Time.MonotonicNs + _writerPollNs);
    }

    private void AttributesChanged(in FileEvent fileEvent, List<Effect> effects)
    {
        if (Find(fileEvent) is not { } file)
        {
            if (!TakesInFlight(fileEvent) || FindOrAdd(fileEvent) is not { } added)
                return;
            Begin(added, fileEvent, Phase.Touched);
            added.TouchedInDoubt = fileEvent.Directory.IsUncertain;
            SetDeadline(added, fileEvent.Time.MonotonicNs + TouchDelayNs);
            return;
        }

        if (file is { Phase: Phase.Renamed, Change: Change.None })
            file.Change = fileEvent.Directory.IsUncertain ? Change.Content : Change.Metadata;
        switch (file.Phase)
        {
            case Phase.Closed:
                SignOfLife(file, fileEvent.Time);
                effects.Add(Probe(file, ProbeDepth.Writers));
                break;
            case Phase.Held:
                effects.Add(Probe(file, ProbeDepth.Writers));
                break;
            case Phase.Touched:
            case Phase.Opening or Phase.Renamed when file.ConfirmAfterNs != TrackedFile.NoTime:
                file.ConfirmAfterNs = TrackedFile.NoTime;
                SetDeadline(file, fileEvent.Time.MonotonicNs + TouchDelayNs);
                break;
            default:
                SignOfLife(file, fileEvent.Time);
                break;
        }
    }

    private void ClosedAfterWrite(in FileEvent fileEvent, List<Effect> effects)
    {
        TrackedFile? file = Find(fileEvent);
        if (_policy.Arrivals == Arrivals.Rename)
        {
            DropUnlessRenamed(file);
            return;
        }

        if (file is null)
        {
            if (!TakesInFlight(fileEvent) || (file = FindOrAdd(fileEvent)) is null)
                return;
            Begin(file, fileEvent, Phase.Closed);
        }

        // touch(1) opens, sets the times and closes: ATTRIB, CLOSE_WRITE and no MODIFY. The content is what it was.
        if (file is { Phase: Phase.Touched, TouchedInDoubt: false })
            return;
        if (file is { Phase: Phase.Renamed, Change: Change.None })
            file.Change = Change.Content; // stored through mmap(2), perhaps
        SignOfLife(file, fileEvent.Time);
        file.IsExisting = false;
        if (file.Phase is not (Phase.Held or Phase.Renamed or Phase.Found))
            file.Phase = Phase.Closed;
        file.ConfirmAfterNs = TrackedFile.NoTime;
        effects.Add(Probe(file, ProbeDepth.Writers));
    }

    private void Deleted(in FileEvent fileEvent, List<Effect> effects)
    {
        TrackedFile? file = Find(fileEvent);
        if (file is not null)
            Remove(file);
        if (file is not null || Takes(fileEvent.Directory, fileEvent.Name.Span))
            effects.Add(ProbeOf(fileEvent.Directory, fileEvent.Name.ToArray()));
    }

    // Held names are not looked at again by themselves; whatever else has an entry will be, but that may take a while.
    private void MissingInScan(in FileEvent fileEvent, List<Effect> effects)
    {
        TrackedFile? file = Find(fileEvent);
        if (file is null)
            effects.Add(ProbeOf(fileEvent.Directory, fileEvent.Name.ToArray()));
        else
            effects.Add(Probe(file, file.Phase == Phase.Held ? ProbeDepth.Writers : ProbeDepth.Stat));
    }

    private void FoundByScan(in FileEvent fileEvent, List<Effect> effects)
    {
        TrackedFile? known = Find(fileEvent);
        if (known is not null && !IsInDoubt(known, fileEvent))
        {
            if (known.IsNewAssumed && fileEvent.IsUpdateInPlace && known.LastEventNs < fileEvent.ListedNs)
                known.IsNew = false;
            else if (fileEvent.Directory.IsUncertain && !fileEvent.IsUpdateInPlace && !known.IsNew)
                known.IsNew = known.IsNewAssumed = true; // another may have taken its place
            known.CloseMayBeLost |= fileEvent.Directory.IsUncertain;
            known.HasStat &= known.Phase != Phase.Held || fileEvent.HeldBefore is not null; // else it is told again
            if (known.Phase == Phase.Held ? fileEvent.HeldBefore is null : known.CloseMayBeLost)
                effects.Add(Probe(known, ProbeDepth.Writers));
            return;
        }

        if (fileEvent.HeldBefore is { } reason && _policy.Holds(reason))
        {
            HoldAgain(fileEvent, reason, effects);
            return;
        }

        // Each scan finds them again: what may be final comes first.
        bool isTemporary = RsyncNames.IsTemporaryShape(fileEvent.Name.Span);
        if (!Takes(fileEvent.Directory, fileEvent.Name.Span) || (isTemporary && _files.Count >= _trackedMax / 2)
            || FindOrAdd(fileEvent) is not { } file)
            return;
        bool wasCreated = known is { Phase: Phase.Opening };
        Begin(file, fileEvent, Phase.Found);
        file.IsNew = wasCreated || !fileEvent.IsUpdateInPlace || _overflowed is not null;
        file.IsExisting = fileEvent.IsFirstScan;
        effects.Add(Probe(file, ProbeDepth.Writers));
    }

    // Whether what is known of a name no longer counts, because events may have been lost: that it was only touched, or
    // only created and not written.
    private static bool IsInDoubt(TrackedFile known, in FileEvent fileEvent) => known.Phase switch
    {
        Phase.Touched => known.TouchedInDoubt || fileEvent.Directory.IsUncertain,
        Phase.Opening => fileEvent.Directory.IsUncertain,
        _ => false,
    };

    // After a restart a hold goes on as if it had never been interrupted.
    private void HoldAgain(in FileEvent fileEvent, HoldReason reason, List<Effect> effects)
    {
        if (!CanBeLifted(reason))
            return;
        if (_files.Count > _trackedMax / 2 || FindOrAdd(fileEvent) is not { } file)
        {
            _hasForgottenHolds = true;
            return;
        }

        Begin(file, fileEvent, Phase.Held);
        file.IsNew = true;
        file.Hold = reason;
        file.HeldVersion = fileEvent.HeldVersion;
        effects.Add(Probe(file, ProbeDepth.Writers));
    }

    // Written under its own name: no longer a matter of links, and never of renames.
    private void DropUnlessRenamed(TrackedFile? file)
    {
        if (file is { Phase: Phase.Opening or Phase.Writing or Phase.Closed })
            Remove(file);
    }

    // Names of temporary shape are complete by rename only: written in place they are taken for what they look like.
    private bool TakesInFlight(in FileEvent fileEvent) =>
        !RsyncNames.IsTemporaryShape(fileEvent.Name.Span) && Takes(fileEvent.Directory, fileEvent.Name.Span);

    private void Begin(TrackedFile file, in FileEvent fileEvent, Phase phase)
    {
        LookAtOldName(file);
        file.BeginVersion(fileEvent, phase);
        if (_hasForgottenHolds && !file.IsNew)
            file.IsNew = file.IsNewAssumed = true; // one of them may be on it
        file.Order = ++_lastOrder;
    }

    private static void SignOfLife(TrackedFile file, Moment now)
    {
        file.LastSignNs = now.MonotonicNs;
        file.ClockStepNs = Math.Max(file.ClockStepNs, ClockStepOf(file, now));
    }

    private static Effect ProbeOf(TrackedDirectory directory, byte[] name) =>
        new(EffectKind.Probe, directory, name) { Depth = ProbeDepth.Stat };
}
