using System;

namespace AutoCrunch.Core;

/// <summary>
/// Whether a path completes so often that its own job must be taken for the cause: a job that rewrites its input makes
/// itself start again, without end. Pure; told of the path's jobs from the newest one back.
/// </summary>
/// <param name="limit">So many completions within <see cref="Span"/> are well; one more is not. Above 0.</param>
/// <param name="completedNs">When the path completed just now, nanoseconds since 1970.</param>
public struct LoopGuard(int limit, long completedNs)
{
    private int _count = 1;

    /// <summary>The time within which completions are counted.</summary>
    public static TimeSpan Span { get; } = TimeSpan.FromMinutes(10);

    /// <summary>True when the path is to be paused.</summary>
    public readonly bool IsLoop => _count > limit;

    /// <summary>
    /// Counts an earlier job of the path. False when none before it need be looked at.
    /// </summary>
    /// <param name="earlierNs">When it completed; after the present if the clock was set back since.</param>
    public bool Count(long earlierNs)
    {
        bool isRecent = completedNs - earlierNs is { } agoNs && Math.Abs((double)agoNs) < Span.TotalNanoseconds;
        if (isRecent)
            _count += 1;
        return isRecent && !IsLoop;
    }
}
