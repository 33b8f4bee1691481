using System.Globalization;
using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Dispatch;
using AutoCrunch.Linux;

namespace AutoCrunch.Tests.Engines;

/// <summary>What is Slurm's own, beyond <see cref="SlurmConformanceTests"/>: on a real cluster of four nodes.</summary>
[Collection(SlurmGroup.Name)]
public sealed class SlurmTests(SlurmCluster cluster) : IDisposable
{
    private const string Programs = "sbatch";

    private readonly SlurmRig _rig = new(cluster);

    public void Dispose() => _rig.Dispose();

    [RequiresFact(Programs)]
    public void Nothing_is_left_in_the_shared_directory_when_a_job_is_settled()
    {
        _rig.Start("echo said");
        _rig.Complete("f.raw");
        Job job = _rig.WaitForAll().Single();

        Assert.Equal((JobState.Succeeded, 1), (job.State, job.Attempts));
        Assert.Equal("said\n", _rig.LogOf(job));
        Wait.Until(() => !Directory.Exists(PlaceOf(1, 1)));
    }

    [RequiresFact(Programs)]
    public void What_a_stop_has_left_of_settled_attempts_is_removed_at_the_next_start_and_nothing_else()
    {
        _rig.Start($"[ $AUTOCRUNCH_JOB_ID = 1 ] || until [ -e {_rig.Directory["go"]} ]; do sleep 0.1; done");
        _rig.Complete("f.raw");
        _rig.WaitForAll();
        _rig.Complete("g.raw");
        _rig.WaitForRun(2);
        string[] others =
        [
            PlaceOf(1, 2), PlaceOf(3, 1), $"{PlaceOf(1, 1)}-1",
            new SlurmPlace(_rig.Options.SharedDirectory, "another ledger", 1, 1).Directory.ToString(),
        ];
        _rig.Stop();
        foreach (string place in others.Append(PlaceOf(1, 1)))
            File.WriteAllText(Path.Combine(Directory.CreateDirectory(place + "/claim").FullName, "job"), "1\n");
        _rig.Start();
        Wait.Until(() => _rig.HasSwept, 2 * Wait.Bound);

        Assert.False(Directory.Exists(PlaceOf(1, 1)));
        Assert.All(others, place => Assert.True(Directory.Exists(place), place));
        Assert.True(Directory.Exists(PlaceOf(2, 1)));
        _rig.Directory.Write("go");
        Assert.All(_rig.WaitForAll(), job => Assert.Equal((JobState.Succeeded, 1), (job.State, job.Attempts)));
    }

    [RequiresFact(Programs)]
    public void Arguments_and_environment_reach_the_node_byte_for_byte()
    {
        byte[] everyByte = [.. Enumerable.Range(1, 255).Where(value => value != '/').Select(value => (byte)value)];
        string name = BytePath.Escape(everyByte[..120]), other = BytePath.Escape(everyByte[120..]);
        var odd = new Dictionary<string, string> { ["ODD"] = "a'b\r\n\"$x\u00ff" };
        _rig.Options = _rig.Options with { Environment = odd };
        _rig.Start("printf '%s|%s|%s' \"$1\" \"$ODD\" \"$AUTOCRUNCH_RELATIVE_PATH\"");
        _rig.Complete(name);
        _rig.Complete(other);
        Job[] jobs = _rig.WaitForAll();

        Assert.All(jobs, job => Assert.Equal(JobState.Succeeded, job.State));
        for (int i = 0; i < jobs.Length; i++)
        {
            byte[] relative = jobs[i].Path.Span.ToArray();
            byte[] expected =
            [
                .. _rig.Rule.Path.Join(relative).Span, (byte)'|', .. Encoding.UTF8.GetBytes(odd["ODD"]),
                (byte)'|', .. relative,
            ];
            Assert.Equal(expected, File.ReadAllBytes(_rig.Ledger.Layout.LogFile(jobs[i].Id, 1).ToString()));
        }
    }

    [RequiresFact(Programs)]
    public void A_signal_a_missing_program_and_a_failing_setup_are_told_apart()
    {
        _rig.Rule = _rig.Rule with { Retry = new RetryPolicy(1, TimeSpan.Zero, TimeSpan.Zero, []) };
        _rig.Options = _rig.Options with { Setup = ["[ \"$AUTOCRUNCH_NAME\" != setup.raw ]"] };
        _rig.Start("case $1 in */kill.raw) kill -SEGV $$ ;; */none.raw) exit 127 ;; esac");
        foreach (string name in new[] { "kill.raw", "none.raw", "setup.raw" })
            _rig.Complete(name);
        Job[] jobs = _rig.WaitForAll();

        Assert.All(jobs, job => Assert.Equal(JobState.Failed, job.State));
        AttemptRecord[] attempts = [.. jobs.Select(job => _rig.Attempts(job.Id).Single())];
        Assert.Equal([Signals.SIGSEGV, null, null], attempts.Select(attempt => attempt.Signal));
        Assert.Equal([null, 127, 1], attempts.Select(attempt => attempt.ExitCode));
        _rig.WaitForLine("the program was not found there");
        Assert.Contains("Setup failed with code 1", _rig.LogOf(jobs[2]), StringComparison.Ordinal);
        Assert.Empty(_rig.Runs(jobs[2].Id));
    }

    [RequiresFact(Programs)]
    public void Of_a_large_output_the_beginning_and_the_end_are_kept()
    {
        _rig.Options = _rig.Options with { MaxLogBytes = 65536 };
        _rig.Start("echo first; head -c 3000000 /dev/zero | tr '\\0' x; echo last");
        _rig.Complete("f.raw");
        Job job = _rig.WaitForAll().Single();

        string log = _rig.LogOf(job);
        Assert.StartsWith("first\nxxx", log, StringComparison.Ordinal);
        Assert.EndsWith("xxx" + "last\n", log, StringComparison.Ordinal);
        Assert.InRange(log.Count(letter => letter != '\0'), 60_000, 80_000);
    }

    [RequiresFact(Programs)]
    public void A_job_cancelled_by_hand_in_Slurm_fails_and_is_not_run_again()
    {
        _rig.Start("sleep 1000");
        _rig.Complete("f.raw");
        _rig.WaitForRun(1);
        cluster.Say("scancel", _rig.SlurmId());
        Job job = _rig.WaitForAll().Single();

        Assert.Equal((JobState.Failed, 1), (job.State, job.Attempts));
        _rig.WaitForLine("was cancelled, not by AutoCrunch");
    }

    [RequiresFact(Programs)]
    public void A_job_that_waits_in_the_queue_is_cancelled_without_having_run()
    {
        _rig.Options = _rig.Options with { Options = ["--begin=now+1hour"] };
        _rig.Start("true");
        _rig.Complete("f.raw");
        _rig.SlurmId();
        _rig.Cancel(1);

        Assert.Equal((JobState.Cancelled, JobReason.ByHand), (_rig.Jobs()[0].State, _rig.Jobs()[0].Reason));
        Assert.Empty(_rig.Runs(1));
    }

    [RequiresFact(Programs)]
    public void What_Slurm_refuses_waits_until_it_is_mended_and_is_said_once()
    {
        _rig.Wrap("sbatch", $"[ -e {_rig.Directory["mended"]} ] || set -- \"$@\" --partition=none; exec $REAL \"$@\"");
        _rig.Start("true");
        _rig.Complete("f.raw");
        _rig.WaitForLine("Invalid partition");
        _rig.Directory.Write("mended");
        Job job = _rig.WaitForAll().Single();

        Assert.Equal((JobState.Succeeded, 1), (job.State, job.Attempts));
        Assert.Single(_rig.Runs(1));
        Assert.Contains(_rig.Log.Lines, line => line.Contains("jobs start again", StringComparison.Ordinal));
    }

    [RequiresFact(Programs)]
    public void Submissions_that_are_killed_after_they_were_accepted_run_once() => KillSubmissions(20);

    [LongFact]
    [Trait(LongRun.Category, LongRun.Name)]
    public void Two_hundred_submissions_that_are_killed_after_they_were_accepted_run_once() => KillSubmissions(200);

    [RequiresFact(Programs)]
    public void A_submission_that_arrives_after_Slurm_was_asked_does_not_run_twice()
    {
        // The first try: said to have failed, and on its way still when the next one is accepted.
        _rig.Wrap("sbatch", $"""
            if mkdir {_rig.Directory["first"]} 2>/dev/null; then
                cat >{_rig.Directory["script"]}
                printf '%q ' "$@" >{_rig.Directory["arguments"]}
                exit 1
            fi
            exec $REAL "$@"
            """);
        _rig.Start("sleep 2");
        _rig.Complete("f.raw");
        _rig.WaitForLine("never began in Slurm");
        _rig.WaitForRun(1);
        cluster.Say("bash", "-c", $"sbatch $(cat {_rig.Directory["arguments"]}) <{_rig.Directory["script"]}");
        Job job = _rig.WaitForAll().Single();

        Assert.Equal((JobState.Succeeded, 1), (job.State, job.Attempts));
        Assert.Single(_rig.Runs(1));
    }

    [RequiresFact(Programs)]
    public void A_late_submission_of_a_settled_attempt_does_not_run()
    {
        (BytePath script, BytePath arguments) = (_rig.Directory["script"], _rig.Directory["arguments"]);
        _rig.Wrap("sbatch", $"tee {script} | $REAL \"$@\"; printf '%q ' \"$@\" >{arguments}");
        _rig.Start("true");
        _rig.Complete("f.raw");
        Assert.Equal(JobState.Succeeded, _rig.WaitForAll().Single().State);
        Wait.Until(() => !Directory.Exists(PlaceOf(1, 1)));
        string id = cluster.Say("bash", "-c", $"sbatch $(cat {arguments}) <{script}").Trim();

        Wait.Until(() => cluster.Say("squeue", "--noheader", "--states=all", "--jobs=" + id, "--format=%T").Trim()
            is "FAILED" or "COMPLETED");
        Assert.Single(_rig.Runs(1));
    }

    [RequiresFact(Programs)]
    public void While_slurmctld_is_down_jobs_go_on_and_others_wait()
    {
        _rig.Start($"until [ -e {_rig.Directory["go"]} ]; do sleep 0.1; done");
        _rig.Complete("runs.raw");
        _rig.WaitForRun(1);
        cluster.StopController();
        try
        {
            _rig.WaitForLine("Slurm does not answer");
            _rig.Complete("waits.raw");
            _rig.Directory.Write("go");
            Wait.Until(() => _rig.Jobs()[0].State == JobState.Succeeded); // its outcome is there for all to see
            Assert.Empty(_rig.Runs(2));
        }
        finally
        {
            cluster.StartController();
            cluster.UntilUp();
        }

        Job[] jobs = _rig.WaitForAll(3 * Wait.Bound);
        Assert.All(jobs, job => Assert.Equal((JobState.Succeeded, 1), (job.State, job.Attempts)));
        Assert.All(jobs, job => Assert.Single(_rig.Runs(job.Id)));
        _rig.WaitForLine("Slurm answers again");
    }

    [RequiresFact(Programs)]
    public void Three_hundred_jobs_at_once_cost_one_query_an_interval_and_no_thread_each()
    {
        const int Count = 300;
        _rig.Wrap("squeue", $"echo $EPOCHREALTIME >>{_rig.Directory["queries"]}; exec $REAL \"$@\"");

        // They wait at a pipe: so many shells that look again and again keep a slow machine busy.
        string gate = _rig.Directory["gate"].ToString();
        Tool.Run("mkfifo", gate);
        using var closed = new FileStream(gate, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 0);
        _rig.Start($"read -r nothing <{gate} || true");
        int threads = System.Diagnostics.Process.GetCurrentProcess().Threads.Count;
        for (int i = 0; i < Count; i++)
            _rig.Complete($"{i}.raw");
        Wait.Until(() => Directory.GetFiles(_rig.Directory["ran"].ToString()).Length == Count, 8 * Wait.Bound);
        int more = System.Diagnostics.Process.GetCurrentProcess().Threads.Count - threads;
        _rig.Directory.Write("open");
        _rig.Directory.Rename("open", "gate"); // for who comes late
        closed.Dispose();
        Job[] jobs = _rig.WaitForAll(8 * Wait.Bound);

        Assert.All(jobs, job => Assert.Equal((JobState.Succeeded, 1), (job.State, job.Attempts)));
        Assert.All(jobs, job => Assert.Single(_rig.Runs(job.Id)));
        double[] asked =
        [
            .. _rig.Directory.ReadText("queries").Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => double.Parse(line, CultureInfo.InvariantCulture)),
        ];
        Assert.InRange(asked.Length, 2, asked[^1] - asked[0] + 2); // one a second
        Assert.InRange(more, -100, 60);
    }

    [RequiresFact(Programs)]
    public void A_shared_directory_that_is_not_mounted_at_the_next_start_settles_nothing()
    {
        string shared = _rig.Directory.MakeDirectory("own").ToString();
        _rig.Options = _rig.Options with { SharedDirectory = BytePath.Parse(shared) };
        _rig.Start($"until [ -e {_rig.Directory["go"]} ]; do sleep 0.1; done");
        _rig.Complete("f.raw");
        _rig.WaitForRun(1);
        _rig.Stop();
        Directory.Move(shared, shared + ".away");
        Directory.CreateDirectory(shared);
        cluster.Say("scancel", "--name=" + Name(1, 1)); // so that Slurm's word alone would end it
        _rig.Start();
        _rig.WaitForLine("is not the one that jobs were submitted with");
        Assert.Equal(JobState.Running, _rig.Jobs()[0].State);
        Directory.Delete(shared);
        Directory.Move(shared + ".away", shared);

        Assert.Equal(JobState.Failed, _rig.WaitForAll().Single().State);
        Assert.Single(_rig.Runs(1));
    }

    [RequiresFact(Programs)]
    public async Task The_check_asks_Slurm_itself_and_names_the_setting()
    {
        var check = new SlurmCheck([Encoding.UTF8.GetBytes("SLURM_CONF=" + cluster.Configuration)]);
        async Task<IEnumerable<EngineFinding>> Ask(SlurmOptions options) =>
            (await check.CheckAsync(_rig.Rule, options, CancellationToken.None)).Where(finding => finding.IsError);

        Assert.Empty(await Ask(_rig.Options));
        Assert.Empty(await Ask(_rig.Options with { Partition = SlurmCluster.Hidden }));
        Assert.Equal("Partition", Assert.Single(await Ask(_rig.Options with { Partition = "none" })).Key);
        Assert.Contains(
            "node configuration is not available",
            Assert.Single(await Ask(_rig.Options with { Memory = "900T" })).Text, StringComparison.Ordinal);
        Assert.Equal("SharedDirectory", Assert.Single(await Ask(
            _rig.Options with { SharedDirectory = _rig.Directory["missing"] })).Key);
    }

    // The first submission of each job dies at any moment, after Slurm has taken it or while it goes on by itself; of
    // the further ones some do.
    private void KillSubmissions(int count)
    {
        _rig.Wrap("sbatch", $$"""
            for argument; do case $argument in --job-name=*) name=${argument#*=} ;; esac; done
            if mkdir {{_rig.Directory["bin"]}}/$name 2>/dev/null; then chance=2; else chance=3; fi
            case $((RANDOM % chance)) in
                0) $REAL "$@" >/dev/null; kill -KILL $$ ;;
                1) setsid $REAL "$@" </dev/stdin >/dev/null 2>&1 & sleep 0.0$((RANDOM % 10)); kill -KILL $$ ;;
                2) exec $REAL "$@" ;;
            esac
            """);
        _rig.Start("sleep 0.2");
        for (int i = 0; i < count; i++)
            _rig.Complete($"{i}.raw");
        Job[] jobs = _rig.WaitForAll(TimeSpan.FromMinutes(1 + (count / 5.0)));

        Assert.All(jobs, job => Assert.Equal(JobState.Succeeded, job.State));
        Assert.All(jobs, job => Assert.Single(_rig.Runs(job.Id)));
        int unknown = _rig.Log.Lines.Count(line => line.Contains("not known whether", StringComparison.Ordinal));
        Assert.True(unknown >= count, $"{unknown} submissions were killed");
    }

    private string PlaceOf(long job, int attempt) =>
        new SlurmPlace(_rig.Options.SharedDirectory, _rig.Ledger.Id, job, attempt).Directory.ToString();

    private string Name(long job, int attempt) => SlurmToken.NameOf(SlurmToken.Of(_rig.Ledger.Id, job, attempt));
}
