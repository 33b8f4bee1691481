using AutoCrunch.Core;
using AutoCrunch.Linux;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Dispatch;

/// <summary>
/// Publishes the messages of one rule. A message that the broker objects to closes its channel, with all others that
/// are on the way there; so a rule has a channel of its own, the first message on it goes alone, and so does every one
/// that was on the way when a channel was closed. Then it is certain whose fault it was.
/// </summary>
internal sealed class Publisher(string rule, Broker broker, RabbitMqOptions options, ILogger logger) : IDisposable
{
    private static readonly TimeSpan s_shortest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim _alone = new(1, 1);
    private readonly Lock _gate = new();
    private PublishChannel? _shared;
    private TimeSpan _delay = s_shortest;
    private long _refusedUntilNs;
    private string? _refusal;
    private BrokerLink? _sickOn;

    /// <summary>For how long nothing of this rule need be sent, as it would be refused; zero when it may be.</summary>
    public TimeSpan RefusedFor
    {
        get
        {
            long leftNs = Volatile.Read(ref _refusedUntilNs) - Clock.MonotonicNs();

            // Whole milliseconds: timers take nothing shorter.
            return leftNs <= 0 ? TimeSpan.Zero : TimeSpan.FromMilliseconds((leftNs / 1_000_000) + 1);
        }
    }

    /// <summary>Publishes one message.</summary>
    /// <param name="link">The connection.</param>
    /// <param name="message">The message.</param>
    /// <param name="isSuspect">It may be one that closes channels.</param>
    /// <param name="end">The answer is not waited for any longer.</param>
    public async Task<PublishResult> PublishAsync(
        BrokerLink link, CompletionMessage message, bool isSuspect, CancellationToken end)
    {
        PublishChannel? shared = isSuspect ? null : SharedOn(link);
        if (shared is null)
        {
            await _alone.WaitAsync(end).ConfigureAwait(false);
            try
            {
                shared = isSuspect ? null : SharedOn(link);
                if (shared is null)
                    return await PublishAloneAsync(link, message, isSuspect, end).ConfigureAwait(false);
            }
            finally
            {
                _alone.Release();
            }
        }

        PublishResult result = Noted(
            shared, await shared.PublishAsync(message, options.ConfirmTimeout, end).ConfigureAwait(false));

        // Of all that wait on the channel one is enough.
        if (result is { End: PublishEnd.Unconfirmed, OthersWereConfirmed: true }
            && Interlocked.CompareExchange(ref _shared, null, shared) == shared)
        {
            RefuseUnconfirmed(link);
            shared.Close();
        }

        return result;
    }

    /// <summary>The broker takes nothing of this rule for now: the next try is put off, each time for longer.</summary>
    public void Refuse(string reason)
    {
        bool isNews;
        lock (_gate)
        {
            isNews = _refusal != reason;
            _refusal = reason;
            Volatile.Write(ref _refusedUntilNs, Clock.MonotonicNs() + (long)_delay.TotalNanoseconds);
            _delay = _delay * 2 < s_longest ? _delay * 2 : s_longest;
        }

        if (isNews)
            RabbitMqLog.Refused(logger, rule, reason);
    }

    public void Dispose()
    {
        _shared?.Close();
        _alone.Dispose();
    }

    private PublishChannel? SharedOn(BrokerLink link) =>
        Volatile.Read(ref _shared) is { IsOpen: true } shared && shared.Link == link ? shared : null;

    private async Task<PublishResult> PublishAloneAsync(
        BrokerLink link, CompletionMessage message, bool isSuspect, CancellationToken end)
    {
        if (RefusedFor > TimeSpan.Zero)
            return new PublishResult(PublishEnd.Refused);
        PublishChannel channel;
        try
        {
            channel = await PublishChannel.OpenAsync(link).WaitAsync(end).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException || !end.IsCancellationRequested)
        {
            if (!link.IsOpen)
                return new PublishResult(PublishEnd.Lost);
            Refuse($"no channel can be opened ({BrokerTrouble.OneLine(e.Message)}): does the broker limit the channels "
                + "of its users?");
            return new PublishResult(PublishEnd.Refused);
        }

        bool isKept = false;
        try
        {
            PublishResult result = Noted(
                channel, await channel.PublishAsync(message, options.ConfirmTimeout, end).ConfigureAwait(false));
            isKept = !isSuspect && channel.IsOpen && result.End != PublishEnd.Unconfirmed;
            if (isKept)
                Interlocked.Exchange(ref _shared, channel)?.Close();
            if (result is { End: PublishEnd.Unconfirmed, OthersWereConfirmed: true })
                RefuseUnconfirmed(link);
            return result with { WasAlone = true };
        }
        finally
        {
            if (!isKept)
                channel.Close();
        }
    }

    // The broker is well, and the connection serves other rules: only this one waits.
    private void RefuseUnconfirmed(BrokerLink link)
    {
        Volatile.Write(ref _sickOn, link);
        Refuse($"one was not confirmed within {options.ConfirmTimeout:c}, while others on the connection were: "
            + "a queue may have lost its majority; see rabbitmqctl list_queues");
    }

    private PublishResult Noted(PublishChannel channel, PublishResult result)
    {
        // Once it was seen on this connection that others are confirmed: they need not publish each time that this is
        // found out again.
        if (result.End == PublishEnd.Unconfirmed && Volatile.Read(ref _sickOn) == channel.Link)
            return result with { OthersWereConfirmed = true };
        if (result.End is PublishEnd.Confirmed or PublishEnd.Unroutable or PublishEnd.Nacked)
            Answered();
        if (result.End == PublishEnd.Confirmed)
        {
            channel.Link.SetConfirmed();
            broker.Confirmed();
        }

        return result;
    }

    private void Answered()
    {
        Volatile.Write(ref _sickOn, null);
        if (Volatile.Read(ref _refusal) is null)
            return;
        bool wasRefused;
        lock (_gate)
        {
            wasRefused = _refusal is not null;
            _refusal = null;
            _delay = s_shortest;
        }

        if (wasRefused)
            RabbitMqLog.TakenAgain(logger, rule);
    }
}
