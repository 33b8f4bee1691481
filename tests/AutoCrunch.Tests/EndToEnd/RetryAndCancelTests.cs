using System.Text.Json;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.EndToEnd;

/// <summary>
/// <c>retry</c>, <c>cancel</c>, <c>pause</c>, <c>resume</c>: on the running service and on the stopped one, for files
/// with names that are no text.
/// </summary>
public sealed class RetryAndCancelTests : IDisposable
{
    // A newline, a byte that is no UTF-8, an escape.
    private const string OddName = @"a\x0Ab\xFF\x1B.raw";

    private readonly string _broken = Path.GetTempFileName();
    private readonly ServiceUnderTest _service;

    public RetryAndCancelTests() => _service = new ServiceUnderTest(new RuleText
    {
        Job = [$"fail-while={_broken}"],
        Retry = """{ "MaxAttempts": 1 }""",
    });

    public void Dispose()
    {
        _service.Dispose();
        File.Delete(_broken);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Pain_a_failed_job_runs_again_under_its_id_with_the_next_number_whatever_MaxAttempts_says(bool isLive)
    {
        Fail();
        if (!isLive)
            _service.Stop();

        Command still = Verb("retry", "1");
        if (!isLive)
            _service.Start();
        Assert.True(still.ExitCode == 0, still.Text);
        Assert.Contains($"Job 1, {_service.Incoming()}/{OddName}: ", still.Output, StringComparison.Ordinal);
        Assert.Contains(isLive ? "is due now" : "when the service is started", still.Output, StringComparison.Ordinal);
        UntilAttempts(2, LedgerView.Failed);

        Mend();
        Assert.Equal(0, Verb("retry", "1").ExitCode);
        UntilAttempts(3, LedgerView.Succeeded);
        Assert.Equal(0, Verb("retry", "1").ExitCode); // a success, too
        UntilAttempts(4, LedgerView.Succeeded);
        Assert.Equal([1, 2, 3, 4], _service.Started().Select(record => record.Attempt));
        Assert.All(_service.Started(), record => Assert.Equal(OddName, record.Path.Name.ToString()));
        Assert.All(_service.Started(), record => Assert.Equal("1", record.JobId));
        _service.Stop();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_job_whose_file_is_gone_or_superseded_says_so_and_stays_failed(bool isLive)
    {
        Fail();
        var arena = new Arena(_service);
        arena.Script("new $S/gone.raw; new $S/new.raw; rsync -a $S/ $D/");
        UntilFailed(3);
        if (isLive)
            _service.Stop(); // so that the service has not seen it when it is asked
        arena.Script("rm $D/gone.raw; echo more >>$D/new.raw; touch -d @1700000000 $D/new.raw");
        if (isLive)
            _service.Start();

        Command retry = Verb("retry", "1", "2", "3", "99");
        Assert.Equal(1, retry.ExitCode);
        Assert.Contains("Job 1, ", retry.Output, StringComparison.Ordinal);
        Assert.Contains("is gone; send it again", retry.Error, StringComparison.Ordinal);
        Assert.Contains("superseded", retry.Error, StringComparison.Ordinal);
        Assert.Contains("There is no job 99", retry.Error, StringComparison.Ordinal);
        using var ledger = new LedgerView(_service.Base);
        Assert.All(ledger.Jobs().Where(job => job.Id is 2 or 3), job => Assert.Equal(LedgerView.Failed, job.State));
        Assert.All(ledger.Jobs().Where(job => job.Id is 2 or 3), job => Assert.Equal(1, job.Attempts));
    }

    [Fact]
    public void Of_a_failed_job_whose_file_has_an_update_that_is_left_alone_retry_says_what_runs_that()
    {
        _service.Configure(new RuleText
        {
            Job = [$"fail-while={_broken}"],
            Retry = """{ "MaxAttempts": 1 }""",
            Completion = """{ "Updates": "Ignore" }""",
        });
        _service.Start();
        var arena = new Arena(_service);
        arena.Script("new $S/a.raw; rsync -a $S/ $D/");
        UntilFailed(1);
        Mend();
        arena.Script("echo more >>$S/a.raw; rsync -a $S/ $D/");
        _service.Quiesce();

        Command retry = Verb("retry", "--failed");
        Assert.Contains("0 jobs queued again; 1 job left as it is.", retry.Output, StringComparison.Ordinal);
        string file = arena.Destination + "/a.raw";
        Assert.Contains($"'Updates: Ignore' leaves alone; to run that: autocrunch submit --rule raw {file}", retry.Text,
            StringComparison.Ordinal);
        Command submit = Verb("submit", "--rule", "raw", "--wait", file);
        Assert.True(submit.ExitCode == 0, submit.Text);
        _service.Stop();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void All_that_have_failed_run_again(bool isLive)
    {
        Fail();
        var arena = new Arena(_service);
        arena.Script("for i in $(seq 700); do echo $i >$S/$i.raw; done; rsync -a $S/ $D/");
        UntilFailed(701);
        Mend();
        arena.Script("rm $D/7.raw");
        if (!isLive)
            _service.Stop();

        Command retry = Verb("retry", "--failed", "--rule", "raw", "--json");
        Assert.True(retry.ExitCode == 0, retry.Text);
        JsonElement[] lines = [.. retry.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal(702, lines.Length);
        Assert.Equal(700, lines[^1].GetProperty("done").GetInt64());
        Assert.Equal(1, lines[^1].GetProperty("left").GetInt64());
        Assert.Contains("gone", lines.Single(line => line.TryGetProperty("id", out _)
            && !line.GetProperty("done").GetBoolean()).GetProperty("message").GetString(), StringComparison.Ordinal);
        if (!isLive)
            _service.Start();
        using var ledger = new LedgerView(_service.Base);
        _service.Until(() => ledger.JobsIn(LedgerView.Succeeded) == 700, () => "all but one succeed");
        Assert.Equal("0 jobs queued again; 1 job left as it is.\n", Verb("retry", "--failed").Output);
        Assert.Equal(64, Verb("retry", "--failed", "--rule", "rwa").ExitCode);
        _service.Stop();
    }

    [Fact]
    public void A_job_follows_its_file_that_was_renamed_after_it_had_failed()
    {
        Fail();
        new Arena(_service).Script("mkdir $D/../sub; mv $D/../a* $D/../sub/b.raw");
        _service.Quiesce();
        Mend();
        Command retry = Verb("retry", "1");
        Assert.True(retry.ExitCode == 0, retry.Text);
        _service.Until(() => _service.Started().Any(r => r.Path.Name.ToString() == "b.raw"), () => "runs as b.raw");
        Assert.Equal("1", _service.Started()[^1].JobId);
        _service.Stop();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_waits_is_cancelled_and_does_not_run(bool isLive)
    {
        Mend();
        _service.Start();
        Assert.Equal(0, Verb("pause", "raw").ExitCode);
        new Arena(_service).Script("for i in $(seq 600); do echo $i >$S/$i.raw; done; rsync -a $S/ $D/");
        using var ledger = new LedgerView(_service.Base);
        _service.Until(() => ledger.JobsIn(0) == 600, () => "600 jobs wait");
        if (!isLive)
            _service.Stop();

        Command one = Verb("cancel", "5", "77");
        Assert.True(one.ExitCode == 0, one.Text);
        Assert.Equal(598, ledger.JobsIn(0));
        Command again = Verb("cancel", "5");
        Assert.Equal(1, again.ExitCode);
        Assert.Contains("has been cancelled already", again.Error, StringComparison.Ordinal);
        Command all = Verb("cancel", "--queued");
        Assert.Contains("598 jobs that waited are cancelled", all.Output, StringComparison.Ordinal);
        Assert.Contains("No job was waiting", Verb("cancel", "--queued", "--rule", "raw").Output,
            StringComparison.Ordinal);
        Command resume = Verb("resume", "raw");
        Assert.Contains(isLive ? "on now" : "when the service is started", resume.Output, StringComparison.Ordinal);
        if (!isLive)
            _service.Start();
        _service.Quiesce();
        Assert.Empty(_service.Started()); // what was cancelled is not found again either
        Assert.Equal(600, ledger.JobsIn(4));
        _service.Stop();
    }

    [Fact]
    public void What_runs_is_ended_with_all_it_started_and_recorded_as_cancelled()
    {
        _service.Configure(new RuleText
        {
            Job = ["ignore-term=", "children=2", "wait-forever="],
            Dispatcher = """{ "KillGrace": "00:00:00.500" }""",
        });
        _service.Start();
        new Arena(_service).Script("new $S/a.raw; rsync -a $S/ $D/");
        _service.Until(() => _service.Started().Count == 1, () => "it runs");

        Command cancel = Verb("cancel", "1");

        Assert.True(cancel.ExitCode == 0, cancel.Text);
        Assert.Contains("is cancelled", cancel.Output, StringComparison.Ordinal);
        Assert.Equal([_service.Pid], Kill.ProcessesWith(_service.Base));
        Assert.False(Directory.Exists($"/proc/{_service.Started()[0].Pid}"));
        using (var ledger = new LedgerView(_service.Base))
            Assert.Equal((4, 1), ledger.Jobs().Select(job => (job.State, job.Attempts)).Single());
        Command show = Command.AutoCrunch(_service.Base, "show", "1");
        Assert.Contains("cancelled by hand", show.Output, StringComparison.Ordinal);
        _service.Stop();
        _service.Start();
        _service.UntilIdle();
        Assert.Single(_service.Started()); // not again
        _service.Stop();
    }

    [Fact]
    public void After_a_crash_the_ledger_is_still_to_be_checked_and_what_ran_is_left_to_the_next_start()
    {
        _service.Configure(new RuleText { Job = ["wait-forever="] });
        _service.Start();
        new Arena(_service).Script("new $S/a.raw; rsync -a $S/ $D/");
        _service.Until(() => _service.Started().Count == 1, () => "it runs");
        _service.KillForGood();

        Assert.Contains("none of its jobs waits", Verb("pause", "raw").Output, StringComparison.Ordinal);
        Assert.Contains("runs again at the next start", Verb("retry", "1").Error, StringComparison.Ordinal);
        Assert.Contains("cancel it then", Verb("cancel", "1").Error, StringComparison.Ordinal);

        _service.Start();
        _service.UntilLogged("was not closed cleanly");
        Assert.Equal(0, Verb("resume", "raw").ExitCode);
        _service.Until(() => _service.Started().Count == 2, () => "it runs again");
        Assert.Equal(0, Verb("cancel", "1").ExitCode);
        _service.Stop();
    }

    [Fact]
    public void Pausing_lets_what_runs_go_on_and_starts_nothing()
    {
        string release = Path.Combine(_service.Base, "release");
        _service.Configure(new RuleText { Concurrency = 1, Job = [$"wait-for={release}"] });
        _service.Start();
        new Arena(_service).Script("for i in 1 2 3; do echo $i >$S/$i.raw; done; rsync -a $S/ $D/");
        _service.Until(() => _service.Started().Count == 1, () => "the first one runs");
        Command pause = Verb("pause", "raw");
        Assert.Contains("2 of its jobs wait", pause.Output, StringComparison.Ordinal);
        File.WriteAllText(release, "");
        using var ledger = new LedgerView(_service.Base);
        _service.Until(() => ledger.JobsIn(LedgerView.Succeeded) == 1, () => "the first one ends");
        Assert.Contains("was paused already", Verb("pause", "raw").Output, StringComparison.Ordinal);
        Assert.Equal(2, ledger.JobsIn(0));
        Assert.Equal(0, Verb("resume", "raw").ExitCode);
        _service.Until(() => ledger.JobsIn(LedgerView.Succeeded) == 3, () => "the others run");
        Assert.Contains("was not paused", Verb("resume", "raw").Output, StringComparison.Ordinal);
        Assert.Equal(64, Verb("pause", "none").ExitCode);
        _service.UntilLogged("Asked by user", "pause");
        _service.Stop();
    }

    private Command Verb(params string[] arguments) => Command.AutoCrunch(_service.Base, arguments);

    // Job 1 has failed for good.
    private void Fail()
    {
        _service.Start();
        new Arena(_service).Script($"""echo x >"$S/"$'{OddName}'; rsync -a $S/ $D/../""");
        UntilFailed(1);
    }

    private void Mend() => File.Delete(_broken);

    private void UntilFailed(int count)
    {
        using var ledger = new LedgerView(_service.Base);
        _service.Until(() => ledger.JobsIn(LedgerView.Failed) == count, () => $"{count} failed jobs");
    }

    private void UntilAttempts(int attempts, int state)
    {
        using var ledger = new LedgerView(_service.Base);
        _service.Until(
            () => ledger.Jobs().Single(job => job.Id == 1) is var job && (job.Attempts, job.State) == (attempts, state),
            () => $"attempt {attempts}");
    }
}
