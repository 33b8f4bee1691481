using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace AutoCrunch.Cli;

/// <summary>Where a verb writes: results to <see cref="Out"/>, mistakes to <see cref="Error"/>.</summary>
/// <param name="Out">Standard output.</param>
/// <param name="Error">Standard error.</param>
/// <param name="HasColours">True when <see cref="Out"/> is a terminal and NO_COLOR is not set.</param>
internal sealed record Terminal(TextWriter Out, TextWriter Error, bool HasColours)
{
    private static readonly JsonWriterOptions s_json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private Stream? _raw;

    /// <summary>
    /// <see cref="Out"/> for bytes that are no text (names, logs). What was written to one is before what follows in
    /// the other only when it was flushed.
    /// </summary>
    public Stream Raw
    {
        get => _raw ??= new BufferedStream(Console.OpenStandardOutput(), 65536);
        init => _raw = value;
    }

    /// <summary>True when <see cref="Out"/> is a terminal, which people look at.</summary>
    public bool IsScreen { get; init; }

    /// <summary>The terminal of this process.</summary>
    public static Terminal OfProcess() => new(
        Console.Out,
        Console.Error,
        !Console.IsOutputRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")))
    {
        IsScreen = !Console.IsOutputRedirected,
    };

    public string Red(string text) => Coloured("\e[31m", text);

    public string Green(string text) => Coloured("\e[32m", text);

    public string Yellow(string text) => Coloured("\e[33m", text);

    public string Grey(string text) => Coloured("\e[90m", text);

    /// <summary>Writes one object on a line of its own.</summary>
    public void WriteJson(Action<Utf8JsonWriter> writeProperties)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, s_json))
        {
            json.WriteStartObject();
            writeProperties(json);
            json.WriteEndObject();
        }

        Out.WriteLine(Encoding.UTF8.GetString(buffer.WrittenSpan));
        Out.Flush();
    }

    private string Coloured(string colour, string text) => HasColours ? colour + text + "\e[0m" : text;
}
