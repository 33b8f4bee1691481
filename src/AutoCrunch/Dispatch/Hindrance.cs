using AutoCrunch.Core;
using AutoCrunch.Linux;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Dispatch;

/// <summary>
/// What keeps the jobs of a rule from being started: said when it begins and when it is over, however many jobs meet
/// it. Any thread.
/// </summary>
/// <param name="rule">The rule's name.</param>
/// <param name="logger">The service's log.</param>
internal sealed class Hindrance(string rule, ILogger logger)
{
    // Files that cannot be looked at are named one at a time, no sooner than this after another.
    private const long UnseenSilenceNs = 600_000_000_000;

    private int _isHindered;
    private long _sinceNs;
    private long _sayUnseenNs;

    /// <summary>The machine, or the state directory, has not what every job of the rule needs.</summary>
    public void CannotStart(string reason)
    {
        if (Interlocked.Exchange(ref _isHindered, 1) != 0)
            return;
        Volatile.Write(ref _sinceNs, Clock.WallNs());
        DispatchLog.NotStarted(logger, rule, reason);
    }

    /// <summary>A job has been started, as is known from its end: that of an older one tells nothing.</summary>
    /// <param name="claimedNs">When its attempt was claimed, in Unix nanoseconds.</param>
    public void HasEnded(long claimedNs)
    {
        if (claimedNs >= Volatile.Read(ref _sinceNs))
            Started();
    }

    /// <summary>A job has been started.</summary>
    public void Started()
    {
        if (Volatile.Read(ref _isHindered) != 0 && Interlocked.Exchange(ref _isHindered, 0) != 0)
            DispatchLog.StartsAgain(logger, rule);
    }

    /// <summary>A job's file cannot be looked at: the job is put off.</summary>
    public void CannotSee(long jobId, BytePath path, string reason)
    {
        long now = Clock.MonotonicNs();
        long sayNs = Volatile.Read(ref _sayUnseenNs);
        if (now < sayNs
            || Interlocked.CompareExchange(ref _sayUnseenNs, now + UnseenSilenceNs, sayNs) != sayNs)
            return;
        DispatchLog.PutOff(logger, jobId, path, rule, reason);
    }
}
