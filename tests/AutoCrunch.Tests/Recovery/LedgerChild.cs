using System.Collections.Concurrent;
using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoCrunch.Tests.Recovery;

/// <summary>
/// The real ledger in a process that is to be killed: it is told of files at random, runs their jobs by writing that
/// they start and end, and writes down all that it did (<see cref="LedgerLine"/>).
/// </summary>
internal sealed class LedgerChild
{
    public const string Verb = "ledger-child";

    /// <summary>What it says on its standard output before and after the ledger is opened.</summary>
    public const string Opening = "opening", Working = "working";

    private const string Rule = "raw";
    private const int Paths = 20;
    private const int Concurrency = 3;

    private readonly FileStream _story;
    private readonly Dictionary<string, LedgerLine> _world = [];
    private readonly BlockingCollection<Attempt> _claimed = [];
    private readonly List<Attempt> _running = [];
    private readonly Random _random;
    private readonly JobLedger _ledger;
    private long _version;

    private LedgerChild(string directory, int seed)
    {
        _random = new Random(seed);
        string story = StoryOf(directory);
        foreach (LedgerLine line in LedgerLine.ReadAll(story))
        {
            _version = Math.Max(_version, line.Version);
            if (line.Kind is 'T' or 'H' or 'G')
                _world[line.Path] = line;
        }

        _story = new FileStream(story, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        Write(new LedgerLine('L'));
        _ledger = JobLedger.Open(
            new LedgerOptions
            {
                StateDirectory = BytePath.Parse(Path.Combine(directory, "state")),
                Rules =
                [
                    new WatchRule
                    {
                        Name = Rule,
                        Path = BytePath.Parse("/nowhere"),
                        Retry = new RetryPolicy(int.MaxValue, TimeSpan.Zero, TimeSpan.Zero, []),
                    },
                ],
            },
            (_, path, _) => _world.GetValueOrDefault(path.ToString())?.Kind != 'T',
            NullLogger<JobLedger>.Instance);
    }

    public static string StoryOf(string directory) => Path.Combine(directory, "story");

    public static FileVersion VersionOf(long number) => new((ulong)number, number, number);

    public static void Run(string directory, int seed, bool isLast)
    {
        Console.WriteLine(Opening);
        var child = new LedgerChild(directory, seed);
        child.Begin();
        Console.WriteLine(Working);
        if (!isLast)
            while (true)
                child.Step();
        child.RunTheRest();
    }

    // As the service starts: what runs no more is recorded, and a scan tells what is there, and what is not.
    private void Begin()
    {
        _ledger.Failed = failure => Environment.FailFast("the ledger failed", failure);
        _ledger.Start();
        _ledger.RecoverCrashed(Rule);
        _ledger.StartClaims(Rule, Concurrency, _claimed.Add);
        foreach (LedgerLine line in _world.Values)
            Tell(line);
    }

    private void Step()
    {
        while (_running.Count < Concurrency && _claimed.TryTake(out Attempt? attempt))
            Start(attempt);
        if (_random.Next(8) == 0)
            Flush();
        else if (_running.Count > 0 && _random.Next(2) == 0)
            EndOne();
        else
            Change();
    }

    private void RunTheRest()
    {
        do
        {
            while (_claimed.TryTake(out Attempt? attempt, TimeSpan.FromMilliseconds(20)))
                Start(attempt);
            while (_running.Count > 0)
                EndOne();
            Flush();
            Flush(); // claims of the first one's round are handed out before the second one's begins
        }
        while (_claimed.Count > 0);
        _ledger.StopClaims(Rule).Wait();
        _ledger.Dispose();
    }

    private void Change()
    {
        string path = $"f{_random.Next(Paths)}";
        _world[path] = _random.Next(8) switch
        {
            0 => new LedgerLine('G', Path: path),
            1 => new LedgerLine('H', Path: path, Version: ++_version),
            _ => new LedgerLine('T', Path: path, Version: ++_version),
        };
        Write(_world[path]);
        Tell(_world[path]);
    }

    private void Tell(LedgerLine line)
    {
        var path = BytePath.Parse(line.Path);
        if (line.Kind == 'G')
        {
            _ledger.KnownFiles.Gone(Rule, path);
            return;
        }

        FileVersion v = VersionOf(line.Version);
        var stat = new FileStat(FileType.Regular, 1, v.Inode, v.SizeBytes, v.MtimeNs, 0, 0, 0x1A4, 1);
        if (line.Kind == 'H')
        {
            _ledger.KnownFiles.Held(Rule, path, stat, HoldReason.ZeroMtime);
            return;
        }

        long now = Clock.WallNs();
        _ledger.Record(new Completion(Rule, path, stat, Evidence.Found, now, now));
    }

    // The last look, as DurableDispatcher has it.
    private void Start(Attempt attempt)
    {
        LedgerLine now = _world[attempt.Job.Path.ToString()];
        if (now.Kind == 'G')
            Settle(attempt, AttemptOutcome.Gone.Value);
        else if (now.Version != attempt.Job.Version.SizeBytes)
            Settle(attempt, new AttemptOutcome.Changed(VersionOf(now.Version)));
        else
        {
            Write(LineOf('S', attempt));
            _running.Add(attempt);
        }
    }

    private void EndOne()
    {
        Attempt attempt = _running[_random.Next(_running.Count)];
        _running.Remove(attempt);
        bool isFailing = _random.Next(4) == 0;
        Write(LineOf('E', attempt) with { Result = isFailing ? AttemptResult.Failed : AttemptResult.Succeeded });
        Settle(attempt, isFailing ? new AttemptOutcome.Failed("as it was told to") : AttemptOutcome.Succeeded.Value);
    }

    private void Settle(Attempt attempt, AttemptOutcome outcome) => _ledger.Settle(
        attempt, outcome,
        JobTransitions.After(
            JobCounts.Of(attempt.Job), outcome, new RetryPolicy(int.MaxValue, TimeSpan.Zero, TimeSpan.Zero, []),
            _ledger.NowNs, random: 0));

    private void Flush()
    {
        Write(new LedgerLine('F'));
        _ledger.SyncAsync().Wait();
        Write(new LedgerLine('A'));
    }

    private static LedgerLine LineOf(char kind, Attempt attempt) => new(
        kind, attempt.Job.Id, attempt.Number, attempt.Job.Path.ToString(), attempt.Job.Version.SizeBytes);

    private void Write(LedgerLine line) => _story.Write(Encoding.ASCII.GetBytes(line + "\n"));
}
