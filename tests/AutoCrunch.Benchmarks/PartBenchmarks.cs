using System.Buffers.Binary;
using AutoCrunch.Core;
using AutoCrunch.Dispatch;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using AutoCrunch.Watching;
using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoCrunch.Benchmarks;

/// <summary>The other parts of the way from an event to the end of a job, each alone.</summary>
[MemoryDiagnoser]
[ShortRunJob]
public class PartBenchmarks
{
    private const int Events = 1_000;
    private const int Jobs = 100;
    private const string Home = "/dev/shm/autocrunch-benchmarks/parts";

    private readonly WatchRule _rule = new() { Name = "raw", Path = BytePath.Parse("/data/incoming") };
    private readonly byte[] _events = MakeEvents();
    private readonly byte[] _name = "exposure-0042.fits"u8.ToArray();
    private RsyncCompletionTracker _tracker = null!;
    private TrackedDirectory _directory = null!;
    private LedgerWriter _writer = null!;
    private LedgerRule _ledgerRule = null!;
    private ChildStart _start;
    private long _nowNs = 1_000_000_000;
    private int _file;

    [GlobalSetup]
    public void Setup()
    {
        _directory = new TrackedDirectory(_rule, parent: null, [], isIgnored: false) { IsUncertain = false };
        for (int depth = 0; depth < 3; depth++)
            _directory = new TrackedDirectory(_rule, _directory, "night"u8.ToArray(), isIgnored: false);
        _tracker = new RsyncCompletionTracker(
            [new KeyValuePair<WatchRule, IJobDispatcher>(_rule, new Nobody())], new FileProber(), new NothingKnown(),
            NullLogger<RsyncCompletionTracker>.Instance);

        Shell.RemoveTree(Home);
        Directory.CreateDirectory(Home);
        SqliteDatabase db = LedgerFile.OpenWriter(new StateLayout(BytePath.Parse(Home)), out _);
        db.Execute("INSERT INTO rules (name) VALUES ('raw')");
        _writer = new LedgerWriter(db, static (_, _, _) => false);
        _ledgerRule = new LedgerRule(1, _rule) { Concurrency = Jobs, Run = static _ => { } };
        _start = new ChildStart(
            BytePath.Parse("/bin/true"), ["true"u8.ToArray()], [], BytePath.Parse(Home), BytePath.Parse(Home + "/log"));
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _writer.Dispose();
        Shell.RemoveTree(Home);
    }

    /// <summary>The walk over what read(2) has brought.</summary>
    [Benchmark(OperationsPerInvoke = Events)]
    public int Parse()
    {
        var reader = new InotifyEventReader(_events);
        int bytes = 0;
        while (reader.MoveNext())
            bytes += reader.Name.Length;
        return bytes;
    }

    /// <summary>An event of a known name, through the tracker to its rule's machine.</summary>
    [Benchmark]
    public void Publish()
    {
        _nowNs += 1000;
        var now = new Moment(_nowNs, _nowNs);
        _tracker.Publish(new FileEvent(_directory, _name, FileEventKind.Modified, 0, now, now));
    }

    /// <summary>From a name in a directory to the path in the rule's tree.</summary>
    [Benchmark]
    public BytePath ResolvePath() => _directory.PathOf(_name);

    /// <summary>Files recorded with their jobs, a hundred in a transaction.</summary>
    [Benchmark(OperationsPerInvoke = Jobs)]
    public void LedgerRecord()
    {
        _writer.Begin();
        for (int i = 0; i < Jobs; i++)
            _writer.Arrive(_ledgerRule, Next());
        _writer.Commit();
    }

    /// <summary>The same, then claimed and settled, in three transactions of a hundred each.</summary>
    [Benchmark(OperationsPerInvoke = Jobs)]
    public void LedgerRecordClaimSettle()
    {
        LedgerRecord();
        Run(Jobs);
    }

    /// <summary>The same for one job in transactions of its own.</summary>
    [Benchmark]
    public void LedgerRecordClaimSettleAlone()
    {
        _writer.Begin();
        _writer.Arrive(_ledgerRule, Next());
        _writer.Commit();
        Run(1);
    }

    /// <summary>posix_spawn, waitid, and the end of the session, of /bin/true with a log.</summary>
    [Benchmark]
    public bool Spawn() => ChildProcess.TryStart(_start, out ChildProcess? child) == 0 && child!.Wait().ExitCode == 0;

    private void Run(int jobs)
    {
        var claimed = new List<Attempt>();
        _writer.Begin();
        _writer.Claim(_ledgerRule, jobs, claimed);
        _writer.Commit();
        _writer.Begin();
        foreach (Attempt attempt in claimed)
        {
            JobTransition transition = JobTransitions.After(
                JobCounts.Of(attempt.Job), AttemptOutcome.Succeeded.Value, _rule.Retry, _writer.NowNs, random: 0);
            _writer.Settle(_ledgerRule, attempt, AttemptOutcome.Succeeded.Value, transition);
            _writer.Release(_ledgerRule, attempt.Job.Id);
        }

        _writer.Commit();
    }

    private Completion Next()
    {
        _file++;
        var stat = new FileStat(FileType.Regular, 7, (ulong)_file, 1024, 4_000_000_000, 5_000_000_000, 0, 0x1A4, 1);
        BytePath path = BytePath.Parse($"night/exposure-{_file:D8}.fits");
        return new Completion("raw", path, stat, Evidence.RenamedFromTemporary, 1, 2);
    }

    private static byte[] MakeEvents()
    {
        const int Header = 16;
        const int Padded = 32;
        byte[] events = new byte[Events * (Header + Padded)];
        for (int i = 0; i < Events; i++)
        {
            Span<byte> one = events.AsSpan(i * (Header + Padded));
            BinaryPrimitives.WriteInt32LittleEndian(one, 1);
            BinaryPrimitives.WriteUInt32LittleEndian(one[4..], InotifyMask.IN_MOVED_TO);
            BinaryPrimitives.WriteInt32LittleEndian(one[12..], Padded);
            "exposure-0042.fits"u8.CopyTo(one[Header..]);
        }

        return events;
    }

    private sealed class Nobody : IJobDispatcher
    {
        public void Dispatch(Completion completion)
        {
        }
    }
}
