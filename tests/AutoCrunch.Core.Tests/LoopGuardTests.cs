namespace AutoCrunch.Core.Tests;

public sealed class LoopGuardTests
{
    private const long Minute = 60_000_000_000;

    [Theory]
    [InlineData("0 0 0 0", false)]
    [InlineData("0 0 0 0 0", true)]
    [InlineData("1 2 3 4 9", true)]
    [InlineData("1 2 3 4 10", false)]
    [InlineData("1 2 3 10 4 4", false)]
    [InlineData("-1 -2 -3 -4 -5", true)]
    [InlineData("-600 -600 -600 -600 -600", false)]
    [InlineData("", false)]
    public void More_than_so_many_completions_within_ten_minutes_are_a_loop(string minutesAgo, bool isLoop)
    {
        const long Now = 1_700_000_000_000_000_000;
        var guard = new LoopGuard(5, Now);
        foreach (string ago in minutesAgo.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            if (!guard.Count(Now - (long.Parse(ago) * Minute)))
                break;
        Assert.Equal(isLoop, guard.IsLoop);
    }
}
