using AutoCrunch.Core;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace AutoCrunch.Dispatch;

/// <summary>
/// Asks the broker of a rule whether it would let the service in, and has the exchange. Publishes nothing.
/// </summary>
internal sealed class RabbitMqCheck : IEngineCheck
{
    /// <inheritdoc/>
    public async Task<IReadOnlyList<EngineFinding>> CheckAsync(
        WatchRule rule, DispatcherOptions options, CancellationToken stop)
    {
        var rabbit = (RabbitMqOptions)options;
        BrokerAddress broker = rabbit.Broker;
        var findings = new List<EngineFinding>();
        try
        {
            IConnection connection =
                await BrokerLogin.ConnectAsync(broker, "autocrunch check", stop).ConfigureAwait(false);
            await using (connection.ConfigureAwait(false))
            {
                findings.Add(new EngineFinding(false, BrokerTrouble.UriKey,
                    $"{broker} lets {BrokerTrouble.UserOf(broker)} in"));
                findings.Add(await FindExchangeAsync(connection, rabbit, stop).ConfigureAwait(false));
            }
        }
        catch (BrokerException error)
        {
            findings.Add(new EngineFinding(true, error.Key, $"{broker}: {error.Message}"));
        }
        catch (OperationCanceledException)
        {
            findings.Add(new EngineFinding(true, BrokerTrouble.UriKey,
                $"{broker} has not answered in time: look after the network and the broker, or mend Uri"));
        }
        catch (Exception e) when (e is not InvariantException)
        {
            // The connection was lost on the way, or an answer did not come.
            BrokerException error = BrokerTrouble.Connecting(e, broker, certificate: null);
            findings.Add(new EngineFinding(true, error.Key, $"{broker}: {error.Message}"));
        }

        return findings;
    }

    private static async Task<EngineFinding> FindExchangeAsync(
        IConnection connection, RabbitMqOptions options, CancellationToken stop)
    {
        const string key = "Exchange";
        string text = options.Exchange.Text;
        if (options.Exchange.HasPlaceholders)
            return new EngineFinding(false, key, $"'{text}' differs from file to file: found out at each attempt");
        string exchange = System.Text.Encoding.UTF8.GetString(options.Exchange.Expand(default));
        if (exchange.Length == 0)
            return await FindQueueAsync(connection, options, stop).ConfigureAwait(false);
        try
        {
            IChannel channel = await connection.CreateChannelAsync(null, stop).ConfigureAwait(false);
            await using (channel.ConfigureAwait(false))
                await channel.ExchangeDeclarePassiveAsync(exchange, stop).ConfigureAwait(false);
            return new EngineFinding(false, key, $"the exchange '{exchange}' is there");
        }
        catch (OperationInterruptedException error)
        {
            return new EngineFinding(true, key, Explain(error, exchange, options.Broker));
        }
    }

    // The default exchange is always there; what may be missing is the queue that the routing key names.
    private static async Task<EngineFinding> FindQueueAsync(
        IConnection connection, RabbitMqOptions options, CancellationToken stop)
    {
        const string key = "RoutingKey";
        if (options.RoutingKey.HasPlaceholders)
            return new EngineFinding(false, key, "the queue differs from file to file: found out at each attempt");
        string queue = System.Text.Encoding.UTF8.GetString(options.RoutingKey.Expand(default));
        try
        {
            IChannel channel = await connection.CreateChannelAsync(null, stop).ConfigureAwait(false);
            await using (channel.ConfigureAwait(false))
                await channel.QueueDeclarePassiveAsync(queue, stop).ConfigureAwait(false);
            return new EngineFinding(false, key, $"the queue '{queue}' is there");
        }
        catch (OperationInterruptedException error) when (error.ShutdownReason?.ReplyCode == 404)
        {
            return new EngineFinding(true, key,
                $"there is no queue '{queue}' in the virtual host '{options.Broker.VirtualHost}': declare it, or mend "
                    + key);
        }
        catch (OperationInterruptedException error)
        {
            // Another one's exclusive queue, for one: it is there.
            return new EngineFinding(false, key,
                $"the queue '{queue}' cannot be looked at ({BrokerTrouble.OneLine(error.Message)})");
        }
    }

    private static string Explain(OperationInterruptedException error, string exchange, BrokerAddress broker) =>
        error.ShutdownReason is { } reason
            ? BrokerTrouble.Refused(reason.ReplyCode, reason.ReplyText, exchange, broker)
            : BrokerTrouble.OneLine(error.Message);
}
