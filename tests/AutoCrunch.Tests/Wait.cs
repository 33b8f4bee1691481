using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace AutoCrunch.Tests;

/// <summary>
/// Waits for facts, never for time: the bound is so generous that reaching it is a failure, not slowness.
/// </summary>
internal static class Wait
{
    /// <summary>Long enough for anything on a machine that is busy with all other tests.</summary>
    public static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan s_step = TimeSpan.FromMilliseconds(5);

    /// <summary>
    /// Returns as soon as <paramref name="fact"/> is true; fails the test, naming it, after the bound.
    /// </summary>
    public static void Until(
        Func<bool> fact, TimeSpan? bound = null, [CallerArgumentExpression(nameof(fact))] string expression = "")
    {
        long start = Stopwatch.GetTimestamp();
        while (!fact())
        {
            if (Stopwatch.GetElapsedTime(start) > (bound ?? Bound))
                Assert.Fail($"Not true within {bound ?? Bound}: {expression}");
            Thread.Sleep(s_step);
        }
    }

    /// <inheritdoc cref="Until(Func{bool}, TimeSpan?, string)"/>
    public static async Task UntilAsync(
        Func<Task<bool>> fact, TimeSpan? bound = null, [CallerArgumentExpression(nameof(fact))] string expression = "")
    {
        long start = Stopwatch.GetTimestamp();
        while (!await fact())
        {
            if (Stopwatch.GetElapsedTime(start) > (bound ?? Bound))
                Assert.Fail($"Not true within {bound ?? Bound}: {expression}");
            await Task.Delay(s_step);
        }
    }

    /// <summary>
    /// Lets a random time pass, from which nothing is concluded: something is to be struck at any moment of its life.
    /// </summary>
    public static void RandomMoment(Random random, TimeSpan most) =>
        Thread.Sleep(TimeSpan.FromMicroseconds(random.Next((int)most.TotalMicroseconds)));

    /// <summary>Returns the first value that is not null; fails the test, naming it, after the bound.</summary>
    public static T For<T>(
        Func<T?> value, TimeSpan? bound = null, [CallerArgumentExpression(nameof(value))] string expression = "")
        where T : class
    {
        T? result = null;
        Until(() => (result = value()) is not null, bound, expression);
        return result!;
    }
}
