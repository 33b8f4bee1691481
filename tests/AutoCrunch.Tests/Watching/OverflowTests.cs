using System.Globalization;
using AutoCrunch.Core;

namespace AutoCrunch.Tests.Watching;

/// <summary>The kernel's queue overflows: what was lost is found by the rescan.</summary>
public sealed class OverflowTests : IDisposable
{
    private static readonly int s_queueLimit = int.Parse(
        File.ReadAllText("/proc/sys/fs/inotify/max_queued_events"), CultureInfo.InvariantCulture);

    private readonly TempDirectory _temp = new();
    private readonly BytePath _root;

    public OverflowTests() => _root = _temp.MakeDirectory("in");

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void Every_file_of_a_burst_that_overflows_the_queue_is_seen()
    {
        using var release = new ManualResetEventSlim();
        using var stalled = new ManualResetEventSlim();
        var tracker = new RecordingTracker
        {
            OnPublish = fileEvent =>
            {
                if (!fileEvent.Name.Span.SequenceEqual("stall"u8))
                    return;
                stalled.Set();
                release.Wait();
            },
        };
        var known = new MemoryKnownFiles();
        _temp.Write("in/was/gone/old.raw");
        _temp.Write("in/was/stays.raw");
        known.Add("raw", "was/gone/old.raw", new KnownFile(_temp.Stat("in/was/gone/old.raw").Version, null));
        known.Add("raw", "was/stays.raw", new KnownFile(_temp.Stat("in/was/stays.raw").Version, null));
        using var rig = new WatchRig([WatchRig.Rule(_root)], tracker, known);
        _temp.Write("in/stall");
        Assert.True(stalled.Wait(Wait.Bound));

        // Each file is at least two events that do not merge; the directories at the end are lost without a trace.
        int files = (s_queueLimit / 2) + 1000;
        Shell.Run(_temp.Text, $"cd in; i=0; while [ $i -lt {files} ]; do : > f$i; i=$((i+1)); done");
        Shell.Run(
            _temp.Text, "mkdir -p in/new/deep; echo x > in/new/deep/x.raw; rm -r in/was/gone; echo y > in/was/y.raw");
        release.Set();

        Wait.Until(() => rig.HasLogged("scanned after the overflow"));
        Assert.True(rig.Loop.OverflowCount > 0);
        Assert.Equal(1, rig.LogCount("The kernel's event queue overflowed"));
        Assert.True(rig.HasLogged("of them new to the ledger"));
        HashSet<string> seen = tracker.Seen();
        Assert.Contains("new/deep/x.raw", seen);
        Assert.Contains("was/y.raw", seen);
        Assert.DoesNotContain(Enumerable.Range(0, files), i => !seen.Contains($"f{i}"));
        Wait.Until(() => known.WasTold("directory gone raw was/gone"));
        Assert.Equal(["was/stays.raw"], known.Known());
        Assert.Equal(4, rig.Loop.DirectoryCount);
        Assert.DoesNotContain(tracker.Events, each => each.Event.Directory.IsUncertain);
    }

    [Fact]
    public void A_directory_is_uncertain_from_the_overflow_until_it_is_scanned()
    {
        using var release = new ManualResetEventSlim();
        using var stalled = new ManualResetEventSlim();
        bool? wasUncertain = null;
        var tracker = new RecordingTracker
        {
            OnPublish = fileEvent =>
            {
                if (fileEvent.Name.Span.SequenceEqual("stall"u8) && fileEvent.Kind == FileEventKind.Created)
                {
                    stalled.Set();
                    release.Wait();
                }
                else if (fileEvent.Kind == FileEventKind.Found)
                {
                    wasUncertain ??= fileEvent.Directory.IsUncertain;
                }
            },
        };
        using var rig = new WatchRig([WatchRig.Rule(_root)], tracker);
        _temp.Write("in/stall");
        Assert.True(stalled.Wait(Wait.Bound));
        int files = (s_queueLimit / 2) + 1000;
        Shell.Run(_temp.Text, $"cd in; i=0; while [ $i -lt {files} ]; do : > f$i; i=$((i+1)); done");
        release.Set();
        Wait.Until(() => rig.HasLogged("scanned after the overflow"));
        Assert.True(wasUncertain);
        Assert.False(tracker.Events[0].Event.Directory.IsUncertain);
    }
}
