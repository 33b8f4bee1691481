using System.Globalization;
using AutoCrunch.Core;

namespace AutoCrunch.Tests.Engines;

/// <summary>
/// Jobs that are told to end, by Slurm or by us: also one that takes SIGTERM for a reason to exit with 0 is not done.
/// </summary>
[Collection(SlurmGroup.Name)]
public sealed class SlurmEndTests : IDisposable
{
    private const string Programs = "sbatch";
    private const string LeavesOff = "trap 'exit 0' TERM; while :; do sleep 0.1; done";

    private readonly SlurmCluster _cluster;
    private readonly SlurmRig _rig;

    public SlurmEndTests(SlurmCluster cluster)
    {
        _cluster = cluster;
        _rig = new SlurmRig(cluster);

        // Slurm calls a job COMPLETING for up to ten seconds before it says how it ended.
        _rig.Options = _rig.Options with { OutcomeWait = TimeSpan.FromMinutes(1) };
    }

    public void Dispose() => _rig.Dispose();

    [RequiresFact(Programs)]
    public void A_program_that_exits_with_0_when_it_is_cancelled_has_not_succeeded()
    {
        _rig.Start(LeavesOff);
        _rig.Complete("by-scancel.raw");
        _rig.WaitForRun(1);
        _cluster.Say("scancel", _rig.SlurmId());
        _rig.WaitForLine("was cancelled, not by AutoCrunch");
        _rig.Complete("by-us.raw");
        _rig.WaitForRun(2);
        _rig.Cancel(2);
        Job[] jobs = _rig.WaitForAll();

        Assert.Equal(
            [(JobState.Failed, 1), (JobState.Cancelled, 1)], jobs.Select(job => (job.State, job.Attempts)));
        Assert.Equal(0, _rig.Attempts(1).Single().ExitCode);
    }

    [RequiresFact(Programs)]
    public void A_program_that_exits_with_0_at_its_Timeout_has_timed_out()
    {
        _rig.Rule = _rig.Rule with { Retry = new RetryPolicy(1, TimeSpan.Zero, TimeSpan.Zero, []) };
        _rig.Options = _rig.Options with { Timeout = TimeSpan.FromSeconds(1) };
        _rig.Start(LeavesOff);
        _rig.Complete("f.raw");

        Assert.Equal(JobState.Failed, _rig.WaitForAll().Single().State);
        Assert.Equal(
            (AttemptResult.TimedOut, 0), (_rig.Attempts(1).Single().Result, _rig.Attempts(1).Single().ExitCode));
    }

    [RequiresFact(Programs)]
    public void A_program_that_exits_with_0_when_it_is_preempted_runs_again()
    {
        _rig.Options = _rig.Options with
        {
            Partition = SlurmCluster.Yielding,
            Cpus = SlurmCluster.CpusOfNode,
        };
        _rig.Start($"[ $AUTOCRUNCH_ATTEMPT = 2 ] && exit 0; {LeavesOff}");
        _rig.Complete("f.raw");
        _rig.WaitForRun(1);
        _cluster.Say(
            "sbatch", "--nodelist=" + SlurmCluster.YieldingNode, "--output=/dev/null", "--wrap=sleep 1", "--chdir=/",
            "--cpus-per-task=" + SlurmCluster.CpusOfNode.ToString(CultureInfo.InvariantCulture));
        Job job = _rig.WaitForAll().Single();

        Assert.Equal((JobState.Succeeded, 2, 0), (job.State, job.Attempts, job.Failures));
        _rig.WaitForLine("was preempted");
    }

    [LongFact]
    [Trait(LongRun.Category, LongRun.Name)]
    public void A_job_that_Slurm_ends_at_its_time_limit_has_timed_out()
    {
        _rig.Rule = _rig.Rule with { Retry = new RetryPolicy(1, TimeSpan.Zero, TimeSpan.Zero, []) };
        _rig.Options = _rig.Options with { Time = TimeSpan.FromMinutes(1) };
        _rig.Start($"case $1 in */leaves-off.raw) {LeavesOff} ;; *) sleep 1000 ;; esac");
        _rig.Complete("leaves-off.raw");
        _rig.Complete("stays.raw");
        Job[] jobs = _rig.WaitForAll(TimeSpan.FromMinutes(4));

        Assert.All(jobs, job => Assert.Equal((JobState.Failed, 1), (job.State, job.Attempts)));
        Assert.All(jobs, job => Assert.Equal(AttemptResult.TimedOut, _rig.Attempts(job.Id).Single().Result));
    }
}
