using AutoCrunch.Linux;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace AutoCrunch.Dispatch;

/// <summary>One connection to a broker, from its making to its loss.</summary>
internal sealed class BrokerLink
{
    private static readonly TimeSpan s_goodbye = TimeSpan.FromSeconds(2);

    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _changedNs;
    private long _confirmedNs;
    private string? _loss;

    public BrokerLink(IConnection connection)
    {
        Connection = connection;
        connection.ConnectionShutdownAsync += OnShutdownAsync;
    }

    /// <summary>The connection itself.</summary>
    public IConnection Connection { get; }

    /// <summary>Completes when it is lost, or was given up.</summary>
    public Task Closed => _closed.Task;

    /// <summary>True while messages can be sent.</summary>
    public bool IsOpen => !_closed.Task.IsCompleted && Connection.IsOpen;

    /// <summary>
    /// The broker has said that it reads nothing from this connection for now (connection.blocked): it is short of
    /// memory or disk space.
    /// </summary>
    public bool IsBlocked { get; private set; }

    /// <summary>Why it was lost.</summary>
    public string Loss => _loss ?? BrokerTrouble.Lost(Connection.CloseReason);

    /// <summary>The broker reads no more, or reads again.</summary>
    public void SetBlocked(bool isBlocked)
    {
        Volatile.Write(ref _changedNs, Clock.MonotonicNs());
        IsBlocked = isBlocked;
    }

    /// <summary>True when the broker has read all the time since then (monotonic clock).</summary>
    public bool HasReadSince(long momentNs) => !IsBlocked && Volatile.Read(ref _changedNs) < momentNs;

    /// <summary>The broker has confirmed a message on it, of any rule.</summary>
    public void SetConfirmed() => Volatile.Write(ref _confirmedNs, Clock.MonotonicNs());

    /// <summary>True when the broker has confirmed something on it since then (monotonic clock).</summary>
    public bool HasConfirmedSince(long momentNs) => Volatile.Read(ref _confirmedNs) > momentNs;

    /// <summary>It counts as lost from now on.</summary>
    public void GiveUp(string reason)
    {
        Interlocked.CompareExchange(ref _loss, reason, null);
        _closed.TrySetResult();
    }

    /// <summary>Says goodbye, if there is anybody who listens; does not wait long.</summary>
    public async Task CloseAsync()
    {
        _closed.TrySetResult();
        try
        {
            const ushort done = 200;
            await Connection.CloseAsync(done, "autocrunch has done", s_goodbye, abort: true)
                .WaitAsync(s_goodbye).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // It is gone either way: that is what was wanted.
        }
    }

    private Task OnShutdownAsync(object sender, ShutdownEventArgs reason)
    {
        _closed.TrySetResult();
        return Task.CompletedTask;
    }
}
