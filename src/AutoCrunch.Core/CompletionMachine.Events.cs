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
        fileEvent.Directory.IsUncertain |= _overflowed is not null;
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
        SignOfLife(file, fileEvent.Time);
        file.IsExisting = false;
        if (file.Phase is not (Phase.Held or Phase.Renamed or Phase.Found))
            file.Phase = Phase.Closed;
        file.ConfirmAfterNs = TrackedFile.NoTime;
        effects.Add(Probe(file, ProbeDepth.Writers));
    }

    private void MovedOut(in FileEvent fileEvent, List<Effect> effects)
    {
        TrackedFile? file = Find(fileEvent);
        bool isTaken = file is not null || Takes(fileEvent.Directory, fileEvent.Name.Span);
        if (_moves.Oldest.IsUsed)
            SettleMovedOut(_moves.Oldest, effects);
        PendingMove move = _moves.Add(fileEvent, file, isTaken);
        if (file is null)
            return;
        move.Origin = file.RenamedFrom;
        _leaving.Remove(file);
        Remove(file);
    }

    // No partner came: the name is gone from here, or something took its place.
    private void SettleMovedOut(PendingMove move, List<Effect> effects)
    {
        if (move.IsTaken)
            effects.Add(ProbeOf(move.Directory!, move.Name.ToArray()));
        if (move.Origin is { } origin)
            effects.Add(ProbeOf(origin.Directory, origin.Name));
        _moves.Release(move);
    }

    // Renamed on before it had a verdict: the ledger knows it, if at all, under the name it had first.
    private void Leave(TrackedFile file, PendingMove move)
    {
        (TrackedDirectory Directory, byte[] Name) last = (move.Directory!, move.Name.ToArray());
        (TrackedDirectory Directory, byte[] Name) first = move.Origin ?? last;
        bool isBack = ReferenceEquals(first.Directory, file.Directory) && first.Name.AsSpan().SequenceEqual(file.Name);
        if (!isBack)
            _leaving.Add(file, first);
        if (move.Origin is not null)
            _leftNames.Add(last);
        move.Origin = null;
    }

    private void MovedIn(in FileEvent fileEvent, List<Effect> effects)
    {
        PendingMove? move = _moves.Find(fileEvent.Cookie);
        if (!Takes(fileEvent.Directory, fileEvent.Name.Span))
        {
            if (move is not null)
                SettleMovedOut(move, effects);
            return;
        }

        if (Find(fileEvent) is { } replaced)
            Remove(replaced);
        bool isRenameOnly = _policy.Arrivals == Arrivals.Rename;
        if (!isRenameOnly && move?.File is { Phase: not (Phase.Renamed or Phase.Touched) } unfinished)
        {
            MoveUnfinished(unfinished, move, fileEvent, effects);
            SettleMovedOut(move, effects);
            return;
        }

        Arrive(fileEvent, move, effects);
        if (move?.Origin is not null)
            SettleMovedOut(move, effects);
        else if (move is not null)
            _moves.Release(move);
    }

    // Rename into place: the evidence is immediate, but for what lstat may say against it.
    private void Arrive(in FileEvent fileEvent, PendingMove? move, List<Effect> effects)
    {
        TrackedFile file = FindOrAdd(fileEvent, evenIfFull: true)!;
        Begin(file, fileEvent, Phase.Renamed);
        file.RenameEvidence = Evidence.Renamed;
        if (move is not null && RsyncNames.IsTemporaryOf(move.Name, fileEvent.Name.Span))
        {
            file.RenameEvidence = Evidence.RenamedFromTemporary;
            file.TemporaryName = new BytePath(move.Name);
        }
        else if (move is { IsTaken: true } && !RsyncNames.IsTemporaryShape(move.Name))
        {
            // Whether the ledger knows it under that name, and that it is gone from there, is settled with the verdict.
            file.MovedFrom = (move.Directory!, move.Name.ToArray());
            file.IsRenamedOn = move.File is { Phase: Phase.Renamed };
            Leave(file, move);
            file.TouchedBefore = move.File is { Phase: Phase.Touched, TouchedInDoubt: false } touched
                && !touched.Directory.IsUncertain ? touched : null;
        }

        effects.Add(Probe(file, ProbeDepth.Stat));
        if (move?.File is { Phase: Phase.Renamed, MovedFrom: { } from } && IsAt(from, fileEvent))
            BeInBothPlaces(move.File, move, fileEvent, effects);
    }

    private static bool IsAt((TrackedDirectory Directory, byte[] Name) place, in FileEvent fileEvent) =>
        ReferenceEquals(place.Directory, fileEvent.Directory) && fileEvent.Name.Span.SequenceEqual(place.Name);

    // What was not finished under its old name is not finished under the new one.
    private void MoveUnfinished(TrackedFile file, PendingMove move, in FileEvent fileEvent, List<Effect> effects)
    {
        bool isBack = file.MovedFrom is { } from && IsAt(from, fileEvent);
        file.MovedFrom = (file.Directory, file.Name);
        file.Directory = fileEvent.Directory;
        file.Name = fileEvent.Name.ToArray();
        file.Order = ++_lastOrder;
        file.LastEventNs = fileEvent.Time.MonotonicNs;
        file.QueueEmptyNs = fileEvent.QueueEmpty.WallNs;
        file.IsRemoved = false;
        file.ConfirmAfterNs = TrackedFile.NoTime;
        _files.Add(new FileKey(file.Directory, file.Name), file);

        // Not seen written, so it may be what the ledger knows, or has just been told of, under the old name.
        if (move.Origin is not null || file is { Phase: Phase.Found }
            or { Phase: Phase.Closed, WindowStartNs: TrackedFile.NoTime })
            Leave(file, move);
        file.CloseMayBeLost |= move.Directory!.IsUncertain || file.Directory.IsUncertain;
        SignOfLife(file, fileEvent.Time);
        SetDeadline(file, Math.Min(file.DeadlineNs, fileEvent.Time.MonotonicNs + LinkDelayNs));
        if (file.Phase == Phase.Held)
        {
            // The ledger must hear of the hold under its new name.
            file.HasStat = false;
            effects.Add(Probe(file, ProbeDepth.Writers));
        }

        if (isBack)
            BeInBothPlaces(file, move, fileEvent, effects);
    }

    // Renamed back to where it was: or exchanged (renameat2(2), RENAME_EXCHANGE), which leaves the very same events.
    // Then the file without a verdict has stayed in the place it now seems to have left.
    private void BeInBothPlaces(TrackedFile file, PendingMove move, in FileEvent fileEvent, List<Effect> effects)
    {
        var twin = new TrackedFile(move.Directory!, move.Name.ToArray());
        twin.BeginVersion(fileEvent, file.Phase == Phase.Renamed ? Phase.Renamed : Phase.Closed);
        twin.RenameEvidence = Evidence.Renamed;
        twin.ArrivedNs = file.ArrivedNs;
        twin.WindowStartNs = file.WindowStartNs;
        twin.WindowClockOffsetNs = file.WindowClockOffsetNs;
        twin.IsNew = file.IsNew;
        twin.Order = file.Order;
        _files[new FileKey(twin.Directory, twin.Name)] = twin;
        effects.Add(Probe(twin, ProbeDepth.Writers));
    }

    private void Deleted(in FileEvent fileEvent, List<Effect> effects)
    {
        TrackedFile? file = Find(fileEvent);
        if (file is not null)
            Remove(file);
        if (file is not null || Takes(fileEvent.Directory, fileEvent.Name.Span))
            effects.Add(ProbeOf(fileEvent.Directory, fileEvent.Name.ToArray()));
    }

    // Held names are not looked at again by themselves; whatever else has an entry will be.
    private void MissingInScan(in FileEvent fileEvent, List<Effect> effects)
    {
        TrackedFile? file = Find(fileEvent);
        if (file is null)
            effects.Add(ProbeOf(fileEvent.Directory, fileEvent.Name.ToArray()));
        else if (file.Phase == Phase.Held)
            effects.Add(Probe(file, ProbeDepth.Writers));
    }

    private void FoundByScan(in FileEvent fileEvent, List<Effect> effects)
    {
        TrackedFile? known = Find(fileEvent);
        if (known is not null && !IsInDoubt(known, fileEvent))
        {
            if (known.IsNewAssumed && fileEvent.IsUpdateInPlace)
                known.IsNew = false;
            else if (fileEvent.Directory.IsUncertain && !fileEvent.IsUpdateInPlace)
                known.IsNew = known.IsNewAssumed = true; // another may have taken its place
            known.CloseMayBeLost |= fileEvent.Directory.IsUncertain;
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
        file.IsNew = wasCreated || !fileEvent.IsUpdateInPlace;
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
        if (!CanBeLifted(reason) || _files.Count > _trackedMax / 2 || FindOrAdd(fileEvent) is not { } file)
            return;
        Begin(file, fileEvent, Phase.Held);
        file.IsNew = true;
        file.Hold = reason;
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
