namespace AutoCrunch.Core.Tests;

/// <summary>What files that exist count as, by what the ledger knows of them.</summary>
public sealed class AdoptionTests
{
    private static readonly FileVersion s_there = new(7, 100, 1_000);
    private static readonly FileVersion s_other = new(7, 90, 900);

    [Theory]
    [InlineData(AdoptAs.Done, AdoptAction.Record)]
    [InlineData(AdoptAs.Pending, AdoptAction.Job)]
    public void What_is_not_known_or_is_another_version_is_recorded_as_it_is_adopted(AdoptAs how, AdoptAction action)
    {
        Assert.Equal(action, Of(how, s_there, null));
        Assert.Equal(action, Of(how, s_there, Entry(s_other, JobState.Succeeded)));
        Assert.Equal(action, Of(how, s_there, Entry(s_there, JobState.Succeeded, EntryState.Changed)));
        Assert.Equal(action, Of(how, s_there, Entry(s_there, JobState.Succeeded, EntryState.Gone)));
    }

    [Theory]
    [InlineData(null, AdoptAction.LeaveKnown, AdoptAction.Job)]
    [InlineData(JobState.Queued, AdoptAction.CancelAndRecord, AdoptAction.LeaveKnown)]
    [InlineData(JobState.Running, AdoptAction.LeaveRunning, AdoptAction.LeaveRunning)]
    [InlineData(JobState.Succeeded, AdoptAction.LeaveKnown, AdoptAction.LeaveKnown)]
    [InlineData(JobState.Failed, AdoptAction.LeaveKnown, AdoptAction.LeaveKnown)]
    public void A_known_version_keeps_what_it_had(JobState? job, AdoptAction done, AdoptAction pending)
    {
        Assert.Equal(done, Of(AdoptAs.Done, s_there, Entry(s_there, job)));
        Assert.Equal(pending, Of(AdoptAs.Pending, s_there, Entry(s_there, job)));
    }

    [Theory]
    [InlineData(JobReason.ByHand, AdoptAction.LeaveKnown)]
    [InlineData(JobReason.Gone, AdoptAction.Record)]
    [InlineData(JobReason.Superseded, AdoptAction.Record)]
    public void What_was_cancelled_gets_a_job_as_pending_and_is_settled_as_done(JobReason reason, AdoptAction done)
    {
        KnownEntry entry = Entry(s_there, JobState.Cancelled) with { JobReason = reason };
        Assert.Equal(done, Of(AdoptAs.Done, s_there, entry));
        Assert.Equal(AdoptAction.Job, Of(AdoptAs.Pending, s_there, entry));
    }

    [Fact]
    public void What_is_held_is_let_be_as_done_and_stays_held_as_pending()
    {
        KnownEntry held = Entry(s_there, null, EntryState.Held) with { Held = HoldReason.ZeroMtime };
        Assert.Equal(AdoptAction.Record, Of(AdoptAs.Done, s_there, held));
        Assert.Equal(AdoptAction.LeaveHeld, Of(AdoptAs.Pending, s_there, held));
    }

    private static KnownEntry Entry(FileVersion version, JobState? job, EntryState state = EntryState.Present) =>
        new(version, state, 0, job, null);

    [Fact]
    public void What_had_a_job_that_is_forgotten_by_now_is_not_run_again()
    {
        KnownEntry entry = Entry(s_there, null);
        Assert.Equal(AdoptAction.LeaveKnown, Adoption.Of(AdoptAs.Pending, s_there, entry, hadJob: true));
        Assert.Equal(AdoptAction.Job, Adoption.Of(AdoptAs.Pending, s_there, entry, hadJob: false));
        Assert.Equal(AdoptAction.Job, Adoption.Of(AdoptAs.Pending, s_other, entry, hadJob: true));
    }

    private static AdoptAction Of(AdoptAs how, FileVersion version, KnownEntry? known) =>
        Adoption.Of(how, version, known, hadJob: known is { Job: not null });
}
