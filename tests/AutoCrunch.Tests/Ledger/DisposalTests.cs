using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;

namespace AutoCrunch.Tests.Ledger;

/// <summary>What is intended for the files of jobs that have ended, and what takes it back.</summary>
public sealed class DisposalTests : IDisposable
{
    private readonly LedgerRig _rig = new(LedgerRig.Rule() with
    {
        OnSuccess = new DisposalPolicy(DisposalKind.Delete, null, BytePath.Empty),
    });

    public void Dispose() => _rig.Dispose();

    [Fact]
    public async Task A_file_that_is_submitted_while_its_job_runs_stays_for_the_new_job()
    {
        _rig.Open().StartClaims();
        Completion file = _rig.Complete("a");
        Attempt first = _rig.Take();
        await SubmitAsync(file);

        _rig.SettleNow(first, AttemptOutcome.Succeeded.Value);

        Attempt second = _rig.Take();
        Assert.Empty(await IntendedAsync());
        Assert.Contains($"has got job {second.Job.Id}", ReasonOf(first), StringComparison.Ordinal);
        _rig.Succeed(second);
        _rig.Sync();
        Assert.Equal(second.Job.Id, Assert.Single(await IntendedAsync()).JobId);
    }

    [Fact]
    public async Task A_file_whose_second_job_was_called_off_by_hand_stays_and_its_first_job_says_why()
    {
        _rig.Open().StartClaims();
        Completion file = _rig.Complete("a");
        Attempt first = _rig.Take();
        Submitted second = Assert.Single(await SubmitAsync(file));
        Assert.True(await _rig.Ledger.CancelAsync(second.JobId));

        _rig.SettleNow(first, AttemptOutcome.Succeeded.Value);

        Assert.Empty(await IntendedAsync());
        Assert.Contains($"has got job {second.JobId}", ReasonOf(first), StringComparison.Ordinal);
    }

    [Fact]
    public void Of_a_version_that_is_no_more_nothing_is_intended()
    {
        _rig.Open().StartClaims();
        _rig.Complete("a");
        Attempt first = _rig.Take();
        _rig.Complete("a");
        _rig.SettleNow(first, AttemptOutcome.Succeeded.Value);

        Assert.Null(_rig.Read(reader => reader.FindDisposal(first.Job.Id)));
    }

    [Fact]
    public async Task A_file_that_is_submitted_while_it_waits_to_be_deleted_stays_for_the_new_job()
    {
        _rig.Open().StartClaims();
        Completion file = _rig.Complete("a");
        _rig.Succeed(_rig.Take());
        _rig.Sync();
        Assert.Single(await IntendedAsync());

        await SubmitAsync(file);

        Assert.Empty(await IntendedAsync());
    }

    [Fact]
    public async Task A_job_whose_file_is_not_yet_deleted_is_not_forgotten()
    {
        _rig.Open().StartClaims();
        _rig.Complete("a");
        _rig.Succeed(_rig.Take());
        _rig.Complete("b");
        _rig.Succeed(_rig.Take());
        _rig.Sync();
        List<Disposal> intended = await IntendedAsync();
        await _rig.Ledger.EndDisposalsAsync([(intended[1], null)]);
        _rig.Ledger.Dispose();

        var pruned = new List<PrunedJob>();
        using (var writer = new LedgerWriter(
            LedgerFile.OpenWriter(new StateLayout(_rig.StateDirectory), out _), (_, _, _) => false))
        {
            long cursor = 0;
            writer.Begin();
            writer.PruneJobs(Clock.WallNs(), ref cursor, pruned);
            writer.Commit();
        }

        Assert.Equal(2, Assert.Single(pruned).Id);
        _rig.Open();
        Assert.Equal("a", Assert.Single(_rig.Jobs()).Path.ToString());
        Assert.Equal(1, Assert.Single(await IntendedAsync()).JobId);
    }

    [Fact]
    public async Task A_job_whose_file_is_being_deleted_does_not_run_again_until_that_is_done()
    {
        _rig.Open().StartClaims();
        Completion file = _rig.Complete("a");
        _rig.Succeed(_rig.Take());
        _rig.Sync();
        Disposal disposal = Assert.Single(await IntendedAsync());
        Assert.NotNull(await _rig.Ledger.BeginDisposalAsync(disposal));

        Assert.True((await FindAsync()).Disposal!.IsBegun);
        Assert.False(await RetryAsync());
        Assert.Equal([new Submitted(1, HasWaited: false) { IsRefused = true }], await SubmitAsync(file));
        _rig.CrashAndReopen();
        Assert.Equal(disposal.Id, Assert.Single(await IntendedAsync()).Id);
        Assert.False(await RetryAsync());
        Assert.NotNull(await _rig.Ledger.BeginDisposalAsync(disposal));
        await _rig.Ledger.RestDisposalAsync(disposal);
        Assert.True(await RetryAsync());
        Assert.Null(await _rig.Ledger.BeginDisposalAsync(disposal));
        Assert.Empty(await IntendedAsync());
    }

    [Fact]
    public async Task What_has_begun_is_not_forgotten_when_another_version_arrives()
    {
        _rig.Open().StartClaims();
        _rig.Complete("a");
        _rig.Succeed(_rig.Take());
        _rig.Sync();
        Disposal disposal = Assert.Single(await IntendedAsync());
        await _rig.Ledger.BeginDisposalAsync(disposal);
        _rig.Complete("a");
        _rig.Sync();
        Assert.Equal(disposal.Id, Assert.Single(await IntendedAsync()).Id);
    }

    [Fact]
    public async Task What_is_to_be_done_with_a_file_follows_its_name_until_it_has_begun()
    {
        _rig.Open().StartClaims();
        Completion file = _rig.CompleteBorn("n/a");
        _rig.Succeed(_rig.Take());
        _rig.Sync();
        Disposal intended = Assert.Single(await IntendedAsync());
        BytePath root = _rig.Rules[0].Path;
        Assert.Equal(root.Join(BytePath.Parse("n/a")), intended.Source);

        _rig.CompleteBorn("n/b", file.Version, from: "n/a");
        _rig.Ledger.KnownFiles.DirectoryMoved("raw", BytePath.Parse("n"), BytePath.Parse("m/n"));
        Disposal? begun = await _rig.Ledger.BeginDisposalAsync(intended);
        Assert.Equal((root.Join(BytePath.Parse("m/n/b")), false), (begun!.Source, begun.IsBegun));

        _rig.Ledger.KnownFiles.DirectoryMoved("raw", BytePath.Parse("m"), BytePath.Parse("o"));
        begun = Assert.Single(await IntendedAsync());
        Assert.Equal((root.Join(BytePath.Parse("m/n/b")), true), (begun.Source, begun.IsBegun));
    }

    [Fact]
    public async Task The_device_of_the_file_is_known_also_when_it_has_got_another_number()
    {
        _rig.Open().StartClaims();
        _rig.Complete("a");
        _rig.Succeed(_rig.Take());
        _rig.Sync();
        Assert.Equal(1UL, Assert.Single(await IntendedAsync()).Device);
        _rig.Ledger.KnownFiles.DeviceRenumbered("raw", 1, 0x811);
        Assert.Equal(0x811UL, Assert.Single(await IntendedAsync()).Device);
    }

    private string ReasonOf(Attempt attempt)
    {
        Disposal disposal = _rig.Read(reader => reader.FindDisposal(attempt.Job.Id))!;
        Assert.Equal(DisposalState.Left, disposal.State);
        return disposal.Reason!;
    }

    private async Task<bool> RetryAsync() =>
        Assert.Single(await _rig.Ledger.RetryAsync([await FindAsync()]));

    private async Task<FoundJob> FindAsync() => Assert.Single(await _rig.Ledger.FindAsync([1]))!;

    private Task<List<Disposal>> IntendedAsync() => _rig.Ledger.IntendedAsync("raw", 0, 10);

    private Task<Submitted[]> SubmitAsync(Completion file) =>
        _rig.Ledger.SubmitAsync("raw", [new SeenFile(file.Path, file.Stat, Clock.WallNs())]);
}
