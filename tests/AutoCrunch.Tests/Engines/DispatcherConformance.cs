namespace AutoCrunch.Tests.Engines;

/// <summary>
/// What every dispatcher owes to those who change a rule's <c>Type</c>, shown with the real service on a real engine:
/// in one way by those that run a command (<see cref="CommandConformance"/>), in another by messages
/// (<see cref="RabbitMqConformanceTests"/>).
/// </summary>
public abstract class DispatcherConformance
{
    [Fact]
    public abstract void A_job_that_succeeds_has_run_once();

    [Fact]
    public abstract void A_job_that_fails_is_tried_again_with_the_next_number_and_the_reason_is_known();

    [Fact]
    public abstract void A_failure_that_no_repetition_can_mend_is_for_good_at_once();

    [Fact]
    public abstract void A_cancelled_job_is_ended_and_does_not_run_again();

    [Fact]
    public abstract void Every_byte_of_a_path_reaches_the_job();

    [Fact]
    public abstract void A_job_is_told_what_it_is_for();

    [Fact]
    public abstract void No_more_jobs_run_at_once_than_the_rule_allows_and_all_run();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public abstract void After_a_stop_or_a_kill_of_the_service_no_two_attempts_overlap_and_each_job_ends(bool isKilled);
}
