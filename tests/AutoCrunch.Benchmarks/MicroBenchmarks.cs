using AutoCrunch.Core;
using BenchmarkDotNet.Attributes;

namespace AutoCrunch.Benchmarks;

/// <summary>What one event costs on the watch thread, piece by piece, with the bytes it allocates.</summary>
[MemoryDiagnoser]
[ShortRunJob]
public class MicroBenchmarks
{
    private readonly WatchRule _rule = new()
    {
        Name = "raw",
        Path = BytePath.Parse("/data/incoming"),
        Include = new PathPatterns(["*.raw"]),
    };

    private readonly List<Effect> _effects = [];
    private readonly byte[] _known = "night-0042.raw"u8.ToArray();
    private readonly byte[] _temporary = ".night-0042.raw.x2Kd9q"u8.ToArray();
    private CompletionMachine _machine = null!;
    private TrackedDirectory _directory = null!;
    private long _nowNs = 1_000_000_000;

    [GlobalSetup]
    public void Setup()
    {
        _machine = new CompletionMachine(_rule, trackedMax: 1000);
        _directory = new TrackedDirectory(_rule, parent: null, [], isIgnored: false) { IsUncertain = false };
        Observe(FileEventKind.Created, _known);
    }

    /// <summary>MODIFY of a file that is being written: the flood of an in-place transfer.</summary>
    [Benchmark]
    public void ModifyOfAKnownName() => Observe(FileEventKind.Modified, _known);

    /// <summary>An event of one of rsync's temporaries, which no pattern takes.</summary>
    [Benchmark]
    public void EventOfATemporaryName() => Observe(FileEventKind.Modified, _temporary);

    /// <summary>The pair of a rename into place, up to the question for lstat and its answer: one completion.</summary>
    [Benchmark]
    public void RenameIntoPlace()
    {
        var name = "night-0043.raw"u8;
        Observe(FileEventKind.MovedOut, _temporary, cookie: 7);
        Observe(FileEventKind.MovedIn, name.ToArray(), cookie: 7);
        var stat = new FileStat(FileType.Regular, 1, 2, 3, 4_000_000_000, 5_000_000_000, 0, 0x1A4, 1);
        var answer = new ProbeAnswer(ProbeStatus.Present, stat, WriterState.NotAsked);
        _machine.Probed(_directory, name, ProbeDepth.Stat, answer, new Moment(_nowNs, _nowNs), _effects);
        _effects.Clear();
    }

    /// <summary>Does the rule take this path?</summary>
    [Benchmark]
    public bool PatternMatch() => _rule.Takes(_known);

    private void Observe(FileEventKind kind, byte[] name, uint cookie = 0)
    {
        _nowNs += 1000;
        var now = new Moment(_nowNs, _nowNs);
        _machine.Observe(new FileEvent(_directory, name, kind, cookie, now, now), _effects);
        _effects.Clear();
    }
}
