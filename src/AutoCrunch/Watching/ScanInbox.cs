using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Watching;

/// <summary>
/// The way from the scan threads to the watch thread. Bounded: a scan that is faster than the merging waits. The watch
/// thread never waits here.
/// </summary>
internal sealed class ScanInbox
{
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _room;
    private readonly WakeEvent _wake;
    private readonly ScanReport[] _ring;
    private int _first;
    private int _count;
    private volatile bool _isClosed;

    public ScanInbox(int capacity, WakeEvent wake)
    {
        Invariant.That(capacity > 0);
        _ring = new ScanReport[capacity];
        _room = new SemaphoreSlim(capacity);
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

    /// <summary>Hands a report over, waiting for room. False when nobody takes reports any more.</summary>
    public bool Post(in ScanReport report)
    {
        if (_isClosed)
            return false;
        _room.Wait();
        if (_isClosed)
        {
            _room.Release(); // the next one that waits is let go too
            return false;
        }

        bool wasEmpty;
        lock (_gate)
        {
            _ring[(_first + _count) % _ring.Length] = report;
            wasEmpty = _count++ == 0;
        }

        if (wasEmpty)
            _wake.Set();
        return true;
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
        }

        _room.Release();
        return true;
    }

    /// <summary>Lets everybody go who waits to post, now and later.</summary>
    public void Close()
    {
        _isClosed = true;
        _room.Release();
    }
}
