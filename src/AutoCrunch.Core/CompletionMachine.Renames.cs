using System;
using System.Collections.Generic;

namespace AutoCrunch.Core;

/// <content>Renames: what is known of a file moves along with it.</content>
internal sealed partial class CompletionMachine
{
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
        file.LeftOrder = move.Origin is null ? file.Order : move.File!.LeftOrder;
        if (!IsAt(first, file.Directory, file.Name))
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

            // Else the old name is looked at after the verdict: a job that waits moves along, and is not called off.
            if (unfinished.RenamedFrom is null)
                SettleMovedOut(move, effects);
            else
                _moves.Release(move);
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
            file.Change = move.File switch
            {
                null => Change.None,
                { Phase: Phase.Touched, TouchedInDoubt: false, Directory.IsUncertain: false } => Change.Metadata,
                { Phase: Phase.Renamed, Directory.IsUncertain: false } renamed => renamed.Change,
                _ => Change.Content,
            };
        }

        effects.Add(Probe(file, ProbeDepth.Writers));
        if (move?.File is { Phase: Phase.Renamed, MovedFrom: { } from }
            && IsAt(from, fileEvent.Directory, fileEvent.Name.Span))
            BeInBothPlaces(move.File, move, fileEvent, effects);
    }

    private static bool IsAt(
        (TrackedDirectory Directory, byte[] Name) place, TrackedDirectory directory, ReadOnlySpan<byte> name) =>
        ReferenceEquals(place.Directory, directory) && name.SequenceEqual(place.Name);

    // What was not finished under its old name is not finished under the new one.
    private void MoveUnfinished(TrackedFile file, PendingMove move, in FileEvent fileEvent, List<Effect> effects)
    {
        // Not seen written, or that was read so late that a scan may have judged it since: then it may be what the
        // ledger knows, or has just been told of, under the old name.
        file.MayBeKnown = file.Phase == Phase.Found || (file.Phase == Phase.Closed
            && (file.WindowStartNs == TrackedFile.NoTime || file.ArrivedNs - file.QueueEmptyNs >= _quietNs));
        bool isBack = file.MovedFrom is { } from && IsAt(from, fileEvent.Directory, fileEvent.Name.Span);
        file.MovedFrom = (file.Directory, file.Name);
        file.Directory = fileEvent.Directory;
        file.Name = fileEvent.Name.ToArray();
        file.Order = ++_lastOrder;
        file.LastEventNs = fileEvent.Time.MonotonicNs;
        file.QueueEmptyNs = fileEvent.QueueEmpty.WallNs;
        file.IsRemoved = false;
        file.ConfirmAfterNs = TrackedFile.NoTime;
        _files.Add(new FileKey(file.Directory, file.Name), file);
        if (move.Origin is not null || file.MayBeKnown)
            Leave(file, move);
        file.CloseMayBeLost |= move.Directory!.IsUncertain || file.Directory.IsUncertain;
        file.Doubts = file.Directory.Doubts;
        SignOfLife(file, fileEvent.Time);
        SetDeadline(file, Math.Min(file.DeadlineNs, fileEvent.Time.MonotonicNs + LinkDelayNs));
        if (file.Phase == Phase.Held)
        {
            // The ledger must hear of the hold under its new name at once: its directory may be renamed next.
            if (file.HasStat)
                effects.Add(HoldOf(file) with { IsMoved = true });
            file.IsHoldMoved = true;
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
}
