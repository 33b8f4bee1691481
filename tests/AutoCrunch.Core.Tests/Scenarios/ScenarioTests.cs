using System.Text.RegularExpressions;

namespace AutoCrunch.Core.Tests.Scenarios;

/// <summary>Every story of the scenario files through the real machine.</summary>
public sealed partial class ScenarioTests
{
    public static TheoryData<string> Titles => [.. Scenario.All.Keys];

    [Theory]
    [MemberData(nameof(Titles))]
    public void Comes_out_as_written(string title)
    {
        Scenario scenario = Scenario.All[title];
        IReadOnlyList<string> output = new ScenarioPlayer(scenario.Settings).Play(scenario);
        Assert.Equal(string.Join('\n', scenario.Output), string.Join('\n', output));
    }

    [Theory]
    [InlineData("Arrivals")]
    [InlineData("InPlace")]
    [InlineData("QuietPeriod")]
    [InlineData("IgnoredDirectories")]
    [InlineData("ZeroMtime")]
    [InlineData("OwnerOnly")]
    [InlineData("Renames")]
    [InlineData("Updates")]
    public void Every_completion_setting_has_scenarios(string setting)
    {
        Assert.NotNull(typeof(CompletionPolicy).GetProperty(setting));
        Assert.Contains(Scenario.All.Values, scenario => scenario.Settings.ContainsKey(setting));
    }

    [Fact]
    public void Every_evidence_and_every_hold_reason_comes_out_of_some_scenario()
    {
        string output = string.Join('\n', Scenario.All.Values.SelectMany(scenario => scenario.Output));

        // What is submitted by hand is no verdict of the machine.
        string[] verdicts = [.. Enum.GetNames<Evidence>().Except([nameof(Evidence.ByHand)])];
        foreach (string word in verdicts.Concat(Enum.GetNames<HoldReason>()))
            Assert.Matches($@"\b{Regex.Escape(word)}\b", output);
        Assert.True(Scenario.All.Count > 50, $"only {Scenario.All.Count} scenarios");
        Assert.DoesNotMatch(Wrong(), output);
    }

    [GeneratedRegex(@"(?m)^[^\d]")]
    private static partial Regex Wrong();
}
