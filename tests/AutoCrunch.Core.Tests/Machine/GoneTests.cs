namespace AutoCrunch.Core.Tests.Machine;

/// <summary>When a name where nothing is found is gone, and when it is only elsewhere.</summary>
public sealed class GoneTests
{
    private const long SecondNs = 1_000_000_000;
    private const long StartNs = 1000 * SecondNs;
    private const long WallNs = 1_700_000_000 * SecondNs;

    private readonly ModelTree _tree = new() { WallNs = WallNs };
    private readonly MachineDriver _driver;

    public GoneTests() => _driver = new MachineDriver(
        new WatchRule { Name = "raw", Path = BytePath.Parse("/in") }, _tree, StartNs, WallNs);

    [Theory]
    [InlineData("was")]
    [InlineData("d")] // and back again
    public void A_file_that_was_looked_for_while_its_directory_was_renamed_is_not_gone(string last)
    {
        // The file is at "was" already, and the service still takes it for "d": another directory has that name now.
        TrackedDirectory directory = _driver.NewDirectory("d", isUncertain: false);
        _tree.Create("was/f.raw", 0b110_100_100);
        _tree.Write("was/f.raw");
        _tree.Close("was/f.raw");
        _tree.Events.Clear();
        _driver.Publish(FileEventKind.Created, "d/f.raw");
        _driver.Publish(FileEventKind.Modified, "d/f.raw");
        _driver.Publish(FileEventKind.ClosedAfterWrite, "d/f.raw");
        Assert.Contains(("d/f.raw", ProbeDepth.Stat), _driver.Probes); // looked for twice, in vain

        // The rename is read, and a scan finds the file where it is, before the queue is seen empty.
        _driver.MoveDirectory(directory, "d", "was");
        _driver.Publish(FileEventKind.Found, "was/f.raw");
        if (last != "was")
        {
            _tree.Rename("was/f.raw", $"{last}/f.raw");
            _tree.Events.Clear();
            _driver.MoveDirectory(directory, "was", last);
        }

        _driver.RunUntil(StartNs + (30 * SecondNs));

        Effect verdict = Assert.Single(_driver.Effects);
        Assert.Equal(EffectKind.Complete, verdict.Kind);
        Assert.Equal($"{last}/f.raw", verdict.Completion!.Path.ToString());
    }

    [Fact]
    public void A_file_that_is_not_there_is_gone_once_the_queue_has_been_read_past_the_look()
    {
        _driver.Publish(FileEventKind.Created, "f.raw");
        _driver.Publish(FileEventKind.ClosedAfterWrite, "f.raw");
        Assert.Empty(_driver.Effects);

        _driver.RunUntil(StartNs + SecondNs);

        Assert.Equal(EffectKind.Gone, Assert.Single(_driver.Effects).Kind);
    }

    [Fact]
    public void A_name_that_a_scan_misses_is_not_gone_before_the_file_that_left_it_is_judged()
    {
        RenameUnanswered("g.raw");

        _driver.Publish(FileEventKind.Missing, "f.raw");
        Assert.Empty(_driver.Effects);

        _driver.Probed("g.raw", ProbeDepth.Writers, _driver.AnswerFromTree("g.raw", ProbeDepth.Writers)!.Value);
        _driver.RunUntil(StartNs + SecondNs);
        Assert.Equal([EffectKind.Complete, EffectKind.Gone], _driver.Effects.Select(effect => effect.Kind));
    }

    [Fact]
    public void A_name_is_gone_when_the_file_that_left_it_is_out_of_sight_before_it_was_judged()
    {
        _driver.NewDirectory("d", isUncertain: false);
        RenameUnanswered("d/g.raw");
        _driver.Publish(FileEventKind.Missing, "f.raw");

        _tree.Leave("d/g.raw");
        _driver.ForgetDirectory("d");
        _driver.RunUntil(StartNs + SecondNs);

        Effect verdict = Assert.Single(_driver.Effects);
        Assert.Equal(EffectKind.Gone, verdict.Kind);
        Assert.Equal("f.raw", ModelTree.TextOf(verdict.Name));
    }

    private void RenameUnanswered(string to)
    {
        _tree.Create("f.raw", 0b110_100_100).MtimeNs = WallNs - (3600 * SecondNs);
        _tree.Get("f.raw").Writers = 0;
        _tree.Events.Clear(); // the ledger knows it
        _tree.Rename("f.raw", to);
        _driver.Answer = (path, depth) => path == to ? null : _driver.AnswerFromTree(path, depth);
        _driver.ReadQueue();
    }
}
