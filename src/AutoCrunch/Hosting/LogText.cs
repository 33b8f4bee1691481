using System.Globalization;
using System.Text;
using Serilog.Events;
using Serilog.Parsing;

namespace AutoCrunch.Hosting;

/// <summary>
/// The text of a log event: the message, with the exception on the lines below it. One is used for all events, so that
/// what a text is made of is written into memory that is there. Not for two threads at a time.
/// </summary>
internal sealed class LogText : TextWriter
{
    // What a long story has taken is not kept for the short ones.
    private const int CharsKept = 16 * 1024;

    private char[] _chars = new char[256];
    private int _length;

    public LogText()
        : base(CultureInfo.InvariantCulture)
    {
    }

    /// <inheritdoc/>
    public override Encoding Encoding => Encoding.Unicode;

    /// <summary>The text of an event; valid until the next one's.</summary>
    public ReadOnlySpan<char> Of(LogEvent logEvent)
    {
        if (_chars.Length > CharsKept)
            _chars = new char[CharsKept];
        _length = 0;
        foreach (MessageTemplateToken token in logEvent.MessageTemplate.Tokens)
            Render(token, logEvent);
        if (logEvent.Exception is { } error)
        {
            Write('\n');
            Write(error.ToString());
        }

        return _chars.AsSpan(0, _length);
    }

    /// <inheritdoc/>
    public override void Write(char value)
    {
        if (_length == _chars.Length)
            Grow(1);
        _chars[_length++] = value;
    }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<char> buffer)
    {
        if (buffer.Length > _chars.Length - _length)
            Grow(buffer.Length);
        buffer.CopyTo(_chars.AsSpan(_length));
        _length += buffer.Length;
    }

    /// <inheritdoc/>
    public override void Write(string? value) => Write(value.AsSpan());

    /// <inheritdoc/>
    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    // Serilog would put quotes around texts, and times in them.
    private void Render(MessageTemplateToken token, LogEvent logEvent)
    {
        if (token is not PropertyToken property)
        {
            token.Render(logEvent.Properties, this, CultureInfo.InvariantCulture);
            return;
        }

        logEvent.Properties.TryGetValue(property.PropertyName, out LogEventPropertyValue? value);
        switch ((value as ScalarValue)?.Value)
        {
            case string known:
                Write(known);
                break;
            case TimeSpan time when time < TimeSpan.FromMinutes(1):
                Write(time.TotalSeconds, "0.##");
                Write(" s");
                break;
            case TimeSpan time:
                Write(TimeSpan.FromSeconds(Math.Round(time.TotalSeconds)), "c");
                break;
            case ISpanFormattable number when property.Alignment is null:
                Write(number, property.Format);
                break;
            default:
                token.Render(logEvent.Properties, this, CultureInfo.InvariantCulture);
                break;
        }
    }

    // As Serilog writes it, but for the string that it makes first.
    private void Write<T>(T value, string? format)
        where T : ISpanFormattable
    {
        int written;
        while (!value.TryFormat(_chars.AsSpan(_length), out written, format, CultureInfo.InvariantCulture))
            Grow(_chars.Length);
        _length += written;
    }

    private void Grow(int atLeast) => Array.Resize(ref _chars, Math.Max(_chars.Length * 2, _length + atLeast));
}
