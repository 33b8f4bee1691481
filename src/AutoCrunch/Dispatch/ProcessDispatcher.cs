using System.Collections.Concurrent;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using Microsoft.Extensions.Logging;
using FileSystemInfo = AutoCrunch.Linux.FileSystemInfo;

namespace AutoCrunch.Dispatch;

/// <summary>Runs each job as a process on this machine: posix_spawn and waitid on the slot's own thread.</summary>
internal sealed class ProcessDispatcher : DurableDispatcher
{
    private const long FullBytes = 64 * 1024;

    private readonly ProcessOptions _options;
    private readonly JobEnvironment _environment;
    private readonly JobSupervisor _supervisor;
    private readonly TimeSpan _shutdownGrace;
    private readonly JobProgram _program;
    private readonly ConcurrentDictionary<long, SupervisedJob> _processes = new();

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
        _program = new JobProgram(rule, options, ledger.Layout);
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
    private protected override TimeSpan SurvivorsGrace => _options.KillGrace;

    /// <inheritdoc/>
    protected override string LastOutput(Attempt attempt) =>
        LastLines.Of(Ledger.Layout.LogFile(attempt.Job.Id, attempt.Number));

    private AttemptOutcome Run(Attempt attempt, CancellationToken stopping)
    {
        if (_program.TryPrepare(attempt, _environment.Of(attempt), out ChildStart start) is { } cannot)
            return cannot;
        int errno = ChildProcess.TryStart(start, out ChildProcess? child);
        if (child is null)
            return _program.CannotStart(start, errno);
        HasStarted();
        return Follow(attempt, child, start.LogFile, stopping);
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
}
