using AutoCrunch.Core;
using AutoCrunch.Hosting;
using AutoCrunch.Ledger;
using AutoCrunch.Watching;

namespace AutoCrunch.Tests.Hosting;

public sealed class StatusTextTests
{
    private static readonly RuleCounts s_raw = new("raw", Held: 2, Queued: 4, Running: 12, Failed: 0);

    [Fact]
    public void The_line_counts_rules_and_what_they_have_to_do()
    {
        Assert.Equal(
            "3 rules, 13 running, 4 queued, 2 held; last arrival 14 s ago",
            StatusText.Of(
                [s_raw, new RuleCounts("b", 0, 0, 1, 0), new RuleCounts("c", 0, 0, 0, 0)], [], null, [],
                TimeSpan.FromSeconds(14.7)));
        Assert.Equal(
            "1 rule, 0 running, 0 queued, 0 held; no arrival yet",
            StatusText.Of([new RuleCounts("raw", 0, 0, 0, 0)], [], null, [], null));
    }

    [Fact]
    public void What_asks_for_attention_is_said()
    {
        var scan = new ScanStatus("raw", BytePath.Parse("/in"), 30, 1000, 4000, TimeSpan.FromSeconds(10));

        Assert.Equal(
            "ledger cannot be written: disk full; raw: scanning, 1000 of about 4000 files in 30 directories, "
            + "100 a second, about 00:00:30 left; b: paused until 'autocrunch resume b'; "
            + "1 rule, 12 running, 4 queued, 2 held, 7 failed; last arrival 0 s ago",
            StatusText.Of([s_raw with { Failed = 7 }], [scan], "disk full", ["b"], TimeSpan.FromSeconds(-3)));
    }

    [Theory]
    [InlineData(59.9, "59 s")]
    [InlineData(60, "1 min")]
    [InlineData(3599, "59 min")]
    [InlineData(3600, "1 h")]
    [InlineData(172_799, "47 h")]
    [InlineData(172_800, "2 days")]
    public void Ages_are_coarser_the_older_they_are(double seconds, string expected) => Assert.EndsWith(
        $"last arrival {expected} ago",
        StatusText.Of([s_raw], [], null, [], TimeSpan.FromSeconds(seconds)),
        StringComparison.Ordinal);

    [Theory]
    [InlineData(null)]
    [InlineData(999L)]
    [InlineData(1000L)]
    public void A_scan_of_files_that_are_not_known_yet_promises_no_end(long? known)
    {
        var scan = new ScanStatus("raw", BytePath.Parse("/in"), 30, 1000, known, TimeSpan.FromSeconds(10));

        Assert.Null(scan.Remaining);
        Assert.Equal("1000 files in 30 directories, 100 a second", scan.ToString());
    }
}
