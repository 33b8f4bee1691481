using System.Text.Json;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.EndToEnd;

/// <summary><c>trace</c> and <c>check</c> as an operator uses them.</summary>
public sealed class VerbTests : IDisposable
{
    private readonly ServiceUnderTest _service = new();
    private readonly Arena _arena;

    public VerbTests() => _arena = new Arena(_service);

    public void Dispose() => _service.Dispose();

    [Fact]
    public void Trace_prints_events_with_verdicts_and_a_summary()
    {
        using Running trace = Trace();
        _arena.Script("""
            new $S/a.raw; rsync -a $S/ $D/
            new $S/old.raw 10 @0; rsync -a $S/ $D/
            exec 3>$D/open.raw; echo x >&3
            (echo y >>$D/open.raw)
            mkdir -p $D/sub; touch $B/waits
            until [ -e $B/go ]; do sleep 0.02; done &
            disown
            """);
        Wait.Until(() => trace.Text.Contains("complete: renamed from rsync's temporary .a.raw.",
            StringComparison.Ordinal));
        Wait.Until(() => trace.Text.Contains("held: interrupted rsync --partial, mtime 0", StringComparison.Ordinal));
        Wait.Until(() => trace.Text.Contains("waiting: a writer still has it open", StringComparison.Ordinal));
        File.WriteAllText(Path.Combine(_arena.Base, "go"), "");
        Assert.Contains("MOVED_TO", trace.Text, StringComparison.Ordinal);
        int beforeSummary = trace.Text.Length;
        Kill.Send(trace.Pid, Kill.Interrupt);
        Assert.Equal(0, trace.UntilEnded());
        string summary = trace.Text[beforeSummary..];
        Assert.Contains("a.raw", summary, StringComparison.Ordinal);
        Assert.Contains("old.raw", summary, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_arena.Base, "*.db", SearchOption.AllDirectories));
    }

    [Fact]
    public void Trace_as_json_is_one_object_a_line()
    {
        using Running trace = Trace("--json");
        _arena.Script("new $S/a.raw; rsync -a $S/ $D/; mkdir $D/sub; new $S/sub/b.raw; rsync -a $S/ $D/");
        Wait.Until(() => trace.Text.Contains("sub/b.raw", StringComparison.Ordinal)
            && trace.Text.Split("complete").Length >= 3);
        Kill.Send(trace.Pid, Kill.Terminate);
        trace.UntilEnded();
        foreach (string line in trace.Text.Split('\n',
            StringSplitOptions.RemoveEmptyEntries).Where(l => l.Contains('{')))
            Assert.Equal(JsonValueKind.Object, JsonDocument.Parse(line).RootElement.ValueKind);
    }

    [Fact]
    public void Trace_of_what_is_no_directory_is_refused()
    {
        Command trace = Command.AutoCrunch(_service.Base, "trace", "none");
        Assert.NotEqual(0, trace.ExitCode);
        Assert.Contains("none", trace.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", trace.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_says_what_would_be_done_and_changes_nothing()
    {
        _arena.Script("for i in 1 2 3; do new $S/f$i.raw; done; rsync -a $S/ $D/");
        Command check = Command.AutoCrunch(_service.Base, "check");
        Assert.True(check.ExitCode == 0, check.Text);
        Assert.Contains("raw", check.Output, StringComparison.Ordinal);
        Assert.Matches(@"\b3\b", check.Output);
        Assert.False(Directory.Exists(Path.Combine(_service.Base, "state")));
    }

    [Fact]
    public void Check_as_json_is_one_object_a_line()
    {
        Command check = Command.AutoCrunch(_service.Base, "check", "--json");
        Assert.True(check.ExitCode == 0, check.Text);
        string[] lines = check.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.NotEmpty(lines);
        Assert.All(lines, line => Assert.Equal(JsonValueKind.Object, JsonDocument.Parse(line).RootElement.ValueKind));
    }

    [Fact]
    public void Help_is_there_for_every_verb()
    {
        foreach (string[] arguments in new string[][] { ["--help"], ["run", "--help"], ["check", "--help"], ["trace",
            "--help"] })
        {
            Command help = Command.AutoCrunch(_service.Base, arguments);
            Assert.Equal(0, help.ExitCode);
            Assert.Contains("--config", help.Output, StringComparison.Ordinal);
        }
    }

    private Running Trace(params string[] options)
    {
        var trace = new Running("dotnet", [ServiceUnderTest.Program, "trace", _arena.Destination, .. options],
            _service.Base);
        // Nothing tells when it watches, so a file is renamed about until it is seen.
        string probe = Path.Combine(_arena.Destination, "probe");
        File.WriteAllText(probe, "");
        Wait.Until(() =>
        {
            File.Move(probe, probe + ".1");
            File.Move(probe + ".1", probe);
            return trace.Text.Contains("probe.1", StringComparison.Ordinal) || trace.HasEnded;
        });
        Assert.False(trace.HasEnded, trace.Text);
        return trace;
    }
}
