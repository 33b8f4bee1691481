using AutoCrunch.Core;
using AutoCrunch.Linux;
using AutoCrunch.Watching;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Tests.Watching;

/// <summary>What the tracker is told of files, by events and by scans.</summary>
public sealed class PublishingTests : IDisposable
{
    private readonly TempDirectory _temp = new();
    private readonly RecordingTracker _tracker = new();
    private readonly BytePath _root;

    public PublishingTests() => _root = _temp.MakeDirectory("in");

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void Events_come_in_the_kernels_order_with_the_cookies_of_renames()
    {
        using var rig = new WatchRig([WatchRig.Rule(_root)], _tracker);

        // Not written by this process: whom another test starts just now has its descriptors for a moment, and closes
        // them last.
        Shell.Run(
            _temp.Text,
            "echo a > in/a; mv in/a in/b; chmod 600 in/b; mv in/b out; mv out in/c; ln in/c in/d; rm in/d; : > in/end");
        Wait.Until(() => _tracker.Saw("end", FileEventKind.ClosedAfterWrite));
        Published[] events = [.. _tracker.Events.Where(each => each.Path != "end")];
        Assert.Equal(
            "a Created, a Modified, a ClosedAfterWrite, a MovedOut, b MovedIn, b AttributesChanged, b MovedOut, "
                + "c MovedIn, d Created, d Deleted",
            string.Join(", ", WithoutNeighbours(events.Select(each => $"{each.Path} {each.Kind}"))));
        Published from = events.First(each => each.Kind == FileEventKind.MovedOut);
        Published to = events.First(each => each.Kind == FileEventKind.MovedIn);
        Assert.NotEqual(0u, from.Cookie);
        Assert.Equal(from.Cookie, to.Cookie);
        Assert.All(events, each => Assert.True(each.Event.QueueEmpty.WallNs <= each.Event.Time.WallNs));
    }

    [Fact]
    public void The_time_the_queue_was_empty_precedes_the_change()
    {
        using var rig = new WatchRig([WatchRig.Rule(_root)], _tracker);
        for (int i = 0; i < 20; i++)
        {
            string name = $"f{i}";
            FileStat stat = default;
            Assert.Equal(0, FileStatReader.TryRead(_temp.Write("in/" + name), out stat));
            Wait.Until(() => _tracker.Saw(name, FileEventKind.Created));
            FileEvent created = _tracker.Events.First(each => each.Path == name).Event;
            Assert.True(created.QueueEmpty.WallNs <= stat.BirthNs + 10_000_000, "a jiffy is the file system's clock");
            Assert.True(created.Time.WallNs >= stat.BirthNs);
        }

        Wait.Until(() => _tracker.QueueEmptySince?.MonotonicNs >= _tracker.Events[^1].Event.Time.MonotonicNs);
    }

    [Fact]
    public void Directories_are_not_published()
    {
        using var rig = new WatchRig([WatchRig.Rule(_root)], _tracker);
        Shell.Run(_temp.Text, "mkdir in/d; mv in/d in/e; chmod 700 in/e; rmdir in/e; : > in/end");
        Wait.Until(() => _tracker.Saw("end", FileEventKind.ClosedAfterWrite));
        Assert.All(_tracker.Events, each => Assert.Equal("end", each.Path));
    }

    [Fact]
    public void Repeated_writes_in_one_batch_are_published_once()
    {
        using var release = new ManualResetEventSlim();
        using var stalled = new ManualResetEventSlim();
        _tracker.OnPublish = fileEvent =>
        {
            if (!fileEvent.Name.Span.SequenceEqual("stall"u8))
                return;
            stalled.Set();
            release.Wait();
        };
        using var rig = new WatchRig([WatchRig.Rule(_root)], _tracker);
        _temp.Write("in/stall");
        Assert.True(stalled.Wait(Wait.Bound));
        using (SafeFileHandle one = _temp.Open("in/one", OpenMode.Replace))
        using (SafeFileHandle two = _temp.Open("in/two", OpenMode.Replace))
        {
            for (int i = 0; i < 100; i++)
            {
                RandomAccess.Write(one, "x"u8, i);
                RandomAccess.Write(two, "x"u8, i);
            }
        }

        using (SafeFileHandle one = _temp.Open("in/one", OpenMode.ReadWrite))
            RandomAccess.Write(one, "y"u8, 0);
        _temp.Write("in/end");
        release.Set();
        Wait.Until(() => _tracker.Saw("end", FileEventKind.ClosedAfterWrite));
        Assert.Equal(2, _tracker.Count("one", FileEventKind.Modified)); // before and after the first close
        Assert.Equal(2, _tracker.Count("one", FileEventKind.ClosedAfterWrite));
        Assert.Equal(1, _tracker.Count("two", FileEventKind.Modified));
    }

    [Fact]
    public void A_rule_that_takes_renames_only_is_not_told_of_writes_even_where_another_rule_is()
    {
        WatchRule renames = WatchRig.Rule(_root, "renames") with
        {
            Completion = new CompletionPolicy { Arrivals = Arrivals.Rename },
        };
        using var rig = new WatchRig([renames, WatchRig.Rule(_root)], _tracker);
        _temp.Write("in/a");
        _temp.Rename("in/a", "in/b");
        Wait.Until(() => _tracker.Saw("b", FileEventKind.MovedIn, "renames"));
        Wait.Until(() => _tracker.Saw("b", FileEventKind.MovedIn));
        Assert.True(_tracker.Saw("a", FileEventKind.ClosedAfterWrite));
        Assert.True(_tracker.Saw("a", FileEventKind.Created, "renames"));
        Assert.False(_tracker.Saw("a", FileEventKind.ClosedAfterWrite, "renames"));
        Assert.False(_tracker.Saw("a", FileEventKind.Modified, "renames"));
    }

    [Fact]
    public void A_scan_tells_only_of_what_the_ledger_does_not_know_like_this()
    {
        var known = new MemoryKnownFiles();
        _temp.Write("in/same");
        _temp.Write("in/d/held");
        _temp.Write("in/d/changed");
        _temp.Write("in/d/replaced");
        _temp.Write("in/new");
        _temp.Write("in/.new.raw.AbCdEf");
        _temp.Write("in/skipped~");
        known.Add("raw", "same", new KnownFile(_temp.Stat("in/same").Version, null));
        known.Add("raw", "d/held", new KnownFile(_temp.Stat("in/d/held").Version, HoldReason.Unproven));
        FileVersion changed = _temp.Stat("in/d/changed").Version;
        known.Add("raw", "d/changed", new KnownFile(changed with { SizeBytes = 1 }, null));
        known.Add("raw", "d/replaced", new KnownFile(changed, null));
        known.Add("raw", "d/missing", new KnownFile(changed, null));
        known.Add("raw", "was/there", new KnownFile(changed, null));
        using var rig = new WatchRig([WatchRig.Rule(_root)], _tracker, known);
        Wait.Until(() => _tracker.Saw("d/missing", FileEventKind.Missing));
        Wait.Until(() => known.WasTold("directory gone raw was"));
        Published[] found = [.. _tracker.Events.Where(each => each.Kind == FileEventKind.Found)];
        Assert.Equal(
            [".new.raw.AbCdEf", "d/changed", "d/held", "d/replaced", "new"], found.Select(each => each.Path).Order());
        Assert.All(found, each => Assert.True(each.Event.IsFirstScan));
        FileEvent Of(string path) => found.Single(each => each.Path == path).Event;
        Assert.Equal(HoldReason.Unproven, Of("d/held").HeldBefore);
        Assert.Null(Of("d/changed").HeldBefore);
        Assert.True(Of("d/changed").IsUpdateInPlace);
        Assert.False(Of("d/replaced").IsUpdateInPlace);
        Assert.False(Of("new").IsUpdateInPlace);
        Assert.True(known.WasTold("first scan raw"));
    }

    [Fact]
    public void A_directory_the_tracker_asks_for_is_scanned_again()
    {
        _temp.Write("in/d/a");
        using var rig = new WatchRig([WatchRig.Rule(_root)], _tracker);
        Wait.Until(() => _tracker.Count("d/a", FileEventKind.Found) == 1);
        TrackedDirectory directory = _tracker.Events[0].Event.Directory;
        _tracker.AskForRescan(directory);
        _temp.Write("in/b");
        Wait.Until(() => _tracker.Count("d/a", FileEventKind.Found) == 2);
        Assert.False(_tracker.Events[^1].Event.IsFirstScan);
        _tracker.AskForRescan(directory.Parent!);
        _temp.Write("in/c");
        Wait.Until(() => _tracker.Count("d/a", FileEventKind.Found) == 3);
        Wait.Until(() => _tracker.Count("b", FileEventKind.Found) == 1);
    }

    [Fact]
    public void A_held_file_is_told_again_by_a_scan_of_the_whole_root_only()
    {
        var known = new MemoryKnownFiles();
        _temp.Write("in/d/held");
        known.Add("raw", "d/held", new KnownFile(_temp.Stat("in/d/held").Version, HoldReason.OwnerOnly));
        _temp.Write("in/d/other");
        using var rig = new WatchRig([WatchRig.Rule(_root)], _tracker, known);
        Wait.Until(() => _tracker.Saw("d/held", FileEventKind.Found) && _tracker.Saw("d/other", FileEventKind.Found));
        _tracker.AskForRescan(_tracker.Events[0].Event.Directory);
        _temp.Write("in/b");
        Wait.Until(() => _tracker.Count("d/other", FileEventKind.Found) == 2);
        Assert.Equal(1, _tracker.Count("d/held", FileEventKind.Found));
    }

    [Fact]
    public void The_safety_rescan_finds_what_no_event_told_of()
    {
        // A write through a name outside of the tree changes the file without an event of its name in it.
        _temp.Write("in/a", "one");
        Shell.Run(_temp.Text, "ln in/a outside");
        using var rig = new WatchRig([WatchRig.Rule(_root) with { RescanInterval = TimeSpan.FromMilliseconds(100) }]);
        Wait.Until(() => rig.Known.JobCount == 1);
        _temp.Write("outside", "another content");
        Wait.Until(() => rig.Known.JobCount == 2);
    }

    [Fact]
    public void An_observer_sees_the_kernels_own_events_with_the_bits_it_asked_for()
    {
        var seen = new List<string>();
        var options = new WatchOptions
        {
            MaskExtra = InotifyMask.IN_OPEN | InotifyMask.IN_CLOSE_NOWRITE,
            Observer = (_, name, mask, _, _) =>
            {
                lock (seen)
                    seen.Add($"{BytePath.Escape(name)} {InotifyMask.Describe(mask)}");
            },
        };
        using var rig = new WatchRig([WatchRig.Rule(_root)], _tracker, options: options);
        Shell.Run(_temp.Text, "mkdir in/d; : > in/a; cat in/a");
        Wait.Until(() => Seen(seen).Contains("a CLOSE_NOWRITE"));
        Assert.Contains("d CREATE|ISDIR", Seen(seen));
        Assert.Contains("a OPEN", Seen(seen));
        Assert.Contains("a CREATE", Seen(seen));
        Assert.DoesNotContain(_tracker.Events, each => each.Path == "d");
    }

    // The kernel merges equal neighbours only while they are unread.
    private static List<string> WithoutNeighbours(IEnumerable<string> texts)
    {
        var kept = new List<string>();
        foreach (string text in texts)
        {
            if (kept.Count == 0 || kept[^1] != text)
                kept.Add(text);
        }

        return kept;
    }

    private static string[] Seen(List<string> seen)
    {
        lock (seen)
            return [.. seen];
    }
}
