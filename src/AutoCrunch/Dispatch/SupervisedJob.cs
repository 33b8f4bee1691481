using AutoCrunch.Core;
using AutoCrunch.Linux;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Dispatch;

/// <summary>One running process under <see cref="JobSupervisor"/>'s eyes.</summary>
internal sealed class SupervisedJob : IDisposable
{
    // Between two looks a program can write this much more than MaxLogBytes, times what the disk takes in a second.
    private const long LogLookNs = 250_000_000;
    private const long LogLookHurriedNs = 25_000_000;

    private readonly Lock _gate = new();
    private readonly Lock _lookGate = new();
    private readonly JobSupervisor _supervisor;
    private readonly ChildProcess _child;
    private readonly ProcessOptions _options;
    private readonly BytePath _log;
    private readonly ILogger _logger;
    private EndCause _cause;
    private EndCause _deadlineCause = EndCause.Timeout;
    private long _deadlineNs;
    private long _killAtNs = long.MaxValue;
    private long _graceEndNs;
    private long _lookAtNs;
    private long _logSize;
    private bool _cannotPunch;

    public SupervisedJob(
        JobSupervisor supervisor, ChildProcess child, ProcessOptions options, BytePath log, ILogger logger)
    {
        _supervisor = supervisor;
        _child = child;
        _options = options;
        _log = log;
        _logger = logger;
        long now = Clock.MonotonicNs();
        _deadlineNs = options.Timeout is { } timeout ? now + (long)timeout.TotalNanoseconds : long.MaxValue;
        _lookAtNs = now + LogLookNs;
        DueNs = Math.Min(_deadlineNs, _lookAtNs);
    }

    /// <summary>When <see cref="Act"/> is to be called next, monotonic.</summary>
    public long DueNs { get; private set; }

    /// <summary>Why we began to end it.</summary>
    public EndCause Cause
    {
        get
        {
            lock (_gate)
                return _cause;
        }
    }

    /// <summary>How much of KillGrace is left: all of it when we did not end it.</summary>
    public TimeSpan RestOfGrace
    {
        get
        {
            lock (_gate)
            {
                return _cause == EndCause.None
                    ? _options.KillGrace
                    : TimeSpan.FromMicroseconds(Math.Max(0, (_graceEndNs - Clock.MonotonicNs()) / 1000.0));
            }
        }
    }

    /// <summary>The supervisor's own: its place in the list; -1 when it has left.</summary>
    internal int Index { get; set; }

    /// <summary>The service stops: it may go on for this long, then it is ended.</summary>
    public void EndAfter(TimeSpan grace) => EndAfter(grace, EndCause.Stopping);

    /// <summary>Its job is cancelled: it is ended now.</summary>
    public void EndByHand() => EndAfter(TimeSpan.Zero, EndCause.ByHand);

    private void EndAfter(TimeSpan grace, EndCause cause)
    {
        lock (_gate)
        {
            long deadlineNs = Clock.MonotonicNs() + (long)grace.TotalNanoseconds;
            if (_cause != EndCause.None || deadlineNs >= _deadlineNs)
                return;
            _deadlineNs = deadlineNs;
            _deadlineCause = cause;
            Plan();
        }

        _supervisor.Hurry(this);
    }

    /// <summary>It has ended: a last look at its log.</summary>
    public void Dispose()
    {
        _supervisor.Remove(this);
        LookAtLog();
    }

    /// <summary>Does what is due. Supervisor's thread.</summary>
    internal void Act(long now)
    {
        bool isTerminated = false;
        bool isKilled = false;
        bool isLook;
        lock (_gate)
        {
            if (now >= _killAtNs)
            {
                isKilled = true;
                _killAtNs = long.MaxValue;
            }

            if (now >= _deadlineNs)
            {
                isTerminated = true;
                _deadlineNs = long.MaxValue;
                _cause = _deadlineCause;
                _graceEndNs = now + (long)_options.KillGrace.TotalNanoseconds;
                _killAtNs = _graceEndNs;
            }

            isLook = now >= _lookAtNs;
            Plan();
        }

        if (isTerminated)
            _child.Signal(Signals.SIGTERM);
        if (isKilled)
            KillAll();
        if (!isLook)
            return;
        bool isFast = LookAtLog();
        lock (_gate)
        {
            _lookAtNs = now + (isFast ? LogLookHurriedNs : LogLookNs);
            Plan();
        }
    }

    // It waits until nobody is left, so others would wait too: but for that there must be a thread to be had.
    private void KillAll()
    {
        var kill = new Thread(() => _child.Signal(Signals.SIGKILL)) { Name = "kill", IsBackground = true };
        try
        {
            kill.Start();
        }
        catch (Exception e) when (e is OutOfMemoryException or ThreadStartException)
        {
            _child.Signal(Signals.SIGKILL);
        }
    }

    private void Plan() => DueNs = Math.Min(Math.Min(_deadlineNs, _killAtNs), _lookAtNs);

    // True when it grows so fast that the next look should come soon. One look after the other: the last one must not
    // find nothing to do because the supervisor's is about to do it.
    private bool LookAtLog()
    {
        lock (_lookGate)
            return LookAtLogAlone();
    }

    private bool LookAtLogAlone()
    {
        if (_cannotPunch || FileStatReader.TryRead(_log, out FileStat stat) != 0)
            return false;
        long grown = stat.SizeBytes - _logSize;
        _logSize = stat.SizeBytes;
        if (grown == 0 || stat.SizeBytes <= _options.MaxLogBytes)
            return false;
        int errno = LogFile.PunchMiddle(_log, _options.MaxLogBytes);
        if (errno is not (0 or Errno.ENOENT) && !Errno.MayPass(errno))
        {
            _cannotPunch = true;
            DispatchLog.CannotPunch(_logger, LinuxException.Explain("fallocate", _log, errno));
        }

        return grown > _options.MaxLogBytes;
    }
}
