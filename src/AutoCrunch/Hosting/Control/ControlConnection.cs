using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using AutoCrunch.Watching;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Hosting;

/// <summary>One client of the control socket: reads its one request, has it answered, closes.</summary>
/// <remarks>
/// The client keeps its side open until it has the last line: when it closes it, the verb is told that nobody waits.
/// </remarks>
internal sealed class ControlConnection(Socket client, ControlServer server, CancellationToken stopping)
{
    private const int FirstBytes = 4096;
    private const int SendBytes = 64 * 1024;

    private static readonly JsonDocumentOptions s_json = new() { MaxDepth = 8 };

    private ControlLimits _limits = new();
    private int _reserved;
    private TimeSpan _taken;

    /// <summary>Reads, answers, closes. Throws only what is a bug in here.</summary>
    public async Task RunAsync(
        ControlLimits limits, IReadOnlyDictionary<string, IControlVerb> verbs, ILogger logger)
    {
        _limits = limits;
        using Socket socket = client;
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var answer = new ControlAnswer(SendAsync);
        try
        {
            using JsonDocument? request = await ReadAsync().ConfigureAwait(false);
            if (request is null)
                return;
            Task watching = WatchAsync(gone);
            try
            {
                await AnswerAsync(new ControlRequest(request.RootElement), answer, verbs, logger, gone.Token)
                    .ConfigureAwait(false);
                await answer.EndAsync().ConfigureAwait(false);
            }
            finally
            {
                await gone.CancelAsync().ConfigureAwait(false);
                await watching.ConfigureAwait(false);
            }
        }
        catch (ControlRefusedException refused)
        {
            await TryEndAsync(answer, refused).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            if (stopping.IsCancellationRequested)
                await TryEndAsync(
                    answer, new ControlRefusedException("The service stops: try again when it has been started."))
                    .ConfigureAwait(false);
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            // The client is gone.
        }
        finally
        {
            server.Release(_reserved);
        }
    }

    /// <summary>There are too many clients. Does not wait.</summary>
    public void TurnAway()
    {
        using Socket socket = client;
        try
        {
            socket.Blocking = false;
            socket.Send("{\"ok\":false,\"error\":\"Too many commands at once: try again in a moment.\"}\n"u8);
        }
        catch (SocketException)
        {
            // It is gone.
        }
    }

    private async Task AnswerAsync(
        ControlRequest request, ControlAnswer answer, IReadOnlyDictionary<string, IControlVerb> verbs, ILogger logger,
        CancellationToken cancellation)
    {
        string name = request.Verb;
        if (!verbs.TryGetValue(name, out IControlVerb? verb))
            throw new ControlRefusedException(
                "The running service does not know this verb: it is of another version than this command. Restart it.")
            {
                IsUnknownVerb = true,
            };
        if (verb.IsWriting && Accounts.PeerOf(client) is { } peer)
            logger.Asked(name, peer.UserId, peer.Pid);
        if (verb.IsWriting && server.PausedBecause is { } reason)
            throw new ControlRefusedException(
                $"Nothing was done, as the ledger cannot be written at present: {reason}");
        bool isWaiting = verb.Waits(request);
        if (isWaiting && !server.TryWait())
            throw new ControlRefusedException(
                $"Nothing was done: {_limits.WaitingMax} commands wait for jobs or files already (sync, submit "
                + "--wait). Try again when some of them have ended.");
        try
        {
            await verb.AnswerAsync(request, answer, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (
            e is SqliteException or LedgerUnusableException or LinuxException or WatchBusyException)
        {
            throw new ControlRefusedException(e.Message, e);
        }
        catch (Exception e) when (e is not (ControlRefusedException or OperationCanceledException or SocketException))
        {
            logger.ControlFailed(name, e);
            throw new ControlRefusedException(
                $"This is a bug in AutoCrunch; the service's log has the details: {e.Message}", e);
        }
        finally
        {
            if (isWaiting)
                server.WaitEnded();
        }
    }

    // Null when the client went away before it had said anything.
    private async Task<JsonDocument?> ReadAsync()
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        late.CancelAfter(_limits.SendTime);
        byte[] buffer = Reserve([], FirstBytes);
        int length = 0;
        int end = -1;
        try
        {
            while (end < 0)
            {
                if (length == buffer.Length)
                    buffer = Reserve(buffer, buffer.Length);
                int count = await client.ReceiveAsync(buffer.AsMemory(length), late.Token).ConfigureAwait(false);
                if (count == 0)
                    return length == 0 ? null : throw new ControlRefusedException("The request has no end of line.");
                int newline = buffer.AsSpan(length, count).IndexOf((byte)'\n');
                end = newline < 0 ? -1 : length + newline;
                length += count;
            }
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
        {
            throw new ControlRefusedException(
                $"The request was not complete within {_limits.SendTime.TotalSeconds:0} seconds.");
        }

        return Parse(buffer.AsMemory(0, end));
    }

    private static JsonDocument Parse(ReadOnlyMemory<byte> line)
    {
        try
        {
            JsonDocument request = JsonDocument.Parse(line, s_json);
            if (request.RootElement.ValueKind == JsonValueKind.Object)
                return request;
            request.Dispose();
        }
        catch (JsonException)
        {
        }

        throw new ControlRefusedException("The request must be one JSON object on one line.") { IsUsage = true };
    }

    private byte[] Reserve(byte[] buffer, int more)
    {
        more = Math.Min(more, _limits.RequestBytesMax - buffer.Length);
        if (more <= 0)
            throw new ControlRefusedException(
                $"The request is longer than {_limits.RequestBytesMax} bytes: ask for less at once.");
        if (!server.TryReserve(more))
            throw new ControlRefusedException("Other long requests are being answered: try again in a moment.");
        _reserved += more;
        Array.Resize(ref buffer, buffer.Length + more);
        return buffer;
    }

    // Tells when the client goes, for as long as it is being answered. What it sends meanwhile is not read: it has
    // asked already, and is taken for gone.
    private async Task WatchAsync(CancellationTokenSource gone)
    {
        try
        {
            await client.ReceiveAsync(new byte[1], gone.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            // Gone, or answered.
        }

        await gone.CancelAsync().ConfigureAwait(false);
    }

    // A client that is gone shows by an error.
    private async Task SendAsync(ReadOnlyMemory<byte> line)
    {
        while (!line.IsEmpty)
        {
            TimeSpan left = _limits.TakeTimeTotal - _taken;
            using var slow = new CancellationTokenSource(_limits.TakeTime < left ? _limits.TakeTime : left);
            long start = Stopwatch.GetTimestamp();
            int sent = await client.SendAsync(line[..Math.Min(line.Length, SendBytes)], slow.Token)
                .ConfigureAwait(false);
            _taken += Stopwatch.GetElapsedTime(start);
            if (_taken >= _limits.TakeTimeTotal)
                throw new OperationCanceledException("The client takes its answer too slowly.");
            line = line[sent..];
        }
    }

    private static async Task TryEndAsync(ControlAnswer answer, ControlRefusedException refused)
    {
        try
        {
            await answer.EndAsync(refused).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            // It is gone, and will not know.
        }
    }
}
