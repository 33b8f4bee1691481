using System.Globalization;
using Serilog.Events;
using Serilog.Formatting;
using Serilog.Parsing;

namespace AutoCrunch.Hosting;

/// <summary>
/// Log events as lines: for a terminal (time and coloured level), for the journal (a priority before every line,
/// sd-daemon(3), and no time, which the journal has) or for a file (the full time in UTC).
/// </summary>
internal sealed class LogLines : ITextFormatter
{
    private const string ResetColour = "\e[0m";

    private readonly LogTarget _target;

    public LogLines(LogTarget target) => _target = target;

    /// <summary>The form that fits what standard output is connected to.</summary>
    public static LogLines ForStandardOutput()
    {
        if (!string.IsNullOrEmpty(Environment.GetEnvironmentVariable("JOURNAL_STREAM")))
            return new LogLines(LogTarget.Journal);
        if (Console.IsOutputRedirected)
            return new LogLines(LogTarget.File);
        bool isPlain = !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
        return new LogLines(isPlain ? LogTarget.Terminal : LogTarget.ColouredTerminal);
    }

    /// <inheritdoc/>
    public void Format(LogEvent logEvent, TextWriter output)
    {
        string prefix = Prefix(logEvent);
        foreach (string line in Text(logEvent).Split('\n'))
        {
            output.Write(prefix);
            output.Write(line.TrimEnd('\r'));
            output.Write('\n');
        }
    }

    /// <summary>The message, with the exception on the lines below it.</summary>
    public static string Text(LogEvent logEvent)
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        foreach (MessageTemplateToken token in logEvent.MessageTemplate.Tokens)
            Render(token, logEvent, text);
        if (logEvent.Exception is not null)
            text.Write("\n" + logEvent.Exception);
        return text.ToString();
    }

    /// <summary>The priority of syslog(3), as a digit.</summary>
    public static char Priority(LogEventLevel level) => Describe(level).Priority;

    // Serilog would put quotes around texts, and times in them.
    private static void Render(MessageTemplateToken token, LogEvent logEvent, StringWriter text)
    {
        LogEventPropertyValue? value = null;
        if (token is PropertyToken property)
            logEvent.Properties.TryGetValue(property.PropertyName, out value);
        switch ((value as ScalarValue)?.Value)
        {
            case string known:
                text.Write(known);
                break;
            case TimeSpan time when time < TimeSpan.FromMinutes(1):
                text.Write(time.TotalSeconds.ToString("0.##", CultureInfo.InvariantCulture) + " s");
                break;
            case TimeSpan time:
                TimeSpan rounded = TimeSpan.FromSeconds(Math.Round(time.TotalSeconds));
                text.Write(rounded.ToString("c", CultureInfo.InvariantCulture));
                break;
            default:
                token.Render(logEvent.Properties, text, CultureInfo.InvariantCulture);
                break;
        }
    }

    private string Prefix(LogEvent logEvent)
    {
        DateTimeOffset time = logEvent.Timestamp;
        (string name, string colour, char priority) = Describe(logEvent.Level);
        return _target switch
        {
            LogTarget.Journal => $"<{priority}>",
            LogTarget.Terminal => string.Create(CultureInfo.InvariantCulture, $"{time:HH:mm:ss} {name} "),
            LogTarget.ColouredTerminal =>
                string.Create(CultureInfo.InvariantCulture, $"{time:HH:mm:ss} {colour}{name}{ResetColour} "),
            _ => string.Create(CultureInfo.InvariantCulture, $"{time.UtcDateTime:yyyy-MM-ddTHH:mm:ss.fff}Z {name} "),
        };
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
