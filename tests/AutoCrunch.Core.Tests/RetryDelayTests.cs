namespace AutoCrunch.Core.Tests;

public sealed class RetryDelayTests
{
    private const double AlmostOne = 0.9999999999999999;

    private static readonly RetryPolicy s_policy = new(9, TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(10), []);

    [Theory]
    [InlineData(1, 10)]
    [InlineData(2, 20)]
    [InlineData(3, 40)]
    [InlineData(6, 320)]
    [InlineData(7, 600)]
    [InlineData(100, 600)]
    [InlineData(int.MaxValue, 600)]
    public void The_delay_doubles_up_to_the_longest_one(int attempt, int expectedSeconds)
    {
        Assert.Equal(expectedSeconds, RetryDelay.After(attempt, s_policy, AlmostOne).TotalSeconds, tolerance: 0.001);
        Assert.Equal(expectedSeconds * 0.8, RetryDelay.After(attempt, s_policy, 0).TotalSeconds, tolerance: 0.001);
        Assert.Equal(expectedSeconds * 0.9, RetryDelay.After(attempt, s_policy, 0.5).TotalSeconds, tolerance: 0.001);
    }

    [Fact]
    public void No_delay_is_negative_or_above_the_longest_whatever_the_policy()
    {
        TimeSpan[] durations = [TimeSpan.Zero, TimeSpan.FromTicks(1), TimeSpan.FromDays(1), TimeSpan.MaxValue];
        foreach (TimeSpan delay in durations)
        {
            foreach (TimeSpan longest in durations)
            {
                foreach (int attempt in (int[])[1, 2, 31, 32, 63, 64, 2000, int.MaxValue])
                {
                    foreach (double random in (double[])[0, 0.5, AlmostOne])
                    {
                        TimeSpan after = RetryDelay.After(attempt, new(1, delay, longest, []), random);
                        Assert.InRange(after, TimeSpan.Zero, longest);
                        Assert.True(delay > TimeSpan.Zero || after == TimeSpan.Zero);
                    }
                }
            }
        }
    }

    [Fact]
    public void An_attempt_before_the_first_is_a_bug() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => RetryDelay.After(0, s_policy, 0));
}
