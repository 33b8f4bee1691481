using AutoCrunch.Configuration;

namespace AutoCrunch.Tests.Configuration;

/// <summary>Durations are read strictly: nothing that .NET would take for something else.</summary>
public sealed class DurationTests
{
    [Theory]
    [InlineData("00:00:10", 10)]
    [InlineData("1:00:00", 3600)]
    [InlineData("23:59:59", 86399)]
    [InlineData("1.00:00:00", 86400)]
    [InlineData("36500.00:00:00", 3153600000)]
    [InlineData("-00:00:01", -1)]
    [InlineData("00:00:00.5", 0.5)]
    [InlineData("00:00:00.0000001", 0.0000001)]
    public void A_duration_is_days_hours_minutes_and_seconds(string text, double seconds)
    {
        Assert.True(Duration.TryParse(text, out TimeSpan duration));
        Assert.Equal(TimeSpan.FromTicks((long)Math.Round(seconds * TimeSpan.TicksPerSecond)), duration);
        Assert.True(Duration.TryParse(Duration.Format(duration), out TimeSpan again));
        Assert.Equal(duration, again);
    }

    [Theory]
    [InlineData("")]
    [InlineData("10")]
    [InlineData("1.5")]
    [InlineData("00:10")]
    [InlineData("24:00:00")]
    [InlineData("00:60:00")]
    [InlineData("00:00:60")]
    [InlineData("0:0:1")]
    [InlineData("1:00:00:00")]
    [InlineData("000:00:00")]
    [InlineData("00:00:10.")]
    [InlineData("00:00:10.12345678")]
    [InlineData("00:00:10s")]
    [InlineData(" 00:00:10")]
    [InlineData("+00:00:10")]
    [InlineData("--00:00:10")]
    [InlineData("1.-1:00:00")]
    [InlineData("10s")]
    [InlineData("PT10S")]
    [InlineData("99999999.00:00:00")]
    [InlineData("٠٠:٠٠:١٠")]
    public void Anything_else_is_none(string text) => Assert.False(Duration.TryParse(text, out _));

    [Theory]
    [InlineData(0, "00:00:00")]
    [InlineData(10, "00:00:10")]
    [InlineData(0.25, "00:00:00.25")]
    [InlineData(7776000, "90.00:00:00")]
    public void Text_has_no_needless_digits(double seconds, string expected) =>
        Assert.Equal(expected, Duration.Format(TimeSpan.FromSeconds(seconds)));
}
