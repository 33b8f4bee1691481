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
        Assert.Equal(5, Succeeded(service));

        // As the log says it; the loop begins anew, and ends again.
        string paused = service.UntilLogged("Paused: ", "f.raw");
        string path = paused.Split("--path '")[1].Split('\'')[0];
        Command resume = Command.Run("dotnet",
            [ServiceUnderTest.Program, "resume", "raw", "--path", path, "--config", service.ConfigurationFile]);
        Assert.True(resume.ExitCode == 0, resume.Text);
        service.Until(
            () => service.Log.Split('\n').Count(line => line.Contains("Paused: ", StringComparison.Ordinal)) == 2,
            () => "the loop guard, once more");
        Assert.InRange(Succeeded(service), 6, 12);
    }

    private static int Succeeded(ServiceUnderTest service) => service.Log.Split('\n').Count(
        line => line.Contains("succeeded", StringComparison.Ordinal)
            && line.Contains("(rule raw", StringComparison.Ordinal));
}
