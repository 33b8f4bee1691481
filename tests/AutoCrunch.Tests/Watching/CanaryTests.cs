using AutoCrunch.Hosting;
using AutoCrunch.Watching;
using NSubstitute;

namespace AutoCrunch.Tests.Watching;

/// <summary>The watchdog's canary: proof that events reach the loop.</summary>
public sealed class CanaryTests : IDisposable
{
    private readonly TempDirectory _temp = new();
    private int _heard;

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void The_loop_hears_its_canary_again_and_again_also_when_somebody_tidies_up()
    {
        _temp.MakeDirectory("in");
        _temp.MakeDirectory("run");
        using WatchRig rig = Rig("run/canary");
        HeardMore();
        for (int i = 0; i < 3; i++)
        {
            File.Delete(_temp.Text + "/run/canary");
            HeardMore();
            _temp.Write("run/other");
            File.Move(_temp.Text + "/run/other", _temp.Text + "/run/canary", overwrite: true);
            HeardMore();
        }

        _temp.Write("in/a.raw");
        Wait.Until(() => rig.Known.Has("raw", "a.raw"));
        Assert.Equal(1, rig.Known.JobCount);
    }

    [Fact]
    public void A_canary_that_cannot_be_written_is_reported_once_and_tried_again()
    {
        _temp.MakeDirectory("in");
        using WatchRig rig = Rig("run/canary");
        Wait.Until(() => rig.HasLogged("The watchdog's own file cannot be written"));
        Assert.Equal(0, _heard);
        _temp.MakeDirectory("run");
        HeardMore();
        Assert.Equal(1, rig.LogCount("The watchdog's own file cannot be written"));
    }

    [Theory]
    [InlineData("30000000", null, true)]
    [InlineData("30000000", "self", true)]
    [InlineData("30000000", "1", false)]
    [InlineData("0", null, false)]
    [InlineData("soon", null, false)]
    [InlineData(null, null, false)]
    public void The_watchdog_is_answered_only_if_it_waits_for_this_process(string? usec, string? pid, bool isForUs)
    {
        var notifier = Substitute.For<ISystemdNotifier>();
        notifier.IsEnabled.Returns(true);

        CanaryOptions? canary = SystemdWatchdog.Canary(
            _temp["run"], notifier, name => name switch
            {
                "WATCHDOG_USEC" => usec,
                "WATCHDOG_PID" => pid == "self" ? Environment.ProcessId.ToString() : pid,
                _ => null,
            });

        Assert.Equal(isForUs, canary is not null);
        if (canary is null)
            return;
        Assert.Equal(TimeSpan.FromSeconds(10), canary.Interval);
        canary.Heard();
        Wait.Until(() => notifier.ReceivedCalls().Any(call => call.GetArguments().Contains(ServiceState.Watchdog)));
    }

    private WatchRig Rig(string canary) => new(
        [WatchRig.Rule(_temp["in"])],
        options: new WatchOptions
        {
            Canary = new CanaryOptions(
                _temp[canary], TimeSpan.FromMilliseconds(20), () => Interlocked.Increment(ref _heard)),
        });

    private void HeardMore()
    {
        int before = Volatile.Read(ref _heard);
        Wait.Until(() => Volatile.Read(ref _heard) >= before + 3);
    }
}
