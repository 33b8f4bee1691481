using System.Buffers;
using System.Globalization;
using System.Text;
using AutoCrunch.Linux;
using Serilog.Core;
using Serilog.Events;

namespace AutoCrunch.Hosting;

/// <summary>
/// A log event as an entry in journald's native protocol, with every value in a field of its own. One is used for all
/// events, so that they are written into memory that is there. Not for two threads at a time.
/// </summary>
internal sealed class JournalEntry
{
    private const string FieldPrefix = "AUTOCRUNCH_";

    // systemd.journal-fields(7): journald takes no longer names.
    private const int FieldNameMax = 64;

    // What a long story has taken is not kept for the short ones.
    private const int BytesKept = 64 * 1024;

    private readonly string _pid = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
    private readonly LogText _text = new();
    private readonly Dictionary<string, string> _fieldNames = [];
    private ArrayBufferWriter<byte> _bytes = new(512);

    /// <summary>The entry for an event; valid until the next one's.</summary>
    public ReadOnlySpan<byte> Of(LogEvent logEvent)
    {
        if (_bytes.Capacity > BytesKept)
            _bytes = new ArrayBufferWriter<byte>(BytesKept);
        _bytes.ResetWrittenCount();
        JournalSocket.Append(_bytes, "MESSAGE", _text.Of(logEvent));
        JournalSocket.Append(_bytes, "PRIORITY", [LogLines.Priority(logEvent.Level)]);
        JournalSocket.Append(_bytes, "SYSLOG_IDENTIFIER", "autocrunch");
        JournalSocket.Append(_bytes, "SYSLOG_PID", _pid);
        string source = "";
        string function = "";
        foreach ((string name, LogEventPropertyValue value) in logEvent.Properties)
        {
            switch (name, value)
            {
                case ("EventId", StructureValue id):
                    function = Text(Part(id, "Name"));
                    if (Part(id, "Id") is { } number)
                        JournalSocket.Append(_bytes, FieldPrefix + "EVENT_ID", Text(number));
                    break;
                case (Constants.SourceContextPropertyName, _):
                    source = Text(value);
                    break;
                default:
                    JournalSocket.Append(_bytes, KnownFieldName(name), Text(value));
                    break;
            }
        }

        // Where the message is from: the class that logs, and the log message's method.
        if (source.Length > 0)
            JournalSocket.Append(_bytes, "CODE_NAMESPACE", source);
        if (function.Length > 0)
            JournalSocket.Append(_bytes, "CODE_FUNC", function);
        if (logEvent.Exception is { } error)
            JournalSocket.Append(_bytes, FieldPrefix + "EXCEPTION", error.GetType().FullName ?? "");
        return _bytes.WrittenSpan;
    }

    /// <summary>
    /// "JobId" to AUTOCRUNCH_JOB_ID: capital letters, digits and underlines are all that journald takes.
    /// </summary>
    internal static string FieldName(string property)
    {
        var name = new StringBuilder(FieldPrefix);
        for (int i = 0; i < property.Length && name.Length < FieldNameMax; i++)
        {
            char letter = property[i];
            if (char.IsAsciiLetterUpper(letter) && i > 0 && !char.IsAsciiLetterUpper(property[i - 1]))
                name.Append('_');
            name.Append(char.IsAsciiLetterOrDigit(letter) ? char.ToUpperInvariant(letter) : '_');
        }

        return name.Length > FieldNameMax ? name.ToString(0, FieldNameMax) : name.ToString();
    }

    // They are those of our own messages' templates, a few dozen.
    private string KnownFieldName(string property)
    {
        if (!_fieldNames.TryGetValue(property, out string? name))
            _fieldNames.Add(property, name = FieldName(property));
        return name;
    }

    private static LogEventPropertyValue? Part(StructureValue whole, string name)
    {
        foreach (LogEventProperty part in whole.Properties)
            if (part.Name == name)
                return part.Value;
        return null;
    }

    private static string Text(LogEventPropertyValue? value) => value switch
    {
        null => "",
        ScalarValue { Value: IFormattable number } => number.ToString(null, CultureInfo.InvariantCulture),
        ScalarValue scalar => scalar.Value?.ToString() ?? "",
        _ => value.ToString(null, CultureInfo.InvariantCulture),
    };
}
