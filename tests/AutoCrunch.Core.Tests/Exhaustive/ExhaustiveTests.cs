using System.Diagnostics;
using Xunit.Abstractions;

namespace AutoCrunch.Core.Tests.Exhaustive;

/// <summary>
/// Every sequence of up to so many happenings on two names: nothing completes while it is written, and in the end every
/// file has its verdict, once.
/// </summary>
public sealed class ExhaustiveTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Read_at_once(bool isAbsentAtFirst) => Play(5, isAbsentAtFirst, _ => false);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Read_when_all_is_over(bool isAbsentAtFirst) => Play(5, isAbsentAtFirst, _ => true);

    [Fact]
    public void Read_by_twos() => Play(5, isAbsentAtFirst: true, step => step % 2 == 0);

    private void Play(int length, bool isAbsentAtFirst, Predicate<int> isReadLate)
    {
        var stopwatch = Stopwatch.StartNew();
        var choices = new Choices();
        long played = 0;
        do
        {
            var world = new TinyWorld(isAbsentAtFirst);
            for (int step = 0; step < length; step++)
                world.Step(choices, isReadLate(step));
            world.End();
            played++;
        }
        while (choices.Advance());

        output.WriteLine($"{played} sequences of {length} in {stopwatch.Elapsed.TotalSeconds:F1} s");
        Assert.True(played > 10_000, $"only {played} sequences");
    }
}
