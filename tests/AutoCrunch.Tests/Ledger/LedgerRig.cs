using System.Collections.Concurrent;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using AutoCrunch.Tests.Hosting;

namespace AutoCrunch.Tests.Ledger;

/// <summary>A real ledger in a directory of its own, whose claimed jobs the test runs by hand.</summary>
internal sealed class LedgerRig : IDisposable
{
    /// <summary>When files are born, where nothing else is said.</summary>
    public const long BirthNs = 7;

    private readonly TempDirectory _directory;
    private readonly bool _ownsDirectory;
    private ulong _inode = 100;

    public LedgerRig(params WatchRule[] rules)
        : this(new TempDirectory(), rules) => _ownsDirectory = true;

    public LedgerRig(TempDirectory directory, params WatchRule[] rules)
    {
        _directory = directory;
        Rules = rules.Length == 0 ? [Rule()] : rules;
        Options = new LedgerOptions { StateDirectory = directory["state"], Rules = Rules };
    }

    public WatchRule[] Rules { get; private set; }

    public LedgerOptions Options { get; set; }

    public BytePath StateDirectory => Options.StateDirectory;

    public JobLedger Ledger { get; private set; } = null!;

    public ListLogger<JobLedger> Log { get; } = new();

    /// <summary>Claimed and not settled, in the order of the claims.</summary>
    public BlockingCollection<Attempt> Claimed { get; private set; } = [];

    /// <summary>Paths that are not there any more, as a scan's conclusion asks.</summary>
    public HashSet<BytePath> NotThere { get; } = [];

    public ConcurrentQueue<Exception> Failures { get; } = new();

    public ConcurrentQueue<string> Rescans { get; } = new();

    public static WatchRule Rule(
        string name = "raw", CompletionPolicy? completion = null, RetryPolicy? retry = null) => new()
        {
            Name = name,
            Path = BytePath.Parse("/in/" + name),
            Completion = completion ?? new CompletionPolicy(),
            Retry = retry ?? new RetryPolicy(3, TimeSpan.Zero, TimeSpan.Zero, []),
        };

    /// <summary>Opens and starts; claims are made only when a test asks for them.</summary>
    public LedgerRig Open(bool isStarted = true)
    {
        Ledger = JobLedger.Open(Options, (_, path, _) => NotThere.Contains(path), Log);
        Ledger.Failed = Failures.Enqueue;
        Ledger.RescanNeeded = rule => Rescans.Enqueue(rule.Name);
        if (isStarted)
            Ledger.Start();
        return this;
    }

    public LedgerRig StartClaims(int concurrency = 1, string rule = "raw")
    {
        Ledger.RecoverCrashed(rule);
        Ledger.StartClaims(rule, concurrency, attempt => Claimed.Add(attempt));
        return this;
    }

    /// <summary>Closes cleanly and opens again, with other rules if given.</summary>
    public void Reopen(params WatchRule[] rules)
    {
        Ledger.Dispose();
        Claimed = [];
        if (rules.Length > 0)
            Rules = rules;
        Options = Options with { Rules = Rules };
        Open();
    }

    /// <summary>
    /// The files as a crash of the service would leave them at this moment, copied to another state directory, and
    /// opened there; the original is closed.
    /// </summary>
    public void CrashAndReopen()
    {
        Sync();
        var from = new StateLayout(StateDirectory);
        BytePath next = StateDirectory.Directory.Join(BytePath.Parse("state-" + Guid.NewGuid().ToString("N")));
        Directory.CreateDirectory(next.ToString());
        foreach (BytePath file in new[] { from.Ledger, from.Wal })
            File.Copy(file.ToString(), next.Join(file.Name).ToString());
        Ledger.Dispose();
        Claimed = [];
        Options = Options with { StateDirectory = next };
        Open();
    }

    public void Sync() => Assert.True(Ledger.SyncAsync().Wait(Wait.Bound));

    /// <summary>A file of a new version completes; returns its completion.</summary>
    public Completion Complete(
        string path, FileVersion? version = null, Evidence evidence = Evidence.RenamedFromTemporary,
        string rule = "raw", Func<Completion, Completion>? change = null)
    {
        FileVersion v = version ?? NewVersion();
        long now = Clock.WallNs();
        var completion = new Completion(rule, BytePath.Parse(path), StatOf(v), evidence, now, now);
        completion = change?.Invoke(completion) ?? completion;
        Ledger.Record(completion);
        return completion;
    }

    /// <summary>The same of a file whose birth is known.</summary>
    public Completion CompleteBorn(
        string path, FileVersion? version = null, long birthNs = BirthNs, Evidence evidence = Evidence.MtimeSet,
        string? from = null, ulong device = 1) => Complete(path, version, evidence, change: told => told with
        {
            Stat = told.Stat with { BirthNs = birthNs, Device = device },
            RenamedFrom = from is null ? null : BytePath.Parse(from),
        });

    public void Hold(string path, FileVersion version, long birthNs, HoldReason reason = HoldReason.ZeroMtime) =>
        Ledger.KnownFiles.Held("raw", BytePath.Parse(path), StatOf(version) with { BirthNs = birthNs }, reason);

    public FileVersion NewVersion() => new(++_inode, 1000, 1_700_000_000_000_000_000 + (long)_inode);

    public static FileStat StatOf(FileVersion version) =>
        new(FileType.Regular, 1, version.Inode, version.SizeBytes, version.MtimeNs, 0, 0, 0x1A4, 1);

    /// <summary>The next claimed job.</summary>
    public Attempt Take()
    {
        Assert.True(Claimed.TryTake(out Attempt? attempt, Wait.Bound), "no job was claimed");
        return attempt;
    }

    /// <summary>Nothing is claimed of all that was told so far.</summary>
    public void AssertNothingClaimed()
    {
        Sync();
        Sync(); // claims of the first one's round are handed out before the second one's begins
        Assert.Empty(Claimed);
    }

    /// <summary>An attempt ends after all that was told so far has been written.</summary>
    public void Settle(Attempt attempt, AttemptOutcome outcome)
    {
        Sync();
        SettleNow(attempt, outcome);
    }

    /// <summary>An attempt ends, and may overtake what was told before.</summary>
    public void SettleNow(Attempt attempt, AttemptOutcome outcome)
    {
        WatchRule rule = Rules.Single(known => known.Name == attempt.Job.Rule);
        JobTransition transition =
            JobTransitions.After(JobCounts.Of(attempt.Job), outcome, rule.Retry, Ledger.NowNs, random: 1);
        Ledger.Settle(attempt, outcome, transition);
    }

    public void Succeed(Attempt attempt) => SettleNow(attempt, AttemptOutcome.Succeeded.Value);

    /// <summary>Reads what is recorded by now.</summary>
    public T Read<T>(Func<LedgerReader, T> read)
    {
        Sync();
        using LedgerReader reader = LedgerReader.Open(StateDirectory);
        return read(reader);
    }

    /// <summary>All jobs, oldest first.</summary>
    public Job[] Jobs() => [.. Read(reader => reader.List(new JobQuery())).Reverse()];

    public Job Job(long id) => Read(reader => reader.Find(id)) ?? throw new InvalidOperationException($"no job {id}");

    /// <summary>"path:state" or "path:state/reason" of all jobs, oldest first.</summary>
    public string[] Story() => [.. Jobs().Select(job =>
        $"{job.Path}:{job.State}{(job.Reason is { } reason ? $"/{reason}" : "")}")];

    public void Dispose()
    {
        Ledger?.Dispose();
        if (_ownsDirectory)
            _directory.Dispose();
        Assert.Empty(Failures);
    }
}
