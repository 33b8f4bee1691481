using AutoCrunch.Core.Tests.Machine;

namespace AutoCrunch.Core.Tests.Atlas;

/// <summary>
/// Every recorded case of the event atlas through the real machine: the verdict must be the one written beside it by
/// hand, however fast the events were read.
/// </summary>
public sealed class AtlasTests
{
    public static TheoryData<string> Names => [.. Recording.Cases.Keys.Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Names))]
    public void As_recorded(string name) => AssertVerdicts(name, ReplayMode.AsRecorded);

    [Theory]
    [MemberData(nameof(Names))]
    public void One_event_at_a_time(string name) => AssertVerdicts(name, ReplayMode.OneByOne);

    [Theory]
    [MemberData(nameof(Names))]
    public void With_the_events_of_ignored_directories(string name) =>
        AssertVerdicts(name, ReplayMode.WithIgnoredDirectories);

    [Theory]
    [MemberData(nameof(Names))]
    public void All_at_once_after_it_is_over(string name) => AssertVerdicts(name, ReplayMode.AllAtOnce);

    [Theory]
    [MemberData(nameof(Names))]
    public void A_scan_with_an_empty_ledger_judges_what_is_left_alike(string name)
    {
        var replay = new Replay(Recording.Cases[name], Expectations.Cases[name], ReplayMode.AsRecorded);
        replay.Run();
        Assert.Equal(Standing(replay.Driver), Standing(replay.ScanWithEmptyLedger()));
    }

    [Fact]
    public void Every_recorded_case_has_an_expectation_and_every_expectation_a_case()
    {
        Assert.Equal(193, Recording.Cases.Count);
        Assert.Equal(353, Recording.Cases.Values.Sum(recorded => recorded.Steps.Count));
        Assert.Equal(
            Recording.Cases.Keys.Order(StringComparer.Ordinal),
            Expectations.Cases.Keys.Order(StringComparer.Ordinal));
        foreach (RecordedCase recorded in Recording.Cases.Values)
        {
            ExpectedCase expected = Expectations.Cases[recorded.Name];
            Assert.Equal(recorded.Steps.Count, expected.Steps.Count);
            Assert.All(recorded.Steps.Zip(expected.Steps), pair =>
                Assert.True(
                    pair.First.Name.StartsWith(pair.Second.Name, StringComparison.Ordinal)
                        || (expected.Steps.Count == 1 && pair.Second.Name.Length == 0),
                    $"{recorded.Name}: step '{pair.Second.Name}' was recorded as '{pair.First.Name}'"));
            Assert.All(expected.Steps, step =>
                Assert.True(
                    step.SaysNothing == (step.Verdicts.Count == 0 && step.ScanVerdicts.Count == 0),
                    $"{expected.Name}: step '{step.Name}' says neither a verdict nor nothing, or both"));
            Assert.Matches(@"^\d+(, \d+)*$", expected.Rows);
        }
    }

    private static void AssertVerdicts(string name, ReplayMode mode)
    {
        ExpectedCase expected = Expectations.Cases[name];
        var replay = new Replay(Recording.Cases[name], expected, mode);
        IReadOnlyList<StepVerdicts> actual = replay.Run();
        string said = Text(expected.Steps.Select(step => (step.Name, Live(step.Verdicts, mode), step.ScanVerdicts)));
        string came = Text(expected.Steps.Zip(
            actual, (step, verdicts) => (step.Name, Live(Agreed(step, verdicts), mode), verdicts.Scan.ToList())));
        Assert.Equal(said, came);
    }

    private static IEnumerable<string> Standing(MachineDriver driver) =>
        from path in driver.Ledger.PresentPaths
        where !RsyncNames.IsTemporaryShape(path.Name.Span)   // complete by rename only: a scan holds them when stale
        let version = driver.Tree.Get(ModelTree.TextOf(path.Span)).Stat.Version
        let hold = driver.Ledger.HoldOf(path, version)
        orderby path
        select $"{path}: {hold?.ToString() ?? (driver.Ledger.IsCompleted(path, version) ? "completed" : "unknown")}";

    private static string Text(IEnumerable<(string Name, IEnumerable<string> Live, List<string> Scan)> steps) =>
        string.Join('\n', steps.SelectMany(step =>
            step.Live.Concat(step.Scan.Select(line => "~ " + line)).Prepend("-- " + step.Name)));

    // "f.raw: job A/B" is met by either.
    private static IEnumerable<string> Agreed(ExpectedStep step, StepVerdicts verdicts) =>
        from line in verdicts.Live
        let choice = step.Verdicts.Find(said => said.Contains('/') && Array.Exists(
            said[(said.LastIndexOf(' ') + 1)..].Split('/'),
            evidence => line == said[..(said.LastIndexOf(' ') + 1)] + evidence))
        select choice ?? line;

    // Read late, several versions may have become one, and what speaks for the last may be something else.
    private static IEnumerable<string> Live(IEnumerable<string> verdicts, ReplayMode mode)
    {
        string[] lines = Count([.. verdicts]);
        return mode switch
        {
            ReplayMode.AllAtOnce => lines.Select(WithoutEvidence).Distinct(StringComparer.Ordinal),
            ReplayMode.WithIgnoredDirectories => lines.Select(WithoutEvidence),
            _ => lines,
        };
    }

    private static string WithoutEvidence(string line) =>
        line.Contains(": job ", StringComparison.Ordinal) ? line[..line.LastIndexOf(' ')] : line;

    // "41 names: job Renamed" stands for 41 such lines.
    private static string[] Count(string[] lines) =>
        lines.Length < 40 ? [.. lines.Order(StringComparer.Ordinal)] : [.. lines
            .GroupBy(line => line[(line.LastIndexOf(": ", StringComparison.Ordinal) + 2)..], StringComparer.Ordinal)
            .Select(group => $"{group.Count()} names: {group.Key}")
            .Order(StringComparer.Ordinal)];
}
