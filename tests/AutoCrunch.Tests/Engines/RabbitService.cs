using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using AutoCrunch.Tests.Hosting;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace AutoCrunch.Tests.Engines;

/// <summary>One message as a consumer gets it.</summary>
internal sealed record Received(IReadOnlyBasicProperties Properties, string RoutingKey, JsonElement Body)
{
    public string Id => Properties.MessageId!;

    public BytePath Path => new(Body.GetProperty("pathBase64").GetBytesFromBase64());
}

/// <summary>
/// The service with one rule that publishes, in a directory of its own; and an exchange, a queue and a consumer of its
/// own at the broker.
/// </summary>
internal sealed class RabbitService : IDisposable
{
    private readonly RabbitBroker _broker;
    private readonly JsonObject _dispatcher;
    private readonly JsonObject _retry = new() { ["MaxAttempts"] = 2, ["Delay"] = "00:00:00.100" };
    private JsonObject? _other;
    private ServiceProcess? _service;
    private IConnection? _connection;
    private string _earlier = "";

    /// <param name="broker">The broker.</param>
    /// <param name="dispatcher">Members of the section Dispatcher, as JSON; null leaves one out.</param>
    public RabbitService(RabbitBroker broker, string dispatcher = "{}")
    {
        _broker = broker;
        Directory.MakeDirectory("incoming");
        _dispatcher = new JsonObject
        {
            ["Type"] = "RabbitMq",
            ["Uri"] = broker.Uri,
            ["User"] = "autocrunch",
            ["PasswordFile"] = broker.PasswordFile,
            ["Exchange"] = Name,
            ["RoutingKey"] = "arrived.{rule}",
        };
        Change(dispatcher);
    }

    public TempDirectory Directory { get; } = new();

    /// <summary>The name of the exchange and of the queue.</summary>
    public string Name { get; } = "t-" + Guid.NewGuid().ToString("N")[..12];

    public ConcurrentQueue<Received> Messages { get; } = new();

    /// <summary>How often a job is tried.</summary>
    public int MaxAttempts
    {
        init
        {
            _retry["MaxAttempts"] = value;
            Change("{}");
        }
    }

    /// <summary>What the service has said in all its lives.</summary>
    public string Log => _earlier + _service?.Output + _service?.Error;

    /// <summary>Adds a rule "other", with the directory "other", whose section Dispatcher differs in this.</summary>
    public void AddOther(string dispatcher)
    {
        Directory.MakeDirectory("other");
        _other = _dispatcher.DeepClone().AsObject();
        Change(_other, dispatcher);
        Change("{}");
    }

    /// <summary>Changes the section Dispatcher, for the next start.</summary>
    public void Change(string dispatcher)
    {
        Change(_dispatcher, dispatcher);
        var rules = new JsonObject { ["raw"] = RuleOf("incoming", _dispatcher) };
        if (_other is not null)
            rules["other"] = RuleOf("other", _other);
        Directory.Write("appsettings.json", new JsonObject
        {
            ["AutoCrunch"] = new JsonObject
            {
                ["Rules"] = rules,
            },
            ["Serilog"] = new JsonObject { ["MinimumLevel"] = "Debug" },
        }.ToJsonString());
    }

    private static void Change(JsonObject dispatcher, string changes)
    {
        foreach ((string key, JsonNode? value) in JsonNode.Parse(changes)!.AsObject())
        {
            dispatcher.Remove(key);
            if (value is not null)
                dispatcher[key] = value.DeepClone();
        }
    }

    private JsonObject RuleOf(string path, JsonObject dispatcher) => new()
    {
        ["Path"] = path,
        ["MaxExistingFiles"] = 0,
        ["Completion"] = new JsonObject { ["QuietPeriod"] = "00:00:00.500" },
        ["Dispatcher"] = dispatcher.DeepClone(),
        ["Retry"] = _retry.DeepClone(),
    };

    public RabbitService Start()
    {
        _earlier = Log;
        _service?.Dispose();
        _service = new ServiceProcess(Directory, "run", "--config", Directory["appsettings.json"].ToString()).Ready();
        return this;
    }

    public void Stop() => Assert.Equal(0, _service!.Stop());

    public void KillForGood()
    {
        _service!.Signal(Signals.SIGKILL);
        _service.ExitCode();
    }

    /// <summary>Runs a verb; returns its exit code and all it says.</summary>
    public (int ExitCode, string Output) Verb(params string[] arguments)
    {
        (int exitCode, string output, string error) = Tool.TryRun(
            ServiceProcess.Program, [.. arguments, "--config", Directory["appsettings.json"].ToString()]);
        return (exitCode, output + error);
    }

    /// <summary>Declares the exchange and the durable queue, bound to each other.</summary>
    public async Task DeclareAsync(string routingKey = "#", string? exchange = null)
    {
        await using IConnection connection = await _broker.ConnectAsync();
        await using IChannel channel = await connection.CreateChannelAsync();
        await channel.ExchangeDeclareAsync(exchange ?? Name, "topic", durable: true);
        await channel.QueueDeclareAsync(Name, durable: true, exclusive: false, autoDelete: false);
        await channel.QueueBindAsync(Name, exchange ?? Name, routingKey);
    }

    /// <summary>Consumes all there is and will be, until the broker ends or this is disposed of.</summary>
    public async Task ConsumeAsync()
    {
        _connection?.Dispose();
        _connection = await _broker.ConnectAsync();
        IChannel channel = await _connection.CreateChannelAsync();
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, delivery) =>
        {
            using JsonDocument body = JsonDocument.Parse(delivery.Body);
            Messages.Enqueue(new Received(
                new BasicProperties(delivery.BasicProperties), delivery.RoutingKey, body.RootElement.Clone()));
            return Task.CompletedTask;
        };
        await channel.BasicConsumeAsync(Name, autoAck: true, consumer);
    }

    /// <summary>A file arrives as with rsync: renamed into place.</summary>
    public BytePath Arrive(string name, string content = "content", string directory = "incoming")
    {
        BytePath file = Directory.Write("arriving", content);
        BytePath place = Directory[directory].Join(BytePath.Parse(name));
        Assert.Equal(0, PathOps.TryRename(file, place));
        return place;
    }

    /// <summary>All jobs, oldest first.</summary>
    public Job[] Jobs()
    {
        using LedgerReader reader = LedgerReader.Open(Directory["state"]);
        return [.. reader.List(new JobQuery()).Reverse()];
    }

    /// <summary>How each attempt of a job ended.</summary>
    public IReadOnlyList<AttemptRecord> Attempts(long job)
    {
        using LedgerReader reader = LedgerReader.Open(Directory["state"]);
        return reader.Attempts(job);
    }

    /// <summary>Waits until there are so many jobs, and all are in a state.</summary>
    public Job[] Until(int count, JobState state, TimeSpan? bound = null)
    {
        Job[] jobs = [];
        Until(
            () => (jobs = Jobs()).Length == count && jobs.All(job => job.State == state),
            () => $"{count} jobs {state}, but {string.Join<Job>(", ", jobs.Take(20))}", bound);
        return jobs;
    }

    /// <summary>Waits until the log says this; returns the line.</summary>
    public string UntilLogged(string text)
    {
        string[] lines = [];
        Until(() => (lines = Lines(text)).Length > 0, () => $"a log line with '{text}'");
        return lines[0];
    }

    /// <summary>Waits until the log says this, and fails if it has said it more than once.</summary>
    /// <remarks>A line may come through the pipe later than the job it tells of can be seen in the ledger.</remarks>
    public void OnceLogged(string text)
    {
        UntilLogged(text);
        Assert.Single(Lines(text));
    }

    /// <summary>Waits for a fact; all the service has said is in the message if it does not come.</summary>
    public void Until(Func<bool> fact, Func<string> what, TimeSpan? bound = null)
    {
        try
        {
            Wait.Until(fact, bound);
        }
        catch (Xunit.Sdk.FailException)
        {
            Assert.Fail($"Not within {bound ?? Wait.Bound}: {what()}\n{Log}");
        }
    }

    /// <summary>The lines of the log with this.</summary>
    public string[] Lines(string text) =>
        [.. Log.Split('\n').Where(line => line.Contains(text, StringComparison.Ordinal))];

    public void Dispose()
    {
        _service?.Dispose();
        _connection?.Dispose();
        Directory.Dispose();
    }
}
