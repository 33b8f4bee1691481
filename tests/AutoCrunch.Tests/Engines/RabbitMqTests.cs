using AutoCrunch.Core;
using RabbitMQ.Client;

namespace AutoCrunch.Tests.Engines;

/// <summary>What goes to a real broker, and what becomes of a job when the broker does not want it.</summary>
[Collection(RabbitBroker.Collection)]
public sealed class RabbitMqTests(RabbitBroker broker)
{
    private readonly RabbitBroker _broker = RabbitBroker.IsInstalled ? broker.Started() : broker;

    [RabbitFact]
    public async Task A_finished_file_is_told_of_in_one_persistent_message_with_its_exact_bytes()
    {
        using var service = new RabbitService(_broker,
            """{ "RoutingKey": "{rule}.{name}", "Headers": { "name": "{name}", "kind": "raw" } }""");
        await service.DeclareAsync();
        await service.ConsumeAsync();
        service.Start();
        string[] names = ["plain.raw", @"a\xFFb.raw", @"two\x0Alines"];
        BytePath[] files = Array.ConvertAll(names, name => service.Arrive(name));
        Job[] jobs = service.Until(files.Length, JobState.Succeeded);
        Wait.Until(() => service.Messages.Count >= files.Length);
        Received[] messages = [.. service.Messages.OrderBy(message => message.Body.GetProperty("job").GetInt64())];
        Assert.Equal(files, messages.Select(message => message.Path));
        Assert.Equal(
            jobs.Select(job => job.Id), messages.Select(message => message.Body.GetProperty("job").GetInt64()));
        foreach ((Received message, Job job) in messages.Zip(jobs))
        {
            Assert.Contains($"-{job.Id}-", message.Id, StringComparison.Ordinal);
            Assert.Equal(message.Id, message.Body.GetProperty("id").GetString());
            Assert.Equal(job.Path, new BytePath(message.Body.GetProperty("relativePathBase64").GetBytesFromBase64()));
            Assert.Equal(job.Path.ToString(), message.Body.GetProperty("relativePath").GetString());
            Assert.Equal(job.Path.Name.Span.ToArray(), Assert.IsType<byte[]>(message.Properties.Headers!["name"]));
            Assert.Equal($"raw.{job.Path}", message.RoutingKey);
            Assert.Equal(7, message.Body.GetProperty("size").GetInt64());
            Assert.Equal("Renamed", message.Body.GetProperty("evidence").GetString());
            Assert.Equal(1, message.Body.GetProperty("attempt").GetInt32());
            Assert.False(message.Body.GetProperty("mayBeRepeat").GetBoolean());
            IReadOnlyBasicProperties properties = message.Properties;
            Assert.Equal(DeliveryModes.Persistent, properties.DeliveryMode);
            Assert.Equal(("application/json", "utf-8"), (properties.ContentType, properties.ContentEncoding));
            Assert.Equal("autocrunch", properties.AppId);
            Assert.True(properties.IsTimestampPresent());
        }

        Assert.Equal(
            ["format", "id", "rule", "job", "attempt", "mayBeRepeat", "path", "pathBase64", "relativePath",
                "relativePathBase64", "size", "mtime", "version", "evidence", "arrived", "completed", "started"],
            messages[0].Body.EnumerateObject().Select(field => field.Name));
        service.Stop();
    }

    [RabbitFact]
    public async Task A_message_no_queue_is_bound_for_fails_with_the_reason_and_is_tried_again()
    {
        using var service = new RabbitService(_broker);
        await service.DeclareAsync("elsewhere");
        service.Start().Arrive("a.raw");
        Job job = Assert.Single(service.Until(1, JobState.Failed));
        Assert.Equal((2, 2), (job.Attempts, job.Failures));
        Assert.All(service.Attempts(job.Id), attempt => Assert.StartsWith(
            $"no queue is bound to the exchange '{service.Name}' with the routing key 'arrived.raw'",
            attempt.Reason, StringComparison.Ordinal));

        await service.DeclareAsync();
        await service.ConsumeAsync();
        Assert.Equal(0, service.Verb("retry", $"{job.Id}").ExitCode);
        service.Until(1, JobState.Succeeded);
        Wait.Until(() => !service.Messages.IsEmpty);
        Received message = Assert.Single(service.Messages);
        Assert.True(message.Body.GetProperty("mayBeRepeat").GetBoolean());
        Assert.Equal(3, message.Body.GetProperty("attempt").GetInt32());
    }

    [RabbitFact]
    public async Task A_missing_exchange_is_told_of_once_and_its_jobs_wait_until_it_is_declared()
    {
        using var service = new RabbitService(_broker);
        service.Start();
        for (int i = 0; i < 20; i++)
            service.Arrive($"{i}.raw");
        string line = service.UntilLogged("refuses its messages");
        Assert.Contains(
            $"there is no exchange '{service.Name}' in the virtual host '/': declare it, or mend Exchange", line,
            StringComparison.Ordinal);

        // What is not routed goes on to an exchange that has its queue: from the first moment each message has a place.
        await service.DeclareAsync(exchange: service.Name + "-rest");
        await using IConnection connection = await _broker.ConnectAsync();
        await using IChannel channel = await connection.CreateChannelAsync();
        await channel.ExchangeDeclareAsync(service.Name, "topic", durable: true, arguments:
            new Dictionary<string, object?> { ["alternate-exchange"] = service.Name + "-rest" });
        Job[] jobs = service.Until(20, JobState.Succeeded);
        Assert.All(jobs, job => Assert.Equal((1, 0, 0), (job.Attempts, job.Failures, job.Crashes)));
        service.OnceLogged("refuses its messages");
        service.OnceLogged("takes its messages again");
    }

    [RabbitFact]
    public async Task A_message_that_closes_its_channel_fails_alone_and_all_others_get_through()
    {
        using var service = new RabbitService(_broker);
        service.Change($$"""{ "Exchange": "{{service.Name}}{extension}" }""");
        await service.DeclareAsync(exchange: service.Name + ".raw");
        await service.ConsumeAsync();
        service.Start();
        for (int i = 0; i < 40; i++)
            service.Arrive(i % 10 == 5 ? $"{i}.bad" : $"{i}.raw");
        Wait.Until(() => service.Jobs() is { Length: 40 } all
            && all.All(job => job.State is JobState.Succeeded or JobState.Failed));
        Job[] jobs = service.Jobs();
        Assert.All(jobs, job => Assert.Equal(
            CommandTemplate.ExtensionOf(job.Path.Name.Span).SequenceEqual(".bad"u8), job.State == JobState.Failed));
        Assert.All(jobs.Where(job => job.State == JobState.Succeeded), job => Assert.Equal(0, job.Failures));
        Assert.All(jobs.Where(job => job.State == JobState.Failed), job => Assert.StartsWith(
            $"there is no exchange '{service.Name}.bad'", service.Attempts(job.Id)[^1].Reason,
            StringComparison.Ordinal));
        Wait.Until(() => service.Messages.Select(message => message.Id).Distinct(StringComparer.Ordinal).Count() == 36);
    }

    [RabbitFact]
    public async Task An_exchange_the_user_may_not_write_to_is_told_of_with_the_remedy()
    {
        using var service = new RabbitService(_broker, """{ "Exchange": "closed" }""");
        await service.DeclareAsync(exchange: "closed");
        service.Start().Arrive("a.raw");
        string line = service.UntilLogged("refuses its messages");
        Assert.Contains("the user 'autocrunch' may not publish there", line, StringComparison.Ordinal);
        Assert.Contains("rabbitmqctl set_permissions", line, StringComparison.Ordinal);
        service.Stop();
        Assert.Equal(JobState.Queued, Assert.Single(service.Jobs()).State);
    }

    [RabbitFact]
    public async Task A_message_that_a_full_queue_refuses_fails_with_the_reason()
    {
        using var service = new RabbitService(_broker, """{ "Exchange": "", "RoutingKey": "full" }""");
        await using IConnection connection = await _broker.ConnectAsync();
        await using IChannel channel = await connection.CreateChannelAsync();
        await channel.QueueDeclareAsync("full", durable: true, exclusive: false, autoDelete: true,
            new Dictionary<string, object?> { ["x-max-length"] = 1, ["x-overflow"] = "reject-publish" });
        service.Start().Arrive("a.raw");
        service.Until(1, JobState.Succeeded);
        service.Arrive("b.raw");
        Wait.Until(() => service.Jobs() is [_, { State: JobState.Failed }]);
        Assert.Equal("the broker refused the message for the queue 'full': is a queue bound there full?",
            service.Attempts(service.Jobs()[1].Id)[^1].Reason);
    }
}
