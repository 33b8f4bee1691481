using AutoCrunch.Core;
using AutoCrunch.Dispatch;
using AutoCrunch.Linux;
using AutoCrunch.Tests.Hosting;

namespace AutoCrunch.Tests.Engines;

/// <summary>
/// One attempt that is followed, with the files that its script leaves in a real directory, and with what Slurm says:
/// without Slurm.
/// </summary>
public sealed class SlurmFollowTests : IDisposable
{
    private readonly TempDirectory _shared = new();
    private readonly SlurmPlace _place;
    private readonly SlurmFollow _follow;

    public SlurmFollowTests()
    {
        _shared.Write("autocrunch-shared", "");
        _place = new SlurmPlace(_shared.Path, "ledger", jobId: 1, attempt: 1);
        var options = new SlurmOptions
        {
            Command = [],
            SharedDirectory = _shared.Path,
            WorkingDirectory = _shared.Path,
            OutcomeWait = TimeSpan.Zero, // what is over for Slurm is late at the next look
        };
        _follow = new SlurmFollow(AnAttempt(), "raw", options, _place, new ListLogger<SlurmFollow>());
        Directory.CreateDirectory(_place.Directory.Join("claim"u8).ToString());
        _follow.Submitted(7);
    }

    public void Dispose() => _shared.Dispose();

    [Theory]
    [InlineData("PREEMPTED", typeof(AttemptOutcome.Interrupted))]
    [InlineData("NODE_FAIL", typeof(AttemptOutcome.Interrupted))]
    [InlineData("FAILED", typeof(AttemptOutcome.Failed))]
    public async Task A_signal_waits_for_the_word_of_a_Slurm_that_is_away_however_long_that_is(
        string state, Type outcome)
    {
        LeaveOutcome(128 + Signals.SIGTERM);
        for (int i = 0; i < 100; i++)
            _follow.Look([], askedNs: null);
        Assert.False(_follow.End.IsCompleted);

        _follow.Look([Row(state)], Clock.MonotonicNs());
        Assert.IsType(outcome, await _follow.End.WaitAsync(Wait.Bound));
    }

    [Fact]
    public async Task Waiting_for_the_word_of_Slurm_begins_when_it_has_answered_again()
    {
        LeaveOutcome(0, isTerminated: true);
        for (int i = 0; i < 100; i++)
            _follow.Look([], askedNs: null);
        _follow.Look([Row("COMPLETING")], Clock.MonotonicNs());
        Assert.False(_follow.End.IsCompleted); // it has been there for a moment only

        _follow.Look([Row("COMPLETED")], Clock.MonotonicNs());
        Assert.IsType<AttemptOutcome.Succeeded>(await _follow.End.WaitAsync(Wait.Bound));
    }

    [Fact]
    public async Task An_outcome_that_does_not_appear_is_late_once_Slurm_has_said_that_the_job_is_over()
    {
        _follow.Look([], Clock.MonotonicNs()); // it knows none of that name
        Assert.False(_follow.End.IsCompleted);

        _follow.Look([], Clock.MonotonicNs());
        Assert.IsType<AttemptOutcome.Failed>(await _follow.End.WaitAsync(Wait.Bound));
    }

    private static SlurmRow Row(string state) => new(7, state, TimeSpan.Zero, "n1", "None", "");

    private static Attempt AnAttempt() => new(
        new Job
        {
            Id = 1,
            Rule = "raw",
            Path = new BytePath("f.raw"u8),
            Version = new FileVersion(1, 1, 1),
            Evidence = Evidence.RenamedFromTemporary,
            State = JobState.Running,
        },
        Number: 1);

    private void LeaveOutcome(int code, bool isTerminated = false) => File.WriteAllText(
        _place.Directory.Join("outcome"u8).ToString(), FormattableString.Invariant(
            $"autocrunch 1\ncode {code}\njob 7\nnode n1\n{(isTerminated ? "term\n" : "")}end\n"));
}
