using System.Text.Json;
using AutoCrunch.Core;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.Cli;

/// <summary><c>autocrunch jobs</c> on a ledger of its own.</summary>
public sealed class JobsVerbTests : IDisposable
{
    private const string Odd = @"sub/two\x0Alines \xFF\\.raw";

    private static readonly AttemptOutcome s_failure = new AttemptOutcome.Failed("exit code 4", 4, IsPermanent: true);

    private readonly VerbRig _rig = new("raw", "other");

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void Jobs_are_listed_newest_first_with_what_became_of_them()
    {
        Fill();

        string[] lines = _rig.Verb("jobs").Succeeded().Lines;

        Assert.Equal(5, lines.Length);
        Assert.Matches("^ *ID +STATE +RULE +SIZE +COMPLETED +TOOK +NOTE +PATH$", lines[0]);
        Assert.Matches($"^ *4 +queued +other .* {Pattern("in-other/waits.raw")}$", lines[1]);
        Assert.Matches(
            $"^ *3 +failed +raw +1000 B +just now +[0-9.]+ s +exit code 4 +{Pattern("in-raw/c.raw")}$", lines[2]);
        Assert.Matches($"^ *2 +cancelled +raw .* gone +{Pattern("in-raw/b.raw")}$", lines[3]);
        Assert.Matches($"^ *1 +succeeded +raw .* {Pattern("in-raw/" + Odd)}$", lines[4]);
    }

    [Theory]
    [InlineData(new[] { "--rule", "other" }, new[] { 4 })]
    [InlineData(new[] { "--state", "failed" }, new[] { 3 })]
    [InlineData(new[] { "--state", "queued", "--rule", "raw" }, new int[0])]
    [InlineData(new[] { "--state", "cancelled", "--rule", "raw" }, new[] { 2 })]
    [InlineData(new[] { "--since", "1h" }, new[] { 4, 3, 2, 1 })]
    [InlineData(new[] { "--state", "failed", "--since", "1h" }, new[] { 3 })]
    [InlineData(new[] { "--since", "2200-01-01" }, new int[0])]
    [InlineData(new[] { "--path", "*.raw", "--limit", "2" }, new[] { 4, 3 })]
    [InlineData(new[] { "--path", "[bc].raw" }, new[] { 3, 2 })]
    [InlineData(new[] { "--path", @"sub/*\xFF*" }, new[] { 1 })]
    [InlineData(new[] { "--path", Odd }, new[] { 1 })]
    [InlineData(new[] { "--path", "sub/" }, new[] { 1 })]
    [InlineData(new[] { "--path", "sub" }, new[] { 1 })]
    [InlineData(new[] { "--path", "/in-raw" }, new int[0])]
    [InlineData(new[] { "--path", "su" }, new int[0])]
    public void Jobs_are_restricted(string[] options, int[] ids)
    {
        Fill();
        JsonElement[] jobs = _rig.Verb(["jobs", "--json", .. options]).Objects;
        Assert.Equal(ids, jobs.Select(job => job.GetProperty("id").GetInt32()));
    }

    [Fact]
    public void What_is_printed_as_a_path_can_be_pasted_back()
    {
        Fill();
        foreach (JsonElement job in _rig.Verb("jobs", "--json").Objects)
        {
            string path = job.GetProperty("path").GetString()!;
            Assert.Equal(BytePath.Parse(path).Span, job.GetProperty("pathBase64").GetBytesFromBase64());
            JsonElement found = Assert.Single(_rig.Verb("jobs", "--json", "--path", path).Objects);
            Assert.Equal(job.GetProperty("id").GetInt64(), found.GetProperty("id").GetInt64());
        }

        Assert.Equal(3, _rig.Verb("jobs", "--json", "--path", _rig.Directory["in-raw"].ToString()).Objects.Length);
    }

    [Fact]
    public void The_very_bytes_of_a_name_can_be_asked_for()
    {
        Fill();
        _rig.Close();
        const string Ask = """dotnet "$0" jobs --config "$1" --json --path=$'*\xff\\\\.raw'; """
            + """dotnet "$0" jobs --config "$1" --null --path $'sub/two\nlines \xff\\\\.raw'""";

        string output = Tool.Run(
            "bash", "-c", Ask, ServiceUnderTest.Program, _rig.Directory["appsettings.json"].ToString());

        Assert.Contains("\"id\":1,", output, StringComparison.Ordinal);
        Assert.EndsWith("in-raw/sub/two\nlines \uFFFD\\.raw\0", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Null_gives_the_very_bytes_of_all_paths_and_nothing_else()
    {
        Fill();
        VerbResult result = _rig.Verb("jobs", "--null", "--limit", "0").Succeeded();
        Assert.Empty(result.Output);
        Assert.Equal(
            ["in-other/waits.raw", "in-raw/c.raw", "in-raw/b.raw", "in-raw/" + Odd],
            result.Paths.Select(path => path.ToString()[(_rig.Directory.Text.Length + 1)..]));
    }

    [Fact]
    public void The_fields_are_those_of_the_manual()
    {
        Fill();
        JsonElement[] jobs = _rig.Verb("jobs", "--json").Succeeded().Objects;
        Assert.All(jobs, job => Assert.Equal(
            ["id", "rule", "path", "pathBase64", "size", "state", "reason", "attempts", "failures", "evidence",
                "arrived", "completed", "started", "finished", "due", "exitCode", "signal", "previousId"],
            job.EnumerateObject().Select(field => field.Name)));
        JsonElement failed = jobs.Single(job => job.GetProperty("state").GetString() == "failed");
        Assert.Equal("exit code 4", failed.GetProperty("reason").GetString());
        Assert.Equal(4, failed.GetProperty("exitCode").GetInt32());
        Assert.Equal("renamedFromTemporary", failed.GetProperty("evidence").GetString());
        Assert.Equal("gone", jobs[2].GetProperty("reason").GetString());
        Assert.Equal(JsonValueKind.Null, jobs[3].GetProperty("reason").ValueKind);
        DateTime finished = failed.GetProperty("finished").GetDateTime();
        Assert.True(finished.Kind == DateTimeKind.Utc && finished <= DateTime.UtcNow);
        Assert.Equal(JsonValueKind.String, jobs[0].GetProperty("due").ValueKind);
    }

    [Fact]
    public void What_is_left_out_is_told()
    {
        Fill();
        Assert.EndsWith("... 2 more: --limit 0 shows all\n", _rig.Verb("jobs", "--limit", "2").Output,
            StringComparison.Ordinal);
        VerbResult json = _rig.Verb("jobs", "--limit", "3", "--json");
        Assert.Equal((3, "... 1 more: --limit 0 shows all\n"), (json.Lines.Length, json.Error));
        Assert.Empty(_rig.Verb("jobs", "--limit", "4").Error);
        VerbResult found = _rig.Verb("jobs", "--limit", "1", "--json", "--path", "/**/in-raw/*.raw");
        Assert.Equal("... 1 more: --limit 0 shows all\n", found.Error);
    }

    [Fact]
    public void A_list_longer_than_a_page_is_whole()
    {
        _rig.Open();
        for (int i = 0; i < 2100; i++)
            _rig.Ledger.Complete($"f{i}");
        _rig.Ledger.Sync();
        Assert.Equal(2100, _rig.Verb("jobs", "--null", "--limit", "0").Succeeded().Paths.Distinct().Count());
        Assert.Equal(1050, _rig.Verb("jobs", "--json", "--limit", "1050").Objects.Length);
        Assert.Equal(1111, _rig.Verb("jobs", "--null", "--limit", "0", "--path", "f1*").Paths.Length);
    }

    [Fact]
    public void Without_a_ledger_there_are_no_jobs()
    {
        Assert.Equal("No jobs: the service has not run yet.\n", _rig.Verb("jobs").Succeeded().Output);
        Assert.Empty(_rig.Verb("jobs", "--json").Succeeded().Output);
        _rig.Open();
        Assert.Equal("No such jobs.\n", _rig.Verb("jobs").Succeeded().Output);
    }

    [Theory]
    [InlineData("--state", "done")]
    [InlineData("--since", "yesterday")]
    [InlineData("--limit", "-1")]
    [InlineData("--limit", "many")]
    [InlineData("--path", "")]
    [InlineData("--path", @"a\q")]
    [InlineData("--rule", "rav")]
    [InlineData("--json", "--null")]
    public void A_wrong_option_is_refused_with_what_would_be_right(params string[] options)
    {
        VerbResult result = _rig.Verb(["jobs", .. options]);
        Assert.Equal(64, result.ExitCode);
        Assert.Empty(result.Output);
        Assert.Contains(options[0].TrimStart('-'), result.Error, StringComparison.Ordinal);
    }

    // 1 succeeded, 2 was gone, 3 failed, 4 waits.
    private void Fill()
    {
        _rig.Open().Ledger.StartClaims();
        _rig.Run(Odd, AttemptOutcome.Succeeded.Value);
        _rig.Run("b.raw", AttemptOutcome.Gone.Value);
        _rig.Run("c.raw", s_failure);
        _rig.Ledger.Complete("waits.raw", rule: "other");
        _rig.Ledger.Sync();
    }

    private string Pattern(string relative) =>
        System.Text.RegularExpressions.Regex.Escape(_rig.Directory[relative].ToString());
}
