using System.Globalization;
using AutoCrunch.Core;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.Engines;

/// <summary>
/// What dispatchers that run a command owe: the real service, real files, the job under test (Programs/job.c), run by a
/// real engine. A dispatcher's own test class derives from this one.
/// </summary>
public abstract class CommandConformance : DispatcherConformance
{
    // Two names of one byte each that .NET would make one, a newline, what shells and systemd read, a leading dash.
    private const string HardNames =
        """$'\xff.raw' $'\xfe.raw' $'new\nline.raw' 'a "quoted" $HOME %n \\ `x`.raw' $'it\'s.raw' -n.raw {path}.raw""";

    /// <summary>Members of the section <c>Dispatcher</c> that choose the engine, as JSON text.</summary>
    protected abstract string Engine { get; }

    /// <summary>Whether what runs goes on when the service ends.</summary>
    protected abstract bool Outlives { get; }

    /// <summary>The shortest Timeout that the engine keeps, and how it says so; null when the engine's own tests
    /// show it.</summary>
    protected virtual TimeSpan? ShortestTimeout => TimeSpan.FromSeconds(1);

    /// <summary>Members of the section that make the end of a job quick; empty where the engine decides.</summary>
    protected virtual string Grace => "\"KillGrace\": \"00:00:00.500\"";

    /// <summary>Starts the service; a place for what an engine needs before.</summary>
    private protected virtual void Start(ServiceUnderTest service) => service.Start();

    public override void A_job_that_succeeds_has_run_once()
    {
        using ServiceUnderTest service = NewService(new RuleText { Job = ["say=seen by the job", "say=twice"] });
        Arena arena = Run(service, "new $S/f.raw; rsync -a $S/ $D/");
        arena.ExpectOneMore([BytePath.Parse("f.raw")]);
        service.UntilIdle();
        Assert.Equal((LedgerView.Succeeded, 1), OnlyJob(service));
        Assert.Equal("seen by the job\ntwice\n", Output(service, 1));
        service.Stop();
    }

    public override void A_job_that_fails_is_tried_again_with_the_next_number_and_the_reason_is_known()
    {
        using ServiceUnderTest service = NewService(new RuleText { Job = ["say=what went wrong", "fail-first=2"] });
        Arena arena = Run(service, "new $S/f.raw; rsync -a $S/ $D/");
        service.Until(
            () => arena.Started().LastOrDefault() is { Attempt: 3, End: not null }, () => "the third attempt");
        service.UntilIdle();
        Assert.Equal([1, 2, 3], arena.Started().Select(record => record.Attempt));
        Assert.Equal((LedgerView.Succeeded, 3), OnlyJob(service));
        service.UntilLogged("f.raw", "code 1");
        service.UntilLogged("| what went wrong");
        service.Stop();
    }

    public override void A_failure_that_no_repetition_can_mend_is_for_good_at_once()
    {
        using ServiceUnderTest service = NewService(new RuleText
        {
            Job = ["exit=65"],
            Retry = """{ "Delay": "00:00:00.100", "MaxAttempts": 5, "PermanentExitCodes": [65] }""",
        });
        Run(service, "new $S/f.raw; rsync -a $S/ $D/");
        service.UntilLogged("f.raw", "code 65");
        service.UntilIdle();
        Assert.Equal((LedgerView.Failed, 1), OnlyJob(service));
        service.Stop();
    }

    [Fact]
    public void A_job_that_takes_too_long_is_ended_with_all_its_children()
    {
        if (ShortestTimeout is not { } timeout)
            return;
        using ServiceUnderTest service = NewService(
            new RuleText
            {
                Job = ["ignore-term=", "children=3", "wait-forever="],
                Retry = """{ "MaxAttempts": 1 }""",
            },
            $"\"Timeout\": \"{timeout:c}\"{(Grace.Length > 0 ? ", " + Grace : "")}");
        Arena arena = Run(service, "new $S/f.raw; rsync -a $S/ $D/");
        service.Until(() => arena.Started().Count == 1, () => "the job");
        service.UntilIdle();
        Assert.Equal((LedgerView.Failed, 1), OnlyJob(service));
        service.UntilLogged("f.raw", timeout.ToString("c", CultureInfo.InvariantCulture));
        service.Until(
            () => Kill.ProcessesWith("AUTOCRUNCH_PATH=" + service.Base).Length == 0, () => "the end of its children");
        service.Stop();
    }

    public override void A_cancelled_job_is_ended_and_does_not_run_again()
    {
        using ServiceUnderTest service = NewService(
            new RuleText { Job = ["children=2", "wait-forever="] }, Grace);
        Arena arena = Run(service, "new $S/f.raw; rsync -a $S/ $D/");
        service.Until(() => arena.Started().Count == 1, () => "the job");
        Verb(service, "cancel", "1");
        service.UntilIdle();
        Assert.Equal((4, 1), OnlyJob(service));
        service.Until(
            () => Kill.ProcessesWith("AUTOCRUNCH_PATH=" + service.Base).Length == 0, () => "the end of its children");
        service.Stop();
    }

    public override void Every_byte_of_a_path_reaches_the_job()
    {
        using ServiceUnderTest service = NewService(new RuleText());
        Arena arena = Run(
            service, $"for n in {HardNames}; do mkdir -p \"$S/$n.d\"; echo x >\"$S/$n.d/$n\"; done; rsync -a $S/ $D/");
        arena.ExpectOneMore(arena.Files().Keys);
        Assert.Equal(7, arena.Started().Count);
        service.Stop();
    }

    public override void A_job_is_told_what_it_is_for()
    {
        using ServiceUnderTest service = NewService(
            new RuleText
            {
                Command =
                [
                    "/bin/sh", "-c",
                    "pwd; printf '%s\\n' \"$GREETING\" \"$AUTOCRUNCH_NAME\" \"$AUTOCRUNCH_RULE $AUTOCRUNCH_JOB_ID\""
                    + " \"$AUTOCRUNCH_ATTEMPT $AUTOCRUNCH_SIZE\" \"none:$NOTIFY_SOCKET$DOTNET_ROOT$JOURNAL_STREAM\"",
                ],
            },
            """
            "Environment": { "GREETING": "it's \"100 %\" $HOME \\ ok" }, "WorkingDirectory": "work"
            """);
        string work = Directory.CreateDirectory(Path.Combine(service.Base, "work")).FullName;
        Run(service, "printf 12345 >$S/f.raw; rsync -a $S/ $D/");
        service.UntilLogged("succeeded", "f.raw");
        service.UntilIdle();
        Assert.Equal(
            $"{work}\nit's \"100 %\" $HOME \\ ok\nf.raw\nraw 1\n1 5\nnone:\n", Output(service, 1));
        service.Stop();
    }

    public override void No_more_jobs_run_at_once_than_the_rule_allows_and_all_run()
    {
        using ServiceUnderTest service = NewService(new RuleText { Job = ["wait-for=go"], Concurrency = 3 });
        Arena arena = Run(service, "for i in $(seq 8); do new $S/$i.raw; done; rsync -a $S/ $D/");
        service.Until(() => arena.Started().Count == 3, () => "three jobs");
        service.Until(() => Jobs(service).Count == 8, () => "eight jobs in the ledger");
        Assert.Equal(3, arena.Started().Count);
        File.WriteAllText(Path.Combine(service.Base, "go"), "");
        arena.ExpectOneMore(arena.Files().Keys);
        service.UntilIdle();
        Assert.All(Jobs(service), job => Assert.Equal((LedgerView.Succeeded, 1), (job.State, job.Attempts)));
        service.Stop();
    }

    public override void After_a_stop_or_a_kill_of_the_service_no_two_attempts_overlap_and_each_job_ends(bool isKilled)
    {
        using ServiceUnderTest service = NewService(new RuleText { Job = ["wait-for=go"] });
        Arena arena = Run(service, "new $S/f.raw; new $S/g.raw; rsync -a $S/ $D/");
        service.Until(() => arena.Started().Count == 2, () => "two jobs");
        End(service, isKilled);
        Start(service);
        int attempts = Outlives ? 1 : 2;
        service.Until(() => arena.Started().Count == 2 * attempts, () => "the jobs of the second life");
        File.WriteAllText(Path.Combine(service.Base, "go"), "");
        service.Until(
            () => arena.Started().Count(record => record.End is not null) == 2, () => "the end of both jobs");
        service.UntilIdle();
        Assert.All(Jobs(service), job => Assert.Equal((LedgerView.Succeeded, attempts), (job.State, job.Attempts)));
        Assert.Equal(2 * attempts, arena.Started().Count);
        service.Stop();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_ended_while_the_service_was_down_is_collected(bool isKilled)
    {
        if (!Outlives)
            return;
        using ServiceUnderTest service = NewService(
            new RuleText
            {
                Job = ["wait-for=go", "say=ended alone", "fail-first=1"],
                Retry = """{ "MaxAttempts": 1 }""",
            });
        Arena arena = Run(service, "new $S/f.raw; rsync -a $S/ $D/");
        service.Until(() => arena.Started().Count == 1, () => "the job");
        End(service, isKilled);
        File.WriteAllText(Path.Combine(service.Base, "go"), "");
        service.Until(() => arena.Started() is [{ End: not null }], () => "the end of the job");
        Start(service);
        service.UntilIdle();
        Assert.Equal((LedgerView.Failed, 1), OnlyJob(service));
        Assert.Equal("ended alone\n", Output(service, 1));
        Assert.Single(arena.Started());
        service.Stop();
    }

    /// <summary>A service whose one rule runs its jobs in the engine.</summary>
    /// <param name="rule">The rule.</param>
    /// <param name="more">Further members of the section <c>Dispatcher</c>.</param>
    private protected ServiceUnderTest NewService(RuleText rule, string more = "")
    {
        string where = more.Contains("WorkingDirectory", StringComparison.Ordinal)
            ? ""
            : ", \"WorkingDirectory\": \".\""; // not every engine has this default
        return Create(
            "{ \"ShutdownGrace\": \"00:00:00.500\" }",
            rule with { Dispatcher = $"{{ {Engine}{(more.Length > 0 ? ", " + more : "")}{where} }}" });
    }

    /// <summary>Makes the service; elsewhere, if the engine is there only.</summary>
    private protected virtual ServiceUnderTest Create(string settings, RuleText rule) => new(settings, rule);

    private protected Arena Run(ServiceUnderTest service, string script)
    {
        Start(service);
        var arena = new Arena(service);
        arena.Script(script);
        return arena;
    }

    private protected static IReadOnlyList<LedgerJob> Jobs(ServiceUnderTest service)
    {
        using var ledger = new LedgerView(service.Base);
        return ledger.Jobs();
    }

    private protected static (int State, int Attempts) OnlyJob(ServiceUnderTest service)
    {
        LedgerJob job = Assert.Single(Jobs(service));
        return (job.State, job.Attempts);
    }

    /// <summary>What <c>show --log</c> prints of a job.</summary>
    private protected static string Output(ServiceUnderTest service, long job) =>
        Verb(service, "show", job.ToString(CultureInfo.InvariantCulture), "--log");

    private protected static string Verb(ServiceUnderTest service, params string[] arguments)
    {
        Command verb = Command.Run(
            "dotnet", [ServiceUnderTest.Program, .. arguments, "--config", service.ConfigurationFile]);
        Assert.True(verb.ExitCode == 0, $"{string.Join(' ', arguments)}: {verb.Error}");
        return verb.Output;
    }

    private static void End(ServiceUnderTest service, bool isKilled)
    {
        if (isKilled)
            service.KillForGood();
        else
            service.Stop();
    }
}
