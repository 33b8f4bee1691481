using System.Globalization;
using System.Text;
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

    [Theory]
    [InlineData("{Value}", 42L, "42")]
    [InlineData("{Value,6}|", 42, "    42|")]
    [InlineData("{Value,-6:F1}|", 1.5, "1.5   |")]
    [InlineData("{Value:X4}", 255, "00FF")]
    [InlineData("{Value}", -1234567.5, "-1234567.5")]
    [InlineData("{Value}", true, "True")]
    [InlineData("{Value}", 'c', "c")]
    [InlineData("{Value}", null, "null")]
    [InlineData("{Value}", LogEventLevel.Debug, "Debug")]
    [InlineData("{Value}", "it's \"here\"", "it's \"here\"")]
    [InlineData("{Other}, {{Value}}", 1, "{Other}, {Value}")]
    public void A_value_is_written_as_Serilog_does_but_unquoted(string template, object? value, string expected) =>
        Assert.Equal(
            $"<6>{expected}\n", Format(LogTarget.Journal, template, new("Value", new ScalarValue(value))));

    [Theory]
    [InlineData(nameof(LogTarget.File), "2026-01-02T02:04:05.678Z ERR ")]
    [InlineData(nameof(LogTarget.Journal), "<3>")]
    [InlineData(nameof(LogTarget.Terminal), "03:04:05 ERR ")]
    [InlineData(nameof(LogTarget.ColouredTerminal), "03:04:05 \e[31mERR\e[0m ")]
    public void Every_line_has_the_prefix_of_its_target_and_ends_alike(string target, string prefix)
    {
        MessageTemplate template = new MessageTemplateParser().Parse("Job {Job} failed: {Path}{Output}");
        LogEventProperty[] properties =
        [
            new("Job", new ScalarValue(7L)),
            new("Path", new ScalarValue("ä/\U0001F600 b.raw")),
            new("Output", new ScalarValue("\n  | one\r\n\n  | two\r\r\n")),
        ];
        var error = new InvalidOperationException("three\r\nfour");
        using var output = new StringWriter(CultureInfo.InvariantCulture);

        new LogLines(Enum.Parse<LogTarget>(target), output)
            .Emit(new LogEvent(s_time, LogEventLevel.Error, error, template, properties));

        string[] expected =
        [
            "Job 7 failed: ä/\U0001F600 b.raw", "  | one", "", "  | two", "",
            "System.InvalidOperationException: three", "four",
        ];
        Assert.Equal(string.Concat(expected.Select(line => $"{prefix}{line}\n")), output.ToString());
    }

    [Fact]
    public void Short_events_after_long_ones_are_whole_and_nothing_else()
    {
        using var output = new StringWriter(CultureInfo.InvariantCulture);
        var lines = new LogLines(LogTarget.Journal, output);
        MessageTemplate template = new MessageTemplateParser().Parse("{Value}");
        var expected = new StringBuilder();
        foreach (int length in new[] { 3, 255, 256, 257, 100_000, 20_000, 1, 0 })
        {
            string value = new('x', length);
            expected.Append("<6>").Append(value).Append('\n');
            lines.Emit(new LogEvent(
                s_time, LogEventLevel.Information, null, template, [new("Value", new ScalarValue(value))]));
        }

        Assert.Equal(expected.ToString(), output.ToString());
    }

    [Fact]
    public void Events_of_several_threads_do_not_mix()
    {
        const int threads = 4, events = 500;
        using var output = new StringWriter(CultureInfo.InvariantCulture);
        var lines = new LogLines(LogTarget.Journal, output);
        MessageTemplate template = new MessageTemplateParser().Parse("{Value}\n{Value}");

        Parallel.For(0, threads * events, i => lines.Emit(new LogEvent(
            s_time, LogEventLevel.Information, null, template, [new("Value", new ScalarValue(i))])));

        string[] all = output.ToString().TrimEnd('\n').Split('\n');
        Assert.Equal(2 * threads * events, all.Length);
        Assert.Equal(threads * events, all.Distinct().Count());
        Assert.All(all.Chunk(2), pair => Assert.Equal(pair[0], pair[1]));
    }

    private static string Format(LogTarget target, string template, LogEventProperty property)
    {
        using var output = new StringWriter(CultureInfo.InvariantCulture);
        MessageTemplate parsed = new MessageTemplateParser().Parse(template);
        new LogLines(target, output).Emit(new LogEvent(s_time, LogEventLevel.Information, null, parsed, [property]));
        return output.ToString();
    }

    private static string Format(LogTarget target, LogEventLevel level, Exception? exception = null)
    {
        MessageTemplate template = new MessageTemplateParser().Parse("Complete: {Path}");
        LogEventProperty[] properties = [new("Path", new ScalarValue("a b.raw"))];
        using var output = new StringWriter(CultureInfo.InvariantCulture);
        new LogLines(target, output).Emit(new LogEvent(s_time, level, exception, template, properties));
        return output.ToString();
    }
}
