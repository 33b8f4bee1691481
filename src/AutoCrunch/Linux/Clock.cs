using AutoCrunch.Core;

namespace AutoCrunch.Linux;

/// <summary>The kernel's clocks, in nanoseconds.</summary>
internal static unsafe class Clock
{
    private const long NsPerSecond = 1_000_000_000;

    /// <summary>Both clocks, read one right after the other.</summary>
    public static Moment Now() => new(MonotonicNs(), WallNs());

    /// <summary>CLOCK_MONOTONIC: for deadlines; stands still while the machine is suspended.</summary>
    public static long MonotonicNs() => Read(Libc.CLOCK_MONOTONIC);

    /// <summary>CLOCK_REALTIME, since 1970: to compare with file times; may be set back.</summary>
    public static long WallNs() => Read(Libc.CLOCK_REALTIME);

    private static long Read(int clock)
    {
        Timespec time;
        int result = Libc.clock_gettime(clock, &time);
        Invariant.That(result == 0); // fails only for a clock id the kernel does not know
        return (time.tv_sec * NsPerSecond) + time.tv_nsec;
    }
}
