namespace AutoCrunch.Core.Tests.Machine;

/// <summary>What a scan finds is judged, whatever is renamed meanwhile.</summary>
public sealed class FoundTests
{
    private const long SecondNs = 1_000_000_000;
    private const long StartNs = 1000 * SecondNs;
    private const long WallNs = 1_700_000_000 * SecondNs;

    private readonly ModelTree _tree = new() { WallNs = WallNs };
    private readonly MachineDriver _driver;

    public FoundTests() => _driver = new MachineDriver(
        new WatchRule { Name = "raw", Path = BytePath.Parse("/in") }, _tree, StartNs, WallNs);

    [Theory]
    [InlineData(1u)]
    [InlineData(2u)]
    public void A_found_file_that_one_look_missed_while_its_directory_was_renamed_is_judged(uint links)
    {
        TrackedDirectory directory = _driver.NewDirectory("d", isUncertain: false);
        _tree.Create("was/f.raw", 0b110_100_100).MtimeNs = WallNs - (3600 * SecondNs);
        _tree.Get("was/f.raw").Writers = 0;
        _tree.Get("was/f.raw").Links = links;
        _tree.Events.Clear();
        _driver.Answer = (_, _) => null;
        _driver.Publish(FileEventKind.Found, "d/f.raw"); // the directory is at "was" by the time of the look
        _driver.Probed("d/f.raw", ProbeDepth.Writers, ProbeAnswer.Gone);
        _driver.MoveDirectory(directory, "d", "was"); // read before the second look
        _driver.Answer = _driver.AnswerFromTree;
        _driver.Probed("was/f.raw", ProbeDepth.Stat, _driver.AnswerFromTree("was/f.raw", ProbeDepth.Stat)!.Value);
        _driver.RunUntil(StartNs + (60 * SecondNs));
        _driver.Scan();
        _driver.RunUntil(StartNs + (120 * SecondNs));

        Assert.Contains(_driver.Effects, effect => effect.Kind == EffectKind.Complete);
    }

    // mkdir new; mv d/* new/; rmdir d; mv new d
    [Theory]
    [InlineData(0b110_100_100u)]
    [InlineData(0b110_000_000u)]
    public void A_file_whose_new_directory_takes_the_place_of_its_old_one_was_not_renamed_from_itself(uint mode)
    {
        _driver.NewDirectory("d", isUncertain: false);
        TrackedDirectory other = _driver.NewDirectory("new", isUncertain: false);
        _tree.Create("d/f.raw", mode);
        _tree.Write("d/f.raw");
        _tree.Close("d/f.raw");
        _tree.Events.Clear(); // the ledger knows it
        _driver.Elapse(StartNs + SecondNs);
        _driver.Publish(FileEventKind.MovedOut, "d/f.raw", cookie: 1);
        _tree.Rename("d/f.raw", "new/f.raw");
        _tree.Events.Clear();
        _driver.Publish(FileEventKind.MovedIn, "new/f.raw", cookie: 1);
        _driver.ForgetDirectory("d");
        _tree.Rename("new/f.raw", "d/f.raw");
        _tree.Events.Clear();
        _driver.MoveDirectory(other, "new", "d");
        _driver.RunUntil(StartNs + (120 * SecondNs));

        Effect done = Assert.Single(_driver.Effects, effect => effect.Kind == EffectKind.Complete);
        Assert.Equal("d/f.raw", done.Completion!.Path.ToString());
        Assert.NotEqual("d/f.raw", done.Completion!.RenamedFrom?.ToString());
    }
}
