using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Watching;

/// <summary>Which events are watched for, and what each means for a file.</summary>
internal static class EventBits
{
    // DELETE_SELF is left out: IN_IGNORED always follows it and says the same. EXCL_UNLINK keeps away what happens to
    // files that no longer have a name here. MASK_ADD because rules that overlap share one watch.
    private const uint Common =
        InotifyMask.IN_CREATE | InotifyMask.IN_MOVED_FROM | InotifyMask.IN_MOVED_TO | InotifyMask.IN_DELETE
        | InotifyMask.IN_ATTRIB | InotifyMask.IN_MOVE_SELF | InotifyMask.IN_ONLYDIR | InotifyMask.IN_EXCL_UNLINK
        | InotifyMask.IN_MASK_ADD;

    // MODIFY is what floods the queue (17,620 events for one file of 400 MB), so it is watched only where the begin of
    // writing counts.
    private const uint InPlaceOnly = InotifyMask.IN_CLOSE_WRITE | InotifyMask.IN_MODIFY;

    /// <summary>The mask of all watches of a rule.</summary>
    public static uint MaskFor(WatchRule rule, uint extra) =>
        Common | extra | (rule.Completion.Arrivals == Arrivals.RenameAndInPlace ? InPlaceOnly : 0);

    /// <summary>True when the rule asked for this event; otherwise it came because an overlapping rule did.</summary>
    public static bool IsWanted(WatchRule rule, uint mask) =>
        (mask & InPlaceOnly) == 0 || rule.Completion.Arrivals == Arrivals.RenameAndInPlace;

    /// <summary>What the event says of a file; null for those only an observer wants.</summary>
    public static FileEventKind? KindOf(uint mask) => (mask & KindBits) switch
    {
        InotifyMask.IN_CREATE => FileEventKind.Created,
        InotifyMask.IN_MODIFY => FileEventKind.Modified,
        InotifyMask.IN_ATTRIB => FileEventKind.AttributesChanged,
        InotifyMask.IN_CLOSE_WRITE => FileEventKind.ClosedAfterWrite,
        InotifyMask.IN_MOVED_FROM => FileEventKind.MovedOut,
        InotifyMask.IN_MOVED_TO => FileEventKind.MovedIn,
        InotifyMask.IN_DELETE => FileEventKind.Deleted,
        _ => null,
    };

    private const uint KindBits =
        InotifyMask.IN_CREATE | InotifyMask.IN_MODIFY | InotifyMask.IN_ATTRIB | InotifyMask.IN_CLOSE_WRITE
        | InotifyMask.IN_MOVED_FROM | InotifyMask.IN_MOVED_TO | InotifyMask.IN_DELETE;
}
