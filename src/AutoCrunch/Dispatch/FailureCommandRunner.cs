using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Dispatch;

/// <summary>Runs one OnFailureCommand to its end. Its own failures are only logged.</summary>
/// <param name="inherited">The service's environment.</param>
/// <param name="shutdownGrace">How long it may go on when the service stops.</param>
/// <param name="ledger">Whose state directory takes what the command prints.</param>
/// <param name="supervisor">Ends it when its time is over.</param>
/// <param name="logger">The service's log.</param>
internal sealed class FailureCommandRunner(
    IReadOnlyList<byte[]> inherited, TimeSpan shutdownGrace, JobLedger ledger, JobSupervisor supervisor, ILogger logger)
{
    /// <summary>How long a command may run.</summary>
    public static readonly TimeSpan TimeLimit = TimeSpan.FromMinutes(1);

    private const int MaxLogBytes = 1024 * 1024;

    private static readonly IReadOnlyDictionary<string, string> s_nothing = new Dictionary<string, string>();

    private bool _isHindered;

    /// <summary>What the last command of a rule has printed.</summary>
    public static BytePath LogFile(BytePath stateDirectory, string rule) =>
        stateDirectory.Join(Encoding.ASCII.GetBytes($"on-failure-{rule}.log"));

    /// <summary>
    /// Runs it. False when it could not be started for want of what the machine lacks, or was ended because the service
    /// stops, or its end could not be learnt: it is to be run again.
    /// </summary>
    public bool TryRun(WatchRule rule, Notice notice, int untold, CancellationToken stopping)
    {
        try
        {
            return Run(rule, notice, untold, stopping);
        }
        catch (LinuxException e)
        {
            // How it ended is not known: what the kernel refused here may pass, and is no reason to end the service.
            Fail(rule, notice, e.Message);
            return false;
        }
    }

    private bool Run(WatchRule rule, Notice notice, int untold, CancellationToken stopping)
    {
        FailureCommand command = rule.OnFailureCommand!;
        var values = new CommandValues(rule.Name, rule.Path, notice.Path, notice.JobId ?? 0, notice.Attempt);
        byte[][] arguments = [.. command.Command.Select(argument => argument.Expand(values))];
        BytePath program = command.Program ?? BytePath.Empty;
        string searchPath = Environment.GetEnvironmentVariable("PATH") ?? ProgramFinder.DefaultPath;
        int errno = command.Program is null
            ? ProgramFinder.TryFind(new BytePath(arguments[0]), command.Directory, searchPath, out program)
            : 0;
        if (errno != 0)
        {
            Fail(rule, notice, LinuxException.Explain("program", new BytePath(arguments[0]), errno));
            return true;
        }

        var environment = new JobEnvironment(inherited, s_nothing, rule, ledger.Id);
        BytePath log = LogFile(ledger.Layout.Root, rule.Name);
        PathOps.TryUnlink(log); // it is what the last one printed
        var start = new ChildStart(program, arguments, environment.Of(notice, untold), command.Directory, log);
        errno = ChildProcess.TryStart(start, out ChildProcess? child);
        if (child is null)
            return IsOver(rule, notice, ChildProcess.ExplainStartFailure(start, errno), errno);
        _isHindered = false;
        return Follow(rule, notice, child, log, stopping);
    }

    private bool Follow(WatchRule rule, Notice notice, ChildProcess child, BytePath log, CancellationToken stopping)
    {
        var options = new ProcessOptions
        {
            Command = [], WorkingDirectory = rule.OnFailureCommand!.Directory, Timeout = TimeLimit,
            MaxLogBytes = MaxLogBytes,
        };
        using SupervisedJob supervised = supervisor.Watch(child, options, log);
        using CancellationTokenRegistration onStop = stopping.Register(() => supervised.EndAfter(shutdownGrace));
        ChildExit exit = child.Wait();
        EndCause cause = supervised.Cause;
        if (child.LeftoversRemain || cause != EndCause.None)
            child.EndSession(supervised.RestOfGrace);
        if (cause == EndCause.Stopping)
            return false;
        if (cause == EndCause.Timeout)
            Fail(rule, notice, $"ran longer than {TimeLimit:c} and was ended");
        else if (exit.Signal is { } signal)
            Fail(rule, notice, $"ended by {Signals.Name(signal)}; what it printed is in {log}");
        else if (exit.ExitCode != 0)
            Fail(rule, notice, $"exited with code {exit.ExitCode}; what it printed is in {log}");
        return true;
    }

    // What the machine lacks may be there later; everything else will not mend itself.
    private bool IsOver(WatchRule rule, Notice notice, string reason, int errno)
    {
        bool mayPass = Errno.MayPass(errno);
        if (!mayPass || !_isHindered)
            Fail(rule, notice, reason);
        _isHindered = mayPass;
        return !mayPass;
    }

    private void Fail(WatchRule rule, Notice notice, string reason) =>
        DispatchLog.NoticeFailed(logger, rule.Name, notice.Path, reason);
}
