namespace AutoCrunch.Core.Tests.Machine;

/// <summary>The watch thread allocates nothing per event for names it knows, or need not know.</summary>
public sealed class AllocationTests
{
    private const int Events = 100_000;

    private readonly WatchRule _rule = new()
    {
        Name = "raw", Path = BytePath.Parse("/in"), Include = new PathPatterns(["*.raw"]),
    };

    private readonly List<Effect> _effects = new(16);
    private readonly TrackedDirectory _directory;
    private readonly CompletionMachine _machine;
    private long _ns = 1_000_000_000;

    public AllocationTests()
    {
        var root = new TrackedDirectory(_rule, null, [], isIgnored: false) { IsUncertain = false };
        _directory = new TrackedDirectory(_rule, root, "sub"u8.ToArray(), isIgnored: false) { IsUncertain = false };
        _machine = new CompletionMachine(_rule, 1000);
    }

    [Fact]
    public void Writing_a_known_name() =>
        AssertNothingAllocated("f.raw"u8.ToArray(), FileEventKind.Modified);

    [Fact]
    public void Writing_and_closing_a_known_name() =>
        AssertNothingAllocated("f.raw"u8.ToArray(), FileEventKind.Modified, FileEventKind.ClosedAfterWrite);

    [Fact]
    public void Attributes_of_a_known_closed_name()
    {
        byte[] name = "f.raw"u8.ToArray();
        Observe(name, FileEventKind.Created);
        Observe(name, FileEventKind.ClosedAfterWrite);
        AssertNothingAllocated(name, FileEventKind.AttributesChanged);
    }

    [Fact]
    public void Temporaries_of_rsync() => AssertNothingAllocated(
        ".f.raw.aB3dE5"u8.ToArray(), FileEventKind.Created, FileEventKind.AttributesChanged, FileEventKind.Modified,
        FileEventKind.ClosedAfterWrite, FileEventKind.AttributesChanged, FileEventKind.Deleted);

    [Fact]
    public void Names_the_rule_does_not_take() => AssertNothingAllocated(
        "f.dat"u8.ToArray(), FileEventKind.Created, FileEventKind.Modified, FileEventKind.ClosedAfterWrite,
        FileEventKind.MovedOut, FileEventKind.MovedIn, FileEventKind.AttributesChanged, FileEventKind.Deleted);

    private void AssertNothingAllocated(byte[] name, params FileEventKind[] kinds)
    {
        for (int i = 0; i < Events; i++)
            ObserveAll(name, kinds);   // past every deadline, so that all code has run once
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < Events; i++)
            ObserveAll(name, kinds);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private void ObserveAll(byte[] name, FileEventKind[] kinds)
    {
        foreach (FileEventKind kind in kinds)
            Observe(name, kind);
        var now = new Moment(_ns, _ns);
        _machine.Advance(now, now, _effects);
        Answer();
    }

    // An event each millisecond; somebody always has the file open.
    private void Observe(byte[] name, FileEventKind kind)
    {
        _ns += 1_000_000;
        var now = new Moment(_ns, _ns);
        _machine.Observe(new FileEvent(_directory, name, kind, (uint)(_ns / 2_000_000), now, now), _effects);
        Answer();
    }

    private void Answer()
    {
        var stat = new FileStat(FileType.Regular, 1, 2, 3, _ns, _ns, 1, 0x1A4, 1);
        for (int i = 0; i < _effects.Count; i++)
        {
            Effect effect = _effects[i];
            if (effect.Kind != EffectKind.Probe)
                throw new InvalidOperationException($"{effect.Kind} is not expected");
            WriterState writer = effect.Depth == ProbeDepth.Stat ? WriterState.NotAsked : WriterState.Writing;
            _machine.Probed(
                effect.Directory, effect.Name, effect.Depth, new ProbeAnswer(ProbeStatus.Present, stat, writer),
                new Moment(_ns, _ns), _effects);
        }

        _effects.Clear();
    }
}
