using System.Diagnostics;

namespace AutoCrunch.Benchmarks;

/// <summary>Waiting for a fact that nobody tells of.</summary>
internal static class Patience
{
    /// <summary>Looks again and again; false when it is not so in time.</summary>
    public static bool Until(Func<bool> fact, TimeSpan atMost, int stepMs = 5)
    {
        long start = Stopwatch.GetTimestamp();
        while (!fact())
        {
            if (Stopwatch.GetElapsedTime(start) > atMost)
                return false;
            Thread.Sleep(stepMs);
        }

        return true;
    }

    /// <summary>Lets a program do for a while what it does when nothing happens.</summary>
    public static void Rest(TimeSpan time) => Thread.Sleep(time);
}
