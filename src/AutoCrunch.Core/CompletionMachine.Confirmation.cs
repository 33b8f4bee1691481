using System.Collections.Generic;

namespace AutoCrunch.Core;

/// <content>Looks that count only when the queue has been read past them.</content>
internal sealed partial class CompletionMachine
{
    // A look that found nobody writing is a verdict only once the queue was empty after it: until then an event that
    // happened before the look may still wait there, unread.
    private void Confirm(Moment now, Moment? queueEmptySince, List<Effect> effects)
    {
        if (_confirming.Count == 0 || queueEmptySince is null)
            return;
        int kept = 0;
        for (int i = 0; i < _confirming.Count; i++)
        {
            TrackedFile file = _confirming[i];
            if (file.IsRemoved || file.ConfirmAfterNs == TrackedFile.NoTime)
                continue;
            if (queueEmptySince.Value.MonotonicNs > file.ConfirmAfterNs)
                Confirmed(file, now, effects);
            else
                _confirming[kept++] = file;
        }

        _confirming.RemoveRange(kept, _confirming.Count - kept);
    }

    private void ConfirmLater(TrackedFile file, FileStat stat, Moment now)
    {
        file.Stat = stat;
        file.HasStat = true;
        ConfirmLater(file, now);
    }

    private void ConfirmLater(TrackedFile file, Moment now)
    {
        if (file.ConfirmAfterNs == TrackedFile.NoTime)
            _confirming.Add(file);
        file.ConfirmAfterNs = now.MonotonicNs;
        file.DeadlineNs = long.MaxValue;
    }

    // The queue was empty after the look: nothing had happened to the file that is not known.
    private void Confirmed(TrackedFile file, Moment now, List<Effect> effects)
    {
        file.ConfirmAfterNs = TrackedFile.NoTime;
        bool isUncertain = file.Directory.IsUncertain;
        if (file.IsGoneSeen && file.GoneSeenRenames != file.Directory.RenamesInTree)
        {
            // It may have gone along with its directory, and was looked for in the wrong place.
            file.IsGoneSeen = false;
            effects.Add(Probe(file, ProbeDepth.Writers));
        }
        else if (file.IsGoneSeen)
        {
            Remove(file);
            effects.Add(new Effect(EffectKind.Gone, file.Directory, file.Name));
        }
        else if ((file.Phase == Phase.Renamed && (isUncertain || file.CloseMayBeLost))
            || (isUncertain && file.Phase == Phase.Opening && !IsFinishedLink(file)))
        {
            // That it was written, or replaced by another that is, may have been lost.
            file.Phase = Phase.Found;
            file.IsNew = file.IsNewAssumed = true;
            effects.Add(Probe(file, ProbeDepth.Writers));
        }
        else if (file.Phase == Phase.Renamed)
            Complete(file, file.Stat, file.RenameEvidence, now, effects);
        else if (file.Phase == Phase.Touched && IsTouchInDoubt(file))
        {
            // Events were lost since: the touch may not be all that happened.
            file.TouchedInDoubt = true;
            AwaitScan(file, now);
        }
        else if (file.Phase == Phase.Touched && file.Stat.LinkCount > 1)
        {
            // What is written through another of its links gives no event here.
            file.Phase = Phase.Found;
            effects.Add(Probe(file, ProbeDepth.Writers));
        }
        else if (file.Phase == Phase.Touched)
        {
            effects.Add(new Effect(EffectKind.MetadataChanged, file.Directory, file.Name) { Stat = file.Stat });
            Remove(file);
        }
        else if (file.Phase == Phase.Closed && isUncertain)
            AwaitScan(file, now);
        else if (file.Phase is Phase.Closed or Phase.Held)
        {
            // It is the one that was looked at. Whether another of its links is written by now, a new look tells.
            file.IsConfirmed = true;
            effects.Add(Probe(file, ProbeDepth.Writers));
        }
        else if (file.Phase == Phase.Opening)
        {
            if (IsHeldForTime(file.Stat))
                Hold(file, file.Stat, HoldReason.ZeroMtime, effects);
            else
                Complete(file, file.Stat, Evidence.Linked, now, effects);
        }
    }

    private static bool IsFinishedLink(TrackedFile file) =>
        file.Stat.LinkCount > 1 && file.Writer == WriterState.None;
}
