using System;
using System.Collections.Generic;

namespace AutoCrunch.Core;

/// <content>What proves a file, and what a verdict leads to.</content>
internal sealed partial class CompletionMachine
{
    // Nobody who writes leaves an mtime outside the time of writing; utimensat(2) does, and leaves another ctime. If
    // the wall clock was set meanwhile, the window is widened by as much.
    private static bool IsMtimeSet(TrackedFile file, FileStat stat, Moment now)
    {
        if (stat.MtimeNs == stat.CtimeNs)
            return false;
        if (file.WindowStartNs == TrackedFile.NoTime)
            return IsOlderThanBirth(stat, 0);
        long stepNs = Math.Max(file.ClockStepNs, ClockStepOf(file, now));
        long slackNs = ClockSlackNs + stepNs;
        return stat.MtimeNs < file.WindowStartNs - slackNs
            || stat.MtimeNs > now.WallNs + slackNs
            || IsOlderThanBirth(stat, stepNs);
    }

    // By how much the wall clock was set since the window began.
    private static long ClockStepOf(TrackedFile file, Moment now) =>
        Math.Abs(now.WallNs - now.MonotonicNs - file.WindowClockOffsetNs);

    // A birth after the last change: the clock ran ahead when the file was created, and its birth says nothing.
    private static bool IsOlderThanBirth(FileStat stat, long stepNs) => stat.MtimeNs != stat.CtimeNs
        && stat.BirthNs != 0 && stat.BirthNs <= stat.CtimeNs
        && stat.MtimeNs < stat.BirthNs - ClockSlackNs - stepNs;

    // Not the file that was seen created under this name: a rename brought it here, and waits to be read.
    private static bool IsBornBefore(TrackedFile file, FileStat stat, Moment now) =>
        file.IsNew && !file.IsNewAssumed && file.WindowStartNs != TrackedFile.NoTime && stat.BirthNs != 0
        && stat.BirthNs < file.WindowStartNs - ClockSlackNs - Math.Max(file.ClockStepNs, ClockStepOf(file, now));

    // Born since the queue was last empty, and nothing has been read that brought it to this name: that is yet to come.
    private static bool IsBornUnread(TrackedFile file, FileStat stat) =>
        (!file.IsNew || file.IsNewAssumed) && stat.BirthNs > file.QueueEmptyNs - ClockSlackNs;

    private void Complete(TrackedFile file, FileStat stat, Evidence evidence, Moment now, List<Effect> effects)
    {
        var renamedFrom = file.RenamedFrom;
        _leaving.Remove(file);
        Remove(file);
        if (file is { Phase: Phase.Renamed, Change: Change.Metadata } && renamedFrom is { } known)
            effects.Add(new Effect(EffectKind.MetadataChanged, known.Directory, known.Name) { Stat = stat });

        // Where its new directory took the place of its old one meanwhile, it is where it was.
        BytePath path = file.Directory.PathOf(file.Name);
        BytePath? origin = renamedFrom is { } from ? from.Directory.PathOf(from.Name) : null;
        var completion = new Completion(_rule.Name, path, stat, evidence, file.ArrivedNs, now.WallNs)
        {
            RenamedFrom = origin == path ? null : origin,
            TemporaryName = file.TemporaryName,
            IsExisting = file.IsExisting,
            IsFound = file.IsFound,
        };
        effects.Add(new Effect(EffectKind.Complete, file.Directory, file.Name) { Completion = completion });

        // Only now, so that the ledger still knows the old name when it hears of the new one.
        if (renamedFrom is { } left)
            effects.Add(ProbeOf(left.Directory, left.Name));
    }

    // It got no verdict under its new name, and has left its old one.
    private void LookAtOldName(TrackedFile file)
    {
        if (file.RenamedFrom is { } left)
            _leftNames.Add(left);
        _leaving.Remove(file);
    }

    // The ledger keeps the hold. The entry stays only where a late change of the mtime may still prove the file:
    // rsync may be stopped between its close and its utimensat for longer than any quiet period.
    private void Hold(TrackedFile file, FileStat stat, HoldReason reason, List<Effect> effects)
    {
        bool isNews = file.Phase != Phase.Held || !file.HasStat || file.Stat.Version != stat.Version
            || file.Hold != reason || file.IsHoldMoved;
        file.IsHoldMoved = false;
        file.Phase = Phase.Held;
        file.Hold = reason;
        file.HeldVersion = stat.Version;
        file.Stat = stat;
        file.HasStat = true;
        file.DeadlineNs = long.MaxValue;
        if (isNews)
            effects.Add(HoldOf(file));
        LookAtOldName(file);
        bool isForgotten = CanBeLifted(reason) && _files.Count > _trackedMax / 2;
        _hasForgottenHolds |= isForgotten;
        if (isForgotten || !CanBeLifted(reason))
            Remove(file);
    }

    private static Effect HoldOf(TrackedFile file) =>
        new(EffectKind.Hold, file.Directory, file.Name) { Stat = file.Stat, Reason = file.Hold };

    private static bool CanBeLifted(HoldReason reason) => reason is HoldReason.OwnerOnly or HoldReason.Unproven;
}
