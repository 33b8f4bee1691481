using System;

namespace AutoCrunch.Core;

/// <summary>How long a job waits after a failed attempt.</summary>
public static class RetryDelay
{
    // Attempts that failed together (a server that was away) should not all come back in the same instant; but an
    // operator who wrote ten seconds should not see five.
    private const double ShortestShare = 0.8;

    // Far beyond every MaxDelay; keeps the power finite, so that zero times it stays zero.
    private const int MaxDoublings = 62;

    /// <summary>
    /// The delay before the next attempt: the policy's delay, doubled with each failed attempt up to its MaxDelay, then
    /// shortened at random by up to a fifth. Never negative, never above MaxDelay.
    /// </summary>
    /// <param name="attempt">The number of the attempt that failed, from 1.</param>
    /// <param name="policy">The rule's policy.</param>
    /// <param name="random">Uniform in [0, 1).</param>
    public static TimeSpan After(int attempt, RetryPolicy policy, double random)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(attempt);
        double doubled = policy.Delay.Ticks * Math.Pow(2, Math.Min(attempt - 1, MaxDoublings));
        double capped = Math.Clamp(doubled, 0, Math.Max(0, policy.MaxDelay.Ticks));
        long ticks = (long)(capped * (ShortestShare + ((1 - ShortestShare) * Math.Clamp(random, 0, 1))));
        return TimeSpan.FromTicks(Math.Min(ticks, Math.Max(0, policy.MaxDelay.Ticks)));
    }
}
