using AutoCrunch.Dispatch;
using AutoCrunch.Linux;
using AutoCrunch.Tests.Hosting;

namespace AutoCrunch.Tests.Dispatch;

/// <summary>What is said of that which keeps jobs from being started.</summary>
public sealed class HindranceTests
{
    [Fact]
    public void The_end_of_a_job_that_was_started_before_it_does_not_end_it()
    {
        var log = new ListLogger<HindranceTests>();
        var hindrance = new Hindrance("raw", log);
        long before = Clock.WallNs();
        hindrance.CannotStart("there is no process to be had");
        hindrance.HasEnded(before - 1);
        hindrance.CannotStart("there is no process to be had");
        Assert.Single(log.Lines);

        hindrance.HasEnded(Clock.WallNs());
        hindrance.Started();
        Assert.Equal(2, log.Lines.Count);
        Assert.Contains("jobs start again", log.Lines[1], StringComparison.Ordinal);
    }
}
