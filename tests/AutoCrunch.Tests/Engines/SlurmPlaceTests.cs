using System.Text;
using System.Text.Json.Nodes;
using AutoCrunch.Core;
using AutoCrunch.Dispatch;
using AutoCrunch.Linux;
using AutoCrunch.Tests.Hosting;
using AutoCrunch.Tests.Ledger;

namespace AutoCrunch.Tests.Engines;

/// <summary>
/// What is removed from SharedDirectory, where that is not mounted or cannot be listed: a real ledger and the real
/// thread, and nothing is asked of Slurm.
/// </summary>
public sealed class SlurmPlaceTests : IDisposable
{
    private const string Away = "Slurm does not answer";

    private readonly TempDirectory _directory = new();
    private readonly BytePath _shared;
    private readonly LedgerRig _rig;
    private readonly ListLogger<SlurmWatch> _log = new();

    public SlurmPlaceTests()
    {
        _shared = _directory.MakeDirectory("shared");
        _rig = new LedgerRig(_directory, LedgerRig.Rule() with { Path = _directory.MakeDirectory("in") });
    }

    public void Dispose()
    {
        _rig.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public void A_SharedDirectory_that_is_not_mounted_stays_as_it_is()
    {
        _rig.Open();
        var missing = new SlurmPlace(_directory["missing"], _rig.Ledger.Id, 1, 1);
        var empty = new SlurmPlace(_shared, _rig.Ledger.Id, 1, 1);
        foreach (SlurmPlace place in new[] { missing, empty })
            Assert.Equal(Errno.ENOENT, place.TryVoid());
        Assert.Equal(Errno.ENOENT, SlurmPlace.TryMark(_directory["missing"]));
        Assert.Equal(PlaceState.Unusable, missing.Prepare(out int errno));
        Assert.Equal(Errno.ENOENT, errno);
        TidyUp(_shared, missing, empty);

        Assert.False(_directory.Exists("missing"));
        Assert.Empty(Directory.GetFileSystemEntries(_shared.ToString()));
        Assert.Empty(_log.Lines);
    }

    [Fact]
    public void A_directory_that_cannot_be_opened_is_told_of_and_is_no_word_against_Slurm()
    {
        _rig.Open();
        SlurmPlace[] places = PlacesApart(2);
        File.WriteAllText(places[0].Directory.Directory.ToString(), "in the place of a directory");
        Leave(places[1]);
        TidyUp(_shared, places);

        Assert.True(File.Exists(places[0].Directory.Directory.ToString()));
        Assert.False(Directory.Exists(places[1].Directory.ToString()));
        string line = Assert.Single(_log.Lines);
        Assert.Contains("could not be removed", line, StringComparison.Ordinal);
        Assert.Contains("(ENOTDIR)", line, StringComparison.Ordinal);
    }

    [RequiresFact("strace")]
    public void A_directory_that_cannot_be_listed_stays_and_holds_up_neither_the_others_nor_Slurm()
    {
        EndJobs(20);
        SlurmPlace[] places = PlacesApart(3);
        (SlurmPlace broken, SlurmPlace unseen, SlurmPlace well) = (places[0], places[1], places[2]);
        foreach (SlurmPlace place in places)
            Leave(place);
        _rig.Ledger.Dispose();
        WriteConfiguration();

        // The disk of the one, and of all that are beside the other, answers with an error.
        using var service = ServiceProcess.Of(
            _directory, [],
            "strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "inject=getdents64:error=EIO",
            "-P", broken.Directory.ToString(), "-P", unseen.Directory.Directory.ToString(),
            ServiceProcess.Program, "run", "--config", _directory["appsettings.json"].ToString());
        service.Ready();
        Wait.Until(() => service.Output.Contains("could not be removed", StringComparison.Ordinal));
        Wait.Until(() => !Directory.Exists(well.Directory.ToString()));

        Assert.True(File.Exists(broken.Directory.Join("outcome"u8).ToString()));
        Assert.True(File.Exists(unseen.Directory.Join("outcome"u8).ToString()));
        Assert.Equal(0, service.Stop());
        Assert.Contains("(EIO)", service.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(Away, service.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("cannot be told from what runs", service.Output, StringComparison.Ordinal);
    }

    // One look of the thread that follows Slurm's jobs, and what it finds.
    private void TidyUp(BytePath shared, params SlurmPlace[] settled)
    {
        using var watch = new SlurmWatch(new SlurmTools(["PATH=/nonexistent"u8.ToArray()]), _rig.Ledger, _log);
        foreach (SlurmPlace place in settled)
            watch.Remove(place);
        watch.Sweep(shared);
        Wait.Until(() => watch.HasSwept);
        Assert.True(watch.WhenUp().IsCompleted);
    }

    // Of attempts of the first jobs, each below a directory of its own, in the order in which they are looked for.
    private SlurmPlace[] PlacesApart(int count) =>
    [
        .. Enumerable.Range(1, 20).Select(job => new SlurmPlace(_shared, _rig.Ledger.Id, job, 1))
            .DistinctBy(place => place.Directory.Directory).Take(count)
            .OrderBy(place => place.Directory.ToString(), StringComparer.Ordinal),
    ];

    private static void Leave(SlurmPlace place)
    {
        string claim = place.Directory.Join("claim"u8).ToString();
        Directory.CreateDirectory(claim);
        File.WriteAllText(Path.Combine(claim, "job"), "1\n");
        File.WriteAllText(place.Directory.Join("outcome"u8).ToString(), "");
    }

    private void EndJobs(int count)
    {
        _rig.Open().StartClaims();
        for (int i = 0; i < count; i++)
        {
            _rig.Complete($"{i}.raw");
            _rig.Succeed(_rig.Take());
        }

        _rig.Sync();
    }

    private void WriteConfiguration() => _directory.Write("appsettings.json", Encoding.UTF8.GetBytes(new JsonObject
    {
        ["AutoCrunch"] = new JsonObject
        {
            ["Rules"] = new JsonObject
            {
                ["raw"] = new JsonObject
                {
                    ["Path"] = "in",
                    ["Dispatcher"] = new JsonObject
                    {
                        ["Type"] = "Slurm",
                        ["Command"] = new JsonArray("true"),
                        ["SharedDirectory"] = _shared.ToString(),
                        ["Interval"] = "00:00:01",
                    },
                },
            },
        },
    }.ToJsonString()));
}
