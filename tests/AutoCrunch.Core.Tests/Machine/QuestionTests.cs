namespace AutoCrunch.Core.Tests.Machine;

/// <summary>What the machine answers when people ask about files without a verdict.</summary>
public sealed class QuestionTests
{
    private const long SecondNs = 1_000_000_000;
    private const long StartNs = 1000 * SecondNs;
    private const long WallNs = 1_700_000_000 * SecondNs;

    private readonly ModelTree _tree = new() { WallNs = WallNs };
    private readonly MachineDriver _driver;

    public QuestionTests() => _driver = new MachineDriver(
        new WatchRule { Name = "raw", Path = BytePath.Parse("/in") }, _tree, StartNs, WallNs);

    [Fact]
    public void A_file_that_is_written_says_so_with_the_size_of_the_last_look()
    {
        _tree.Create("a.raw", 0b110_100_100);
        _tree.Write("a.raw", 5000);
        _driver.ReadQueue();
        _driver.RunUntil(StartNs + (30 * SecondNs));
        InFlight found = Find("a.raw");
        Assert.Equal(InFlightState.BeingWritten, found.State);
        Assert.Equal(5000, found.SizeBytes);
        Assert.Equal(WallNs, found.ArrivedNs);
        Assert.InRange(found.UntilNs!.Value, _driver.Now.WallNs, _driver.Now.WallNs + (10 * SecondNs));
    }

    [Fact]
    public void A_closed_file_says_when_its_quiet_period_ends()
    {
        Write("a.raw");
        _driver.RunUntil(StartNs + (4 * SecondNs));
        InFlight found = Find("a.raw");
        Assert.Equal(InFlightState.WaitsForQuiet, found.State);
        Assert.Equal(WallNs + (10 * SecondNs), found.UntilNs);
        Assert.Equal(WallNs, found.LastSignNs);
    }

    [Fact]
    public void A_file_whose_writer_cannot_be_told_waits_for_its_writer()
    {
        _driver.Answer = (path, depth) => _driver.AnswerFromTree(path, depth) is { } answer && depth != ProbeDepth.Stat
            ? answer with { Writer = WriterState.Unknown } : _driver.AnswerFromTree(path, depth);
        _tree.Create("a.raw", 0b110_100_100);
        _tree.Write("a.raw");
        _driver.ReadQueue();
        _driver.RunUntil(StartNs + (15 * SecondNs));
        Assert.Equal(InFlightState.WaitsForWriter, Find("a.raw").State);
    }

    [Fact]
    public void A_killed_transfer_says_why_it_is_held()
    {
        _tree.Create("a.raw", 0b110_000_000);
        _tree.Write("a.raw");
        _tree.Close("a.raw");
        _driver.ReadQueue();
        _driver.RunUntil(StartNs + (30 * SecondNs));
        InFlight found = Find("a.raw");
        Assert.Equal((InFlightState.Held, HoldReason.OwnerOnly), (found.State, found.Hold));
        Assert.Equal(new InFlightCount("raw", 0, 1, null), _driver.Machine.CountInFlight());
    }

    [Fact]
    public void A_file_that_cannot_be_looked_at_says_when_it_is_tried_again()
    {
        _driver.Answer = (_, _) => ProbeAnswer.Unreadable;
        Write("a.raw");
        InFlight found = Find("a.raw");
        Assert.Equal(InFlightState.Unreadable, found.State);
        Assert.Equal(WallNs + SecondNs, found.UntilNs);
    }

    [Fact]
    public void A_file_that_has_its_verdict_is_in_flight_no_longer()
    {
        Write("a.raw");
        _driver.RunUntil(StartNs + (30 * SecondNs));
        Assert.Null(_driver.Machine.FindInFlight(BytePath.Parse("a.raw"), _driver.Now));
        Assert.Equal(new InFlightCount("raw", 0, 0, null), _driver.Machine.CountInFlight());
    }

    [Fact]
    public void A_list_has_the_oldest_first_and_no_more_than_was_asked_for()
    {
        for (int i = 0; i < 9; i++)
        {
            Write($"d{i % 3}/{i}.raw");
            _driver.RunUntil(StartNs + ((i + 1) * SecondNs / 10));
        }

        Assert.Equal(["d0/0.raw", "d1/1.raw", "d2/2.raw", "d0/3.raw"], List("", 4));
        Assert.Equal(["d1/1.raw", "d1/4.raw", "d1/7.raw"], List("d1", 100));
        Assert.Empty(List("d", 100));
        Assert.Empty(List("", 0));
        Assert.Equal(new InFlightCount("raw", 9, 0, WallNs), _driver.Machine.CountInFlight());
    }

    [Fact]
    public void A_list_has_what_arrives_before_what_is_held()
    {
        _tree.Create("held.raw", 0b110_000_000);
        _tree.Write("held.raw");
        _tree.Close("held.raw");
        _driver.ReadQueue();
        _driver.RunUntil(StartNs + (30 * SecondNs));
        Write("later.raw");
        Assert.Equal(["later.raw"], List("", 1));
        Assert.Equal(["later.raw", "held.raw"], List("", 2));
    }

    [Fact]
    public void What_is_waited_for_is_told_from_what_still_arrives_what_is_held_and_what_came_later()
    {
        _tree.Create("held.raw", 0b110_000_000);
        _tree.Write("held.raw");
        _tree.Close("held.raw");
        _driver.ReadQueue();
        _driver.RunUntil(StartNs + (30 * SecondNs));
        foreach (string open in new[] { "open1.raw", "open2.raw", "open3.raw" })
        {
            _tree.Create(open, 0b110_100_100);
            _tree.Write(open);
            _driver.ReadQueue();
        }

        Write("quiet.raw");
        _driver.RunUntil(StartNs + (31 * SecondNs));
        Moment asked = _driver.Now;
        _driver.RunUntil(StartNs + (32 * SecondNs));
        Write("later.raw");

        Unrecorded found = _driver.Machine.FindUnrecorded(asked, 2, _driver.Now);

        Assert.Equal((1L, "quiet.raw"), (found.Waited, found.FirstWaited?.Path.ToString()));
        Assert.Equal((3L, 2), (found.Arriving, found.FirstArriving.Count));
        Assert.All(found.FirstArriving, file => Assert.Equal(InFlightState.BeingWritten, file.State));
        Write("quiet.raw"); // it has shown life since: it is one that arrives
        Assert.Equal(0, _driver.Machine.FindUnrecorded(asked, 2, _driver.Now).Waited);
    }

    private string[] List(string directory, int limit) =>
    [
        .. _driver.Machine.InFlight(BytePath.Parse(directory), limit, _driver.Now).Select(file => file.Path.ToString()),
    ];

    private InFlight Find(string path) =>
        _driver.Machine.FindInFlight(BytePath.Parse(path), _driver.Now) ?? throw new InvariantException("not there");

    private void Write(string path)
    {
        _tree.Create(path, 0b110_100_100);
        _tree.Write(path);
        _tree.Close(path);
        _driver.ReadQueue();
    }
}
