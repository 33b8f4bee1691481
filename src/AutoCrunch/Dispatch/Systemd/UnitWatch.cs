using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Linux;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Dispatch;

/// <summary>
/// The one thread that sees how the units of all rules end: by inotify, in the directory of outcomes, and in the
/// manager's directory of transient units, whose files go with their units; so also the end of a unit that could leave
/// no outcome is seen. It keeps the logs of what runs small, too. There is no thread before the first unit.
/// </summary>
internal sealed class UnitWatch : IDisposable
{
    private const uint OutcomeMask = InotifyMask.IN_MOVED_TO | InotifyMask.IN_ONLYDIR;
    private const uint UnitsMask = InotifyMask.IN_DELETE | InotifyMask.IN_ONLYDIR;
    private const uint DirectoryMode = 0b111_000_000; // scripts in it have environments
    private const long LogLookNs = 250_000_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, FollowedUnit> _units = new(StringComparer.Ordinal);
    private readonly ILogger _logger;
    private readonly WakeEvent _wake = new();
    private Inotify? _inotify;
    private Thread? _thread;
    private int _outcomesWd;
    private int _unitsWd;
    private bool _isStopping;
    private int _isSwept;

    /// <param name="stateDirectory">Outcomes are in a directory of it.</param>
    /// <param name="manager">Whose units these are.</param>
    /// <param name="logger">The service's log.</param>
    public UnitWatch(BytePath stateDirectory, UnitManager manager, ILogger logger)
    {
        Outcomes = stateDirectory.Join("outcomes"u8);
        Manager = manager;
        _logger = logger;
    }

    /// <summary>Whose units these are.</summary>
    public UnitManager Manager { get; }

    /// <summary>The directory of outcomes.</summary>
    public BytePath Outcomes { get; }

    /// <summary>
    /// Follows a unit from now on, which need not have been started: nothing that becomes of it is missed.
    /// </summary>
    /// <param name="name">Its name without ".service".</param>
    /// <param name="log">The attempt's log.</param>
    /// <param name="maxLogBytes">How much of it is kept.</param>
    /// <exception cref="LinuxException">The kernel, or the disk, has not what it takes at present.</exception>
    public FollowedUnit Follow(string name, BytePath log, long maxLogBytes)
    {
        lock (_gate)
        {
            Start();
            var unit = new FollowedUnit(this, name, log, maxLogBytes, _logger);
            _units.Add(name, unit);
            if (_units.Count == 1)
                _wake.Set();
            return unit;
        }
    }

    /// <summary>
    /// Sees to it that the ends of units are seen: to be called when a unit was started, and before the manager is
    /// asked. What ended before the directory of its file could be watched is in doubt.
    /// </summary>
    public void WatchUnits()
    {
        lock (_gate)
        {
            if (_unitsWd > 0 || _inotify is null)
                return;
            _unitsWd = Math.Max(0, _inotify.AddWatch(Manager.TransientUnits, UnitsMask));
            if (_unitsWd > 0)
                TellAll();
        }
    }

    /// <summary>True once: for who is to remove what an earlier life of the service left of ended units.</summary>
    public bool TakeSweep() => Interlocked.Exchange(ref _isSwept, 1) == 0;

    /// <summary>Stops the thread. What runs goes on.</summary>
    public void Dispose()
    {
        lock (_gate)
            _isStopping = true;
        _wake.Set();
        _thread?.Join();
        _inotify?.Dispose();
        _wake.Dispose();
    }

    internal void Remove(FollowedUnit unit)
    {
        lock (_gate)
        {
            if (_units.TryGetValue(unit.Name, out FollowedUnit? present) && present == unit)
                _units.Remove(unit.Name);
        }
    }

    private void Start()
    {
        if (_thread is not null)
            return;
        Inotify inotify = Inotify.Create();
        try
        {
            _inotify = inotify;
            WatchOutcomes();
            _unitsWd = Math.Max(0, inotify.AddWatch(Manager.TransientUnits, UnitsMask));
        }
        catch
        {
            _inotify = null;
            inotify.Dispose();
            throw;
        }

        _thread = new Thread(Work) { Name = "units", IsBackground = true };
        _thread.Start();
    }

    private void WatchOutcomes()
    {
        int errno = PathOps.TryMakeDirectories(Outcomes, DirectoryMode);
        if (errno != 0)
            throw new LinuxException("mkdir", Outcomes, errno);
        _outcomesWd = _inotify!.AddWatch(Outcomes, OutcomeMask);
        if (_outcomesWd < 0)
            throw new LinuxException(Inotify.AddWatchOperation, Outcomes, -_outcomesWd);
    }

    private void Work()
    {
        Span<PollFd> fds = [PollFd.ForRead(_inotify!.FileDescriptor), PollFd.ForRead(_wake.FileDescriptor)];
        long lookAtNs = 0;
        while (true)
        {
            FollowedUnit[] units;
            lock (_gate)
            {
                if (_isStopping)
                    return;
                units = [.. _units.Values];
            }

            Poller.Poll(fds, units.Length == 0 ? -1 : Math.Max(0, lookAtNs - Clock.MonotonicNs()));
            if (fds[1].IsReady)
                _wake.Clear();
            ReadOnlyMemory<byte> batch = _inotify.Read();
            lock (_gate)
                Take(batch);
            if (Clock.MonotonicNs() < lookAtNs)
                continue;
            foreach (FollowedUnit unit in units)
                unit.LookAtLog();
            lock (_gate)
                Mend();
            lookAtNs = Clock.MonotonicNs() + LogLookNs;
        }
    }

    private void Take(ReadOnlyMemory<byte> batch)
    {
        var events = new InotifyEventReader(batch);
        while (events.MoveNext())
        {
            if ((events.Mask & InotifyMask.IN_Q_OVERFLOW) != 0)
                TellAll();
            else if ((events.Mask & InotifyMask.IN_IGNORED) != 0)
                LoseWatch(events.Wd);
            else if (!events.Name.IsEmpty)
                Find(events.Name.Span)?.Tell(isInDoubt: events.Wd == _unitsWd);
        }
    }

    // The directory is gone, or its file system.
    private void LoseWatch(int wd)
    {
        if (wd == _unitsWd)
            _unitsWd = 0;
        if (wd == _outcomesWd)
        {
            SystemdLog.DirectoryRemoved(_logger, Outcomes);
            _outcomesWd = 0;
            Mend();
        }

        TellAll();
    }

    private void Mend()
    {
        if (_outcomesWd > 0)
            return;
        try
        {
            WatchOutcomes();
            TellAll();
        }
        catch (LinuxException)
        {
            _outcomesWd = 0; // the disk has no room for a directory: it is tried again with the next look at the logs
        }
    }

    private void TellAll()
    {
        foreach (FollowedUnit unit in _units.Values)
            unit.Tell(isInDoubt: true);
    }

    // "UNIT", "UNIT.begun" or "UNIT.service".
    private FollowedUnit? Find(ReadOnlySpan<byte> name)
    {
        int dot = name.IndexOf((byte)'.');
        return _units.GetValueOrDefault(Encoding.ASCII.GetString(dot < 0 ? name : name[..dot]));
    }
}
