using AutoCrunch.Core;
using AutoCrunch.Linux;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;

namespace AutoCrunch.Dispatch;

/// <summary>
/// A broker, shared by all rules that speak to it as the same user: one connection, made anew whenever it is lost, with
/// a delay that grows from one second to one minute. Says once that it cannot be used, and once that it can again.
/// </summary>
internal sealed class Broker : IDisposable
{
    private static readonly TimeSpan s_shortest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(1);

    // The client tells of a loss; this is for the day on which it does not.
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(3);

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly HashSet<string> _told = new(StringComparer.Ordinal);
    private readonly BrokerAddress _address;
    private readonly string _name;
    private readonly ILogger _logger;
    private TaskCompletionSource<BrokerLink> _usable = NewUsable();
    private Task? _work;
    private bool _lacksConfirms;

    /// <param name="address">Where and as whom.</param>
    /// <param name="name">What the broker shows as the connection's name.</param>
    /// <param name="logger">The service's log.</param>
    public Broker(BrokerAddress address, string name, ILogger logger)
    {
        _address = address;
        _name = name;
        _logger = logger;
    }

    /// <summary>True when nobody would have to wait for a connection.</summary>
    public bool IsUsable => Volatile.Read(ref _usable).Task.IsCompleted;

    /// <summary>Connects, and keeps connected. Does not wait; more than once is harmless.</summary>
    public void Start()
    {
        lock (_gate)
            _work ??= Task.Run(() => WorkAsync(_stop.Token));
    }

    /// <summary>A connection that messages can be sent on; waits until there is one.</summary>
    public async Task<BrokerLink> UsableAsync(CancellationToken end)
    {
        while (true)
        {
            BrokerLink link = await Volatile.Read(ref _usable).Task.WaitAsync(end).ConfigureAwait(false);
            if (link.IsOpen)
                return link;
            await link.Closed.WaitAsync(end).ConfigureAwait(false);
            SetUnusable(link);
        }
    }

    /// <summary>The broker does not confirm: the connection is made anew.</summary>
    public void GiveUp(BrokerLink link, string reason)
    {
        lock (_gate)
        {
            if (!link.IsOpen)
                return;
            _lacksConfirms = true;
        }

        link.GiveUp(reason);
    }

    /// <summary>The broker has confirmed a message.</summary>
    public void Confirmed()
    {
        if (!Volatile.Read(ref _lacksConfirms))
            return;
        lock (_gate)
        {
            if (!_lacksConfirms)
                return;
            _lacksConfirms = false;
        }

        SayUsable();
    }

    public void Dispose()
    {
        _stop.Cancel();
        _work?.Wait(s_patience);
        _stop.Dispose();
    }

    private async Task WorkAsync(CancellationToken stop)
    {
        TimeSpan delay = s_shortest;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                IConnection connection = await BrokerLogin.ConnectAsync(_address, _name, stop).ConfigureAwait(false);
                long startNs = Clock.MonotonicNs();
                await FollowAsync(new BrokerLink(connection), stop).ConfigureAwait(false);
                if (Clock.MonotonicNs() - startNs > s_longest.TotalNanoseconds && !Volatile.Read(ref _lacksConfirms))
                    delay = s_shortest;
            }
            catch (Exception) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                SayUnusable((e as BrokerException)?.Key ?? BrokerTrouble.UriKey, BrokerTrouble.OneLine(e.Message));
            }

            await PauseAsync(delay, stop).ConfigureAwait(false);
            delay = delay * 2 < s_longest ? delay * 2 : s_longest;
        }
    }

    private async Task FollowAsync(BrokerLink link, CancellationToken stop)
    {
        link.Connection.ConnectionBlockedAsync += (_, told) =>
        {
            link.SetBlocked(isBlocked: true);
            SetUnusable(link);
            SayUnusable("blocked", $"it takes no messages for now ({BrokerTrouble.OneLine(told.Reason)}): give it "
                + "memory or disk space");
            return Task.CompletedTask;
        };
        link.Connection.ConnectionUnblockedAsync += (_, _) =>
        {
            link.SetBlocked(isBlocked: false);
            SetUsable(link);
            SayUsable();
            return Task.CompletedTask;
        };
        try
        {
            SetUsable(link);
            if (!Volatile.Read(ref _lacksConfirms))
                SayUsable();
            using var look = new PeriodicTimer(s_look);
            while (link.IsOpen)
            {
                Task tick = look.WaitForNextTickAsync(stop).AsTask();
                await Task.WhenAny(link.Closed, tick).Unwrap().ConfigureAwait(false);
            }

            stop.ThrowIfCancellationRequested();
            SayUnusable(BrokerTrouble.UriKey, link.Loss);
        }
        finally
        {
            SetUnusable(link);
            Task closing = link.CloseAsync();
            if (stop.IsCancellationRequested)
                await closing.ConfigureAwait(false); // else the next connection need not wait for it
        }
    }

    // Never at the same moment as all others that lost it too. Returns early when the service stops.
    private static async Task PauseAsync(TimeSpan delay, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(delay * (0.8 + (Random.Shared.NextDouble() * 0.2)));
        try
        {
            await timer.WaitForNextTickAsync(stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The loop looks.
        }
    }

    private void SetUsable(BrokerLink link)
    {
        lock (_gate)
        {
            if (!_usable.Task.IsCompleted)
                _usable.SetResult(link);
        }
    }

    private void SetUnusable(BrokerLink link)
    {
        lock (_gate)
        {
            if (_usable.Task is { IsCompleted: true } usable && usable.Result == link)
                Volatile.Write(ref _usable, NewUsable());
        }
    }

    // Once until it can be used again, however often it is tried; another kind of trouble is told too: the broker may
    // be back with another password.
    private void SayUnusable(string kind, string reason)
    {
        lock (_gate)
        {
            if (!_told.Add(kind))
                return;
        }

        RabbitMqLog.Unusable(_logger, _address.ToString(), reason);
    }

    private void SayUsable()
    {
        bool wasTrouble;
        lock (_gate)
        {
            wasTrouble = _told.Count > 0;
            _told.Clear();
        }

        if (wasTrouble)
            RabbitMqLog.UsableAgain(_logger, _address.ToString());
        else
            RabbitMqLog.Connected(_logger, _address.ToString());
    }

    private static TaskCompletionSource<BrokerLink> NewUsable() =>
        new(TaskCreationOptions.RunContinuationsAsynchronously);
}
