using AutoCrunch.Core;

namespace AutoCrunch.Ledger;

/// <summary>Another process has the state directory's lock. A restart may mend it (exit code 1).</summary>
internal sealed class LedgerLockedException(BytePath lockFile, int? holderPid) : Exception(
    $"Another AutoCrunch service{(holderPid is { } pid ? $" (pid {pid})" : "")} uses this state directory: it holds "
    + $"'{lockFile}'. Stop it first, or give this one a StateDirectory of its own.")
{
    /// <summary>The process that holds the lock; null when it could not be told.</summary>
    public int? HolderPid { get; } = holderPid;
}

/// <summary>The ledger cannot be used, and no restart mends that (exit code 78). The message says what does.</summary>
internal sealed class LedgerUnusableException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>It is only older than this program: the next start brings it up to date.</summary>
    public bool IsOutdated { get; init; }

    /// <summary>There is none yet: the next start makes it.</summary>
    public bool IsMissing { get; init; }
}
