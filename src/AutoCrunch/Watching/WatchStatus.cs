namespace AutoCrunch.Watching;

/// <summary>What a whole scan of a root came to.</summary>
/// <param name="EndedNs">When it was merged: wall clock, ns since 1970.</param>
/// <param name="Reason">Why it was made.</param>
/// <param name="Files">Files of the rule that it looked at.</param>
/// <param name="Found">How many of them the ledger did not know, or knew otherwise.</param>
internal sealed record ScanResult(long EndedNs, ScanReason Reason, long Files, long Found);

/// <summary>How one rule's tree is watched.</summary>
/// <param name="Rule">The rule's name.</param>
/// <param name="IsRootThere">Its directory is there.</param>
/// <param name="Watched">Directories that are watched.</param>
/// <param name="Unwatched">
/// Directories that are not (a limit, permissions, a file system without events): they are scanned again and again
/// instead.
/// </param>
/// <param name="LastScan">The last scan of all of it; null before the first one.</param>
/// <param name="FoundByRescans">
/// New or changed files that rescans came by since the service started: what events did not tell, and under a flood
/// also what they had told just before.
/// </param>
internal sealed record RootStatus(
    string Rule, bool IsRootThere, long Watched, long Unwatched, ScanResult? LastScan, long FoundByRescans);

/// <summary>How the service watches. Times are wall clock, ns since 1970.</summary>
/// <param name="Roots">By rule, in their order.</param>
/// <param name="Overflows">How often the kernel's queue has overflowed since the start.</param>
/// <param name="LastOverflowNs">When it did so last; null when it has not.</param>
/// <param name="QueuedBytes">What waits in the kernel's queue.</param>
internal sealed record WatchStatus(
    IReadOnlyList<RootStatus> Roots, int Overflows, long? LastOverflowNs, long QueuedBytes);
