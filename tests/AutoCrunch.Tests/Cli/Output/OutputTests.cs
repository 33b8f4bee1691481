using AutoCrunch.Cli;
using AutoCrunch.Linux;

namespace AutoCrunch.Tests.Cli.Output;

/// <summary>Numbers, times and tables as people read them.</summary>
public sealed class OutputTests
{
    private const long NsPerSecond = 1_000_000_000;
    private const long Now = 1_800_000_000 * NsPerSecond;

    private static readonly Terminal s_plain = new(TextWriter.Null, TextWriter.Null, HasColours: false);
    private static readonly Terminal s_coloured = new(TextWriter.Null, TextWriter.Null, HasColours: true);

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1024, "1.0 KiB")]
    [InlineData(102_349, "100 KiB")]
    [InlineData(1_048_575, "1.0 MiB")]
    [InlineData(long.MaxValue, "8.0 EiB")]
    public void A_size_has_few_digits_and_a_unit(long bytes, string text) => Assert.Equal(text, Sizes.Of(bytes));

    [Theory]
    [InlineData(0, "just now")]
    [InlineData(59.9, "59 s ago")]
    [InlineData(60, "1 min ago")]
    [InlineData(47 * 3600, "47 h ago")]
    [InlineData(49 * 3600, "2 days ago")]
    [InlineData(-0.2, "in 1 s")]
    [InlineData(-9.3, "in 10 s")]
    public void An_age_has_one_unit(double seconds, string text) =>
        Assert.Equal(text, Relative.Ago(Now - (long)(seconds * NsPerSecond), Now));

    [Theory]
    [InlineData(0.351, "0.35 s")]
    [InlineData(0.999, "1.0 s")]
    [InlineData(9.99, "9 s")]
    [InlineData(200, "3 min 20 s")]
    [InlineData(7500, "2 h 5 min")]
    [InlineData(7201, "2 h")]
    [InlineData(3 * 86400 + 4 * 3600, "3 d 4 h")]
    public void A_span_has_two_units(double seconds, string text) =>
        Assert.Equal(text, Relative.Span(TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData("90s", 90)]
    [InlineData("1.5h", 5400)]
    [InlineData("2d", 172_800)]
    [InlineData("2027-01-15T08:00Z", 0)]
    [InlineData("2027-01-15T07:59:59.5Z", 0.5)]
    public void A_moment_is_read_as_an_age_or_a_date(string text, double secondsAgo) =>
        Assert.Equal(Now - (long)(secondsAgo * NsPerSecond), Relative.Read(text, Now));

    [Theory]
    [InlineData("10")]
    [InlineData("-1h")]
    [InlineData("yesterday")]
    [InlineData("99999999d")]
    [InlineData("2027-13-01")]
    public void What_is_no_moment_is_refused(string text) => Assert.Null(Relative.Read(text, Now));

    [Fact]
    public void Columns_are_aligned_by_what_terminals_show_and_colours_take_no_room()
    {
        var table = new Table(new Column("NAME"), new Column("SIZE", IsNumber: true), new Column("PATH"));
        table.Add("日本", "5", "a");
        table.Add(new Cell("e\u0301", s_coloured.Red), "1,000", "b");

        Assert.Equal(
            ["NAME   SIZE  PATH", "日本      5  a", "\e[31me\u0301\e[0m     1,000  b"], table.Lines(s_plain));
        Assert.Equal("\e[90mNAME\e[0m   \e[90mSIZE\e[0m  \e[90mPATH\e[0m", table.Lines(s_coloured).First());
        Assert.Empty(new Table(new Column("NAME")).Lines(s_plain));
    }

    [Theory]
    [InlineData("abcdefghij", 10, "abcdefghij")]
    [InlineData("abcdefghij", 5, "ab…ij")]
    [InlineData("abcdefghij", 1, "…")]
    [InlineData("日本語日本語", 6, "日…語")]
    public void What_is_too_wide_keeps_its_beginning_and_its_end(string text, int columns, string shown)
    {
        Assert.Equal(shown, TextWidth.Shorten(text, columns));
        Assert.True(TextWidth.Of(shown) <= columns);
    }

    [Fact]
    public void A_row_is_shortened_in_its_last_column_only()
    {
        var table = new Table(new Column("ID", IsNumber: true), new Column("PATH"));
        table.Add("1", "directory/a-rather-long-name.raw");

        Assert.All(table.Lines(s_plain, indent: 2, columnsMax: 20), line => Assert.True(line.Length <= 20, line));
        Assert.EndsWith(".raw", table.Lines(s_plain, indent: 2, columnsMax: 20).Last(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_present_is_read_back_as_it_is_written() =>
        Assert.Equal(Now + 100, Relative.Read(Relative.Iso(Now + 100), Clock.WallNs()));
}
