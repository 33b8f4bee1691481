using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.Faults;

/// <summary>The wall clock is set, forwards and backwards, under a running service and between two lives.</summary>
public sealed class ClockTests : IDisposable
{
    private static readonly TimeSpan s_year = TimeSpan.FromDays(365);

    private readonly FaultyService _faulty = new();

    public void Dispose() => _faulty.Dispose();

    private ServiceUnderTest Service => _faulty.Service;

    [RequiresTheory("gcc")]
    [InlineData(1)]
    [InlineData(-1)]
    public void A_retry_keeps_its_delay(int direction)
    {
        Service.Configure(new RuleText { Job = ["fail-first=1"], Retry = """{ "Delay": "00:00:03" }""" });
        _faulty.Start();
        _faulty.Arrive("a");
        Service.UntilLogged("tried again in");
        _faulty.ClockAhead = direction * s_year;
        Service.UntilLogged("succeeded: a");
        JobRecord[] attempts = [.. Service.Records.Read()];
        Assert.Equal(2, attempts.Length);
        double waited = (attempts[1].StartNs - attempts[0].End!.EndNs) / 1e9;
        Assert.InRange(waited, 2.3, 30); // a random fifth less at most
        Service.Stop();
    }

    [RequiresTheory("gcc")]
    [InlineData(1)]
    [InlineData(-1)]
    public void What_waits_over_two_lives_runs_in_its_order_and_soon(int direction)
    {
        string wait = Path.Combine(Service.Base, "wait");
        File.WriteAllText(wait, "");
        Service.Configure(new RuleText
        {
            Concurrency = 1,
            Job = [$"fail-while={wait}"],
            Retry = """{ "Delay": "00:00:02", "MaxDelay": "00:00:02", "MaxAttempts": 1000 }""",
        });
        _faulty.Start();
        _faulty.Arrive("a");
        Service.UntilLogged("tried again in");
        Service.Stop();

        File.Delete(wait);
        _faulty.ClockAhead = direction * s_year;
        _faulty.Start();
        Service.UntilLogged("succeeded: a");
        Service.Stop();

        _faulty.ClockAhead = TimeSpan.Zero; // and back: nothing that is done runs again
        _faulty.Start();
        Service.Quiesce();
        Assert.All(Service.Started(), record => Assert.Equal("a", record.Path.Name.ToString()));
        Assert.Equal(1, Service.Started().Count(record => record.End?.ExitCode == 0));
        Service.Stop();
    }

    [RequiresFact("gcc")]
    public void Jobs_run_in_the_order_of_arrival_whatever_the_clock_says()
    {
        string release = Path.Combine(Service.Base, "release");
        Service.Configure(new RuleText { Concurrency = 1, Job = [$"wait-for={release}"] });
        _faulty.Start();
        string[] names = ["first", "z", "y", "x", "w", "v"];
        int step = 0;
        foreach (string name in names)
        {
            _faulty.ClockAhead = (step++ % 2 == 0 ? -step : step) * s_year;
            _faulty.Arrive(name);
            Service.UntilLogged($"Complete: {name} ");
        }

        File.WriteAllText(release, "");

        _faulty.UntilRan(names);
        Assert.Equal(names, Service.Records.Read().Select(record => record.Path.Name.ToString()));
        Service.Stop();
    }

    [RequiresTheory("gcc")]
    [InlineData(1)]
    [InlineData(-1)]
    public void A_quiet_period_is_neither_cut_short_nor_drawn_out(int direction)
    {
        Service.Configure(new RuleText { Completion = """{ "QuietPeriod": "00:00:02" }""" });
        _faulty.Start();
        string file = Path.Combine(Service.Incoming(), "a");
        using (FileStream stream = File.Create(file))
        {
            stream.Write("half"u8);
            stream.Flush(flushToDisk: true);
            _faulty.ClockAhead = direction * s_year;
            stream.Write(" and half"u8);
        }

        long closedNs = AutoCrunch.Linux.Clock.MonotonicNs();
        _faulty.UntilRan("a");
        JobRecord record = Assert.Single(Service.Records.Read());
        Assert.Equal(13, record.SizeBytes);
        Assert.InRange((record.StartNs - closedNs) / 1e9, 1.9, 30);
        Service.Stop();
    }

    [RequiresFact("rsync")]
    public void Files_from_the_future_run_once()
    {
        Service.Start();
        string source = Path.Combine(Service.Base, "source");
        Directory.CreateDirectory(source);
        foreach (string name in new[] { "a", "b" })
        {
            File.WriteAllText(Path.Combine(source, name), name);
            File.SetLastWriteTimeUtc(Path.Combine(source, name), new DateTime(2200, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        }

        Tool.Run("rsync", "-a", source + "/a", Service.Incoming());
        Tool.Run("rsync", "-a", "--inplace", source + "/b", Service.Incoming());
        _faulty.UntilRan("a", "b");
        Service.Stop();
        Service.Start();
        Tool.Run("rsync", "-a", source + "/", Service.Incoming());
        Service.Quiesce();
        Assert.Equal(2, Service.Started().Count);
        Service.Stop();
    }
}
