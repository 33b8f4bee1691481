using AutoCrunch.Core;
using AutoCrunch.Linux;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Dispatch;

/// <summary>Why we ended a process.</summary>
internal enum EndCause : byte
{
    /// <summary>We did not.</summary>
    None,

    /// <summary>It ran longer than its rule allows.</summary>
    Timeout,

    /// <summary>The service stops.</summary>
    Stopping,

    /// <summary>An operator cancelled the job.</summary>
    ByHand,
}

/// <summary>
/// The one thread that watches over all running processes: ends those whose time is over (SIGTERM, KillGrace, SIGKILL),
/// and keeps their logs small while they write them. Asleep while nothing runs.
/// </summary>
internal sealed class JobSupervisor : IDisposable
{
    private readonly object _gate = new();
    private readonly List<SupervisedJob> _jobs = [];
    private readonly ILogger _logger;
    private readonly Thread _thread;
    private long _wakeAtNs = long.MaxValue;
    private bool _isStopping;

    // The thread is there before the first job, which could not be ended if there were no thread to be had then.
    public JobSupervisor(ILogger<JobSupervisor> logger)
    {
        _logger = logger;
        _thread = new Thread(Work) { Name = "supervisor", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Watches over a process from now on, until the result is disposed of.</summary>
    public SupervisedJob Watch(ChildProcess child, ProcessOptions options, BytePath log)
    {
        var job = new SupervisedJob(this, child, options, log, _logger);
        lock (_gate)
        {
            job.Index = _jobs.Count;
            _jobs.Add(job);
            WakeBy(job.DueNs);
        }

        return job;
    }

    /// <summary>Stops the thread. Nothing may run any more.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isStopping = true;
            Monitor.Pulse(_gate);
        }

        _thread.Join();
    }

    /// <summary>The job's next due time is now earlier.</summary>
    internal void Hurry(SupervisedJob job)
    {
        lock (_gate)
            WakeBy(job.DueNs);
    }

    internal void Remove(SupervisedJob job)
    {
        lock (_gate)
        {
            if (job.Index < 0)
                return;
            SupervisedJob last = _jobs[^1];
            _jobs[job.Index] = last;
            last.Index = job.Index;
            _jobs.RemoveAt(_jobs.Count - 1);
            job.Index = -1;
        }
    }

    private void WakeBy(long dueNs)
    {
        if (dueNs >= _wakeAtNs)
            return;
        _wakeAtNs = dueNs;
        Monitor.Pulse(_gate);
    }

    private void Work()
    {
        var due = new List<SupervisedJob>();
        while (true)
        {
            lock (_gate)
            {
                long now = Clock.MonotonicNs();
                while (!_isStopping && now < _wakeAtNs)
                {
                    double ms = Math.Ceiling((_wakeAtNs - now) / 1e6);
                    Monitor.Wait(_gate, _wakeAtNs == long.MaxValue ? -1 : (int)Math.Min(ms, int.MaxValue));
                    now = Clock.MonotonicNs();
                }

                if (_isStopping)
                    return;
                due.AddRange(_jobs.Where(job => job.DueNs <= now));
            }

            foreach (SupervisedJob job in due)
                job.Act(Clock.MonotonicNs());
            due.Clear();
            lock (_gate)
                _wakeAtNs = _jobs.Count == 0 ? long.MaxValue : _jobs.Min(job => job.DueNs);
        }
    }
}
