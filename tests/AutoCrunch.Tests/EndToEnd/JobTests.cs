using System.Diagnostics;
using System.Globalization;
using AutoCrunch.Core;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.EndToEnd;

/// <summary>Jobs that fail, hang, shout, multiply, or cannot be started.</summary>
public sealed class JobTests
{
    private const long MiB = 1 << 20;

    [Fact]
    public void A_job_that_fails_twice_succeeds_at_the_third_attempt()
    {
        using var service = new ServiceUnderTest(new RuleText { Job = ["say=what went wrong", "fail-first=2"] });
        service.Start();
        var arena = new Arena(service);
        arena.Script("new $S/f.raw; rsync -a $S/ $D/");
        service.Until(() => arena.Started().LastOrDefault() is { Attempt: 3, End: not null },
            () => "the third attempt");
        Assert.Equal([1, 2, 3], arena.Started().Select(record => record.Attempt));
        Assert.Equal([1, 1, 0], arena.Started().Select(record => record.End!.ExitCode));
        service.UntilIdle();
        Assert.Equal((LedgerView.Succeeded, 3), OnlyJob(service));
        service.UntilLogged("what went wrong");
        arena.Expected(BytePath.Parse("f.raw"), 3);
        service.Stop();
    }

    [Fact]
    public void A_job_that_always_fails_is_failed_after_the_last_attempt_and_others_go_on()
    {
        using var service = new ServiceUnderTest(
            new RuleText { Job = ["exit=7"], Include = ["bad*"] },
            new RuleText("permanent")
            {
                Job = ["exit=65"],
                Include = ["worse*"],
                Retry = """{ "Delay": "00:00:00.100", "PermanentExitCodes": [65] }""",
            },
            new RuleText("good") { Include = ["good*", "marker*"] });
        service.Start();
        var arena = new Arena(service);
        arena.Script("new $S/bad.raw; new $S/worse.raw; new $S/good.raw; rsync -a $S/ $D/");
        service.Until(() => service.Started().Count(record => record.End is not null) == 5, () => "3 + 1 + 1 attempts");
        service.Quiesce("good");
        Assert.Equal(
            ["good: 1", "permanent: 1", "raw: 3"],
            service.Started().CountBy(record => record.Rule).Select(rule => $"{rule.Key}: {rule.Value}").Order());
        service.UntilLogged("bad.raw", "exited with code 7");
        service.UntilLogged("worse.raw", "exited with code 65");
        service.Stop();
    }

    [Fact]
    public void Pain_26_a_job_that_times_out_leaves_no_grandchildren_even_if_they_ignore_SIGTERM()
    {
        using var service = new ServiceUnderTest(new RuleText
        {
            Job = ["ignore-term=", "children=5", "wait-forever="],
            Dispatcher = """{ "Timeout": "00:00:01", "KillGrace": "00:00:00.500" }""",
            Retry = """{ "MaxAttempts": 1 }""",
        });
        service.Start();
        var arena = new Arena(service);
        arena.Script("new $S/f.raw; rsync -a $S/ $D/");
        service.Until(() => arena.Started().Count == 1, () => "the job");
        service.Until(() => Kill.ProcessesWith("AUTOCRUNCH_PATH=" + service.Base).Length == 6, () => "its children");
        service.UntilIdle();
        Assert.Empty(Kill.ProcessesWith("AUTOCRUNCH_PATH=" + service.Base));
        Assert.Equal((LedgerView.Failed, 1), OnlyJob(service));
        service.UntilLogged("f.raw", "00:00:01");
        service.Stop();
    }

    [Fact]
    public void A_job_that_writes_a_gigabyte_keeps_the_head_and_the_tail_of_its_log()
    {
        using var service = new ServiceUnderTest(new RuleText
        {
            Job = ["print=1073741824"],
            Dispatcher = """{ "MaxLogBytes": 1048576 }""",
        });
        service.Start();
        var arena = new Arena(service);
        arena.Runs("new $S/f.raw; rsync -a $S/ $D/", "f.raw");
        service.UntilIdle();
        string log = LogWith(service, "the first line");
        long onDisk = long.Parse(Command.Run("stat", ["-c", "%b", log]).Output, CultureInfo.InvariantCulture) * 512;
        Assert.InRange(onDisk, MiB / 2, 2 * MiB);
        using FileStream stream = File.OpenRead(log);
        stream.Seek(-MiB / 4, SeekOrigin.End);
        string tail = new StreamReader(stream).ReadToEnd();
        Assert.EndsWith("the last line\n", tail, StringComparison.Ordinal);
        Assert.DoesNotContain('\0', tail);
        service.Stop();
    }

    [Fact]
    public void A_program_that_vanished_after_the_start_is_a_failure_that_heals()
    {
        using var service = new ServiceUnderTest();
        string program = Path.Combine(service.Base, "program");
        File.Copy(HelperPrograms.Job, program);
        service.Configure(new RuleText
        {
            Command = [program, service.Records.File, "--", "{path}"],
            Retry = """{ "MaxAttempts": 100, "Delay": "00:00:00.200", "MaxDelay": "00:00:00.500" }""",
        });
        service.Start();
        File.Delete(program);
        var arena = new Arena(service);
        arena.Script("new $S/f.raw; rsync -a $S/ $D/");
        service.UntilLogged("f.raw", program);
        Assert.Empty(arena.Started());
        File.Copy(HelperPrograms.Job, program + ".new");
        File.Move(program + ".new", program);
        arena.ExpectOneMore([BytePath.Parse("f.raw")]);
        arena.Nothing();
        Assert.InRange(arena.Started()[0].Attempt, 2, 100);
        service.Stop();
    }

    [Fact]
    public void A_file_that_is_gone_before_its_turn_is_cancelled_and_never_run()
    {
        using var service = new ServiceUnderTest();
        string release = Path.Combine(service.Base, "release");
        service.Configure(new RuleText { Job = [$"wait-for={release}"], Concurrency = 1 });
        service.Start();
        var arena = new Arena(service);
        arena.Script("new $S/a.raw; new $S/b.raw; new $S/c.raw; rsync -a $S/ $D/");
        using (var ledger = new LedgerView(service.Base))
            service.Until(() => ledger.UnfinishedJobs() == 3, () => "three jobs in the ledger");
        service.Until(() => arena.Started().Count == 1, () => "the first job");
        arena.Script("rm $D/c.raw");
        File.WriteAllText(release, "");
        service.Quiesce();
        Assert.Equal(["a.raw", "b.raw"], arena.Started().Select(record => record.Path.Name.ToString()));
        service.Stop();
    }

    [Fact]
    public void Ten_thousand_files_in_a_burst_run_exactly_once_each()
    {
        // tests/run --long: ten times as many, far more than the kernel's queue holds.
        int count = LongRun.IsOn ? 100_000 : 10_000;
        using var service = new ServiceUnderTest(new RuleText { Concurrency = 4 });
        service.Start();
        var arena = new Arena(service);
        long start = Stopwatch.GetTimestamp();
        arena.Script($"$TOOL burst $D f {count}");
        // Progress is the fact that is waited for: a slow machine may take as long as it needs.
        for (int seen = 0; seen < count; seen = service.Records.Read().Count)
            service.Until(() => service.Records.Read().Count > seen, () => $"more than {seen} jobs");
        Console.WriteLine(
            $"{count} jobs in a burst: {count / Stopwatch.GetElapsedTime(start).TotalSeconds:0} a second");
        arena.ExpectOneMore(Enumerable.Range(0, count).Select(i => BytePath.Parse($"f{i:000000}.raw")));
        arena.Nothing();
        service.Stop();
    }

    [Fact]
    public void A_job_gets_its_placeholders_and_variables_and_nothing_of_the_services_own()
    {
        using var service = new ServiceUnderTest();
        string output = Path.Combine(service.Base, "out");
        service.Configure(new RuleText
        {
            Include = ["*.raw"],
            Command =
            [
                "/bin/sh", "-c",
                    $"(printf '<%s>' \"$@\"; echo; env | sort) >{output}.new; mv {output}.new {output}",
                "sh", "{path}", "{relative}", "{name}", "{stem}", "{extension}", "{directory}", "{rule}", "{job}",
                "{attempt}", "{{x}}", "a b {name}",
            ],
            Dispatcher = """{ "Environment": { "MINE": "a value" } }""",
        });
        service.Start();
        var arena = new Arena(service);
        arena.Script("new $S/sub/a.b.raw 77; rsync -a $S/ $D/");
        service.Until(() => File.Exists(output), () => "the job");
        string text = File.ReadAllText(output), path = $"{arena.Destination}/sub/a.b.raw";
        string relative = Path.GetRelativePath(service.Incoming(), path);
        Assert.StartsWith(
            $"<{path}><{relative}><a.b.raw><a.b><raw><{arena.Destination}/sub><raw><1><1><{{x}}><a b a.b.raw>",
            text.Replace("<.raw>", "<raw>", StringComparison.Ordinal), StringComparison.Ordinal);
        string[] lines = text.Split('\n');
        Assert.Contains("AUTOCRUNCH_PATH=" + path, lines);
        Assert.Contains("AUTOCRUNCH_RELATIVE_PATH=" + relative, lines);
        Assert.Contains("AUTOCRUNCH_NAME=a.b.raw", lines);
        Assert.Contains("AUTOCRUNCH_RULE=raw", lines);
        Assert.Contains("AUTOCRUNCH_JOB_ID=1", lines);
        Assert.Contains("AUTOCRUNCH_ATTEMPT=1", lines);
        Assert.Contains("AUTOCRUNCH_SIZE=77", lines);
        Assert.Contains("MINE=a value", lines);
        Assert.DoesNotContain(lines, line => line.StartsWith("NOTIFY_SOCKET=", StringComparison.Ordinal)
            || line.StartsWith("DOTNET_", StringComparison.Ordinal));
        service.UntilIdle();
        service.Stop();
    }

    private static (int State, int Attempts) OnlyJob(ServiceUnderTest service)
    {
        using var ledger = new LedgerView(service.Base);
        LedgerJob job = Assert.Single(ledger.Jobs());
        return (job.State, job.Attempts);
    }

    private static string LogWith(ServiceUnderTest service, string firstLine) =>
        Directory.EnumerateFiles(Path.Combine(service.Base, "state"), "*", SearchOption.AllDirectories)
            .Single(file => file.Contains("/logs/",
                StringComparison.Ordinal) && File.ReadLines(file).First() == firstLine);
}
