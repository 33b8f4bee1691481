using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Dispatch;
using AutoCrunch.Linux;

namespace AutoCrunch.Tests.Engines;

/// <summary>What Slurm says and scripts leave, and what follows from it: without Slurm.</summary>
public sealed class SlurmJudgeTests
{
    private static readonly SlurmOptions s_options = new()
    {
        Command = [],
        SharedDirectory = new BytePath("/shared"u8),
        WorkingDirectory = new BytePath("/shared"u8),
        Timeout = TimeSpan.FromHours(1),
    };

    private static readonly SlurmOutcome s_leftOff = new(0, 7, "n1", IsTerminated: true);

    [Theory]
    [InlineData("TIMEOUT", typeof(AttemptOutcome.TimedOut), JobState.Queued, 1, 0)]
    [InlineData("DEADLINE", typeof(AttemptOutcome.TimedOut), JobState.Queued, 1, 0)]
    [InlineData("OUT_OF_MEMORY", typeof(AttemptOutcome.Failed), JobState.Queued, 1, 0)]
    [InlineData("CANCELLED", typeof(AttemptOutcome.Failed), JobState.Failed, 1, 0)]
    [InlineData("PREEMPTED", typeof(AttemptOutcome.Interrupted), JobState.Queued, 0, 0)]
    [InlineData("NODE_FAIL", typeof(AttemptOutcome.Interrupted), JobState.Queued, 0, 1)]
    [InlineData("BOOT_FAIL", typeof(AttemptOutcome.Interrupted), JobState.Queued, 0, 1)]
    [InlineData("LAUNCH_FAILED", typeof(AttemptOutcome.Interrupted), JobState.Queued, 0, 1)]
    public void Each_end_in_Slurm_without_an_outcome_has_its_consequence(
        string state, Type outcome, JobState next, int failures, int crashes)
    {
        foreach (SlurmOutcome? file in new[] { null, new SlurmOutcome(128 + Signals.SIGTERM, 7, "n1") })
        {
            AttemptOutcome? verdict = Judge(state, file);

            Assert.IsType(outcome, verdict);
            JobTransition after = JobTransitions.After(
                default, verdict, new RetryPolicy(3, TimeSpan.Zero, TimeSpan.Zero, []), 0, 0);
            Assert.Equal((next, failures, crashes), (after.State, after.Counts.Failures, after.Counts.Crashes));
        }
    }

    [Theory]
    [InlineData("RUNNING")]
    [InlineData("COMPLETING")]
    [InlineData("SUSPENDED")]
    [InlineData("A_STATE_OF_2040")]
    public void What_lives_or_is_not_known_to_have_ended_is_waited_for(string state)
    {
        Assert.Null(Judge(state, null));
        Assert.Null(Judge(state, new SlurmOutcome(128 + Signals.SIGTERM, 7, "n1")));
    }

    [Theory]
    [InlineData("COMPLETED")]
    [InlineData("FAILED")]
    public void An_end_without_an_outcome_is_believed_only_when_one_would_have_appeared(string state)
    {
        Assert.Null(Judge(state, null));
        Assert.IsType<AttemptOutcome.Failed>(Judge(state, null, isLate: true));
    }

    [Theory]
    [InlineData("RUNNING")]
    [InlineData("TIMEOUT")]
    [InlineData("CANCELLED")]
    [InlineData("NODE_FAIL")]
    public void An_outcome_without_a_signal_counts_whatever_Slurm_says(string state)
    {
        Assert.IsType<AttemptOutcome.Succeeded>(Judge(state, new SlurmOutcome(0, 7, "n1")));
        Assert.Equal(3, Assert.IsType<AttemptOutcome.Failed>(Judge(state, new SlurmOutcome(3, 7, "n1"))).ExitCode);
    }

    [Theory]
    [InlineData("TIMEOUT", typeof(AttemptOutcome.TimedOut))]
    [InlineData("DEADLINE", typeof(AttemptOutcome.TimedOut))]
    [InlineData("PREEMPTED", typeof(AttemptOutcome.Interrupted))]
    [InlineData("NODE_FAIL", typeof(AttemptOutcome.Interrupted))]
    [InlineData("CANCELLED", typeof(AttemptOutcome.Failed))]
    [InlineData("COMPLETED", typeof(AttemptOutcome.Succeeded))]
    [InlineData("COMPLETING", null)]
    [InlineData("", null)]
    public void A_command_that_leaves_off_when_Slurm_ends_its_job_has_not_succeeded(string state, Type? outcome) =>
        Assert.Equal(outcome, Judge(state, s_leftOff)?.GetType());

    [Fact]
    public void Exit_code_0_after_SIGTERM_is_no_success_where_Slurm_does_not_say_so()
    {
        Assert.IsType<AttemptOutcome.Failed>(Judge("COMPLETING", s_leftOff, isLate: true));
        Assert.IsType<AttemptOutcome.Failed>(
            SlurmJudge.Of(new SlurmFacts(null, s_leftOff, SlurmEndCause.None, IsLate: false), s_options));
        Assert.IsType<AttemptOutcome.Failed>( // what Slurm says of another copy
            Judge("COMPLETED", s_leftOff with { SlurmId = 8 }, isLate: true));
        Assert.Null(Judge("", s_leftOff, isLate: true)); // it does not answer: it is asked again
    }

    [Theory]
    [InlineData("PREEMPTED", typeof(AttemptOutcome.Interrupted))]
    [InlineData("FAILED", typeof(AttemptOutcome.Failed))]
    [InlineData("COMPLETING", null)]
    public void Another_exit_code_after_SIGTERM_counts_where_Slurm_has_not_ended_the_job(string state, Type? outcome)
    {
        Assert.Equal(outcome, Judge(state, s_leftOff with { Code = 3 })?.GetType());
        Assert.Equal(
            3, Assert.IsType<AttemptOutcome.Failed>(Judge("FAILED", s_leftOff with { Code = 3 })).ExitCode);
    }

    [Fact]
    public void What_we_ended_is_not_done_whatever_code_it_answers_SIGTERM_with()
    {
        foreach (string state in new[] { "RUNNING", "COMPLETED", "CANCELLED", "" })
        {
            Assert.IsType<AttemptOutcome.EndedByHand>(Judge(state, s_leftOff, cause: SlurmEndCause.ByHand));
            Assert.Equal(0, Assert.IsType<AttemptOutcome.TimedOut>(
                Judge(state, s_leftOff, cause: SlurmEndCause.Timeout)).ExitCode);
        }
    }

    [Fact]
    public void What_we_cancelled_is_not_taken_for_a_cancel_by_somebody_else()
    {
        Assert.IsType<AttemptOutcome.EndedByHand>(Judge("CANCELLED", null, cause: SlurmEndCause.ByHand));
        Assert.IsType<AttemptOutcome.TimedOut>(Judge("CANCELLED", null, cause: SlurmEndCause.Timeout));
        Assert.IsType<AttemptOutcome.Succeeded>(
            Judge("CANCELLED", new SlurmOutcome(0, 7, "n1"), cause: SlurmEndCause.ByHand));
    }

    [Theory]
    [InlineData("7|RUNNING|3:04|n1|None|", 184)]
    [InlineData("7|RUNNING|2:03:04|n[1-2]|None|", 7384)]
    [InlineData("7|RUNNING|1-02:03:04|n1|None|", 93784)]
    [InlineData("7|PENDING|0:00||Nodes required for job are DOWN, DRAINED|", 0)]
    [InlineData("7|RUNNING|INVALID|n1|None|", 0)]
    public void A_line_of_squeue_is_read(string line, int seconds)
    {
        string name = SlurmToken.NameOf(SlurmToken.Of("ledger", 12, 1));
        SlurmRow? row = SlurmRow.TryParse(Encoding.UTF8.GetBytes(line + name));

        Assert.Equal((7, name, seconds), (row!.Id, row.Name, (int)row.Elapsed.TotalSeconds));
    }

    [Theory]
    [InlineData("")]
    [InlineData("7|RUNNING|3:04|n1|None|somebody's|job")]
    [InlineData("slurm_load_jobs error: Unable to contact slurm controller")]
    public void Others_jobs_and_other_lines_are_none_of_ours(string line) =>
        Assert.Null(SlurmRow.TryParse(Encoding.UTF8.GetBytes(line)));

    [Fact]
    public void Slurm_is_asked_for_all_jobs_whatever_the_environment_would_hide()
    {
        string[] inherited =
        [
            "PATH=/none", "SLURM_CONF=/c", "SQUEUE_STATES=PD", "SQUEUE_PARTITION=p", "SBATCH_PARTITION=p",
            "SCANCEL_STATE=PENDING", "SLURM_CLUSTERS=other",
        ];
        ProgramCall query = new SlurmTools(inherited.Select(Encoding.ASCII.GetBytes)).Query();

        Assert.Contains("--all", query.Arguments.Select(Encoding.ASCII.GetString));
        Assert.Equal(inherited[..2], query.Environment.Select(Encoding.ASCII.GetString));
    }

    [Fact]
    public void Tokens_differ_by_ledger_job_and_attempt_and_stay_the_same()
    {
        string[] tokens =
        [
            SlurmToken.Of("a", 1, 1), SlurmToken.Of("b", 1, 1), SlurmToken.Of("a", 2, 1), SlurmToken.Of("a", 1, 2),
            SlurmToken.Of("a", 11, 1), SlurmToken.Of("a", 1, 11),
        ];

        Assert.Equal(tokens.Length, tokens.Distinct().Count());
        Assert.All(tokens, token => Assert.Matches("^[0-9a-f]{32}$", token));
        Assert.Equal(tokens[0], SlurmToken.Of("a", 1, 1));
    }

    [Fact]
    public void Bash_reads_every_byte_back_from_a_quoted_word()
    {
        byte[] everyByte = [.. Enumerable.Range(1, 255).Select(value => (byte)value), .. "a1fF'\\"u8];
        string word = SlurmScript.Quote(everyByte);
        Assert.All(word, letter => Assert.InRange(letter, ' ', '~'));

        foreach (string locale in new[] { "C", "C.UTF-8" })
        {
            ProgramResult result = ProgramRunner.Run(new ProgramCall(
                new BytePath("/bin/bash"u8), ["bash"u8.ToArray()], [Encoding.UTF8.GetBytes("LC_ALL=" + locale)])
            {
                Input = Encoding.ASCII.GetBytes($"printf %s {word}"),
            });
            Assert.Equal(everyByte, result.Output);
        }
    }

    private static AttemptOutcome? Judge(
        string state, SlurmOutcome? outcome, bool isLate = false, SlurmEndCause cause = SlurmEndCause.None) =>
        SlurmJudge.Of(
            new SlurmFacts(
                new SlurmRow(7, state, TimeSpan.FromHours(2), "n1", "None", "ac"), outcome, cause, isLate),
            s_options);
}
