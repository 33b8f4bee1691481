using System.Text;
using System.Text.Json;
using AutoCrunch.Cli;
using AutoCrunch.Linux;
using AutoCrunch.Tests.Hosting;

namespace AutoCrunch.Tests.Cli;

/// <summary><c>autocrunch trace</c>, live, with the real rsync.</summary>
public sealed class TraceVerbTests
{
    [RequiresFact("rsync")]
    public void A_file_from_rsync_is_complete_by_its_rename_and_the_line_says_so()
    {
        using var directory = new TempDirectory();
        directory.Write("source/a.raw");
        directory.MakeDirectory("incoming");
        using ServiceProcess trace = Trace(directory);

        Tool.Run("rsync", "-a", directory["source/a.raw"].ToString(), directory["incoming/"].ToString());
        Wait.Until(() => trace.Output.Contains("complete:", StringComparison.Ordinal));
        trace.Signal(Signals.SIGINT);

        Assert.Equal(0, trace.ExitCode());
        Assert.Matches(@"(?m)^\d\d:\d\d:\d\d\.\d\d\d  CREATE +\.a\.raw\.\w{6} +temporary: ", trace.Output);
        Assert.Matches(@"(?m)^\d\d:\d\d:\d\d\.\d\d\d  MOVED_FROM +\.a\.raw\.\w{6}$", trace.Output);
        Assert.Matches(
            @"(?m)^\d\d:\d\d:\d\d\.\d\d\d  MOVED_TO +a\.raw +complete: renamed from rsync's temporary \.a\.raw\.\w{6}$",
            trace.Output);
        Assert.Contains("1 files in ", trace.Output, StringComparison.Ordinal);
        Assert.Contains("1 complete, 0 held", trace.Output, StringComparison.Ordinal);
    }

    [RequiresFact("touch", "mv")]
    public void What_an_interrupted_partial_leaves_is_held_with_the_reason()
    {
        using var directory = new TempDirectory();
        string short1 = directory.Write("short.raw").ToString();
        directory.MakeDirectory("incoming");
        using ServiceProcess trace = Trace(directory);

        Tool.Run("touch", "-d", "@0.123456789", short1);
        directory.Rename("short.raw", "incoming/short.raw");
        Wait.Until(() => trace.Output.Contains("held: interrupted rsync --partial, mtime 0", StringComparison.Ordinal));
        trace.Signal(Signals.SIGTERM);

        Assert.Equal(0, trace.ExitCode());
        Assert.Contains("0 complete, 1 held", trace.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_somebody_writes_waits_and_is_complete_after_the_quiet_period()
    {
        using var directory = new TempDirectory();
        directory.MakeDirectory("incoming");
        using ServiceProcess trace = Trace(directory, "--quiet", "200ms");

        using (var writer = directory.Open("incoming/a.raw", OpenMode.CreateNew))
        {
            RandomAccess.Write(writer, "content"u8, 0);
            Wait.Until(() => trace.Output.Contains("waiting: a writer still has it open", StringComparison.Ordinal));
            Assert.DoesNotContain("complete", trace.Output, StringComparison.Ordinal);
        }

        Wait.Until(() => trace.Output.Contains("complete: closed, no writer, quiet", StringComparison.Ordinal));
        trace.Signal(Signals.SIGTERM);
        Assert.Equal(0, trace.ExitCode());
        Assert.Matches(@"CLOSE_WRITE +a\.raw +waiting: closed; complete after another 0\.\d s of quiet", trace.Output);
    }

    [Fact]
    public void Json_has_one_object_for_each_event_and_keeps_the_bytes_of_the_name()
    {
        using var directory = new TempDirectory();
        directory.Write(@"a\xFF.raw");
        directory.MakeDirectory("incoming");
        using ServiceProcess trace = Trace(directory, "--json", "--include", "*.raw");

        directory.Rename(@"a\xFF.raw", @"incoming/a\xFF.raw");
        Wait.Until(() => trace.Output.Contains("\"complete\"", StringComparison.Ordinal));
        trace.Signal(Signals.SIGTERM);

        Assert.Equal(0, trace.ExitCode());
        JsonElement[] lines =
            [.. trace.Output.TrimEnd('\n').Split('\n').Select(line => JsonDocument.Parse(line).RootElement)];
        JsonElement moved = Assert.Single(lines, line => !line.TryGetProperty("summary", out _));
        Assert.Equal("MOVED_TO", moved.GetProperty("events")[0].GetString());
        Assert.Equal(@"a\xFF.raw", moved.GetProperty("path").GetString());
        Assert.Equal(Encoding.Latin1.GetBytes("a\u00ff.raw"), moved.GetProperty("pathBase64").GetBytesFromBase64());
        Assert.Equal("complete", moved.GetProperty("verdict").GetString());
        JsonElement summary = Assert.Single(lines, line => line.TryGetProperty("summary", out _));
        Assert.Equal(1, summary.GetProperty("completions").GetInt32());
    }

    [Fact]
    public void A_rename_of_a_complete_file_is_no_new_completion()
    {
        using var directory = new TempDirectory();
        directory.Write("a.raw");
        directory.MakeDirectory("incoming");
        using ServiceProcess trace = Trace(directory);

        directory.Rename("a.raw", "incoming/a.raw");
        Wait.Until(() => trace.Output.Contains("complete: ", StringComparison.Ordinal));
        directory.Rename("incoming/a.raw", "incoming/b.raw");

        Wait.Until(() => trace.Output.Contains("unchanged: was complete as a.raw", StringComparison.Ordinal));
        trace.Signal(Signals.SIGTERM);
        Assert.Equal(0, trace.ExitCode());
    }

    [Fact]
    public void A_trace_leaves_nothing_behind_and_says_nothing_of_what_was_there()
    {
        using var directory = new TempDirectory();
        directory.Write("incoming/old.raw");

        using ServiceProcess trace = Trace(directory);
        trace.Signal(Signals.SIGTERM);

        Assert.Equal(0, trace.ExitCode());
        Assert.DoesNotContain("old.raw", trace.Output, StringComparison.Ordinal);
        Assert.Equal(["incoming"], Directory.GetFileSystemEntries(directory.Text).Select(Path.GetFileName));
    }

    [Fact]
    public void A_directory_that_is_not_there_is_said_without_a_stack_trace()
    {
        (int exitCode, _, string error) = Tool.TryRun(ServiceProcess.Program, "trace", "/nonexistent/incoming");

        Assert.Equal(1, exitCode);
        Assert.Contains("cannot watch '/nonexistent/incoming'", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("10s", 10_000)]
    [InlineData("1.5s", 1500)]
    [InlineData("500ms", 500)]
    [InlineData("2m", 120_000)]
    [InlineData("00:00:03", 3000)]
    [InlineData("10", null)]
    [InlineData("-1s", null)]
    [InlineData("s", null)]
    [InlineData("ten", null)]
    public void A_time_says_its_unit(string text, int? milliseconds) =>
        Assert.Equal(milliseconds, (int?)TraceVerb.ReadTime(text)?.TotalMilliseconds);

    private static ServiceProcess Trace(TempDirectory directory, params string[] options)
    {
        var trace = new ServiceProcess(directory, ["trace", "incoming", .. options]);
        Wait.Until(() => trace.Error.Contains("Ctrl-C ends it", StringComparison.Ordinal));
        return trace;
    }
}
