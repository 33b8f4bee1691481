using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.Recovery;

/// <summary>What a killed service leaves running is ended before its job runs again.</summary>
public sealed class SurvivorTests
{
    private const string OnlySleep = "one_of_whose_parents_none_is_left";

    [Theory]
    [InlineData("itself", "exec sleep 1000")]
    [InlineData("a_grandchild_whose_parents_are_gone", "(sh -c 'sleep 1000 & wait' &) ; exec sleep 1000")]
    [InlineData("one_that_ignores_SIGTERM", "trap '' TERM; while :; do sleep 1000; done")]
    [InlineData("one_in_a_session_of_its_own", "setsid sh -c 'sleep 1000 & wait' & wait")]
    [InlineData(OnlySleep, "setsid sh -c 'trap \"\" TERM; sleep 1000 & wait' & wait")]
    public void Survivors_of_a_kill_are_gone_when_the_next_attempt_starts(string kind, string script)
    {
        using var service = new ServiceUnderTest();
        string starts = Path.Combine(service.Base, "starts"), alive = Path.Combine(service.Base, "alive");
        // The first attempt goes on; any later one writes down who else of this job is there.
        string job = $$"""
            if [ "$AUTOCRUNCH_ATTEMPT" -gt 1 ]; then
                for process in /proc/[0-9]*; do
                    pid=${process#/proc/}
                    [ "$pid" = $$ ] && continue
                    tr '\0' '\n' <$process/environ 2>/dev/null | grep -qx "AUTOCRUNCH_ATTEMPT=1" || continue
                    tr '\0' '\n' <$process/environ 2>/dev/null | grep -qx "AUTOCRUNCH_PATH=$AUTOCRUNCH_PATH" || continue
                    grep -q '^State:.Z' $process/status || echo $pid
                done >{{alive}}
                echo "$AUTOCRUNCH_ATTEMPT" >>{{starts}}
                exit 0
            fi
            echo "$AUTOCRUNCH_ATTEMPT" >>{{starts}}
            {{script}}
            """;
        File.WriteAllText(Path.Combine(service.Base, "job.sh"), job);
        service.Configure(new RuleText
        {
            Include = ["*.raw"],
            Command = ["/bin/sh", Path.Combine(service.Base, "job.sh")],
            Dispatcher = """{ "KillGrace": "00:00:00.500" }""",
        });
        service.Start();
        File.WriteAllText(Path.Combine(service.Incoming(), "f.raw"), kind);
        string path = "AUTOCRUNCH_PATH=" + service.Incoming();
        service.Until(() => Read(starts).Length == 1, () => "the first attempt");
        service.Until(() => Sleeps(path) > 0, () => "what it leaves behind");
        service.KillForGood();
        if (kind == OnlySleep)
            EndAllBut("sleep", path);
        Assert.NotEmpty(Kill.ProcessesWith(path));
        service.Start();
        service.Until(() => Read(starts).Length == 2, () => "the second attempt");
        Assert.Equal(["1", "2"], Read(starts));
        Assert.Empty(Read(alive));
        service.UntilIdle();
        using (var ledger = new LedgerView(service.Base))
            Assert.Equal((LedgerView.Succeeded, 2), (ledger.Jobs()[0].State, ledger.Jobs()[0].Attempts));
        service.Stop();
        Assert.Empty(Kill.ProcessesWith(path));
    }

    [Fact]
    public void A_second_service_on_one_state_directory_is_refused_and_changes_nothing()
    {
        using var service = new ServiceUnderTest();
        service.Start();
        var arena = new Arena(service);
        using (var second = new Running("dotnet", [ServiceUnderTest.Program, .. service.Arguments], service.Base))
        {
            Assert.Equal(1, second.UntilEnded());
            Assert.Contains(Path.Combine(service.Base, "state"), second.Text, StringComparison.Ordinal);
            Assert.Contains($"{service.Pid}", second.Text, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", second.Text, StringComparison.Ordinal);
        }

        arena.Runs("new $S/f.raw; rsync -a $S/ $D/", "f.raw");
        arena.Nothing();

        // A lock is held by a process, not by a file that a killed one leaves behind.
        service.KillForGood();
        service.Start();
        arena.Nothing();
        service.Stop();
    }

    private static string[] Read(string file) => File.Exists(file) ? File.ReadAllLines(file) : [];

    private static void EndAllBut(string name, string environmentText)
    {
        foreach (int pid in Kill.ProcessesWith(environmentText))
            if (Read($"/proc/{pid}/comm") is not [var its] || its != name)
                Kill.Send(pid, Kill.ForGood);
        Wait.Until(() => Array.TrueForAll(
            Kill.ProcessesWith(environmentText), pid => Read($"/proc/{pid}/comm") is [var its] && its == name));
    }

    private static int Sleeps(string environmentText) => Kill.ProcessesWith(environmentText)
        .Count(pid => Read($"/proc/{pid}/comm") is ["sleep"]);
}
