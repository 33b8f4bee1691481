using System.Diagnostics;
using System.Globalization;
using AutoCrunch.Core;
using AutoCrunch.Linux;
using RabbitMQ.Client;

namespace AutoCrunch.Tests.Engines;

/// <summary>Brokers and services that end at the wrong moment: nothing is lost, and repeats can be told.</summary>
[Collection(RabbitBroker.Collection)]
public sealed class RabbitLossTests(RabbitBroker broker)
{
    private static readonly TimeSpan s_bound = TimeSpan.FromMinutes(3);

    private readonly RabbitBroker _broker = RabbitBroker.IsInstalled ? broker.Started() : broker;

    [RabbitFact]
    public async Task Of_10000_publishes_none_is_lost_when_the_broker_and_the_service_are_killed_in_the_middle()
    {
        const int files = 10_000;
        using var service = new RabbitService(_broker);
        await service.DeclareAsync();
        for (int i = 0; i < files; i++)
            service.Arrive(i.ToString(CultureInfo.InvariantCulture), "");
        long start = Stopwatch.GetTimestamp();
        service.Start();

        service.Until(() => Done(service) > 1000, () => "1000 messages", s_bound);
        _broker.KillForGood();
        service.UntilLogged("cannot be used at present");
        _broker.Launch();
        int before = Done(service);
        Assert.True(before < files, "the broker was killed too late");
        int enough = Math.Min(before + 1000, files - 1);
        service.Until(() => Done(service) > enough, () => "1000 messages more", s_bound);
        service.KillForGood();
        service.Start();

        Job[] jobs = service.Until(files, JobState.Succeeded, s_bound);
        TimeSpan taken = Stopwatch.GetElapsedTime(start);
        await service.ConsumeAsync();
        service.Until(() => Paths(service).Count == files, () => $"{files} paths", s_bound);
        Assert.All(jobs, job => Assert.Equal((0, 0), (job.Failures, job.Crashes)));
        Assert.Equal(
            files, service.Messages.Select(message => message.Id).Distinct(StringComparer.Ordinal).Count());
        Assert.All(
            service.Messages.GroupBy(message => message.Id, StringComparer.Ordinal),
            repeats => Assert.Single(repeats.Select(message => message.Path).Distinct()));
        service.OnceLogged("cannot be used at present");
        Report(string.Create(CultureInfo.InvariantCulture, $"RabbitMQ: {files} publishes, with the broker and the "
            + $"service killed on the way, took {taken.TotalSeconds:F1} s; {service.Messages.Count - files} repeated"));
    }

    [RabbitFact]
    public async Task Jobs_wait_for_a_broker_that_is_not_there_and_are_not_blamed_for_it()
    {
        using var service = new RabbitService(_broker, """{ "Concurrency": 5 }""");
        await service.DeclareAsync();
        _broker.Stop(); // killed at once, it may forget what it was told of just now: seen with a queue's binding
        service.Start();
        string line = service.UntilLogged("cannot be used at present");
        Assert.Contains($"nothing listens on port {_broker.Port} of 127.0.0.1", line, StringComparison.Ordinal);
        for (int i = 0; i < 20; i++)
            service.Arrive($"{i}.raw");
        service.Arrive("gone.raw");
        Wait.Until(() => service.Jobs().Length == 21);
        Job cancelled = service.Jobs()[0];
        Wait.Until(() => service.Jobs()[0].State == JobState.Running);
        Assert.Equal(0, service.Verb("cancel", $"{cancelled.Id}").ExitCode);
        service.Stop(); // at once, and without an attempt that is not one
        Assert.All(service.Jobs(), job => Assert.Equal(
            (job.Id == cancelled.Id ? JobState.Cancelled : JobState.Queued, 0), (job.State, job.Attempts)));

        service.Start();
        service.UntilLogged("cannot be used at present");
        service.Directory.Unlink("incoming/gone.raw"); // what is gone meanwhile is told to nobody
        _broker.Started();
        await service.ConsumeAsync();
        service.Until(
            () => service.Jobs().Count(job => job.State == JobState.Succeeded) == 19,
            () => string.Join<Job>('\n', service.Jobs()),
            TimeSpan.FromMinutes(2)); // the next try may be a minute away
        Wait.Until(() => service.Jobs().Count(job => job.Reason == JobReason.Gone) == 1);
        Wait.Until(() => service.Messages.Count == 19);
        Assert.All(service.Jobs().Where(job => job.State == JobState.Succeeded),
            job => Assert.Equal((1, 0, 0), (job.Attempts, job.Failures, job.Crashes)));
    }

    [RabbitFact]
    public async Task A_broker_that_does_not_confirm_in_time_is_connected_to_anew_and_the_message_sent_again()
    {
        using var service = new RabbitService(_broker, """{ "ConfirmTimeout": "00:00:01" }""");
        await service.DeclareAsync();
        service.Start().Arrive("first.raw");
        service.Until(1, JobState.Succeeded);
        _broker.Signal(Signals.SIGSTOP);
        try
        {
            service.Arrive("second.raw");
            service.UntilLogged("it has confirmed no message for 00:00:01");
        }
        finally
        {
            _broker.Signal(Signals.SIGCONT);
        }

        Job[] jobs = service.Until(2, JobState.Succeeded);
        Assert.All(jobs, job => Assert.Equal((1, 0), (job.Attempts, job.Failures)));
        service.UntilLogged("can be used again");
        await service.ConsumeAsync();
        Wait.Until(() => service.Messages.Any(message => message.Body.GetProperty("mayBeRepeat").GetBoolean()));
        Assert.Equal(2, service.Messages.Select(message => message.Id).Distinct(StringComparer.Ordinal).Count());
        service.OnceLogged("cannot be used at present");
    }

    [RabbitFact]
    public async Task A_queue_that_does_not_confirm_holds_up_its_own_rule_alone()
    {
        using var service = new RabbitService(_broker);
        (string sick, string well) = (service.Name + "-sick", service.Name + "-well");
        await using IConnection connection = await _broker.ConnectAsync();
        await using IChannel channel = await connection.CreateChannelAsync();
        foreach (string queue in new[] { sick, well })
            await channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false);
        service.Change($$"""{ "Exchange": "", "RoutingKey": "{{sick}}", "ConfirmTimeout": "00:00:01" }""");
        service.AddOther($$"""{ "RoutingKey": "{{well}}", "ConfirmTimeout": "00:01:00" }""");
        service.Start().Arrive("a.raw");
        service.Until(1, JobState.Succeeded);
        _broker.Control("eval", SuspendUntil(sick, service.Directory["well"]));
        int others = 0;
        try
        {
            service.Arrive("b.raw");
            service.Until(() => State(service, "b.raw") == JobState.Running, () => "a message on the way");
            service.Until(() =>
            {
                service.Arrive($"{others++}.raw", directory: "other");
                return service.Lines("while others on the connection were").Length > 0;
            }, () => "the refusal");
            service.Until(
                () => service.Jobs().Count(job => job.State == JobState.Succeeded) == 1 + others,
                () => "all messages of the other rule");
            Assert.Equal(JobState.Running, State(service, "b.raw"));
        }
        finally
        {
            service.Directory.Write("well");
        }

        Job[] jobs = service.Until(2 + others, JobState.Succeeded);
        Assert.All(jobs, job => Assert.Equal((1, 0), (job.Attempts, job.Failures)));
        service.UntilLogged("takes its messages again");
        Assert.Empty(service.Lines("cannot be used at present")); // the connection was left alone
        Assert.InRange(await channel.MessageCountAsync(sick), 2u, 100u);
    }

    // Erlang: a queue does nothing until there is such a file. Another call of rabbitmqctl would take seconds.
    internal static string SuspendUntil(string queue, BytePath file) => $$"""
        {ok, Q} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"/">>, queue, <<"{{queue}}">>)), P = amqqueue:get_pid(Q),
        sys:suspend(P), spawn(fun Look() -> case filelib:is_file("{{file}}") of
            true -> sys:resume(P);
            false -> timer:sleep(20), Look()
        end end).
        """;

    private static JobState? State(RabbitService service, string name) =>
        service.Jobs().FirstOrDefault(job => job.Path.ToString() == name)?.State;

    private static void Report(string line)
    {
        if (Environment.GetEnvironmentVariable("AUTOCRUNCH_TESTS_REPORT") is { Length: > 0 } folder)
            File.WriteAllText(Path.Combine(folder, "rabbitmq.txt"), line + "\n");
    }

    private static int Done(RabbitService service) =>
        service.Jobs().Count(job => job.State == JobState.Succeeded);

    private static HashSet<BytePath> Paths(RabbitService service) =>
        [.. service.Messages.Select(message => message.Path)];
}
