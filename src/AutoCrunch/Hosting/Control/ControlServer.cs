using System.Net.Sockets;
using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Hosting;

/// <summary>
/// Answers the clients of the control socket: one request per connection, on the thread pool, never on the watch or the
/// ledger thread. What a client sends, or does not send, costs at most what <see cref="ControlLimits"/> says.
/// Without a socket the service works as ever: files come first.
/// </summary>
internal sealed class ControlServer : BackgroundService
{
    private static readonly TimeSpan s_acceptPause = TimeSpan.FromSeconds(0.2);

    private readonly CompiledConfiguration _configuration;
    private readonly Dictionary<string, IControlVerb> _verbs;
    private readonly ILogger<ControlServer> _logger;
    private readonly ControlLimits _limits;
    private readonly HashSet<Task> _clients = [];
    private ControlSocket? _listening;
    private readonly JobLedger? _ledger;
    private int _reservedBytes;
    private int _waiting;

    /// <param name="configuration">Says where the runtime directory is.</param>
    /// <param name="verbs">What can be asked for.</param>
    /// <param name="logger">The service's log.</param>
    /// <param name="limits">What clients may use up; null: as is usual.</param>
    /// <param name="ledger">Where verbs write; null when they write nowhere.</param>
    public ControlServer(
        CompiledConfiguration configuration, IEnumerable<IControlVerb> verbs, ILogger<ControlServer> logger,
        ControlLimits? limits = null, JobLedger? ledger = null)
    {
        _ledger = ledger;
        _configuration = configuration;
        _verbs = verbs.ToDictionary(verb => verb.Verb, StringComparer.Ordinal);
        _logger = logger;
        _limits = limits ?? new ControlLimits();
    }

    /// <summary>How many clients are being answered.</summary>
    internal int ClientCount
    {
        get
        {
            lock (_clients)
                return _clients.Count;
        }
    }

    /// <summary>How many of them wait for jobs or files.</summary>
    internal int WaitingCount => Volatile.Read(ref _waiting);

    /// <summary>Bytes of requests that are being read or answered.</summary>
    internal int ReservedBytes => Volatile.Read(ref _reservedBytes);

    /// <summary>Listens before anything else goes on: the ledger's lock is held already.</summary>
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        BytePath directory = _configuration.RuntimeDirectory;
        try
        {
            _listening = ControlSocket.Listen(directory, 2 * _limits.ClientsMax);
        }
        catch (Exception e) when (e is SocketException or LinuxException or IOException or UnauthorizedAccessException)
        {
            _logger.NotListening(ControlSocket.PathIn(directory), e.Message);
        }

        return base.StartAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken).ConfigureAwait(false);
        _listening?.Dispose();
        Task[] left;
        lock (_clients)
            left = [.. _clients];

        // Each has been told; one that hangs in a file system is left behind and ends with the process.
        await Task.WhenAll(left).WaitAsync(_limits.StopPatience, CancellationToken.None)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _listening?.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (_listening is null)
            return;
        bool isFailing = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                Socket client = await _listening.Socket.AcceptAsync(stoppingToken).ConfigureAwait(false);
                isFailing = false;
                Serve(client, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (SocketException e)
            {
                // No descriptor left, or the client was gone before it was accepted.
                if (!isFailing)
                    _logger.CannotAccept(e.Message);
                isFailing = true;
                await PauseAsync(stoppingToken).ConfigureAwait(false);
            }
        }
    }

    // A timer of its own: one that lives longer wakes the process up for as long as it lives.
    private static async Task PauseAsync(CancellationToken stopping)
    {
        using var pause = new PeriodicTimer(s_acceptPause);
        try
        {
            await pause.WaitForNextTickAsync(stopping).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The loop sees it.
        }
    }

    private void Serve(Socket client, CancellationToken stopping)
    {
        var connection = new ControlConnection(client, this, stopping);
        lock (_clients)
        {
            if (_clients.Count < _limits.ClientsMax)
            {
                var ended = new TaskCompletionSource();
                _clients.Add(ended.Task);
                ThreadPool.UnsafeQueueUserWorkItem(
                    static work => work.Server.Run(work.Connection, work.Ended),
                    (Server: this, Connection: connection, Ended: ended), preferLocal: false);
                return;
            }
        }

        connection.TurnAway();
    }

    // Nothing that goes wrong with one client concerns another, or the service.
    private async void Run(ControlConnection connection, TaskCompletionSource ended)
    {
        try
        {
            await connection.RunAsync(_limits, _verbs, _logger).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            _logger.ControlFailed("(connection)", e);
        }
        finally
        {
            lock (_clients)
                _clients.Remove(ended.Task);
            ended.SetResult();
        }
    }

    /// <summary>Takes room for a request; false when there is none left.</summary>
    internal bool TryReserve(int bytes)
    {
        if (Interlocked.Add(ref _reservedBytes, bytes) <= _limits.RequestBytesTotal)
            return true;
        Release(bytes);
        return false;
    }

    /// <summary>Why nothing can be written at present; null while all is well.</summary>
    internal string? PausedBecause => _ledger?.PausedBecause;

    /// <summary>Takes one of the places of those that wait; false when there is none left.</summary>
    internal bool TryWait()
    {
        if (Interlocked.Increment(ref _waiting) <= _limits.WaitingMax)
            return true;
        WaitEnded();
        return false;
    }

    internal void WaitEnded() => Interlocked.Decrement(ref _waiting);

    internal void Release(int bytes) => Interlocked.Add(ref _reservedBytes, -bytes);
}
