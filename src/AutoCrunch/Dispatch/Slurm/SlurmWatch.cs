using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Dispatch;

/// <summary>
/// Follows the attempts of all rules in Slurm, on one thread: asks Slurm once an interval for all of them, looks for
/// their outcomes, cancels, and removes what settled ones have left. While Slurm does not answer it is asked less and
/// less often (1 s to 60 s), and outcomes are looked for all the same. Asleep while there is nothing to follow.
/// </summary>
internal sealed class SlurmWatch : IDisposable
{
    private const int CancelledAtOnce = 500;
    private const long NsPerSecond = 1_000_000_000;
    private const long PatienceMaxNs = 60 * NsPerSecond;

    private readonly object _gate = new();
    private readonly Dictionary<string, SlurmFollow> _followed = [];
    private readonly List<SlurmPlace> _settled = [];
    private readonly HashSet<BytePath> _swept = [];
    private readonly Queue<SlurmSweep> _sweeps = [];
    private readonly SlurmTools _tools;
    private readonly JobLedger _ledger;
    private readonly ILogger _logger;
    private Thread? _thread;
    private TaskCompletionSource _up = new();
    private bool _isDown;
    private bool _hasCancels;
    private bool _isStopping;
    private bool _saidNotCancelled;
    private long _lookAtNs = long.MaxValue;
    private long _lookedNs = long.MinValue / 2;
    private long _intervalNs = NsPerSecond;
    private long _askAtNs;
    private long _downSinceNs;
    private long _patienceNs = NsPerSecond;

    public SlurmWatch(SlurmTools tools, JobLedger ledger, ILogger<SlurmWatch> logger)
    {
        (_tools, _ledger, _logger) = (tools, ledger, logger);
        _up.SetResult();
    }

    /// <summary>Completes when Slurm answers: at once unless it is known not to.</summary>
    public Task WhenUp()
    {
        lock (_gate)
            return _up.Task;
    }

    /// <summary>Follows an attempt until it is given back by <see cref="Leave"/>.</summary>
    public void Follow(SlurmFollow follow)
    {
        lock (_gate)
        {
            if (_isStopping)
                return;
            long interval = IntervalOf(follow);
            _intervalNs = _followed.Count == 0 ? interval : Math.Min(_intervalNs, interval);
            _followed[follow.Name] = follow;
            PlanLook();
            Start();
        }
    }

    /// <summary>
    /// Has removed what an earlier life of the service left in a shared directory that is mounted. More than once is
    /// harmless.
    /// </summary>
    public void Sweep(BytePath shared)
    {
        lock (_gate)
        {
            if (_isStopping || !_swept.Add(shared))
                return;
            _sweeps.Enqueue(new SlurmSweep(shared, _ledger, _logger));
            PlanLook();
            Start();
        }
    }

    /// <summary>Nothing is left to be swept.</summary>
    public bool HasSwept
    {
        get
        {
            lock (_gate)
                return _sweeps.Count == 0 && _settled.Count == 0;
        }
    }

    /// <summary>Follows it no longer.</summary>
    public void Leave(SlurmFollow follow)
    {
        lock (_gate)
            _followed.Remove(follow.Name);
    }

    /// <summary>Something is to be cancelled now.</summary>
    public void Hurry()
    {
        lock (_gate)
        {
            _hasCancels = true;
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>An attempt is settled: what it left is removed when the ledger has that on disk.</summary>
    public void Remove(SlurmPlace place)
    {
        lock (_gate)
        {
            _settled.Add(place);
            PlanLook();
        }
    }

    /// <summary>
    /// Follows nothing any more. What is under way on the thread may take a while; nobody waits for it.
    /// </summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isStopping = true;
            Monitor.Pulse(_gate);
        }
    }

    // Never sooner than an interval after the last look: however many come and go, Slurm is asked no more often.
    private void PlanLook()
    {
        bool isNeeded = _followed.Count > 0 || _settled.Count > 0 || _sweeps.Count > 0 || _isDown;
        _lookAtNs = isNeeded ? _lookedNs + _intervalNs : long.MaxValue;
        Monitor.Pulse(_gate);
    }

    private void Start()
    {
        if (_thread is not null)
            return;
        _thread = new Thread(Work) { Name = "slurm", IsBackground = true };
        _thread.Start();
    }

    private static long IntervalOf(SlurmFollow follow) => (long)follow.Interval.TotalNanoseconds;

    private void Work()
    {
        ChildProcess.ClearAmbientCapabilities(); // Slurm's programs need none, nor do the jobs
        while (true)
        {
            bool isLook;
            lock (_gate)
            {
                long now = Clock.MonotonicNs();
                while (!_isStopping && !_hasCancels && now < _lookAtNs)
                {
                    double ms = Math.Ceiling((_lookAtNs - now) / 1e6);
                    Monitor.Wait(_gate, _lookAtNs == long.MaxValue ? -1 : (int)Math.Min(ms, int.MaxValue));
                    now = Clock.MonotonicNs();
                }

                if (_isStopping)
                    return;
                isLook = now >= _lookAtNs;
                _hasCancels = false;
                if (isLook)
                    _lookedNs = now;
            }

            Act(isLook);
            lock (_gate)
            {
                // Of those that are followed now, else of the last that were. Not with each that comes or goes: with
                // as many as there are jobs, that would be quadratic.
                if (_followed.Count > 0)
                    _intervalNs = _followed.Values.Min(IntervalOf);
                PlanLook();
            }
        }
    }

    private void Act(bool isLook)
    {
        try
        {
            if (isLook)
                Look();
            Cancel();
        }
        catch (Exception e) when (e is LinuxException or IOException)
        {
            Failed(e.Message);
        }

        if (isLook)
            TidyUp();
    }

    // What goes wrong here is no word against Slurm.
    private void TidyUp()
    {
        try
        {
            RemoveSettled();
            SweepOn();
        }
        catch (Exception e) when (e is LinuxException or IOException)
        {
            DispatchLog.CannotSweep(_logger, e.Message);
        }
        catch (ObjectDisposedException)
        {
            // The ledger is closed, as the service stops: the next start sweeps.
        }
    }

    private void Look()
    {
        SlurmFollow[] followed;
        lock (_gate)
            followed = [.. _followed.Values];
        long? asked = null;
        Dictionary<string, List<SlurmRow>> rows = [];
        if (Clock.MonotonicNs() >= _askAtNs && (followed.Length > 0 || _isDown))
        {
            long now = Clock.MonotonicNs();
            if (Ask(followed, rows))
                asked = now;
        }

        foreach (SlurmFollow follow in followed)
            follow.Look(rows.GetValueOrDefault(follow.Name) ?? [], asked);
    }

    private bool Ask(SlurmFollow[] followed, Dictionary<string, List<SlurmRow>> rows)
    {
        foreach (SlurmFollow follow in followed)
            rows[follow.Name] = [];
        ProgramCall query = _tools.Query();
        ProgramResult result = ProgramRunner.Run(query);
        if (!result.IsSuccess)
        {
            Failed(result.Explain(query));
            return false;
        }

        foreach (Range line in result.Output.AsSpan().Split((byte)'\n'))
            if (SlurmRow.TryParse(result.Output.AsSpan()[line]) is { } row
                && rows.TryGetValue(row.Name, out List<SlurmRow>? ofName))
                ofName.Add(row);
        Answered();
        return true;
    }

    private void Failed(string reason)
    {
        long now = Clock.MonotonicNs();
        lock (_gate)
        {
            _askAtNs = now + _patienceNs;
            _patienceNs = Math.Min(_patienceNs * 2, PatienceMaxNs);
            if (_isDown)
                return;
            _isDown = true;
            _downSinceNs = now;
            _up = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        SlurmLog.Down(_logger, reason);
    }

    private void Answered()
    {
        lock (_gate)
        {
            _patienceNs = NsPerSecond;
            if (!_isDown)
                return;
            _isDown = false;
            _up.SetResult();
        }

        SlurmLog.Up(_logger, (Clock.MonotonicNs() - _downSinceNs) / 1e9);
    }

    private void Cancel()
    {
        long now = Clock.MonotonicNs();
        SlurmFollow[] due;
        lock (_gate)
            due = [.. _followed.Values.Where(follow => follow.TakeCancel(now))];
        foreach (SlurmFollow[] known in due.Where(follow => follow.CancelId is not null).Chunk(CancelledAtOnce))
            Cancel(_tools.Cancel(known.Select(follow => follow.CancelId!.Value)), known);
        foreach (SlurmFollow follow in due.Where(follow => follow.CancelId is null))
            Cancel(_tools.Cancel(follow.Name), [follow]);
    }

    // One that has ended meanwhile is no failure: the next look tells.
    private void Cancel(ProgramCall call, SlurmFollow[] follows)
    {
        ProgramResult result = ProgramRunner.Run(call);
        if (result.IsSuccess)
        {
            _saidNotCancelled = false;
            return;
        }

        foreach (SlurmFollow follow in follows)
            follow.CancelFailed();
        if (!_saidNotCancelled)
            SlurmLog.NotCancelled(_logger, result.Explain(call));
        _saidNotCancelled = true;
    }

    private void RemoveSettled()
    {
        SlurmPlace[] settled;
        lock (_gate)
            settled = [.. _settled];
        if (settled.Length == 0)
            return;
        _ledger.FlushNow(); // else a power cut forgets the end of an attempt whose outcome is gone
        foreach (SlurmPlace place in settled)
        {
            int errno = place.Remove();
            if (errno != 0)
                SlurmLog.NotRemoved(_logger, LinuxException.Explain("rmdir", place.Directory, errno));
        }

        lock (_gate)
            _settled.RemoveRange(0, settled.Length);
    }

    // With each look a part, so that none is late; what is found is removed with the next one.
    private void SweepOn()
    {
        SlurmSweep? sweep;
        lock (_gate)
            if (!_sweeps.TryPeek(out sweep))
                return;
        IReadOnlyList<SlurmPlace> found = sweep.Next();
        lock (_gate)
        {
            _settled.AddRange(found);
            if (sweep.IsDone)
                _sweeps.Dequeue();
        }
    }
}
