using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Watching;

/// <summary>
/// The way from the scan threads to the watch thread. Bounded: a scan that is faster than the merging waits. The watch
/// thread never waits here.
/// </summary>
internal sealed class ScanInbox
{
    private readonly object _gate = new();
    private readonly WakeEvent _wake;
    private readonly ScanReport[] _ring;
    private int _first;
    private int _count;
    private int _waiting;
    private bool _isClosed;

    public ScanInbox(int capacity, WakeEvent wake)
    {
        Invariant.That(capacity > 0);
        _ring = new ScanReport[capacity];
        _wake = wake;
    }

    public bool IsEmpty
    {
        get
        {
            lock (_gate)
                return _count == 0;
        }
    }

    /// <summary>
    /// Hands a report over, waiting for room; it is dropped when nobody takes any more. The watch thread has it in its
    /// next turn, and is woken by <see cref="Wake"/>.
    /// </summary>
    public void Post(in ScanReport report)
    {
        lock (_gate)
        {
            while (_count == _ring.Length && !_isClosed)
            {
                _wake.Set();
                _waiting++;
                Monitor.Wait(_gate);
                _waiting--;
            }

            if (!_isClosed)
                _ring[(_first + _count++) % _ring.Length] = report;
        }
    }

    /// <summary>Wakes the watch thread, if it has left anything here.</summary>
    public void Wake()
    {
        if (!IsEmpty)
            _wake.Set();
    }

    /// <summary>Takes the oldest report. Watch thread only.</summary>
    public bool TryTake(out ScanReport report)
    {
        lock (_gate)
        {
            if (_count == 0)
            {
                report = default;
                return false;
            }

            report = _ring[_first];
            _ring[_first] = default;
            _first = (_first + 1) % _ring.Length;
            _count--;
            if (_waiting > 0)
                Monitor.PulseAll(_gate);
            return true;
        }
    }

    /// <summary>Lets everybody go who waits to post, now and later.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            Monitor.PulseAll(_gate);
        }
    }
}
