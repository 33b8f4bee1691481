using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.EndToEnd;

/// <summary><c>submit</c>: these files, now, by hand; on the running service and on the stopped one.</summary>
public sealed class SubmitTests : IDisposable
{
    private readonly ServiceUnderTest _service = new(new RuleText { Exclude = ["*~", "out.*"] });
    private readonly Arena _arena;

    public SubmitTests() => _arena = new Arena(_service);

    public void Dispose() => _service.Dispose();

    [Fact]
    public void Pain_a_file_that_was_processed_runs_again_and_the_command_returns_when_it_has()
    {
        _service.Start();
        _arena.Runs("new $S/a.raw; rsync -a $S/ $D/", "a.raw");

        Command submit = Verb("submit", "--rule", "raw", "--wait", $"{_arena.Destination}/a.raw");

        Assert.True(submit.ExitCode == 0, submit.Text);
        Assert.Contains("Job 2, ", submit.Output, StringComparison.Ordinal);
        Assert.Contains(": succeeded", submit.Output, StringComparison.Ordinal);
        Assert.Equal(["1", "2"], _service.Started().Select(record => record.JobId));
        Assert.Contains("\"evidence\":\"byHand\"", Verb("jobs", "--json").Output, StringComparison.Ordinal);
        _service.Quiesce();
        Assert.Equal(2, _service.Started().Count); // and no further time
        _service.Stop();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Names_that_are_no_text_are_given_as_bytes_or_as_they_are_printed(bool isLive)
    {
        _service.Start();
        _arena.Runs(
            """for n in $'a\xff' $'a\xfe' $'n\nl' 'b\x41' bA; do echo x >$S/"$n.raw"; done; rsync -a $S/ $D/""",
            @"a\xFF.raw", @"a\xFE.raw", @"n\x0Al.raw", @"b\\x41.raw", "bA.raw");
        if (!isLive)
            _service.Stop();

        // .NET shows the first two as the same text; a backslash stands for itself where there is such a file.
        _arena.Script($"""
            cd $D; dotnet {ServiceUnderTest.Program} submit --config {_service.ConfigurationFile} --rule raw \
                $'a\xff.raw' ./$'a\xfe.raw' $'n\nl.raw' 'b\x41.raw' >$B/out
            """);
        Command printed = Verb(
            "submit", "--rule", "raw", $@"{_arena.Destination}/a\xFF.raw", $@"{_arena.Destination}/n\x0Al.raw");
        Assert.True(printed.ExitCode == 0, printed.Text);
        if (!isLive)
        {
            Assert.Contains("waited already, and runs when the service is started", printed.Output,
                StringComparison.Ordinal);
            _service.Start();
        }

        string[] expected = isLive
            ? [@"a\xFE.raw", @"a\xFF.raw", @"a\xFF.raw", @"b\\x41.raw", @"n\x0Al.raw", @"n\x0Al.raw"]
            : [@"a\xFE.raw", @"a\xFF.raw", @"b\\x41.raw", @"n\x0Al.raw"];
        _service.Until(
            () => _service.Started().Count(record => record.End is not null) >= 5 + expected.Length, () => "all run");
        Assert.Equal(expected, _service.Started().Skip(5).Select(record => record.Path.Name.ToString()).Order(
            StringComparer.Ordinal));
        _service.Quiesce();
        _service.Records.AssertNoOverlap();
        _service.Stop();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_must_not_run_is_refused_with_the_reason(bool isLive)
    {
        _service.Start();
        _arena.Script("new $B/elsewhere.raw; mkdir -p $D/sub $D/.hidden; new $D/.hidden/h.raw; new $D/out.txt");
        _arena.Script("ln -s $B/elsewhere.raw $D/link.raw; ln -s $B $D/away; new $D/sub/fine.raw");
        _service.Quiesce();
        if (!isLive)
            _service.Stop();
        _arena.Script($$"""
            exec 3>>$D/open.raw; echo x >&3
            cd $D; dotnet {{ServiceUnderTest.Program}} submit --config {{_service.ConfigurationFile}} --rule raw \
                $B/elsewhere.raw away/elsewhere.raw link.raw sub none.raw none/f.raw .hidden/h.raw out.txt open.raw / \
                sub/../sub/fine.raw sub/.. >$B/said 2>$B/refused && exit 1
            echo $? >$B/code
            """);
        string refused = File.ReadAllText(Path.Combine(_arena.Base, "refused"));
        string[] lines = refused.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("1\n", File.ReadAllText(Path.Combine(_arena.Base, "code")));
        Assert.True(lines.Length == 11, refused);
        Assert.Contains("is not in '", lines[0], StringComparison.Ordinal);
        Assert.Contains("is not in '", lines[1], StringComparison.Ordinal); // a symlink leads out of the tree
        Assert.Contains("no regular file", lines[2], StringComparison.Ordinal);
        Assert.Contains("no regular file", lines[3], StringComparison.Ordinal);
        Assert.Contains("there is no such file", lines[4], StringComparison.Ordinal);
        Assert.Contains("there is no such file", lines[5], StringComparison.Ordinal);
        Assert.Contains("does not enter", lines[6], StringComparison.Ordinal);
        Assert.Contains("does not take such names", lines[7], StringComparison.Ordinal);
        Assert.Contains("still being written", lines[8], StringComparison.Ordinal);
        Assert.Contains("the path of no file", lines[9], StringComparison.Ordinal);
        Assert.Contains("no regular file", lines[10], StringComparison.Ordinal);
        Assert.Contains("sub/fine.raw: ", File.ReadAllText(Path.Combine(_arena.Base, "said")),
            StringComparison.Ordinal);
        Assert.Equal(64, Verb("submit", "--rule", "rwa", "x").ExitCode);
    }

    [Fact]
    public void Waiting_for_a_job_that_fails_ends_with_1_and_for_a_paused_rule_not_at_all()
    {
        _service.Configure(new RuleText { Job = ["exit=3"], Retry = """{ "MaxAttempts": 1 }""" });
        _arena.Script("new $D/a.raw");
        Command down = Verb("submit", "--rule", "raw", "--wait", $"{_arena.Destination}/a.raw");
        Assert.Equal(78, down.ExitCode); // there is no ledger yet
        _service.Start();
        _service.Until(() => _service.Started().Count == 1, () => "it runs");
        Command failed = Verb("submit", "--rule", "raw", "--wait", $"{_arena.Destination}/a.raw");
        Assert.Equal(1, failed.ExitCode);
        Assert.Contains("Job 2, ", failed.Error, StringComparison.Ordinal);
        Assert.Contains("failed; 'autocrunch show 2' tells more", failed.Error, StringComparison.Ordinal);
        Verb("pause", "raw");
        Command paused = Verb("submit", "--rule", "raw", "--wait", $"{_arena.Destination}/a.raw");
        Assert.Equal(1, paused.ExitCode);
        Assert.Contains("Rule raw is paused", paused.Error, StringComparison.Ordinal);
        _service.Stop();
        Command stopped = Verb("submit", "--rule", "raw", "--wait", $"{_arena.Destination}/a.raw");
        Assert.Contains("does not run", stopped.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_held_file_runs_when_it_is_submitted_and_not_again()
    {
        _service.Start();
        _arena.Holds("new $S/old.raw 10 @0; rsync -a $S/ $D/", "old.raw", "mtime 0");
        Command submit = Verb("submit", "--rule", "raw", "--wait", $"{_arena.Destination}/old.raw");
        Assert.True(submit.ExitCode == 0, submit.Text);
        _service.Stop();
        _service.Start();
        _service.Quiesce();
        Assert.Single(_service.Started());
        _service.Stop();
    }

    private Command Verb(params string[] arguments) => Command.AutoCrunch(_service.Base, arguments);
}
