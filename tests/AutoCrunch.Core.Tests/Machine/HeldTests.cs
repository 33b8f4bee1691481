namespace AutoCrunch.Core.Tests.Machine;

/// <summary>A hold is the file's, wherever it goes.</summary>
public sealed class HeldTests
{
    private const long SecondNs = 1_000_000_000;
    private const long StartNs = 1000 * SecondNs;
    private const long WallNs = 1_700_000_000 * SecondNs;

    private readonly ModelTree _tree = new() { WallNs = WallNs };
    private readonly MachineDriver _driver;

    public HeldTests()
    {
        _driver = new MachineDriver(
            new WatchRule { Name = "raw", Path = BytePath.Parse("/in") }, _tree, StartNs, WallNs);
        _tree.Create("f.raw", 0b110_000_000);
        _tree.Write("f.raw");
        _tree.Close("f.raw");
        _driver.Scan();
        _driver.ReadQueue();
        _driver.RunUntil(StartNs + (20 * SecondNs));
        Assert.Equal(HoldReason.OwnerOnly, Assert.Single(_driver.Effects).Reason);
    }

    [Fact]
    public void A_held_file_takes_its_hold_along_although_a_scan_has_seen_what_took_its_place()
    {
        _tree.Rename("f.raw", "g.raw");
        _tree.Create("f.raw", 0b110_000_000);
        _driver.Publish(FileEventKind.Found, "f.raw"); // before the rename is read
        _driver.ReadQueue();
        _driver.RunUntil(StartNs + (60 * SecondNs));

        Assert.Contains(_driver.Effects, effect => effect.Kind == EffectKind.Hold && IsAt(effect, "g.raw"));
        Assert.DoesNotContain(_driver.Effects, effect => effect.Kind == EffectKind.Complete);
    }

    [Fact]
    public void A_hold_of_an_earlier_life_is_not_given_to_what_took_the_place_of_its_file()
    {
        FileVersion version = _tree.Get("f.raw").Stat.Version;
        _driver.Restart();
        _driver.Effects.Clear();
        _tree.Rename("f.raw", "g.raw");
        _tree.MoveIn("f.raw", 0b110_100_100, WallNs - (3600 * SecondNs));
        _driver.Publish(
            new FileEvent(_driver.Root, "f.raw"u8.ToArray(), FileEventKind.Found, 0, _driver.Now, _driver.QueueEmpty)
            {
                HeldBefore = HoldReason.OwnerOnly,
                HeldVersion = version, // seen before the rename
            });
        _driver.ReadQueue();
        _driver.RunUntil(StartNs + (60 * SecondNs));

        Effect[] holds = [.. _driver.Effects.Where(effect => effect.Kind == EffectKind.Hold)];
        Assert.NotEmpty(holds);
        Assert.All(holds, hold => Assert.True(IsAt(hold, "g.raw")));
        Effect done = Assert.Single(_driver.Effects, effect => effect.Kind == EffectKind.Complete);
        Assert.Equal("f.raw", done.Completion!.Path.ToString());
    }

    [Fact]
    public void A_held_file_is_told_under_its_new_name_although_its_directory_is_gone_by_then()
    {
        _driver.NewDirectory("d", isUncertain: true);
        _tree.Rename("f.raw", "d/f.raw");
        _tree.Leave("d/f.raw");
        _driver.ReadQueue();

        Assert.Contains(_driver.Effects, effect => effect.Kind == EffectKind.Hold && !IsAtRoot(effect));
    }

    [Fact]
    public void Another_file_in_the_place_of_a_held_one_is_judged_by_itself_where_nothing_tells_of_a_rename()
    {
        _tree.Unlink("f.raw");
        _tree.Create("f.raw", 0b110_100_100);
        _tree.Write("f.raw");
        _tree.Close("f.raw");
        _tree.Events.Clear(); // lost
        _driver.Publish(FileEventKind.Found, "f.raw");
        _driver.RunUntil(StartNs + (60 * SecondNs));

        Assert.Contains(_driver.Effects, effect => effect.Kind == EffectKind.Complete && IsAt(effect, "f.raw"));
    }

    [Fact]
    public void A_held_file_that_was_renamed_is_told_again_once_it_was_looked_at()
    {
        _tree.Rename("f.raw", "g.raw");
        _driver.Effects.Clear();
        _driver.ReadQueue();
        _driver.RunUntil(StartNs + (60 * SecondNs));

        Effect[] holds = [.. _driver.Effects.Where(effect => effect.Kind == EffectKind.Hold && IsAt(effect, "g.raw"))];
        Assert.Equal([true, false], holds.Select(hold => hold.IsMoved));
    }

    private static bool IsAtRoot(Effect effect) => effect.Directory.Parent is null;

    private static bool IsAt(Effect effect, string name) => ModelTree.TextOf(effect.Name) == name;
}
