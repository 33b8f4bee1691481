using System.Buffers;
using System.Net.Sockets;
using System.Text.Encodings.Web;
using System.Text.Json;
using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Hosting;
using AutoCrunch.Linux;

namespace AutoCrunch.Cli;

/// <summary>A connection to the running service, for one request.</summary>
internal sealed class ControlClient : IDisposable
{
    private const int ReceiveBytes = 64 * 1024;

    private static readonly JsonWriterOptions s_json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly ControlSocket _connection;
    private readonly ArrayBufferWriter<byte> _line = new();
    private byte[] _received = [];
    private int _first;
    private int _count;

    private ControlClient(ControlSocket connection) => _connection = connection;

    private Socket Socket => _connection.Socket;

    /// <summary>Connects to the service that uses this configuration; null when none runs.</summary>
    /// <exception cref="ControlRefusedException">
    /// This user may not (<see cref="ControlRefusedException.IsAccess"/>), or the socket cannot be reached.
    /// </exception>
    public static ControlClient? TryConnect(CompiledConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        BytePath path = ControlSocket.PathIn(configuration.RuntimeDirectory);
        try
        {
            if (ControlSocket.TryConnect(configuration.RuntimeDirectory, out int errno) is { } connection)
                return new ControlClient(connection);
            if (errno is Errno.EACCES or Errno.EPERM)
                throw new ControlRefusedException(
                    $"Asking the service at '{path}' is allowed to {AllowedAt(path)} and root.") { IsAccess = true };
            return null;
        }
        catch (SocketException e)
        {
            throw new ControlRefusedException($"The service at '{path}' cannot be reached: {e.Message}.", e);
        }
    }

    /// <summary>Asks, and waits for the answer to be complete.</summary>
    /// <param name="verb">What is asked for.</param>
    /// <param name="writeRequest">Further fields of the request.</param>
    /// <param name="takeLine">Takes each line but the last one; the element is valid during the call.</param>
    /// <param name="patience">
    /// The longest time without a line of the answer; null: as long as it takes, which Ctrl-C ends.
    /// </param>
    /// <returns>The last line.</returns>
    /// <exception cref="ControlRefusedException">The service refused, or went away; the message says which.</exception>
    public JsonElement Ask(
        string verb, Action<Utf8JsonWriter>? writeRequest = null, Action<JsonElement>? takeLine = null,
        TimeSpan? patience = null)
    {
        Socket.ReceiveTimeout = (int)(patience?.TotalMilliseconds ?? 0);
        Send(Request(verb, writeRequest));
        while (true)
        {
            using JsonDocument line = ReadLine();
            JsonElement root = line.RootElement;
            if (!root.TryGetProperty("ok", out JsonElement ok))
                takeLine?.Invoke(root);
            else if (ok.GetBoolean())
                return root.Clone();
            else
                throw RefusalOf(root);
        }
    }

    public void Dispose() => _connection.Dispose();

    /// <summary>The request's line, without its end.</summary>
    internal static ReadOnlyMemory<byte> Request(string verb, Action<Utf8JsonWriter>? writeRequest)
    {
        var request = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(request, s_json))
        {
            json.WriteStartObject();
            json.WriteString("verb", verb);
            writeRequest?.Invoke(json);
            json.WriteEndObject();
        }

        return request.WrittenMemory;
    }

    /// <summary>What the last line says when something was refused.</summary>
    internal static ControlRefusedException RefusalOf(JsonElement line) => new(line.GetProperty("error").GetString()!)
    {
        IsUsage = line.TryGetProperty("usage", out _),
        IsUnknownVerb = line.TryGetProperty("unknownVerb", out _),
    };

    private static string AllowedAt(BytePath path) =>
        Accounts.TryReadOwner(path, out (uint User, uint Group) owner) == 0
        ? $"members of group '{Accounts.GroupName(owner.Group)}'"
        : "the service's user, members of its group";

    // A request that is refused is not read to its end: what was refused, and why, is there to be read all the same.
    private void Send(ReadOnlyMemory<byte> request)
    {
        try
        {
            SendAll(request.Span);
            SendAll("\n"u8);
        }
        catch (SocketException)
        {
        }
    }

    private void SendAll(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[Socket.Send(bytes)..];
    }

    private JsonDocument ReadLine()
    {
        _line.ResetWrittenCount();
        while (true)
        {
            ReadOnlySpan<byte> received = _received.AsSpan(_first, _count);
            int newline = received.IndexOf((byte)'\n');
            int taken = newline < 0 ? received.Length : newline;
            _line.Write(received[..taken]);
            _first += taken;
            _count -= taken;
            if (newline >= 0)
            {
                _first += 1;
                _count -= 1;
                return JsonDocument.Parse(_line.WrittenMemory.ToArray());
            }

            Receive();
        }
    }

    private void Receive()
    {
        if (_received.Length == 0)
            _received = new byte[ReceiveBytes];
        _first = 0;
        try
        {
            _count = Socket.Receive(_received);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
        {
            throw new ControlRefusedException(
                $"The service did not answer within {Socket.ReceiveTimeout / 1000.0:0.#} seconds.", e);
        }
        catch (SocketException)
        {
            _count = 0;
        }

        if (_count == 0)
            throw new ControlRefusedException(
                "The service ended before it had answered; what was asked for may have been done or not. See its log.");
    }
}
