using System.Collections.Concurrent;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Dispatch;

/// <summary>
/// Publishes one message for each job. An attempt has succeeded when the broker has confirmed it: then the message is
/// on the disk of every durable queue it was routed to. Until then it is published again, under the same message id.
/// </summary>
internal sealed class RabbitMqDispatcher : DurableDispatcher
{
    // They only look at the file and hand the message over.
    private const int ThreadsMax = 4;

    // For the answers that are on their way when the service stops: each that comes is a repeat less.
    private static readonly TimeSpan s_lastAnswers = TimeSpan.FromSeconds(0.5);

    private readonly ConcurrentDictionary<long, CancellationTokenSource> _publishing = new();
    private readonly RabbitMqOptions _options;
    private readonly Broker _broker;
    private readonly Publisher _publisher;

    /// <param name="rule">The rule whose jobs these are.</param>
    /// <param name="options">Its <c>Dispatcher</c> section.</param>
    /// <param name="ledger">Keeps the jobs.</param>
    /// <param name="brokers">The connections, shared by all rules.</param>
    /// <param name="logger">The service's log.</param>
    public RabbitMqDispatcher(
        WatchRule rule, RabbitMqOptions options, JobLedger ledger, Brokers brokers, ILogger<RabbitMqDispatcher> logger)
        : base(rule, options.Concurrency, ledger, logger, Math.Min(options.Concurrency, ThreadsMax))
    {
        _options = options;
        _broker = brokers.At(options.Broker, ledger.Id);
        _publisher = new Publisher(rule.Name, _broker, options, logger);
    }

    /// <summary>
    /// What is sent goes on without the service, and a publish cannot be what has killed it: so that a crash is not
    /// counted against the job.
    /// </summary>
    protected override bool Outlives => true;

    /// <inheritdoc/>
    protected override bool CanEnd => true;

    // With the first thread, that is at the start: a wrong password is told before the first file comes.
    /// <inheritdoc/>
    protected override void PrepareThread() => _broker.Start();

    /// <inheritdoc/>
    protected override void End(Attempt attempt)
    {
        try
        {
            if (_publishing.TryGetValue(attempt.Job.Id, out CancellationTokenSource? end))
                end.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has ended this very moment.
        }
    }

    /// <inheritdoc/>
    protected override async Task<AttemptOutcome> RunAsync(Attempt attempt, CancellationToken stopping)
    {
        // Whether its message came through, nobody can tell: the next attempt has the same message id.
        if (attempt.IsResumed)
            return new AttemptOutcome.Interrupted(ByCrash: false);
        CompletionMessage message =
            CompletionMessage.Of(Rule, _options, attempt, Ledger.Id, out string? trouble);
        if (trouble is not null)
            return new AttemptOutcome.Failed(trouble, IsPermanent: true);
        using var end = new CancellationTokenSource();
        await using CancellationTokenRegistration onStop = stopping.Register(
            () => end.CancelAfter(message.MayBeTaken ? s_lastAnswers : TimeSpan.Zero));
        _publishing[attempt.Job.Id] = end;
        try
        {
            if (IsCancelled(attempt))
                await end.CancelAsync().ConfigureAwait(false);
            return await PublishAsync(attempt, message, end.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            return Ended(attempt, message);
        }
        finally
        {
            _publishing.TryRemove(attempt.Job.Id, out _);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool isDisposing)
    {
        if (isDisposing)
            _publisher.Dispose();
        base.Dispose(isDisposing);
    }

    private async Task<AttemptOutcome> PublishAsync(Attempt attempt, CompletionMessage message, CancellationToken end)
    {
        bool isSuspect = attempt.Number > 1;
        while (true)
        {
            bool hasWaited = await WaitUntilUsableAsync(end).ConfigureAwait(false);
            if (hasWaited && !message.MayBeTaken)
                return new AttemptOutcome.NotStarted("its file is looked at again after the wait", TimeSpan.Zero);
            BrokerLink link = await _broker.UsableAsync(end).ConfigureAwait(false);
            bool mayBeTaken = message.MayBeTaken;
            PublishResult result =
                await _publisher.PublishAsync(link, message, isSuspect, end).ConfigureAwait(false);
            switch (result.End)
            {
                case PublishEnd.Confirmed:
                    return AttemptOutcome.Succeeded.Value;
                case PublishEnd.Unroutable:
                    return new AttemptOutcome.Failed(Unroutable(message));
                case PublishEnd.Nacked:
                    return new AttemptOutcome.Failed(
                        $"the broker refused the message for {Place(message)}: is a queue bound there full?");
                case PublishEnd.ChannelClosed when result.WasAlone:
                    message.MayBeTaken = mayBeTaken;
                    string reason = BrokerTrouble.Refused(
                        result.Code, result.Text, message.Exchange, _options.Broker);
                    if (_options.Exchange.HasPlaceholders || !BrokerTrouble.ConcernsExchange(result.Code, result.Text))
                        return new AttemptOutcome.Failed(reason);
                    _publisher.Refuse(reason);
                    break;
                case PublishEnd.ChannelClosed:
                    isSuspect = true;
                    break;
                case PublishEnd.Unconfirmed when result.OthersWereConfirmed:
                    isSuspect = true;
                    break;
                case PublishEnd.Unconfirmed:
                    _broker.GiveUp(link, $"it has confirmed no message for {_options.ConfirmTimeout:c}: it is "
                        + "overloaded, or a queue has lost its majority; see rabbitmqctl list_queues");
                    break;
            }

            RabbitMqLog.Again(Logger, attempt.Job.Id, attempt.Number, Rule.Name, result.End.ToString());
        }
    }

    // True when that took time: then the file may be another one by now.
    private async Task<bool> WaitUntilUsableAsync(CancellationToken end)
    {
        bool hasWaited = false;
        while (true)
        {
            if (!_broker.IsUsable)
            {
                hasWaited = true;
                await _broker.UsableAsync(end).ConfigureAwait(false);
            }

            if (_publisher.RefusedFor is not { Ticks: > 0 } refused)
                return hasWaited;
            hasWaited = true;
            using var timer = new PeriodicTimer(refused);
            await timer.WaitForNextTickAsync(end).ConfigureAwait(false);
        }
    }

    private AttemptOutcome Ended(Attempt attempt, CompletionMessage message)
    {
        if (!message.MayBeTaken)
            return new AttemptOutcome.NotStarted("ended before its message was sent", TimeSpan.Zero);
        return IsCancelled(attempt)
            ? new AttemptOutcome.EndedByHand(null, null)
            : new AttemptOutcome.Interrupted(ByCrash: false);
    }

    private static string Place(CompletionMessage message) => message.Exchange.Length == 0
        ? $"the queue '{message.RoutingKey}'"
        : $"the exchange '{message.Exchange}' with the routing key '{message.RoutingKey}'";

    private string Unroutable(CompletionMessage message) => message.Exchange.Length == 0
        ? $"there is no queue '{message.RoutingKey}' in the virtual host '{_options.Broker.VirtualHost}': declare it, "
            + "or mend RoutingKey"
        : $"no queue is bound to {Place(message)}: bind one, or mend RoutingKey";
}
