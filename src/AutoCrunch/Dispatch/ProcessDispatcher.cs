using System.Collections.Concurrent;
using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using Microsoft.Extensions.Logging;
using FileSystemInfo = AutoCrunch.Linux.FileSystemInfo;

namespace AutoCrunch.Dispatch;

/// <summary>Runs each job as a process on this machine: posix_spawn and waitid on the slot's own thread.</summary>
internal sealed class ProcessDispatcher : DurableDispatcher
{
    private const int LastOutputLines = 10;
    private const int LastOutputBytes = 2048;
    private const long FullBytes = 64 * 1024;

    // How long a slot rests when the machine has no process, memory, descriptor or disk space to give.
    private static readonly TimeSpan s_hindered = TimeSpan.FromSeconds(1);

    private readonly ProcessOptions _options;
    private readonly JobEnvironment _environment;
    private readonly JobSupervisor _supervisor;
    private readonly TimeSpan _shutdownGrace;
    private readonly string _searchPath;
    private readonly ConcurrentDictionary<long, SupervisedJob> _processes = new();
    private long _logDirectoryOf = -1;

    /// <param name="rule">The rule whose jobs these are.</param>
    /// <param name="options">Its <c>Dispatcher</c> section.</param>
    /// <param name="shutdownGrace">How long what runs may go on when the service stops.</param>
    /// <param name="inherited">The service's environment (<see cref="JobEnvironment.ReadInherited"/>).</param>
    /// <param name="ledger">Keeps the jobs.</param>
    /// <param name="supervisor">Watches over the processes; shared by all rules.</param>
    /// <param name="logger">The service's log.</param>
    public ProcessDispatcher(
        WatchRule rule,
        ProcessOptions options,
        TimeSpan shutdownGrace,
        IReadOnlyList<byte[]> inherited,
        JobLedger ledger,
        JobSupervisor supervisor,
        ILogger<ProcessDispatcher> logger)
        : base(rule, options.Concurrency, ledger, logger)
    {
        _options = options;
        _shutdownGrace = shutdownGrace;
        _supervisor = supervisor;
        _environment = new JobEnvironment(inherited, options.Environment, rule, ledger.Id);
        _searchPath = options.Environment.GetValueOrDefault("PATH")
            ?? Environment.GetEnvironmentVariable("PATH") ?? ProgramFinder.DefaultPath;
    }

    /// <inheritdoc/>
    protected override Task<AttemptOutcome> RunAsync(Attempt attempt, CancellationToken stopping) =>
        Task.FromResult(Run(attempt, stopping));

    /// <inheritdoc/>
    protected override bool CanEnd => true;

    /// <inheritdoc/>
    protected override void End(Attempt attempt)
    {
        if (_processes.TryGetValue(attempt.Job.Id, out SupervisedJob? process))
            process.EndByHand();
    }

    /// <inheritdoc/>
    protected override void PrepareThread() => ChildProcess.ClearAmbientCapabilities();

    /// <inheritdoc/>
    protected override bool TryEndSurvivors(IReadOnlyList<Job> jobs)
    {
        byte[] ledger = JobEnvironment.LedgerEntry(Ledger.Id);
        List<ProcessFacts> Find() =>
            [.. jobs.SelectMany(job => ProcessTable.Survivors(ledger, JobEnvironment.JobIdEntry(job.Id)))];
        IReadOnlyList<ProcessFacts> left = ProcessTable.EndAll(Find, _options.KillGrace);
        foreach (ProcessFacts process in left)
            DispatchLog.SurvivorLeft(Logger, Rule.Name, process.Pid, process.Comm);
        return left.Count == 0;
    }

    /// <inheritdoc/>
    protected override string LastOutput(Attempt attempt)
    {
        byte[] tail = LogFile.ReadTail(Ledger.Layout.LogFile(attempt.Job.Id, attempt.Number), LastOutputBytes);
        var text = new StringBuilder();
        ReadOnlySpan<byte> rest = tail.AsSpan().TrimEnd((byte)'\n');
        var starts = new List<int> { 0 };
        for (int i = 0; i < rest.Length; i++)
            if (rest[i] == '\n')
                starts.Add(i + 1);
        for (int line = Math.Max(0, starts.Count - LastOutputLines); line < starts.Count && !rest.IsEmpty; line++)
        {
            int end = line + 1 < starts.Count ? starts[line + 1] - 1 : rest.Length;
            text.Append("\n  | ").Append(BytePath.Escape(rest[starts[line]..end]));
        }

        return text.ToString();
    }

    private AttemptOutcome Run(Attempt attempt, CancellationToken stopping)
    {
        Job job = attempt.Job;
        var values = new CommandValues(Rule.Name, Rule.Path, job.Path, job.Id, attempt.Number);
        byte[][] arguments = new byte[_options.Command.Count][];
        for (int i = 0; i < arguments.Length; i++)
            arguments[i] = _options.Command[i].Expand(values);
        if (FindProgram(arguments[0], out BytePath program) is { } cannot)
            return cannot;
        BytePath log = Ledger.Layout.LogFile(job.Id, attempt.Number);
        var start = new ChildStart(program, arguments, _environment.Of(attempt), _options.WorkingDirectory, log);
        if (PrepareLogDirectory(job.Id) is { } hindered)
            return hindered;
        int errno = ChildProcess.TryStart(start, out ChildProcess? child);
        if (child is null)
            return CannotStart(start, errno);
        HasStarted();
        return Follow(attempt, child, log, stopping);
    }

    private AttemptOutcome Follow(Attempt attempt, ChildProcess child, BytePath log, CancellationToken stopping)
    {
        using SupervisedJob supervised = _supervisor.Watch(child, _options, log);
        using CancellationTokenRegistration onStop = stopping.Register(() => supervised.EndAfter(_shutdownGrace));
        _processes[attempt.Job.Id] = supervised;
        if (IsCancelled(attempt))
            supervised.EndByHand();
        ChildExit exit = child.Wait();
        _processes.TryRemove(attempt.Job.Id, out _);

        // Only what had begun by now was our doing: a deadline may pass while what it left behind is ended.
        EndCause cause = supervised.Cause;
        if (child.LeftoversRemain || cause != EndCause.None)
            foreach (ProcessFacts process in child.EndSession(supervised.RestOfGrace))
                DispatchLog.ProcessLeft(Logger, Rule.Name, process.Pid, process.Comm);
        return cause switch
        {
            EndCause.Timeout => new AttemptOutcome.TimedOut(_options.Timeout!.Value, exit.ExitCode, exit.Signal),
            EndCause.Stopping => new AttemptOutcome.Interrupted(ByCrash: false),
            EndCause.ByHand => new AttemptOutcome.EndedByHand(exit.ExitCode, exit.Signal),
            _ when exit.ExitCode == 0 => AttemptOutcome.Succeeded.Value,
            _ when exit.Signal is { } signal =>
                new AttemptOutcome.Failed($"ended by {Describe(signal)}{OfFullDisk(log)}", null, signal),
            _ => new AttemptOutcome.Failed($"exited with code {exit.ExitCode}{OfFullDisk(log)}", exit.ExitCode),
        };
    }

    // Not every program that cannot print says so.
    private static string OfFullDisk(BytePath log) =>
        FileSystemInfo.TryRead(log.Directory, out FileSystemFacts facts) == 0 && facts.FreeBytes < FullBytes
            ? $" while the file system of its log ('{log.Directory}') was full: free some space"
            : "";

    private static string Describe(int signal) => signal == Signals.SIGKILL
        ? "SIGKILL, which was not ours: if nobody sent it, memory ran out (see journalctl -k)"
        : Signals.Name(signal);

    private AttemptOutcome.CannotStart? FindProgram(byte[] name, out BytePath program)
    {
        program = _options.Program ?? BytePath.Empty;
        if (_options.Program is not null)
            return null;
        var sought = new BytePath(name);
        BytePath start = _options.ProgramDirectory.IsEmpty ? _options.WorkingDirectory : _options.ProgramDirectory;
        int errno = ProgramFinder.TryFind(sought, start, _searchPath, out program);
        return errno == 0 ? null : new AttemptOutcome.CannotStart(LinuxException.Explain("program", sought, errno));
    }

    // Made once per thousand jobs; the spawn itself says if somebody has removed it meanwhile.
    private AttemptOutcome.NotStarted? PrepareLogDirectory(long jobId)
    {
        long number = jobId / StateLayout.JobsPerLogDirectory;
        if (Volatile.Read(ref _logDirectoryOf) == number)
            return null;
        const uint OwnerAndGroup = 0b111_101_000;
        BytePath directory = Ledger.Layout.LogDirectory(jobId);
        int errno = PathOps.TryMakeDirectories(directory, OwnerAndGroup);
        if (errno != 0)
            return new AttemptOutcome.NotStarted(LinuxException.Explain("mkdir", directory, errno), s_hindered);
        Volatile.Write(ref _logDirectoryOf, number);
        return null;
    }

    // What the machine lacks, it lacks for every job, and so for the log and the working directory: that says nothing
    // about this one.
    private AttemptOutcome CannotStart(in ChildStart start, int errno)
    {
        Volatile.Write(ref _logDirectoryOf, -1);
        string reason = ChildProcess.ExplainStartFailure(start, errno);
        bool isHindered = errno is Errno.EAGAIN or Errno.ENOMEM or Errno.EMFILE or Errno.ENFILE or Errno.ENOSPC
            or Errno.EDQUOT or Errno.EROFS;
        return isHindered || ChildProcess.ExplainSurroundings(start) is not null
            ? new AttemptOutcome.NotStarted(reason, s_hindered)
            : new AttemptOutcome.CannotStart(reason);
    }
}
