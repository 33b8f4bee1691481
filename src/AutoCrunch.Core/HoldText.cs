namespace AutoCrunch.Core;

/// <summary>The sentence an operator reads for a hold or for evidence.</summary>
internal static class HoldText
{
    /// <summary>Why a version is held, and what would make it run.</summary>
    public static string Of(HoldReason reason) => Remedy(reason) is { Length: > 0 } remedy
        ? $"{Why(reason)}; {remedy}" : Why(reason);

    /// <summary>Why a version is held.</summary>
    public static string Why(HoldReason reason) => reason switch
    {
        HoldReason.ZeroMtime => "interrupted rsync --partial, mtime 0",
        HoldReason.OwnerOnly => "new, written last and open to its owner only, as a killed rsync --inplace leaves it",
        HoldReason.Unproven => "only the quiet period speaks for it, and the rule wants proof (InPlace: Proven)",
        HoldReason.TemporaryName => "found by a scan under a name shaped like one of rsync's temporaries",
        HoldReason.WrittenInPlace => "written in place, and the rule takes renames only (Arrivals: Rename)",
        _ => throw new InvariantException($"Unknown hold reason {reason}"),
    };

    /// <summary>What would make it run; empty when the reason says it.</summary>
    public static string Remedy(HoldReason reason) => reason switch
    {
        HoldReason.ZeroMtime =>
            "send it again to finish it (if the source really is dated 1970, set ZeroMtime to Process)",
        HoldReason.OwnerOnly => "send it again (if senders have umask 077, set OwnerOnly to Process)",
        HoldReason.Unproven => "send it with its modification time (rsync -t) or set InPlace to Quiet",
        HoldReason.TemporaryName => "if it is a leftover, delete it; if it is a real file, rename it",
        HoldReason.WrittenInPlace => "",
        _ => throw new InvariantException($"Unknown hold reason {reason}"),
    };

    /// <summary>Why a version counts as finished.</summary>
    public static string Of(Completion completion) => completion.Evidence switch
    {
        Evidence.RenamedFromTemporary => $"renamed from rsync's temporary {completion.TemporaryName?.Name}",
        Evidence.Renamed when completion.RenamedFrom is { } from => $"renamed from {from}",
        Evidence.Renamed => "renamed into place",
        Evidence.Linked => "linked as a finished file",
        Evidence.MtimeSet => "closed, and its modification time was set by the sender",
        Evidence.Quiet => "closed, no writer, quiet",
        Evidence.ByHand => "told by hand",
        Evidence.Found => "found by a scan, no writer, changed after it was last written",
        _ => throw new InvariantException($"Unknown evidence {completion.Evidence}"),
    };
}
