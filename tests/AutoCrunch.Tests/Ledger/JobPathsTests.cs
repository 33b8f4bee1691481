using AutoCrunch.Core;
using AutoCrunch.Ledger;

namespace AutoCrunch.Tests.Ledger;

/// <summary>Which jobs a path or a pattern stands for; SQLite leaves none of them out beforehand.</summary>
public sealed class JobPathsTests : IDisposable
{
    private static readonly string[] s_files =
    [
        "a.raw", "b.txt", "run1/a.raw", "run1/x/a.raw", "run10/a.raw", @"odd\xFF/two\x0Alines.raw", "[x].raw", "x.raw",
        "run1.raw", "in/raw/a.raw", "''/';--.raw", @"back\\slash.raw",
    ];

    private readonly LedgerRig _rig = new(LedgerRig.Rule(), LedgerRig.Rule("other"));

    public JobPathsTests()
    {
        _rig.Open();
        foreach (string rule in new[] { "raw", "other" })
            foreach (string file in s_files)
                _rig.Complete(file, rule: rule);
        _rig.Sync();
    }

    public static TheoryData<string> Asked =>
    [
        "a.raw", "*.raw", "?.raw", "run1", "run1/", "run1/*", "run1/**", "**/a.raw", "run1/**/a.raw", "run*/a.raw", "/",
        "/in", "/in/raw", "/in/raw/run1", "/in/raw/a.raw", "/in/other/*.txt", "/in/*/a.raw", "/**/a.raw", "/nowhere",
        "/in/raw/run1/*", "/in/ra", "[x].raw", "[xb].*", @"odd\xFF", @"*\x0A*", @"odd\xFF/two\x0Alines.raw", "in/raw",
        "''", "';--.raw", @"back\\slash.raw", @"\x62.txt", "in", "*", "**", "/in/raw/**", "/in/**/x/a.raw",
    ];

    [Theory]
    [MemberData(nameof(Asked))]
    public void What_sqlite_leaves_out_is_not_asked_for(string asked)
    {
        var paths = new JobPaths(asked, rule => BytePath.Parse("/in/" + rule));
        string[] expected =
        [
            .. _rig.Jobs().Reverse().Where(job => paths.Include(job.Rule, new SplitPath(job.Path).Directory,
                new SplitPath(job.Path).Name)).Select(job => $"{job.Rule} {job.Path}"),
        ];
        Assert.Equal(expected, List(new JobQuery { Paths = paths }));
        Assert.Equal(expected, List(new JobQuery { Paths = paths, State = JobState.Queued }));
        Assert.Equal(
            expected.Where(job => job.StartsWith("raw ", StringComparison.Ordinal)),
            List(new JobQuery { Paths = paths, Rule = "raw" }));
    }

    [Theory]
    [InlineData("run1", new[] { "run1/x/a.raw", "run1/a.raw" })]
    [InlineData("a.raw", new[] { "in/raw/a.raw", "run10/a.raw", "run1/x/a.raw", "run1/a.raw", "a.raw" })]
    [InlineData("/in/raw/run1", new[] { "run1/x/a.raw", "run1/a.raw" })]
    [InlineData("/in/raw/*.txt", new[] { "b.txt" })]
    [InlineData("/in/raw/[x].raw", new[] { "x.raw", "[x].raw" })]
    [InlineData("run1/**/a.raw", new[] { "run1/x/a.raw", "run1/a.raw" })]
    [InlineData("/in/other", new string[0])]
    public void A_path_stands_for_what_is_below_it_and_a_pattern_for_what_fits(string asked, string[] files)
    {
        var paths = new JobPaths(asked, rule => BytePath.Parse("/in/" + rule));
        Assert.Equal(files.Select(file => "raw " + file), List(new JobQuery { Paths = paths, Rule = "raw" }));
    }

    public void Dispose() => _rig.Dispose();

    private string[] List(JobQuery query) =>
        [.. _rig.Read(reader => reader.List(query)).Select(job => $"{job.Rule} {job.Path}")];
}
