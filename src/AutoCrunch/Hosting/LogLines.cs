using System.Globalization;
using Serilog.Core;
using Serilog.Events;

namespace AutoCrunch.Hosting;

/// <summary>
/// Writes log events as lines: for a terminal (time and coloured level), for the journal (a priority before every line,
/// sd-daemon(3), and no time, which the journal has) or for a file (the full time in UTC). Any thread.
/// </summary>
/// <param name="target">For what.</param>
/// <param name="output">Takes them; flushed after each event.</param>
internal sealed class LogLines(LogTarget target, TextWriter output) : ILogEventSink
{
    private const string ResetColour = "\e[0m";

    // Longer than any of them.
    private const int PrefixMax = 64;

    // An event that is no longer is written at once, so that it stays in one piece where others write too.
    private const int WriteMax = 4096;

    private readonly Lock _gate = new();
    private readonly LogText _text = new();

    /// <summary>On standard output, in the form that fits what it is connected to.</summary>
    public static LogLines OnStandardOutput()
    {
        // Not Console.Out, which writes 256 characters at a time and makes ready for keys to be read.
        var output = new StreamWriter(Console.OpenStandardOutput(), Console.OutputEncoding, WriteMax);
        return new LogLines(TargetOfStandardOutput(), output);
    }

    /// <inheritdoc/>
    public void Emit(LogEvent logEvent)
    {
        Span<char> prefix = stackalloc char[PrefixMax];
        prefix = prefix[..WritePrefix(logEvent, prefix)];
        lock (_gate)
        {
            ReadOnlySpan<char> text = _text.Of(logEvent);
            foreach (Range line in text.Split('\n'))
            {
                output.Write(prefix);
                output.Write(text[line].TrimEnd('\r'));
                output.Write('\n');
            }

            output.Flush();
        }
    }

    /// <summary>The priority of syslog(3), as a digit.</summary>
    public static char Priority(LogEventLevel level) => Describe(level).Priority;

    private static LogTarget TargetOfStandardOutput()
    {
        if (!string.IsNullOrEmpty(Environment.GetEnvironmentVariable("JOURNAL_STREAM")))
            return LogTarget.Journal;
        if (Console.IsOutputRedirected)
            return LogTarget.File;
        bool isPlain = !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
        return isPlain ? LogTarget.Terminal : LogTarget.ColouredTerminal;
    }

    private int WritePrefix(LogEvent logEvent, Span<char> prefix)
    {
        DateTimeOffset time = logEvent.Timestamp;
        CultureInfo invariant = CultureInfo.InvariantCulture;
        (string name, string colour, char priority) = Describe(logEvent.Level);
        int length;
        _ = target switch
        {
            LogTarget.Journal => prefix.TryWrite(invariant, $"<{priority}>", out length),
            LogTarget.Terminal => prefix.TryWrite(invariant, $"{time:HH:mm:ss} {name} ", out length),
            LogTarget.ColouredTerminal =>
                prefix.TryWrite(invariant, $"{time:HH:mm:ss} {colour}{name}{ResetColour} ", out length),
            _ => prefix.TryWrite(invariant, $"{time.UtcDateTime:yyyy-MM-ddTHH:mm:ss.fff}Z {name} ", out length),
        };
        return length;
    }

    // Priorities of syslog(3).
    private static (string Name, string Colour, char Priority) Describe(LogEventLevel level) => level switch
    {
        LogEventLevel.Fatal => ("FTL", "\e[1;31m", '2'),
        LogEventLevel.Error => ("ERR", "\e[31m", '3'),
        LogEventLevel.Warning => ("WRN", "\e[33m", '4'),
        LogEventLevel.Information => ("INF", "\e[32m", '6'),
        _ => ("DBG", "\e[90m", '7'),
    };
}

/// <summary>What log lines are written for.</summary>
internal enum LogTarget
{
    File,
    Journal,
    Terminal,
    ColouredTerminal,
}
