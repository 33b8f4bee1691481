using System;
using System.Collections.Generic;

namespace AutoCrunch.Core;

/// <content>What a look at a file says (atlas sections 12 to 14, as amended).</content>
internal sealed partial class CompletionMachine
{
    /// <summary>Takes the answer to a probe; it may come late, about a name that has moved on since.</summary>
    public void Probed(
        TrackedDirectory directory,
        ReadOnlySpan<byte> name,
        ProbeDepth depth,
        ProbeAnswer answer,
        Moment now,
        List<Effect> effects)
    {
        if (!_lookup.TryGetValue(new FileKeyRef(directory, name), out TrackedFile? file))
        {
            // Asked because the name was deleted, renamed away or missing in a scan. What was renamed away is judged
            // first: then its old name is looked at again.
            if (IsGone(answer) && !_leaving.IsAwaited(directory, name))
                effects.Add(new Effect(EffectKind.Gone, directory, name.ToArray()));
            return;
        }

        // Another thread looked before the last event was read, or before events were lost: at what had this name then.
        bool isDoubted = file.Doubts != directory.Doubts;
        file.Doubts = directory.Doubts;
        file.CloseMayBeLost |= isDoubted;
        if (answer.LookedNs is { } lookedNs && (isDoubted || lookedNs <= file.LastEventNs))
        {
            SetDeadline(file, Math.Min(file.DeadlineNs, now.MonotonicNs + TouchDelayNs));
            return;
        }

        if (answer.Status == ProbeStatus.Unreadable)
        {
            Unreadable(file, now);
            return;
        }

        file.UnreadableCount = 0;
        if (IsGone(answer) && !file.IsGoneSeen)
        {
            // Perhaps it is the late answer to a question about what had this name before.
            file.IsGoneSeen = true;
            effects.Add(Probe(file, ProbeDepth.Stat));
            return;
        }

        if (IsGone(answer))
        {
            // Renamed, perhaps, and that is not read yet: then what is known of it moves along.
            file.GoneSeenRenames = directory.RenamesInTree;
            ConfirmLater(file, now);
            return;
        }

        if (file.IsGoneSeen)
            file.ConfirmAfterNs = TrackedFile.NoTime;
        file.IsGoneSeen = false;
        if (depth != ProbeDepth.Stat)
            file.Writer = answer.Writer;
        if (_leaving.IsBefore(file))
            AwaitLeaving(file, answer.Stat, now);
        else
            Judge(file, depth, answer.Stat, now, effects);
    }

    // Which file was renamed here is kept: another may take its place meanwhile.
    private void AwaitLeaving(TrackedFile file, FileStat stat, Moment now)
    {
        if (file is { Phase: Phase.Renamed, HasStat: false })
            (file.Stat, file.HasStat) = (stat, true);
        SetDeadline(file, now.MonotonicNs + TouchDelayNs);
    }

    // A symlink, a device or a directory in its place: the file is gone too.
    private static bool IsGone(ProbeAnswer answer) => answer.Status == ProbeStatus.Gone
        || (answer.Status == ProbeStatus.Present && answer.Stat.Type != FileType.Regular);

    private void Judge(TrackedFile file, ProbeDepth depth, FileStat stat, Moment now, List<Effect> effects)
    {
        switch (file.Phase)
        {
            case Phase.Renamed:
                JudgeRenamed(file, depth, stat, now, effects);
                break;
            case Phase.Opening:
                if (depth != ProbeDepth.Stat)
                    JudgeOpening(file, depth, stat, now, effects);
                break;
            case Phase.Touched:
                ConfirmLater(file, stat, now);
                break;
            case Phase.Found:
                JudgeFound(file, depth, stat, now, effects);
                break;
            case Phase.Held:
                JudgeHeld(file, stat, now, effects);
                break;
            case Phase.Writing or Phase.Closed:
                JudgeClosed(file, depth, stat, now, effects);
                break;
            default:
                throw new InvariantException($"Unknown phase {file.Phase}");
        }
    }

    private void DeadlinePassed(TrackedFile file, Moment now, List<Effect> effects)
    {
        file.DeadlineNs = long.MaxValue;
        switch (file.Phase)
        {
            case Phase.Touched when file.TouchedInDoubt && IsTouchInDoubt(file):
                AwaitScan(file, now);
                break;
            case Phase.Touched:
                effects.Add(Probe(file, ProbeDepth.Stat));
                break;
            default:
                effects.Add(Probe(file, ProbeDepth.Writers));
                break;
        }
    }

    // The scan that is under way decides; if it finds nothing new, this was metadata. Where the scan itself waits for
    // room in the table, the entry gives way: what it was about, the scan will find.
    private void AwaitScan(TrackedFile file, Moment now)
    {
        if (_overflowed is null)
            SetDeadline(file, now.MonotonicNs + WriterPollMinNs);
        else
            Remove(file);
    }

    // Whoever renamed it, somebody may have it open for writing: from before, or since. What rsync -t renames into
    // place has its source's mtime. One that was written since the queue was last empty may have been opened again
    // since its rename, whose event was read late, or never been closed by who renamed it.
    private void JudgeRenamed(TrackedFile file, ProbeDepth depth, FileStat stat, Moment now, List<Effect> effects)
    {
        bool isWrittenLately = stat.MtimeNs >= file.QueueEmptyNs - ClockSlackNs - ClockStepOf(file, now);
        if (IsHeldForTime(stat))
            Hold(file, stat, HoldReason.ZeroMtime, effects);
        else if (depth == ProbeDepth.Stat)
            effects.Add(Probe(file, ProbeDepth.Writers));
        else if (file.Writer == WriterState.Writing && _policy.Arrivals != Arrivals.Rename
            && (isWrittenLately || MayBeWritten(file, stat, now)))
            BeWriting(file, stat, now);
        else if (isWrittenLately || stat.IsOwnerOnly || file.CloseMayBeLost || file.Change == Change.Metadata
            || (file.HasStat && file.Stat.Inode != stat.Inode)
            || (file.Writer != WriterState.None && file.RenamedFrom is not null))
            ConfirmLater(file, stat, now); // and another may have been renamed here since, or a touched one written
        else
            Complete(file, stat, file.RenameEvidence, now, effects);
    }

    // Whoever has it open may write. What was renamed inside the tree was looked at under its old name, and is known
    // there: opened and not written it only moves along, unless events may have been lost, or another file that was
    // written lately has been renamed over it since.
    private static bool MayBeWritten(TrackedFile file, FileStat stat, Moment now) => file.RenamedFrom is not { } from
        || file.IsRenamedOn || from.Directory.IsUncertain || file.Directory.IsUncertain || stat.LinkCount > 1
        || stat.MtimeNs >= now.WallNs - RecentNs - ClockStepOf(file, now);

    // Created and not written since.
    private void JudgeOpening(TrackedFile file, ProbeDepth depth, FileStat stat, Moment now, List<Effect> effects)
    {
        bool isLink = stat.LinkCount > 1 || (stat.SizeBytes > 0 && file.Writer == WriterState.None)
            || IsMtimeSet(file, stat, now);
        if (_policy.Arrivals == Arrivals.Rename && stat.LinkCount == 1)
            Remove(file);
        else if (_policy.Arrivals == Arrivals.Rename && file.Writer == WriterState.Writing)
            SetDeadline(file, now.MonotonicNs + _writerPollNs);
        else if (file.Writer == WriterState.Writing)
            BeWriting(file, stat, now);
        else if (isLink)
            ConfirmLater(file, stat, now);
        else if (file.Writer == WriterState.Unknown && stat.SizeBytes == 0)
            LookInProc(file, depth, now, effects);
        else
        {
            file.Phase = Phase.Closed;
            SetDeadline(file, file.LastSignNs + _quietNs);
        }
    }

    // It was opened and not seen closed, and a lease cannot tell: it is not finished, however long its writer pauses.
    private void LookInProc(TrackedFile file, ProbeDepth depth, Moment now, List<Effect> effects)
    {
        if (now.MonotonicNs < file.LastSignNs + _quietNs)
            SetDeadline(file, file.LastSignNs + _quietNs);
        else if (depth == ProbeDepth.WritersByProc)
            SetDeadline(file, now.MonotonicNs + UnknownWriterPollNs);
        else
            effects.Add(Probe(file, ProbeDepth.WritersByProc));
    }

    private void JudgeFound(TrackedFile file, ProbeDepth depth, FileStat stat, Moment now, List<Effect> effects)
    {
        if (depth == ProbeDepth.Stat)
        {
            // The look before it may have been where its directory no longer was: no other is on its way.
            effects.Add(Probe(file, ProbeDepth.Writers));
            return;
        }

        bool writtenLast = stat.MtimeNs == stat.CtimeNs;
        if (RsyncNames.IsTemporaryShape(file.Name))
        {
            if (file.Writer != WriterState.Writing && now.WallNs - stat.CtimeNs > StaleTemporaryNs)
                Hold(file, stat, HoldReason.TemporaryName, effects);
            else
                Remove(file);
        }
        else if (IsHeldForTime(stat))
            Hold(file, stat, HoldReason.ZeroMtime, effects);
        else if (_policy.Arrivals == Arrivals.Rename && file.Writer == WriterState.Writing)
            Remove(file);
        else if (file.Writer == WriterState.Writing)
            BeWriting(file, stat, now);
        else if (_policy.Arrivals == Arrivals.Rename && writtenLast)
            Hold(file, stat, HoldReason.WrittenInPlace, effects);
        else if (file.Writer == WriterState.None && IsOlderThanBirth(stat, 0))
            Complete(file, stat, Evidence.MtimeSet, now, effects);
        else if (file.Writer == WriterState.None && !writtenLast)
            Complete(file, stat, Evidence.Found, now, effects);
        else
        {
            // What has been quiet since before we looked has been quiet long enough; a clock that ran ahead has not.
            long age = Math.Clamp(now.WallNs - Math.Max(stat.MtimeNs, stat.CtimeNs), 0, _quietNs);
            file.Phase = Phase.Closed;
            file.Stat = stat;
            file.HasStat = true;
            file.LastSignNs = now.MonotonicNs - age;
            JudgeClosed(file, depth, stat, now, effects);
        }
    }

    private void JudgeHeld(TrackedFile file, FileStat stat, Moment now, List<Effect> effects)
    {
        // Another file, or other content: what led here was lost, so it is judged as a scan judges what it finds. But
        // it may also wait to be read, and take this hold along to another name.
        FileVersion held = file.HeldVersion;
        bool isOther = (held.Inode, held.SizeBytes) != (stat.Inode, stat.SizeBytes);
        bool isConfirmed = file.IsConfirmed;
        file.IsConfirmed = false;
        if (isOther && !isConfirmed)
            ConfirmLater(file, now);
        else if (isOther)
        {
            file.Phase = Phase.Found;
            JudgeFound(file, ProbeDepth.Writers, stat, now, effects);
        }
        else if (file.Writer == WriterState.Writing)
            BeWriting(file, stat, now);
        else if (IsHeldForTime(stat))
            Hold(file, stat, HoldReason.ZeroMtime, effects);
        else if (file.Writer == WriterState.None && IsMtimeSet(file, stat, now))
            Complete(file, stat, Evidence.MtimeSet, now, effects);
        else
            Hold(file, stat, file.Hold, effects);
    }

    private void JudgeClosed(TrackedFile file, ProbeDepth depth, FileStat stat, Moment now, List<Effect> effects)
    {
        if (depth == ProbeDepth.Stat)
            return;
        if (file is { Phase: Phase.Writing, Writer: WriterState.Unknown, CloseMayBeLost: false })
        {
            LookInProc(file, depth, now, effects);
            return;
        }

        bool isChanged = file.HasStat && (file.Stat.Version != stat.Version || file.Stat.CtimeNs != stat.CtimeNs);

        // Still writing, as far as events tell: that nobody has it open any more is news.
        if (isChanged || file.Phase == Phase.Writing)
            SignOfLife(file, now);
        file.IsConfirmed &= !isChanged;
        file.Stat = stat;
        file.HasStat = true;
        if (file.Writer == WriterState.Writing)
        {
            BeWriting(file, stat, now);
            return;
        }

        if (IsHeldForTime(stat))
        {
            Hold(file, stat, HoldReason.ZeroMtime, effects);
            return;
        }

        bool isMtimeSet = IsMtimeSet(file, stat, now);
        if (isMtimeSet && file.Writer == WriterState.None)
        {
            file.Phase = Phase.Closed;
            if (!file.IsConfirmed
                && (stat.IsOwnerOnly || IsBornBefore(file, stat, now) || IsBornUnread(file, stat)))
                ConfirmLater(file, stat, now); // another, or a held one, may have been renamed here since
            else
                Complete(file, stat, Evidence.MtimeSet, now, effects);
            return;
        }

        file.Phase = Phase.Closed;
        if (now.MonotonicNs < file.LastSignNs + _quietNs)
            SetDeadline(file, file.LastSignNs + _quietNs);
        else if (file.Writer == WriterState.Unknown && depth != ProbeDepth.WritersByProc)
            effects.Add(Probe(file, ProbeDepth.WritersByProc));
        else
            JudgeQuiet(file, stat, isMtimeSet, now, effects);
    }

    private void JudgeQuiet(TrackedFile file, FileStat stat, bool isMtimeSet, Moment now, List<Effect> effects)
    {
        bool isWrittenLast = stat.MtimeNs == stat.CtimeNs;
        bool mayBeKilled = stat.LooksKilledInPlace && _policy.OwnerOnly == HoldPolicy.Hold;
        if (isMtimeSet)
            Complete(file, stat, Evidence.MtimeSet, now, effects);
        else if (!file.IsNew && mayBeKilled && file.Directory.IsUncertain)
            AwaitScan(file, now); // that it took the place of the one we knew may have been lost
        else if (!file.IsNew && mayBeKilled && !file.IsConfirmed)
            ConfirmLater(file, stat, now); // or may not be read yet
        else if (file.WindowStartNs == TrackedFile.NoTime && !isWrittenLast && _policy.InPlace == InPlace.Proven)
            Complete(file, stat, Evidence.Found, now, effects);
        else if (file.IsNew && mayBeKilled)
            Hold(file, stat, HoldReason.OwnerOnly, effects);
        else if (_policy.InPlace == InPlace.Proven)
            Hold(file, stat, HoldReason.Unproven, effects);
        else
            Complete(file, stat, Evidence.Quiet, now, effects);
    }

    private void BeWriting(TrackedFile file, FileStat stat, Moment now)
    {
        // Whoever writes now leaves an mtime from now on, or the one it has left so far.
        if (file.WindowStartNs == TrackedFile.NoTime)
        {
            file.WindowStartNs = Math.Min(stat.MtimeNs, now.WallNs);
            file.WindowClockOffsetNs = now.WallNs - now.MonotonicNs;
        }
        else if (file.Phase == Phase.Opening)
        {
            // Perhaps a link to a file that is written under another name: the writing is older than the link.
            file.WindowStartNs = Math.Min(stat.MtimeNs, file.WindowStartNs);
        }

        file.IsExisting = false;
        file.Phase = Phase.Writing;
        file.ConfirmAfterNs = TrackedFile.NoTime;
        SignOfLife(file, now);
        SetDeadline(file, now.MonotonicNs + _writerPollNs);
    }

    private bool IsHeldForTime(FileStat stat) => stat.HasZeroMtime && _policy.ZeroMtime == HoldPolicy.Hold;

    private void Unreadable(TrackedFile file, Moment now)
    {
        if (file.UnreadableCount++ >= UnreadableMax)
        {
            file.Directory.IsUncertain = true;
            Remove(file);
            return;
        }

        SetDeadline(file, now.MonotonicNs + (UnreadableDelayNs << (file.UnreadableCount - 1)));
    }
}
