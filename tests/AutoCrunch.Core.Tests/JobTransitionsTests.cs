namespace AutoCrunch.Core.Tests;

public sealed class JobTransitionsTests
{
    private const long Now = 1_000_000_000_000;
    private const long Due = 5;

    private static readonly RetryPolicy s_policy = new(3, TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(10), [65, 78]);

    private static readonly AttemptOutcome s_failed = new AttemptOutcome.Failed("exited with code 1", 1);
    private static readonly AttemptOutcome s_timedOut = new AttemptOutcome.TimedOut(TimeSpan.FromSeconds(1), null, 15);
    private static readonly AttemptOutcome s_cannotStart = new AttemptOutcome.CannotStart("no such program");

    /// <summary>Every kind of outcome there is; a new one without a line here fails the first test.</summary>
    private static readonly AttemptOutcome[] s_outcomes =
    [
        AttemptOutcome.Succeeded.Value, s_failed, s_timedOut, s_cannotStart,
        new AttemptOutcome.Interrupted(ByCrash: false), new AttemptOutcome.Interrupted(ByCrash: true),
        new AttemptOutcome.NotStarted("no process to be had", TimeSpan.FromSeconds(1)),
        new AttemptOutcome.PutOff("permission denied", TimeSpan.FromSeconds(1)),
        AttemptOutcome.Gone.Value, new AttemptOutcome.Changed(new FileVersion(1, 2, 3)),
        new AttemptOutcome.EndedByHand(null, 15),
    ];

    [Fact]
    public void What_an_operator_cancelled_does_not_run_again_unless_it_had_succeeded()
    {
        foreach (AttemptOutcome outcome in s_outcomes)
        {
            JobTransition next = JobTransitions.Cancelled(After(outcome));
            Assert.NotEqual(JobState.Queued, next.State);
            Assert.Equal(outcome is AttemptOutcome.Succeeded, next.State == JobState.Succeeded);
            Assert.Equal(next.State == JobState.Cancelled, next.Reason is not null);
        }

        Assert.Equal(JobReason.ByHand, After(new AttemptOutcome.EndedByHand(null, 15)).Reason);
    }

    [Fact]
    public void Every_kind_of_outcome_leads_somewhere()
    {
        // What is left running has no transition: its attempt has not ended.
        Type[] kinds =
        [
            .. typeof(AttemptOutcome).GetNestedTypes().Where(typeof(AttemptOutcome).IsAssignableFrom)
                .Except([typeof(AttemptOutcome.LeftRunning)]),
        ];

        Assert.Equal(kinds.ToHashSet(), s_outcomes.Select(outcome => outcome.GetType()).ToHashSet());
        foreach (AttemptOutcome outcome in s_outcomes)
            Assert.NotEqual(JobState.Running, After(outcome).State);
    }

    [Fact]
    public void Whatever_happens_the_counts_stay_consistent()
    {
        foreach (AttemptOutcome outcome in s_outcomes)
            for (int failures = 0; failures < 5; failures++)
                for (int crashes = 0; crashes < 7; crashes++)
                {
                    JobTransition next = After(outcome, failures, crashes);

                    bool isInARow = !next.IsRecorded || next.Counts.Crashes >= crashes;
                    int counted = next.Counts.Failures - failures
                        + (isInARow ? next.Counts.Crashes - crashes : next.Counts.Crashes);
                    Assert.InRange(counted, 0, next.IsRecorded ? 1 : 0);
                    Assert.Equal(next.State == JobState.Cancelled, next.Reason is not null);
                    Assert.Equal(outcome is AttemptOutcome.Succeeded, next.State == JobState.Succeeded);
                    if (next.State != JobState.Queued)
                        Assert.Equal(Due, next.Counts.DueNs);
                }
    }

    [Fact]
    public void A_failure_is_tried_again_after_its_delay_until_the_attempts_are_used_up()
    {
        foreach (AttemptOutcome failure in new[] { s_failed, s_timedOut, s_cannotStart })
        {
            JobTransition first = After(failure, failures: 0);
            JobTransition second = After(failure, failures: 1);
            JobTransition third = After(failure, failures: 2);

            Assert.Equal(JobState.Queued, first.State);
            Assert.Equal(Now + 10_000_000_000, first.Counts.DueNs);
            Assert.Equal(JobState.Queued, second.State);
            Assert.Equal(Now + 20_000_000_000, second.Counts.DueNs);
            Assert.Equal(JobState.Failed, third.State);
            Assert.Equal(3, third.Counts.Failures);
            Assert.True(first.IsRecorded && second.IsRecorded && third.IsRecorded);
        }
    }

    [Fact]
    public void No_delay_is_longer_than_the_longest()
    {
        RetryPolicy patient = s_policy with { MaxAttempts = 100 };

        JobTransition next = JobTransitions.After(new JobCounts(60, 0, Due), s_failed, patient, Now, 0.999);

        Assert.InRange(next.Counts.DueNs, Now, Now + 600_000_000_000);
    }

    [Theory]
    [InlineData(65, JobState.Failed)]
    [InlineData(78, JobState.Failed)]
    [InlineData(64, JobState.Queued)]
    public void A_permanent_exit_code_is_not_tried_again(int code, JobState expected) =>
        Assert.Equal(expected, After(new AttemptOutcome.Failed($"exited with code {code}", code)).State);

    [Fact]
    public void What_the_dispatcher_calls_permanent_is_not_tried_again() =>
        Assert.Equal(JobState.Failed, After(new AttemptOutcome.Failed("refused", IsPermanent: true)).State);

    [Fact]
    public void The_exit_code_of_a_job_that_timed_out_is_not_looked_up_among_the_permanent_ones() =>
        Assert.Equal(JobState.Queued, After(new AttemptOutcome.TimedOut(TimeSpan.FromSeconds(1), 65, null)).State);

    [Fact]
    public void An_attempt_that_the_service_interrupted_does_not_count_and_keeps_its_place()
    {
        JobTransition next = After(new AttemptOutcome.Interrupted(ByCrash: false), failures: 2, crashes: 4);

        Assert.Equal(new JobTransition(JobState.Queued, null, new JobCounts(2, 0, Due), IsRecorded: true), next);
    }

    [Fact]
    public void Crashes_that_are_not_in_a_row_do_not_add_up() =>
        Assert.Equal(new JobCounts(2, 0, Due), After(s_failed, failures: 1, crashes: 4).Counts with { DueNs = Due });

    [Theory]
    [InlineData(0, JobState.Queued)]
    [InlineData(3, JobState.Queued)]
    [InlineData(4, JobState.Failed)]
    [InlineData(5, JobState.Failed)]
    public void The_fifth_crash_of_the_service_under_a_job_fails_it(int crashesBefore, JobState expected)
    {
        JobTransition next = After(new AttemptOutcome.Interrupted(ByCrash: true), failures: 1, crashes: crashesBefore);

        Assert.Equal(expected, next.State);
        Assert.Equal(new JobCounts(1, crashesBefore + 1, Due), next.Counts);
    }

    [Fact]
    public void What_was_not_started_leaves_no_trace()
    {
        var outcome = new AttemptOutcome.NotStarted("no memory", TimeSpan.FromSeconds(9));

        JobTransition next = After(outcome, failures: 1, crashes: 1);

        Assert.Equal(new JobTransition(JobState.Queued, null, new JobCounts(1, 1, Due), IsRecorded: false), next);
    }

    [Fact]
    public void A_job_whose_file_cannot_be_seen_is_put_off_and_nothing_else()
    {
        var outcome = new AttemptOutcome.PutOff("permission denied", TimeSpan.FromSeconds(9));

        JobTransition next = After(outcome, failures: 1, crashes: 1);

        var counts = new JobCounts(1, 1, Now + 9_000_000_000);
        Assert.Equal(new JobTransition(JobState.Queued, null, counts, IsRecorded: false), next);
    }

    [Fact]
    public void A_file_that_is_gone_or_changed_cancels_its_job()
    {
        Assert.Equal(JobReason.Gone, After(AttemptOutcome.Gone.Value).Reason);
        Assert.Equal(JobReason.Superseded, After(new AttemptOutcome.Changed(default)).Reason);
    }

    [Fact]
    public void An_operator_may_retry_whatever_does_not_run_and_cancel_what_waits()
    {
        foreach (JobState state in Enum.GetValues<JobState>())
        {
            Assert.Equal(state != JobState.Running, JobTransitions.CanRetry(state));
            Assert.Equal(state == JobState.Queued, JobTransitions.CanCancel(state));
        }
    }

    [Fact]
    public void Every_outcome_but_success_says_what_happened()
    {
        foreach (AttemptOutcome outcome in s_outcomes)
            Assert.Equal(outcome is AttemptOutcome.Succeeded, outcome.Sentence is null);
    }

    private static JobTransition After(AttemptOutcome outcome, int failures = 0, int crashes = 0) =>
        JobTransitions.After(new JobCounts(failures, crashes, Due), outcome, s_policy, Now, random: 1);
}
