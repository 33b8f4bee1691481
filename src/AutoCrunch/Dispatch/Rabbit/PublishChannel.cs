using AutoCrunch.Linux;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace AutoCrunch.Dispatch;

/// <summary>A channel on which the broker confirms every message. Any thread; no thread waits.</summary>
internal sealed class PublishChannel
{
    private static readonly CreateChannelOptions s_confirming = new(
        publisherConfirmationsEnabled: true,
        publisherConfirmationTrackingEnabled: true,
        outstandingPublisherConfirmationsRateLimiter: null); // Concurrency is the limit

    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly IChannel _channel;

    private PublishChannel(BrokerLink link, IChannel channel)
    {
        Link = link;
        _channel = channel;
        channel.ChannelShutdownAsync += OnShutdownAsync;
    }

    /// <summary>The connection it is on.</summary>
    public BrokerLink Link { get; }

    /// <summary>True while messages can be sent.</summary>
    public bool IsOpen => Link.IsOpen && _channel.IsOpen;

    /// <summary>Opens one; what the client throws when that fails is for the caller.</summary>
    public static async Task<PublishChannel> OpenAsync(BrokerLink link) => new(
        link, await link.Connection.CreateChannelAsync(s_confirming, CancellationToken.None).ConfigureAwait(false));

    /// <summary>Publishes, and waits for the broker's answer.</summary>
    /// <param name="message">What; from here on the broker may have it.</param>
    /// <param name="timeout">How long the broker may take, as long as it reads at all.</param>
    /// <param name="end">The answer is not waited for any longer.</param>
    public async Task<PublishResult> PublishAsync(CompletionMessage message, TimeSpan timeout, CancellationToken end)
    {
        end.ThrowIfCancellationRequested();
        BasicProperties properties = message.Properties();
        ReadOnlyMemory<byte> body = message.Body();
        message.MayBeTaken = true;

        // Not to be cancelled half-way: the channel is shared.
        Task publish = _channel.BasicPublishAsync(
            message.Exchange, message.RoutingKey, mandatory: true, properties, body, CancellationToken.None).AsTask();
        Task answer = Task.WhenAny(publish, _closed.Task, Link.Closed);
        while (true)
        {
            long startNs = Clock.MonotonicNs();
            try
            {
                await answer.WaitAsync(timeout, end).ConfigureAwait(false);
                return publish.IsCompleted ? ResultOf(publish) : Abandoned(publish);
            }
            catch (TimeoutException) when (!Link.HasReadSince(startNs))
            {
                // It has said itself that it does not read: the time counts from when it does again.
            }
            catch (TimeoutException)
            {
                Observe(publish);
                return new PublishResult(PublishEnd.Unconfirmed)
                {
                    OthersWereConfirmed = Link.HasConfirmedSince(startNs),
                };
            }
            catch (OperationCanceledException)
            {
                Observe(publish);
                throw;
            }
        }
    }

    /// <summary>Closes it. Does not wait.</summary>
    public void Close() => Observe(CloseAsync());

    private async Task CloseAsync()
    {
        if (_channel.IsOpen)
            await _channel.CloseAsync().ConfigureAwait(false);
        await _channel.DisposeAsync().ConfigureAwait(false);
    }

    private PublishResult ResultOf(Task publish)
    {
        switch (publish.Exception?.GetBaseException())
        {
            case null when publish.IsCompletedSuccessfully:
                return new PublishResult(PublishEnd.Confirmed);
            case PublishException { IsReturn: true }:
                return new PublishResult(PublishEnd.Unroutable);
            case PublishException:
                return new PublishResult(PublishEnd.Nacked);
            case var error:
                return Closed(error?.Message ?? "");
        }
    }

    private PublishResult Abandoned(Task publish)
    {
        Observe(publish);
        return Closed("");
    }

    private PublishResult Closed(string text)
    {
        if (!Link.IsOpen)
            return new PublishResult(PublishEnd.Lost);
        ShutdownEventArgs? reason = _channel.CloseReason;
        return new PublishResult(PublishEnd.ChannelClosed)
        {
            Code = reason?.ReplyCode ?? 0,
            Text = reason?.ReplyText ?? text,
        };
    }

    private Task OnShutdownAsync(object sender, ShutdownEventArgs reason)
    {
        _closed.TrySetResult();
        return Task.CompletedTask;
    }

    // What comes of it interests nobody any more, but must not count as an exception that nobody saw.
    private static void Observe(Task task) => _ = task.ContinueWith(
        static done => _ = done.Exception, CancellationToken.None,
        TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
}
