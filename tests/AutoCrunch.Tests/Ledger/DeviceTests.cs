using AutoCrunch.Core;

namespace AutoCrunch.Tests.Ledger;

/// <summary>On which device a file is, and what becomes of files whose device is not mounted.</summary>
public sealed class DeviceTests : IDisposable
{
    private const ulong Disk = 0x801;
    private const ulong Other = ulong.MaxValue - 1;

    private readonly LedgerRig _rig = new LedgerRig().Open();

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void A_missing_directory_takes_along_only_files_of_the_device_its_place_is_on()
    {
        foreach ((string path, ulong device) in new[] { ("d/a", Disk), ("d/m/b", Other), ("d/m/c", 0UL) })
            Complete(path, device);

        _rig.Ledger.KnownFiles.DirectoryGone("raw", BytePath.Parse("d"), Disk);

        Assert.Equal(["d/a:Cancelled/Gone", "d/m/b:Queued", "d/m/c:Cancelled/Gone"], _rig.Story());
        _rig.Ledger.KnownFiles.DirectoryGone("raw", BytePath.Parse("d"), Other);
        Assert.DoesNotContain(_rig.Jobs(), job => job.State == JobState.Queued);
    }

    [Fact]
    public void Scans_and_attempts_are_told_the_device_also_after_a_restart_and_under_its_new_number()
    {
        Complete("a", Disk);
        Complete("b", Other);
        Assert.Equal([Disk, Other], Devices());
        _rig.Reopen();
        Assert.Equal([Disk, Other], Devices());
        _rig.Ledger.KnownFiles.DeviceRenumbered("raw", Disk, 0x811);
        Assert.Equal([0x811UL, Other], Devices());
        _rig.CrashAndReopen();
        Assert.Equal([0x811UL, Other], Devices());
        Complete("c", Disk); // another device that has the number now
        Assert.Equal([0x811UL, Other, Disk], Devices());
        Assert.Equal(
            [0x811UL], _rig.Read(_ => Directories()).Select(directory => directory.Device));
        _rig.StartClaims(3);
        Assert.Equal([0x811UL, Other, Disk], new[] { _rig.Take(), _rig.Take(), _rig.Take() }.Select(one => one.Device));
    }

    [Fact]
    public void Devices_that_change_places_keep_their_files()
    {
        Complete("a", Disk);
        Complete("b", Other);
        _rig.Ledger.KnownFiles.DeviceRenumbered("raw", Disk, 3);
        _rig.Ledger.KnownFiles.DeviceRenumbered("raw", Other, Disk);
        _rig.Ledger.KnownFiles.DeviceRenumbered("raw", 3, Other);

        Assert.Equal([Other, Disk], Devices());
    }

    [Fact]
    public void A_job_that_waits_for_a_device_lets_others_run_and_is_not_counted()
    {
        Complete("a", Disk);
        Complete("b", Other);
        _rig.StartClaims();

        _rig.Settle(_rig.Take(), new AttemptOutcome.PutOff("not mounted", TimeSpan.FromSeconds(30)));

        Assert.Equal("b", _rig.Take().Job.Path.ToString());
        Job waiting = _rig.Jobs()[0];
        Assert.Equal((JobState.Queued, 0, 0), (waiting.State, waiting.Attempts, waiting.Failures));
        Assert.InRange(waiting.DueNs - _rig.Ledger.NowNs, 1, 30_000_000_000);
    }

    [Fact]
    public void The_very_file_that_was_gone_is_known_again_when_it_is_back()
    {
        FileVersion version = _rig.NewVersion();
        _rig.Complete("a", version, change: Born(1));
        _rig.StartClaims();
        _rig.Succeed(_rig.Take());
        _rig.Sync();
        _rig.Ledger.KnownFiles.Gone("raw", BytePath.Parse("a"));

        _rig.Complete("a", version, Evidence.Found, change: Born(1));

        Assert.Equal(["a:Succeeded"], _rig.Story());
        Assert.Equal([1UL], Devices());
        _rig.Ledger.KnownFiles.Gone("raw", BytePath.Parse("a"));
        _rig.Complete("a", version, Evidence.Found, change: Born(2));
        Assert.Equal(["a:Succeeded", "a:Queued"], _rig.Story().Select(line => line.Replace("Running", "Queued")));
    }

    private static Func<Completion, Completion> Born(long birthNs) =>
        completion => completion with { Stat = completion.Stat with { BirthNs = birthNs } };

    private void Complete(string path, ulong device) => _rig.Complete(
        path, change: completion => completion with { Stat = completion.Stat with { Device = device } });

    private IReadOnlyCollection<KnownDirectory> Directories() =>
        _rig.Ledger.KnownFiles.ReadDirectories("raw", BytePath.Empty);

    private IEnumerable<ulong> Devices()
    {
        _rig.Sync();
        var files = new Dictionary<BytePath, KnownFile>();
        _rig.Ledger.KnownFiles.ReadDirectory("raw", BytePath.Empty, files);
        return files.OrderBy(file => file.Key).Select(file => file.Value.Device);
    }
}
