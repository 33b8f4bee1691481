using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace AutoCrunch.Hosting;

/// <summary>
/// What a client gets: lines of JSON, of which the last says whether all went well. One thread at a time.
/// </summary>
/// <param name="send">Takes a whole line; completes when there is room for the next one.</param>
internal sealed class ControlAnswer(Func<ReadOnlyMemory<byte>, Task> send)
{
    private static readonly JsonWriterOptions s_json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private Action<Utf8JsonWriter>? _result;

    /// <summary>Sends one object; waits for a client that is slow.</summary>
    /// <exception cref="OperationCanceledException">The client takes nothing any more.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">It is gone.</exception>
    public Task LineAsync(Action<Utf8JsonWriter> writeProperties) => send(Line(writeProperties));

    /// <summary>What is to be in the last line, beside <c>ok</c>.</summary>
    public void Result(Action<Utf8JsonWriter> writeProperties) => _result = writeProperties;

    /// <summary>Sends the last line.</summary>
    public Task EndAsync() => LineAsync(
        json =>
        {
            json.WriteBoolean("ok", true);
            _result?.Invoke(json);
        });

    /// <summary>Sends the last line of a request that was refused.</summary>
    public Task EndAsync(ControlRefusedException refused) => LineAsync(
        json =>
        {
            json.WriteBoolean("ok", false);
            json.WriteString("error", refused.Message);
            if (refused.IsUsage)
                json.WriteBoolean("usage", true);
            if (refused.IsUnknownVerb)
                json.WriteBoolean("unknownVerb", true);
        });

    private static ReadOnlyMemory<byte> Line(Action<Utf8JsonWriter> writeProperties)
    {
        var line = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(line, s_json))
        {
            json.WriteStartObject();
            writeProperties(json);
            json.WriteEndObject();
        }

        line.Write("\n"u8);
        return line.WrittenMemory;
    }
}
