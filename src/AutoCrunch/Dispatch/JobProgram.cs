using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;

namespace AutoCrunch.Dispatch;

/// <summary>What the attempts of a rule run on this machine: program, arguments, log. Any thread.</summary>
internal sealed class JobProgram
{
    // How long a slot rests when the machine has no process, memory, descriptor or disk space to give.
    private static readonly TimeSpan s_hindered = TimeSpan.FromSeconds(1);

    private readonly WatchRule _rule;
    private readonly ProcessOptions _options;
    private readonly StateLayout _layout;
    private readonly string _searchPath;
    private long _logDirectoryOf = -1;

    /// <param name="rule">The rule.</param>
    /// <param name="options">Its <c>Dispatcher</c> section.</param>
    /// <param name="layout">Where the logs are.</param>
    public JobProgram(WatchRule rule, ProcessOptions options, StateLayout layout)
    {
        _rule = rule;
        _options = options;
        _layout = layout;
        _searchPath = options.Environment.GetValueOrDefault("PATH")
            ?? Environment.GetEnvironmentVariable("PATH") ?? ProgramFinder.DefaultPath;
    }

    /// <summary>
    /// What is to be started for an attempt; its log's directory is there then. Null, or why nothing can be.
    /// </summary>
    public AttemptOutcome? TryPrepare(Attempt attempt, byte[][] environment, out ChildStart start)
    {
        Job job = attempt.Job;
        var values = new CommandValues(_rule.Name, _rule.Path, job.Path, job.Id, attempt.Number);
        byte[][] arguments = new byte[_options.Command.Count][];
        for (int i = 0; i < arguments.Length; i++)
            arguments[i] = _options.Command[i].Expand(values);
        AttemptOutcome? cannot = FindProgram(arguments[0], out BytePath program);
        start = new ChildStart(
            program, arguments, environment, _options.WorkingDirectory, _layout.LogFile(job.Id, attempt.Number));
        return cannot ?? PrepareLogDirectory(job.Id);
    }

    /// <summary>
    /// Why a start failed. What the machine lacks, it lacks for every job, and so for the log and the working
    /// directory: that says nothing about this one.
    /// </summary>
    public AttemptOutcome CannotStart(in ChildStart start, int errno)
    {
        Volatile.Write(ref _logDirectoryOf, -1);
        string reason = ChildProcess.ExplainStartFailure(start, errno);
        bool isHindered = errno is Errno.EAGAIN or Errno.ENOMEM or Errno.EMFILE or Errno.ENFILE or Errno.ENOSPC
            or Errno.EDQUOT or Errno.EROFS;
        return isHindered || ChildProcess.ExplainSurroundings(start) is not null
            ? new AttemptOutcome.NotStarted(reason, s_hindered)
            : new AttemptOutcome.CannotStart(reason);
    }

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

    // Made once per thousand jobs; the start itself says if somebody has removed it meanwhile.
    private AttemptOutcome.NotStarted? PrepareLogDirectory(long jobId)
    {
        long number = jobId / StateLayout.JobsPerLogDirectory;
        if (Volatile.Read(ref _logDirectoryOf) == number)
            return null;
        const uint OwnerAndGroup = 0b111_101_000;
        BytePath directory = _layout.LogDirectory(jobId);
        int errno = PathOps.TryMakeDirectories(directory, OwnerAndGroup);
        if (errno != 0)
            return new AttemptOutcome.NotStarted(LinuxException.Explain("mkdir", directory, errno), s_hindered);
        Volatile.Write(ref _logDirectoryOf, number);
        return null;
    }
}
