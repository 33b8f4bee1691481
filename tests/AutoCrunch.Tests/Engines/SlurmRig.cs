using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Dispatch;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using AutoCrunch.Tests.Dispatch;
using AutoCrunch.Tests.Hosting;

namespace AutoCrunch.Tests.Engines;

/// <summary>
/// Real files, a real ledger, and jobs in a real Slurm: files in <c>in/</c> complete when the test says so. Programs in
/// <c>bin/</c> stand before Slurm's own in PATH. May be stopped and started again.
/// </summary>
internal sealed class SlurmRig : IDisposable
{
    private readonly SlurmCluster _cluster;
    private SlurmDispatcher? _dispatcher;
    private SlurmWatch? _watch;

    public SlurmRig(SlurmCluster cluster)
    {
        _cluster = cluster;
        foreach (string name in new[] { "in", "bin", "ran" })
            Directory.MakeDirectory(name);
        Rule = new WatchRule
        {
            Name = "raw",
            Path = Directory["in"],
            Retry = new RetryPolicy(3, TimeSpan.Zero, TimeSpan.Zero, [65]),
        };
        Options = new SlurmOptions
        {
            Command = [],
            SharedDirectory = BytePath.Parse(cluster.SharedDirectory),
            WorkingDirectory = Directory.Path,
            Concurrency = 1000,
            Interval = TimeSpan.FromSeconds(1),
            OutcomeWait = TimeSpan.FromSeconds(3),
        };
    }

    public TempDirectory Directory { get; } = new();

    public WatchRule Rule { get; set; }

    public SlurmOptions Options { get; set; }

    public ListLogger<SlurmDispatcher> Log { get; } = new();

    public ListLogger<SlurmWatch> WatchLog { get; } = new();

    public JobLedger Ledger { get; private set; } = null!;

    /// <summary>
    /// Starts jobs that append a line to <c>ran/JOB</c> and run this shell script, with the path as its argument.
    /// </summary>
    public SlurmRig Start(string script)
    {
        string command = $"echo \"$AUTOCRUNCH_ATTEMPT $$\" >>{Directory["ran"]}/$AUTOCRUNCH_JOB_ID\n{script}";
        Options = Options with { Command = DispatchRig.Command("/bin/bash", "-c", Escaped(command), "job", "{path}") };
        return Start();
    }

    public SlurmRig Start()
    {
        var options = new LedgerOptions
        {
            StateDirectory = Directory["state"],
            Rules = [Rule],
            Engines = new Dictionary<string, string> { [Rule.Name] = "Slurm" },
        };
        Ledger = JobLedger.Open(options, (_, _, _) => false, new ListLogger<JobLedger>());
        Ledger.Start();
        byte[][] inherited =
        [
            Encoding.UTF8.GetBytes($"PATH={Directory["bin"]}:/usr/bin:/bin"),
            Encoding.UTF8.GetBytes("SLURM_CONF=" + _cluster.Configuration),
            .. Inherited,
        ];
        var tools = new SlurmTools(inherited);
        _watch = new SlurmWatch(tools, Ledger, WatchLog);
        _dispatcher = new SlurmDispatcher(Rule, Options, Ledger, tools, _watch, Log);
        _dispatcher.Start();
        return this;
    }

    /// <summary>What an earlier life has left is removed.</summary>
    public bool HasSwept => _watch!.HasSwept;

    /// <summary>More of the service's environment.</summary>
    public List<byte[]> Inherited { get; } = [];

    /// <summary>Puts a bash script before one of Slurm's programs; $REAL is that one.</summary>
    public void Wrap(string program, string script)
    {
        BytePath path = Directory.Write("bin/" + program, $"#!/bin/bash\nREAL=/usr/bin/{program}\n{script}\n");
        File.SetUnixFileMode(path.ToString(), (UnixFileMode)0x1ED);
    }

    /// <summary>No longer.</summary>
    public void Unwrap(string program) => Directory.Unlink("bin/" + program);

    /// <summary>Writes a file and tells the dispatcher that it is complete.</summary>
    public void Complete(string path, string content = "content")
    {
        Directory.Write("in/" + path, content);
        long now = Clock.WallNs();
        _dispatcher!.Dispatch(new Completion(
            Rule.Name, BytePath.Parse(path), Directory.Stat("in/" + path), Evidence.RenamedFromTemporary, now, now));
    }

    /// <summary>All jobs, oldest first.</summary>
    public Job[] Jobs()
    {
        Assert.True(Ledger.SyncAsync().Wait(Wait.Bound));
        using LedgerReader reader = LedgerReader.Open(Directory["state"]);
        return [.. reader.List(new JobQuery()).Reverse()];
    }

    public IReadOnlyList<AttemptRecord> Attempts(long id)
    {
        using LedgerReader reader = LedgerReader.Open(Directory["state"]);
        return reader.Attempts(id);
    }

    /// <summary>Waits until no job is queued or running; returns all, oldest first.</summary>
    public Job[] WaitForAll(TimeSpan? bound = null)
    {
        Job[] jobs = [];
        Wait.Until(
            () => (jobs = Jobs()).All(job => job.State is not (JobState.Queued or JobState.Running)),
            bound ?? (2 * Wait.Bound));
        return jobs;
    }

    /// <summary>Waits until a job's script has been started so often; returns its lines "ATTEMPT PID".</summary>
    public string[] WaitForRun(long job, int times = 1)
    {
        string[] runs = [];
        Wait.Until(() => (runs = Runs(job)).Length >= times, 2 * Wait.Bound);
        return runs;
    }

    /// <summary>The starts of a job's script: "ATTEMPT PID".</summary>
    public string[] Runs(long job) => Directory.Exists($"ran/{job}")
        ? Directory.ReadText($"ran/{job}").Split('\n', StringSplitOptions.RemoveEmptyEntries)
        : [];

    /// <summary>What an attempt printed, as the ledger keeps it.</summary>
    public string LogOf(Job job) => File.ReadAllText(Ledger.Layout.LogFile(job.Id, job.Attempts).ToString());

    /// <summary>Cancels a job that is under way, and waits for its end.</summary>
    public void Cancel(long job) => Assert.True(_dispatcher!.CancelAsync(job).Wait(2 * Wait.Bound));

    /// <summary>Waits until the dispatcher, or the watch, has said this.</summary>
    public string WaitForLine(string text) => Wait.For(
        () => Log.Lines.Concat(WatchLog.Lines).FirstOrDefault(line => line.Contains(text, StringComparison.Ordinal)),
        2 * Wait.Bound);

    /// <summary>The job in Slurm of the only job whose dispatcher has said it.</summary>
    public string SlurmId() => WaitForLine("is Slurm's job").Split("Slurm's job ")[1].Split([' ', ','])[0];

    public void Stop()
    {
        Assert.True(_dispatcher!.StopAsync().Wait(Wait.Bound), "the dispatcher did not stop");
        Ledger.Dispose();
        _watch!.Dispose();
        _dispatcher.Dispose();
        _dispatcher = null;
    }

    public void Dispose()
    {
        if (_dispatcher is not null)
            Stop();
        Directory.Dispose();
    }

    private static string Escaped(string text) => text.Replace("{", "{{", StringComparison.Ordinal)
        .Replace("}", "}}", StringComparison.Ordinal);
}
