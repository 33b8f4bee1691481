using System.Globalization;
using AutoCrunch.Linux;
using Serilog.Core;
using Serilog.Events;

namespace AutoCrunch.Hosting;

/// <summary>
/// Log events as entries of the systemd journal, with every value in a field of its own: <c>journalctl
/// AUTOCRUNCH_RULE=raw</c>, <c>AUTOCRUNCH_JOB=42</c>. When journald does not take an entry, it goes to standard output,
/// which journald reads when it is back.
/// </summary>
internal sealed class JournalSink : ILogEventSink, IDisposable
{
    private const string FieldPrefix = "AUTOCRUNCH_";

    // systemd.journal-fields(7): journald takes no longer names.
    private const int FieldNameMax = 64;

    private readonly JournalSocket _journal;
    private readonly TextWriter _fallback;
    private readonly LogLines _lines = new(LogTarget.Journal);

    /// <param name="journal">Owned.</param>
    /// <param name="fallback">Takes lines with a priority when journald takes no entries.</param>
    public JournalSink(JournalSocket journal, TextWriter fallback)
    {
        _journal = journal;
        _fallback = fallback;
    }

    /// <inheritdoc/>
    public void Emit(LogEvent logEvent)
    {
        ArgumentNullException.ThrowIfNull(logEvent);
        if (_journal.TrySend(Entry(logEvent)) == 0)
            return;
        lock (_fallback)
        {
            _lines.Format(logEvent, _fallback);
            _fallback.Flush();
        }
    }

    public void Dispose() => _journal.Dispose();

    /// <summary>The entry in journald's native protocol.</summary>
    internal static byte[] Entry(LogEvent logEvent)
    {
        var entry = new List<byte>(512);
        JournalSocket.Append(entry, "MESSAGE", LogLines.Text(logEvent));
        JournalSocket.Append(entry, "PRIORITY", LogLines.Priority(logEvent.Level).ToString());
        JournalSocket.Append(entry, "SYSLOG_IDENTIFIER", "autocrunch");
        JournalSocket.Append(entry, "SYSLOG_PID", Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        string source = "";
        string function = "";
        foreach ((string name, LogEventPropertyValue value) in logEvent.Properties)
        {
            switch (name, value)
            {
                case ("EventId", StructureValue id):
                    function = Text(id.Properties.FirstOrDefault(part => part.Name == "Name")?.Value);
                    if (id.Properties.FirstOrDefault(part => part.Name == "Id")?.Value is { } number)
                        JournalSocket.Append(entry, FieldPrefix + "EVENT_ID", Text(number));
                    break;
                case (Constants.SourceContextPropertyName, _):
                    source = Text(value);
                    break;
                default:
                    JournalSocket.Append(entry, FieldName(name), Text(value));
                    break;
            }
        }

        // Where the message is from: the class that logs, and the log message's method.
        if (source.Length > 0)
            JournalSocket.Append(entry, "CODE_NAMESPACE", source);
        if (function.Length > 0)
            JournalSocket.Append(entry, "CODE_FUNC", function);
        if (logEvent.Exception is { } error)
            JournalSocket.Append(entry, FieldPrefix + "EXCEPTION", error.GetType().FullName ?? "");
        return [.. entry];
    }

    /// <summary>
    /// "JobId" to AUTOCRUNCH_JOB_ID: capital letters, digits and underlines are all that journald takes.
    /// </summary>
    internal static string FieldName(string property)
    {
        var name = new System.Text.StringBuilder(FieldPrefix);
        for (int i = 0; i < property.Length && name.Length < FieldNameMax; i++)
        {
            char letter = property[i];
            if (char.IsAsciiLetterUpper(letter) && i > 0 && !char.IsAsciiLetterUpper(property[i - 1]))
                name.Append('_');
            name.Append(char.IsAsciiLetterOrDigit(letter) ? char.ToUpperInvariant(letter) : '_');
        }

        return name.Length > FieldNameMax ? name.ToString(0, FieldNameMax) : name.ToString();
    }

    private static string Text(LogEventPropertyValue? value) => value switch
    {
        null => "",
        ScalarValue { Value: IFormattable number } => number.ToString(null, CultureInfo.InvariantCulture),
        ScalarValue scalar => scalar.Value?.ToString() ?? "",
        _ => value.ToString(null, CultureInfo.InvariantCulture),
    };
}
