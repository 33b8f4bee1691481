using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;

namespace AutoCrunch.Tests.Ledger;

/// <summary>What operators ask for, in the ledger.</summary>
public sealed class ByHandTests : IDisposable
{
    private readonly LedgerRig _rig = new();

    public void Dispose() => _rig.Dispose();

    [Fact]
    public async Task Of_a_path_that_is_submitted_while_its_job_runs_one_job_waits_also_when_that_one_fails()
    {
        _rig.Open().StartClaims();
        Completion file = _rig.Complete("a");
        Attempt first = _rig.Take();
        Submitted[] submitted = await _rig.Ledger.SubmitAsync("raw", [Seen(file)]);
        Assert.Equal([new Submitted(2, HasWaited: false)], submitted);
        Assert.Equal(
            [new Submitted(2, HasWaited: true)],
            await _rig.Ledger.SubmitAsync("raw", [Seen(file)]));

        _rig.SettleNow(first, new AttemptOutcome.Failed("exited with code 1", 1));

        Assert.Equal(2, _rig.Take().Job.Id);
        Assert.Equal(["a:Cancelled/Superseded", "a:Running"], _rig.Story());
        Assert.Equal(Evidence.ByHand, _rig.Job(2).Evidence);
    }

    [Fact]
    public async Task A_retry_finds_the_name_that_a_file_has_now()
    {
        _rig.Open().StartClaims();
        Completion file = _rig.Complete("a");
        _rig.Succeed(_rig.Take());
        _rig.Complete("sub/b", file.Version, change: completion => completion with { RenamedFrom = file.Path });

        FoundJob found = Assert.Single(await _rig.Ledger.FindAsync([1]))!;
        Assert.Equal(("sub/b", 1L), (found.Job.Path.ToString(), found.LatestId));
        Assert.True(Assert.Single(await _rig.Ledger.RetryAsync([found])));

        Attempt again = _rig.Take();
        Assert.Equal((1L, 2, "sub/b"), (again.Job.Id, again.Number, again.Job.Path.ToString()));
        Assert.False(Assert.Single(await _rig.Ledger.RetryAsync([found]))); // it runs
    }

    [Fact]
    public async Task A_retry_leaves_a_job_that_was_replaced_since_it_was_found()
    {
        _rig.Open().StartClaims();
        _rig.Complete("a");
        _rig.Succeed(_rig.Take());
        FoundJob found = Assert.Single(await _rig.Ledger.FindAsync([1]))!;
        _rig.Complete("a");
        _rig.Sync();

        Assert.False(Assert.Single(await _rig.Ledger.RetryAsync([found])));
        Assert.Equal(["a:Succeeded", "a:Running"], _rig.Story());
    }

    [Fact]
    public async Task A_rule_that_is_paused_claims_nothing_from_then_on_until_it_is_resumed()
    {
        _rig.Open().StartClaims();
        Assert.Null((await _rig.Ledger.SetPausedAsync("raw", PauseReason.ByHand))!.Before);
        _rig.Complete("a");
        _rig.AssertNothingClaimed();
        Assert.Equal(new RulePause(PauseReason.ByHand, 1), await _rig.Ledger.SetPausedAsync("raw", null));
        _rig.Take();
        Assert.Null(await _rig.Ledger.SetPausedAsync("none", null));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_pause_and_a_resume_outlive_a_scan_that_is_recorded_with_them(bool isPause)
    {
        PauseReason? before = isPause ? null : PauseReason.ByHand;
        PauseReason? after = isPause ? PauseReason.ByHand : null;
        _rig.Open();
        await _rig.Ledger.SetPausedAsync("raw", before);
        _rig.Ledger.Dispose();
        _rig.Open(isStarted: false);
        Task<RulePause?> asked = _rig.Ledger.SetPausedAsync("raw", after);
        _rig.Ledger.KnownFiles.WholeScanFinished("raw", 0);
        _rig.Ledger.Start(); // one round takes both

        Assert.Equal(before, (await asked.WaitAsync(Wait.Bound))!.Before);

        Assert.Equal(after, await _rig.Ledger.PausedAsync("raw"));
        Assert.Equal(after, _rig.Read(reader => reader.Records["raw"].Paused));
    }

    [Fact]
    public async Task A_look_that_is_older_than_what_was_recorded_since_changes_nothing()
    {
        _rig.Open();
        FileVersion old = _rig.NewVersion();
        var look = new SeenFile(BytePath.Parse("a"), LedgerRig.StatOf(old), Clock.WallNs());
        Completion newer = _rig.Complete("a");
        _rig.Sync();

        Assert.True(Assert.Single(await _rig.Ledger.SubmitAsync("raw", [look])).HasChanged);
        foreach (AdoptAs how in Enum.GetValues<AdoptAs>())
            Assert.Equal(
                new AdoptCounts { Changed = 1 }, await _rig.Ledger.AdoptAsync("raw", [look], how, isDry: false));

        Assert.Equal(["a:Queued"], _rig.Story());
        Assert.Equal(newer.Version, _rig.Jobs()[0].Version);
        Assert.Equal(newer.Version, _rig.Read(reader => reader.FindFile("raw", newer.Path))!.Value.Known.Version);
        Assert.False(Assert.Single(await _rig.Ledger.SubmitAsync(
            "raw", [look with { LookedNs = Clock.WallNs() }])).HasChanged); // as it is now
    }

    private static SeenFile Seen(Completion file) => new(file.Path, file.Stat, Clock.WallNs());
}
