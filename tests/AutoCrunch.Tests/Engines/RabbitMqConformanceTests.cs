using System.Diagnostics.CodeAnalysis;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Tests.Engines;

/// <summary>
/// Jobs as messages to a real broker. What only a command has cannot be shown: a Timeout and children to end, output, a
/// working directory, and an outcome that is left while the service is down: what was not confirmed is sent again.
/// </summary>
[Collection(RabbitBroker.Collection)]
public sealed class RabbitMqConformanceTests(RabbitBroker broker) : DispatcherConformance
{
    private readonly RabbitBroker _broker = RabbitBroker.IsInstalled ? broker.Started() : broker;

    [RabbitFact]
    public override void A_job_that_succeeds_has_run_once()
    {
        using RabbitService service = NewService();
        service.Start().Arrive("f.raw");
        Job job = Assert.Single(service.Until(1, JobState.Succeeded));
        Assert.Equal((1, 0), (job.Attempts, job.Failures));
        service.Until(() => !service.Messages.IsEmpty, () => "the message");
        service.Stop();
        Assert.Equal("f.raw", Assert.Single(service.Messages).Body.GetProperty("relativePath").GetString());
    }

    [RabbitFact]
    public override void A_job_that_fails_is_tried_again_with_the_next_number_and_the_reason_is_known()
    {
        using var service = new RabbitService(_broker) { MaxAttempts = 100 };
        Now(service.DeclareAsync("elsewhere"));
        Now(service.ConsumeAsync());
        service.Start().Arrive("f.raw");
        service.Until(() => service.Jobs() is [{ Failures: >= 2 }], () => "two failures");
        Now(service.DeclareAsync());
        Job job = Assert.Single(service.Until(1, JobState.Succeeded));
        IReadOnlyList<AttemptRecord> attempts = service.Attempts(job.Id);
        Assert.Equal(Enumerable.Range(1, job.Attempts), attempts.Select(attempt => attempt.Number));
        Assert.All(attempts.SkipLast(1), attempt => Assert.Contains(
            "no queue is bound", attempt.Reason, StringComparison.Ordinal));
        service.Until(() => !service.Messages.IsEmpty, () => "the message");
        Assert.Equal(job.Attempts, Assert.Single(service.Messages).Body.GetProperty("attempt").GetInt32());
        service.UntilLogged("no queue is bound");
    }

    [RabbitFact]
    public override void A_failure_that_no_repetition_can_mend_is_for_good_at_once()
    {
        using var service = new RabbitService(_broker, """{ "RoutingKey": "{name}{name}" }""");
        service.Start().Arrive(new string('x', 200));
        Job job = Assert.Single(service.Until(1, JobState.Failed));
        Assert.Equal(1, job.Attempts);
        Assert.Contains("AMQP allows 255", service.Attempts(job.Id)[0].Reason, StringComparison.Ordinal);
    }

    [RabbitFact]
    public override void A_cancelled_job_is_ended_and_does_not_run_again()
    {
        using var service = new RabbitService(_broker) { MaxAttempts = 100 }; // its exchange is missing: the job waits
        service.Start().Arrive("f.raw");
        service.UntilLogged("refuses its messages");
        Assert.Equal(0, service.Verb("cancel", "1").ExitCode);
        Assert.Equal((JobState.Cancelled, 0), (service.Jobs()[0].State, service.Jobs()[0].Failures));
        Now(service.DeclareAsync());
        Now(service.ConsumeAsync());
        service.Arrive("g.raw");
        service.Until(() => !service.Messages.IsEmpty, () => "the next message");
        Assert.Equal(2, Assert.Single(service.Messages).Body.GetProperty("job").GetInt64());
        Assert.Equal(JobState.Cancelled, service.Jobs()[0].State);
    }

    [RabbitFact]
    public override void Every_byte_of_a_path_reaches_the_job()
    {
        string[] names =
        [
            @"\xFF.raw", @"\xFE.raw", @"new\x0Aline.raw", "a \"quoted\" $HOME %n `x`.raw", "it's.raw", "-n.raw",
            "{path}.raw",
        ];
        using RabbitService service = NewService();
        service.Start();
        BytePath[] files = Array.ConvertAll(names, name => service.Arrive(name));
        service.Until(files.Length, JobState.Succeeded);
        service.Until(() => service.Messages.Count >= files.Length, () => "all messages");
        Assert.Equal(files.ToHashSet(), service.Messages.Select(message => message.Path).ToHashSet());
    }

    [RabbitFact]
    public override void A_job_is_told_what_it_is_for()
    {
        using RabbitService service = NewService();
        service.Start().Arrive("f.raw", "12345");
        service.Until(() => !service.Messages.IsEmpty, () => "the message");
        System.Text.Json.JsonElement body = Assert.Single(service.Messages).Body;
        Assert.Equal("f.raw raw", $"{body.GetProperty("relativePath")} {body.GetProperty("rule")}");
        Assert.Equal("1 1 5", $"{body.GetProperty("job")} {body.GetProperty("attempt")} {body.GetProperty("size")}");
    }

    [RabbitFact]
    public override void No_more_jobs_run_at_once_than_the_rule_allows_and_all_run()
    {
        using RabbitService service = NewService("""{ "Concurrency": 3 }""");
        service.Start().Arrive("first.raw");
        service.Until(1, JobState.Succeeded);
        _broker.Control("set_vm_memory_high_watermark", "0.00001"); // the alarm of a broker that is short of memory
        try
        {
            for (int i = 0; i < 20; i++)
                service.Arrive($"{i}.raw");
            service.UntilLogged("it takes no messages for now");
            Wait.Until(() => service.Jobs() is { Length: 21 } all
                && all.Count(job => job.State == JobState.Running) == 3
                && all.Count(job => job.State == JobState.Queued) == 17);
            long cancelled = service.Jobs().First(job => job.State == JobState.Running).Id;
            Assert.Equal(0, service.Verb("cancel", $"{cancelled}").ExitCode);
            Wait.Until(() => service.Jobs().Single(job => job.Id == cancelled).State == JobState.Cancelled);
        }
        finally
        {
            _broker.Control("set_vm_memory_high_watermark", "0.6");
        }

        Wait.Until(() => service.Jobs().Count(job => job.State == JobState.Succeeded) == 20);
        service.OnceLogged("cannot be used at present");
        service.OnceLogged("can be used again");
        Assert.All(service.Jobs(), job => Assert.Equal(0, job.Failures));
    }

    [RabbitTheory]
    [SuppressMessage("Usage", "xUnit1003", Justification = "The data are inherited; here each would run twice.")]
    public override void After_a_stop_or_a_kill_of_the_service_no_two_attempts_overlap_and_each_job_ends(bool isKilled)
    {
        using RabbitService service = NewService("""{ "Concurrency": 10 }""");
        service.Start().Arrive("first.raw");
        service.Until(1, JobState.Succeeded);
        _broker.Signal(Signals.SIGSTOP); // so that messages are on the way, and nobody knows how far
        try
        {
            for (int i = 0; i < 30; i++)
                service.Arrive($"{i}.raw");
            service.Until(
                () => service.Jobs().Count(job => job.State == JobState.Running) == 10, () => "ten on the way");
            if (isKilled)
                service.KillForGood();
            else
                service.Stop();
        }
        finally
        {
            _broker.Signal(Signals.SIGCONT);
        }

        service.Start();
        Job[] jobs = service.Until(31, JobState.Succeeded);
        Assert.All(jobs, job => Assert.Equal((0, 0), (job.Failures, job.Crashes)));
        service.Until(
            () => service.Messages.Select(message => message.Path).Distinct().Count() == 31, () => "all messages");
        Assert.All(service.Messages.GroupBy(message => message.Id, StringComparer.Ordinal), repeats =>
        {
            Assert.Single(repeats.Select(message => message.Path).Distinct());
            Assert.InRange(repeats.Count(message => !message.Body.GetProperty("mayBeRepeat").GetBoolean()), 0, 1);
        });
    }

    // With an exchange, a queue that is bound to it, and a consumer.
    private RabbitService NewService(string dispatcher = "{}")
    {
        var service = new RabbitService(_broker, dispatcher);
        Now(service.DeclareAsync());
        Now(service.ConsumeAsync());
        return service;
    }

    private static void Now(Task task) => task.GetAwaiter().GetResult();
}
