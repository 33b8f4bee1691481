using System.Globalization;
using AutoCrunch.Hosting;
using Serilog.Events;
using Serilog.Parsing;

namespace AutoCrunch.Tests.Hosting;

public sealed class LogLinesTests
{
    private static readonly DateTimeOffset s_time = new(2026, 1, 2, 3, 4, 5, 678, TimeSpan.FromHours(1));

    [Theory]
    [InlineData(LogEventLevel.Fatal, "<2>")]
    [InlineData(LogEventLevel.Error, "<3>")]
    [InlineData(LogEventLevel.Warning, "<4>")]
    [InlineData(LogEventLevel.Information, "<6>")]
    [InlineData(LogEventLevel.Debug, "<7>")]
    [InlineData(LogEventLevel.Verbose, "<7>")]
    public void The_journal_gets_a_priority_and_no_time(LogEventLevel level, string priority) =>
        Assert.Equal($"{priority}Complete: a b.raw\n", Format(LogTarget.Journal, level));

    [Fact]
    public void Every_line_of_a_stack_trace_has_its_priority()
    {
        string text = Format(LogTarget.Journal, LogEventLevel.Error, new InvalidOperationException("one\ntwo"));

        Assert.Equal(["<3>Complete: a b.raw", "<3>System.InvalidOperationException: one", "<3>two"],
            text.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public void A_terminal_gets_the_time_of_day() =>
        Assert.Equal("03:04:05 INF Complete: a b.raw\n", Format(LogTarget.Terminal, LogEventLevel.Information));

    [Fact]
    public void A_colour_terminal_gets_coloured_levels() =>
        Assert.Equal("03:04:05 \e[33mWRN\e[0m Complete: a b.raw\n",
            Format(LogTarget.ColouredTerminal, LogEventLevel.Warning));

    [Fact]
    public void A_file_gets_the_full_time_in_utc() =>
        Assert.Equal("2026-01-02T02:04:05.678Z INF Complete: a b.raw\n",
            Format(LogTarget.File, LogEventLevel.Information));

    [Theory]
    [InlineData(0.25, "again in 0.25 s")]
    [InlineData(9.3, "again in 9.3 s")]
    [InlineData(75.4, "again in 00:01:15")]
    [InlineData(90_000, "again in 1.01:00:00")]
    public void A_time_span_is_written_for_people(double seconds, string expected) =>
        Assert.EndsWith(
            $"INF {expected}\n",
            Format(LogTarget.File, "again in {Delay}", new("Delay", new ScalarValue(TimeSpan.FromSeconds(seconds)))),
            StringComparison.Ordinal);

    [Fact]
    public void A_number_has_the_format_it_was_given() =>
        Assert.EndsWith(
            "INF took 1.50 s\n",
            Format(LogTarget.File, "took {Seconds:0.00} s", new("Seconds", new ScalarValue(1.5))),
            StringComparison.Ordinal);

    private static string Format(LogTarget target, string template, LogEventProperty property)
    {
        using var output = new StringWriter(CultureInfo.InvariantCulture);
        MessageTemplate parsed = new MessageTemplateParser().Parse(template);
        new LogLines(target).Format(
            new LogEvent(s_time, LogEventLevel.Information, null, parsed, [property]), output);
        return output.ToString();
    }

    private static string Format(LogTarget target, LogEventLevel level, Exception? exception = null)
    {
        MessageTemplate template = new MessageTemplateParser().Parse("Complete: {Path}");
        LogEventProperty[] properties = [new("Path", new ScalarValue("a b.raw"))];
        using var output = new StringWriter(CultureInfo.InvariantCulture);
        new LogLines(target).Format(new LogEvent(s_time, level, exception, template, properties), output);
        return output.ToString();
    }
}
