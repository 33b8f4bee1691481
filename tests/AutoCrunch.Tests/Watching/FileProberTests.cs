using AutoCrunch.Core;
using AutoCrunch.Linux;
using AutoCrunch.Watching;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Tests.Watching;

/// <summary>Looks at files: at once, or through the scan thread; and when nothing may be concluded.</summary>
public sealed class FileProberTests : IDisposable
{
    private readonly TempDirectory _temp = new();
    private readonly RecordingTracker _tracker = new();
    private readonly FileProber _prober = new();
    private readonly WatchRig _rig;
    private readonly WatchedDirectory _directory;

    public FileProberTests()
    {
        _temp.Write("in/d/a.raw", "12345");
        _rig = new WatchRig([WatchRig.Rule(_temp["in"])], _tracker);
        Wait.Until(() => _tracker.Saw("d/a.raw", FileEventKind.Found));
        _directory = (WatchedDirectory)_tracker.Events[0].Event.Directory;
    }

    public void Dispose()
    {
        _rig.Dispose();
        _temp.Dispose();
    }

    [Fact]
    public void A_file_that_is_there_is_described_with_its_writers()
    {
        ProbeAnswer answer = Probe("a.raw"u8, ProbeDepth.Writers);
        Assert.Equal(ProbeStatus.Present, answer.Status);
        Assert.Equal(5, answer.Stat.SizeBytes);
        Assert.Equal(_temp.Stat("in/d/a.raw"), answer.Stat);
        Assert.Equal(WriterState.None, answer.Writer);
        using SafeFileHandle writer = _temp.Open("in/d/a.raw", OpenMode.Append);
        Assert.Equal(WriterState.Writing, Probe("a.raw"u8, ProbeDepth.Writers).Writer);
        Assert.Equal(WriterState.NotAsked, Probe("a.raw"u8, ProbeDepth.Stat).Writer);
    }

    [Fact]
    public void A_file_is_gone_only_while_its_directory_and_the_root_are_there()
    {
        Assert.Equal(ProbeStatus.Gone, Probe("b.raw"u8, ProbeDepth.Stat).Status);
        _temp.Rename("in", "away");
        Assert.Equal(ProbeStatus.Unreadable, Probe("a.raw"u8, ProbeDepth.Stat).Status);
        Wait.Until(() => _rig.HasLogged("is lost"));
        _temp.Rename("away", "in");

        // The directory belongs to an earlier life of the root.
        Assert.Equal(ProbeStatus.Unreadable, Probe("a.raw"u8, ProbeDepth.Stat).Status);
    }

    [Fact]
    public void A_file_is_not_gone_because_its_directory_is()
    {
        _temp.MakeDirectory("out");
        _temp.Rename("in/d", "out/d");
        Assert.Equal(ProbeStatus.Unreadable, Probe("a.raw"u8, ProbeDepth.Stat).Status);
    }

    [Fact]
    public void A_look_at_all_processes_is_answered_later_by_the_scan_thread()
    {
        Assert.False(_prober.TryProbe(_directory, "a.raw"u8, ProbeDepth.WritersByProc, out _));
        Wait.Until(() => _tracker.Answers.Count == 1);
        Answered late = _tracker.Answers[0];
        Assert.Same(_directory, late.Directory);
        Assert.Equal("a.raw"u8.ToArray(), late.Name);
        Assert.Equal(ProbeStatus.Present, late.Answer.Status);
        Assert.Equal(WriterState.None, late.Answer.Writer);
        Assert.False(_prober.TryProbe(_directory, "b.raw"u8, ProbeDepth.WritersByProc, out _));
        Wait.Until(() => _tracker.Answers.Count == 2);
        Assert.Equal(ProbeStatus.Gone, _tracker.Answers[1].Answer.Status);
    }

    [Fact]
    public void Probing_allocates_nothing()
    {
        Probe("a.raw"u8, ProbeDepth.Writers);
        Probe("b.raw"u8, ProbeDepth.Writers);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            Probe("a.raw"u8, ProbeDepth.Writers);
            Probe("b.raw"u8, ProbeDepth.Stat);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private ProbeAnswer Probe(ReadOnlySpan<byte> name, ProbeDepth depth)
    {
        Assert.True(_prober.TryProbe(_directory, name, depth, out ProbeAnswer answer));
        return answer;
    }
}
