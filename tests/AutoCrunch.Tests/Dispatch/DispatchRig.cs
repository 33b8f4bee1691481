using System.Collections.Concurrent;
using AutoCrunch.Core;
using AutoCrunch.Dispatch;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using AutoCrunch.Tests.Hosting;

namespace AutoCrunch.Tests.Dispatch;

/// <summary>
/// Real files, a real ledger and real processes: files in <c>in/</c> complete when the test says so, jobs start in
/// <c>out/</c>, each a shell script.
/// </summary>
internal sealed class DispatchRig : IDisposable
{
    private readonly List<ProcessDispatcher> _dispatchers = [];

    public DispatchRig()
    {
        Directory.MakeDirectory("in");
        Directory.MakeDirectory("out");
        Rule = new WatchRule
        {
            Name = "raw",
            Path = Directory["in"],
            Retry = new RetryPolicy(3, TimeSpan.Zero, TimeSpan.Zero, [65]),
        };
        Options = new ProcessOptions
        {
            Command = [],
            WorkingDirectory = Directory["out"],
            KillGrace = TimeSpan.FromSeconds(0.5),
        };
    }

    public TempDirectory Directory { get; } = new();

    public WatchRule Rule { get; set; }

    public ProcessOptions Options { get; set; }

    public int MaxRunning { get; set; }

    public TimeSpan ShutdownGrace { get; set; } = TimeSpan.FromSeconds(0.2);

    public List<byte[]> Inherited { get; } = ["PATH=/usr/bin:/bin"u8.ToArray()];

    public ListLogger<ProcessDispatcher> Log { get; } = new();

    public ConcurrentQueue<Exception> Failures { get; } = new();

    public JobLedger Ledger { get; private set; } = null!;

    public JobSupervisor Supervisor { get; private set; } = null!;

    public ProcessDispatcher Dispatcher => _dispatchers[0];

    /// <summary>
    /// Opens the ledger and starts one dispatcher per rule (its own, unless more are given), all with one script.
    /// </summary>
    public DispatchRig Start(string script, params WatchRule[] others)
    {
        Options = Options with { Command = Command("/bin/sh", "-c", script, "job", "{path}") };
        return Start(others);
    }

    /// <inheritdoc cref="Start(string, WatchRule[])"/>
    public DispatchRig Start(params WatchRule[] others)
    {
        WatchRule[] rules = [Rule, .. others];
        var options = new LedgerOptions { StateDirectory = Directory["state"], Rules = rules, MaxRunning = MaxRunning };
        Ledger = JobLedger.Open(options, (_, _, _) => false, new ListLogger<JobLedger>());
        Ledger.Failed = Failures.Enqueue;
        Ledger.Start();
        Supervisor = new JobSupervisor(new ListLogger<JobSupervisor>());
        foreach (WatchRule rule in rules)
        {
            var dispatcher = new ProcessDispatcher(rule, Options, ShutdownGrace, Inherited, Ledger, Supervisor, Log);
            _dispatchers.Add(dispatcher);
            dispatcher.Start();
        }

        return this;
    }

    public static CommandTemplate[] Command(params string[] arguments) => [.. arguments.Select(argument =>
        CommandTemplate.TryParse(argument, out CommandTemplate? template, out string error)
            ? template
            : throw new ArgumentException(error))];

    /// <summary>Writes a file and tells the dispatcher that it is complete.</summary>
    public Completion Complete(string path, string content = "content", WatchRule? rule = null)
    {
        Directory.Write("in/" + path, content);
        return Tell(path, rule);
    }

    /// <summary>Tells the dispatcher that a file, as it is, is complete.</summary>
    public Completion Tell(string path, WatchRule? rule = null)
    {
        WatchRule told = rule ?? Rule;
        long now = Clock.WallNs();
        FileStat stat = Directory.Stat("in/" + path);
        var completion = new Completion(
            told.Name, BytePath.Parse(path), stat, Evidence.RenamedFromTemporary, now, now);
        _dispatchers.Single(dispatcher => dispatcher.Name == told.Name).Dispatch(completion);
        return completion;
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
            bound ?? Wait.Bound);
        return jobs;
    }

    /// <summary>What the last attempt of a job printed.</summary>
    public string LogOf(Job job, int? attempt = null)
    {
        BytePath path = Ledger.Layout.LogFile(job.Id, attempt ?? job.Attempts);
        return Directory.ReadText(path.ToString()[(Directory.Text.Length + 1)..]);
    }

    /// <summary>Waits until a dispatcher has said this; returns the whole line.</summary>
    public string WaitForLine(string text) =>
        Wait.For(() => Log.Lines.FirstOrDefault(line => line.Contains(text, StringComparison.Ordinal)));

    public void Stop()
    {
        foreach (ProcessDispatcher dispatcher in _dispatchers)
            Assert.True(dispatcher.StopAsync().Wait(Wait.Bound), "the dispatcher did not stop");
        Ledger.Dispose();
        Supervisor.Dispose();
        _dispatchers.ForEach(dispatcher => dispatcher.Dispose());
        _dispatchers.Clear();
    }

    public void Dispose()
    {
        if (_dispatchers.Count > 0)
            Stop();
        Directory.Dispose();
        Assert.Empty(Failures);
    }
}
