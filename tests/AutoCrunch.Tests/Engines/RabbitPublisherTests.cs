using AutoCrunch.Core;
using AutoCrunch.Dispatch;
using AutoCrunch.Tests.Dispatch;
using AutoCrunch.Tests.Hosting;
using RabbitMQ.Client;

namespace AutoCrunch.Tests.Engines;

/// <summary>Whose fault it is that a message is not confirmed: on the connection on which that was seen.</summary>
[Collection(RabbitBroker.Collection)]
public sealed class RabbitPublisherTests(RabbitBroker broker) : IDisposable
{
    private static readonly WatchRule s_rule = new() { Name = "raw", Path = new BytePath("/in"u8) };

    private readonly RabbitBroker _broker = RabbitBroker.IsInstalled ? broker.Started() : broker;
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [RabbitFact]
    public async Task What_was_seen_of_a_queue_on_one_connection_is_not_held_against_it_on_the_next()
    {
        (string sick, string well) = (Guid.NewGuid().ToString("N"), Guid.NewGuid().ToString("N"));
        await using IConnection first = await _broker.ConnectAsync();
        await using IConnection next = await _broker.ConnectAsync();
        await using IChannel channel = await first.CreateChannelAsync();
        foreach (string queue in new[] { sick, well })
            await channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false);
        using var connections = new Broker(Options(well).Broker, "test", new ListLogger<Broker>());
        using Publisher ofSick = PublisherTo(sick, TimeSpan.FromSeconds(1), connections);
        using Publisher ofWell = PublisherTo(well, Wait.Bound, connections);
        (BrokerLink before, BrokerLink after) = (new BrokerLink(first), new BrokerLink(next));
        await Wait.UntilAsync(async () => (await Publish(ofSick, sick, before)).End == PublishEnd.Confirmed);
        _broker.Control("eval", RabbitLossTests.SuspendUntil(sick, _directory["well"]));
        try
        {
            Task<PublishResult> unconfirmed = Publish(ofSick, sick, before);
            while (!unconfirmed.IsCompleted)
                Assert.Equal(PublishEnd.Confirmed, (await Publish(ofWell, well, before)).End);
            Assert.Equal((PublishEnd.Unconfirmed, true), FaultOf(await unconfirmed));

            // Found out once for this connection, though nothing else is confirmed on it any more.
            Assert.Equal((PublishEnd.Unconfirmed, true), FaultOf(await PublishWhenItMay(ofSick, sick, before)));

            // On the next one nobody has been confirmed yet: it may as well be the connection.
            Assert.Equal((PublishEnd.Unconfirmed, false), FaultOf(await PublishWhenItMay(ofSick, sick, after)));
        }
        finally
        {
            _directory.Write("well");
        }

        Wait.Until(() => ofSick.RefusedFor == TimeSpan.Zero);
        await Wait.UntilAsync(async () => (await Publish(ofSick, sick, after)).End == PublishEnd.Confirmed);
    }

    private static (PublishEnd End, bool OthersWereConfirmed) FaultOf(PublishResult result) =>
        (result.End, result.OthersWereConfirmed);

    private static Task<PublishResult> PublishWhenItMay(Publisher publisher, string queue, BrokerLink link)
    {
        Wait.Until(() => publisher.RefusedFor == TimeSpan.Zero);
        return Publish(publisher, queue, link);
    }

    private static async Task<PublishResult> Publish(Publisher publisher, string queue, BrokerLink link)
    {
        var job = new Job
        {
            Id = 1,
            Rule = s_rule.Name,
            Path = new BytePath("f.raw"u8),
            Version = new FileVersion(1, 1, 1),
            Evidence = Evidence.RenamedFromTemporary,
            State = JobState.Running,
        };
        var message = CompletionMessage.Of(s_rule, Options(queue), new Attempt(job, 1), "ledger", out string? trouble);
        Assert.Null(trouble);
        return await publisher.PublishAsync(link, message, isSuspect: false, CancellationToken.None);
    }

    private static Publisher PublisherTo(string queue, TimeSpan patience, Broker connections) => new(
        s_rule.Name, connections, Options(queue) with { ConfirmTimeout = patience }, new ListLogger<Publisher>());

    private static RabbitMqOptions Options(string queue) => new()
    {
        Broker = new BrokerAddress { Host = "127.0.0.1", Port = 1 }, // the links are made by the test
        Exchange = DispatchRig.Command("")[0],
        RoutingKey = DispatchRig.Command(queue)[0],
    };
}
