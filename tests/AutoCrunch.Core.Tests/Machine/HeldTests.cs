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

    private static bool IsAtRoot(Effect effect) => effect.Directory.Parent is null;

    private static bool IsAt(Effect effect, string name) => ModelTree.TextOf(effect.Name) == name;
}
