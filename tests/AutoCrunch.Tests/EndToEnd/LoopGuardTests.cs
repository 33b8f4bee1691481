using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.EndToEnd;

/// <summary>A job that rewrites its own input would start itself again for ever.</summary>
public sealed class LoopGuardTests
{
    [Fact]
    public void Pain_17_a_job_that_rewrites_its_input_ends_in_the_loop_guard_and_not_in_a_loop()
    {
        using var service = new ServiceUnderTest(
            new RuleText
            {
                Exclude = ["marker*"], Command = ["sh", "-c", "echo more >>\"$0\"", "{path}"],
                Completion = """{ "QuietPeriod": "00:00:00.100" }""", Further = """{ "PauseAfterRepeats": 5 }""",
            },
            new RuleText("other"));
        service.Start();
        var arena = new Arena(service, "other");
        arena.Script("new $S/f.raw; rsync -a $S/f.raw $D/");
        service.UntilLogged("Paused: ", "f.raw", "autocrunch resume raw --path");

        arena.Script("echo once more >>$D/f.raw");
        service.Quiesce("other");
        service.Stop();
        service.Start();
        service.Quiesce("other");

        Assert.Equal(1, service.Log.Split('\n').Count(line => line.Contains("Paused: ", StringComparison.Ordinal)));
        Assert.Equal(5, service.Log.Split('\n').Count(
            line => line.Contains("succeeded", StringComparison.Ordinal)
                && line.Contains("(rule raw", StringComparison.Ordinal)));
    }
}
