using AutoCrunch.Configuration;
using AutoCrunch.Core;

namespace AutoCrunch.Tests.Configuration;

/// <summary>A rule's section <c>Dispatcher</c> of type <c>Slurm</c>.</summary>
public sealed class SlurmConfigurationTests : IDisposable
{
    private readonly ConfigurationCase _case = new();

    public void Dispose() => _case.Dispose();

    [Fact]
    public void The_shortest_section_has_these_defaults()
    {
        SlurmOptions options = Right("");

        Assert.Equal((1000, 0), (options.Concurrency, options.Cpus));

        // Jobs that were left running with another SharedDirectory are not found with this one.
        Assert.Equal($"Slurm, with SharedDirectory {options.SharedDirectory}", options.Engine);
        Assert.Equal(TimeSpan.FromSeconds(5), options.Interval);
        Assert.Equal("/shared", options.WorkingDirectory.ToString());
        Assert.Null(options.LimitMinutes);
        Assert.Equal("reduce", options.Command[0].Text); // on the nodes, not here
    }

    [Theory]
    [InlineData("\"Concurrency\": 2", 2)]
    [InlineData("\"MaxSubmitted\": 30000", 30000)]
    [InlineData("\"Concurrency\": 50, \"MaxSubmitted\": 20", 20)]
    public void The_limit_is_MaxSubmitted_unless_Concurrency_says_less(string keys, int expected) =>
        Assert.Equal(expected, Right(keys).Concurrency);

    [Theory]
    [InlineData("\"Timeout\": \"00:10:01\"", 13)]
    [InlineData("\"Time\": \"00:10:01\"", 11)]
    [InlineData("\"Time\": \"1.00:00:00\", \"Timeout\": \"00:10:00\"", 1440)]
    public void The_limit_that_Slurm_is_asked_for_leaves_room_for_ours(string keys, int minutes) =>
        Assert.Equal(minutes, Right(keys).LimitMinutes);

    [Fact]
    public void A_program_with_a_slash_is_relative_to_the_file()
    {
        SlurmOptions options = Right("", "./bin/reduce");

        Assert.Equal(_case.Folder.Text + "/bin/reduce", options.Command[0].Text);
    }

    [Theory]
    [InlineData("\"Options\": [\"--qos=a\", \"--array=1-3\"]", "Options:1", "could not follow")]
    [InlineData("\"Options\": [\"-J\", \"name\"]", "Options:0", "could not follow")]
    [InlineData("\"Options\": [\"--output=x\"]", "Options:0", "says this one itself")]
    [InlineData("\"Memory\": \"16 GB\"", "Memory", "16G")]
    [InlineData("\"Partition\": \"a b\"", "Partition", "letters")]
    [InlineData("\"Setup\": [\"a\\nb\"]", "Setup:0", "one line")]
    [InlineData("\"Time\": \"00:00:30\"", "Time", "00:01:00")]
    [InlineData("\"Interval\": \"00:00:00.5\"", "Interval", "00:00:01")]
    [InlineData("\"Environment\": { \"AUTOCRUNCH_X\": \"\" }", "Environment:AUTOCRUNCH_X", "another name")]
    [InlineData("\"KillGrace\": \"00:00:01\"", "KillGrace", "one of")]
    public void A_mistake_is_told_with_its_key(string keys, string key, string words)
    {
        Assert.Null(_case.Compile(Section("/shared", keys)));

        ConfigurationMistake mistake = Assert.Single(_case.Mistakes);
        Assert.EndsWith("Dispatcher:" + key, mistake.Key, StringComparison.Ordinal);
        Assert.Contains(words, mistake.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/with a blank")]
    [InlineData("/with%percent")]
    [InlineData("")]
    public void A_shared_directory_that_sbatch_would_misread_is_a_mistake(string shared)
    {
        Assert.Null(_case.Compile(Section(shared, "")));
        Assert.EndsWith("SharedDirectory", Assert.Single(_case.Mistakes).Key, StringComparison.Ordinal);
    }

    private static string Section(string shared, string keys, string program = "reduce") => ConfigurationCase.Rule($$"""
        "Path": "in", "Dispatcher": { "Type": "Slurm", "SharedDirectory": "{{shared}}",
        "Command": ["{{program}}", "--", "{path}"]{{(keys.Length > 0 ? ", " : "")}}{{keys}} }
        """);

    private SlurmOptions Right(string keys, string program = "reduce") =>
        (SlurmOptions)_case.CompileRight(Section("/shared", keys, program)).Rules.Single().Dispatcher;
}
