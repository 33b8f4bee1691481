using System.Globalization;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.EndToEnd;

/// <summary>Start and stop as a service manager sees them.</summary>
public sealed class LifeTests
{
    [Fact]
    public void It_is_ready_soon_and_ends_at_once_when_nothing_runs()
    {
        using var service = new ServiceUnderTest();
        for (int life = 0; life < 3; life++)
        {
            TimeSpan start = service.Start(), stop = service.Stop();
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"start to READY {start.TotalMilliseconds:0} ms, SIGTERM to end {stop.TotalMilliseconds:0} ms"));

            // The benchmarks measure; here it is that nothing is waited for, on however busy a machine.
            Assert.InRange(start, TimeSpan.Zero, TimeSpan.FromSeconds(20));
            Assert.InRange(stop, TimeSpan.Zero, TimeSpan.FromSeconds(10));
        }
    }

    [Fact]
    public void It_ends_at_once_with_files_in_flight_and_held()
    {
        using var service = new ServiceUnderTest(new RuleText { Completion = """{ "QuietPeriod": "01:00:00" }""" });
        service.Start();
        var arena = new Arena(service);
        arena.Script("echo x >$D/f.raw; new $S/g.raw 10 @0; rsync -a $S/ $D/");
        service.UntilLogged("Held", "g.raw");
        Assert.InRange(service.Stop(), TimeSpan.Zero, TimeSpan.FromSeconds(10));
        Assert.Empty(arena.Started());
    }

    [Fact]
    public void SIGINT_ends_it_like_SIGTERM()
    {
        using var service = new ServiceUnderTest();
        service.Start();
        using (var second = new Running("dotnet", [ServiceUnderTest.Program, .. service.Arguments], service.Base))
        {
            // The state directory is taken.
            Assert.Equal(1, second.UntilEnded());
            Assert.DoesNotContain("   at ", second.Text, StringComparison.Ordinal);
        }

        Kill.Send(service.Pid, Kill.Interrupt);
        service.Until(() => !service.IsRunning, () => "the end after SIGINT");
        service.Start();
        service.Stop();
    }

    [Fact]
    public void It_runs_without_a_verb_in_the_directory_of_its_configuration()
    {
        using var service = new ServiceUnderTest { Arguments = [] };
        service.Start();
        var arena = new Arena(service);
        arena.Runs("new $S/f.raw; rsync -a $S/ $D/", "f.raw");
        arena.Nothing();
        service.Stop();
    }
}
