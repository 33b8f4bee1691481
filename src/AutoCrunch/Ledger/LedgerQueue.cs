using System.Diagnostics;
using AutoCrunch.Linux;

namespace AutoCrunch.Ledger;

/// <summary>
/// The commands that wait for the ledger thread, in the order in which they were given; the ends of attempts go before
/// all others, or slots would be idle for as long as a burst of arrivals takes to be recorded. Giving never waits.
/// Beyond its bound it drops what a scan would bring again, and remembers of which rules.
/// </summary>
/// <param name="pendingMax">The bound.</param>
internal sealed class LedgerQueue(int pendingMax) : IDisposable
{
    // A monitor and not a Lock: a pause waits on it with a time limit.
    private readonly object _gate = new();

    // Commands wake the ledger thread by it, and not by the monitor: whom a monitor wakes finds it still held and
    // sleeps again, which costs as much as what it was woken for. It is set when the gate is open, and only when
    // somebody sleeps.
    private readonly WakeEvent _wake = new();
    private readonly PollFd[] _pollFds = new PollFd[1];
    private readonly List<LedgerCommand> _urgent = [];
    private List<LedgerCommand> _incoming = [];
    private List<LedgerCommand> _taken = [];
    private int _pending;
    private long _dropped;
    private bool _isAsleep;
    private bool _isClosed;
    private bool _isFinished;

    /// <summary>Commands given and not done.</summary>
    public int Pending
    {
        get
        {
            lock (_gate)
                return _pending;
        }
    }

    /// <summary>Commands dropped since the ledger was opened.</summary>
    public long Dropped
    {
        get
        {
            lock (_gate)
                return _dropped;
        }
    }

    /// <summary>True once <see cref="Close"/> was called.</summary>
    public bool IsClosed
    {
        get
        {
            lock (_gate)
                return _isClosed;
        }
    }

    /// <summary>
    /// Adds a command. Beyond the bound it is dropped if it is repeatable. After <see cref="Close"/> only what is not
    /// repeatable is taken, for as long as the ledger thread works; everything is abandoned afterwards.
    /// </summary>
    public void Give(LedgerCommand command)
    {
        bool isTaken;
        bool isAsleep = false;
        lock (_gate)
        {
            isTaken = command.IsRepeatable ? !_isClosed && _pending < pendingMax : !_isFinished;
            if (isTaken)
            {
                (command.IsUrgent ? _urgent : _incoming).Add(command);
                _pending += 1;
                (isAsleep, _isAsleep) = (_isAsleep, false);
            }
            else if (!_isClosed)
            {
                _dropped += 1;
                command.Rule!.HasDropped = true;
                return;
            }
        }

        if (!isTaken)
            command.Abandoned();
        else if (isAsleep)
            _wake.Set();
    }

    /// <summary>
    /// Waits for commands, at most the given time (-1: for ever), and returns all that are not urgent, in a list that
    /// is valid until the next call. Null when it is closed and nothing is left: the end.
    /// </summary>
    public List<LedgerCommand>? Take(int waitMs)
    {
        bool isAsleep;
        lock (_gate)
        {
            _taken.Clear();
            isAsleep = _isAsleep = _incoming.Count + _urgent.Count == 0 && !_isClosed && waitMs != 0;
        }

        if (isAsleep)
            Sleep(waitMs);
        lock (_gate)
        {
            _isAsleep = false;
            _isFinished = _isClosed && _incoming.Count + _urgent.Count == 0;
            (_incoming, _taken) = (_taken, _incoming);
            return _isFinished ? null : _taken;
        }
    }

    /// <summary>Adds the urgent commands, and then so many of those taken last, to a round.</summary>
    public void Fill(List<LedgerCommand> round, List<LedgerCommand> taken, int first, int most)
    {
        lock (_gate)
        {
            round.AddRange(_urgent);
            _urgent.Clear();
        }

        for (int i = first; i < taken.Count && i < first + most; i++)
            round.Add(taken[i]);
    }

    /// <summary>The end before its time: nothing is taken any more. Returns what is left.</summary>
    public LedgerCommand[] Abort()
    {
        lock (_gate)
        {
            _isClosed = true;
            _isFinished = true;
            Monitor.PulseAll(_gate);
            return [.. _urgent, .. _incoming];
        }
    }

    /// <summary>The commands taken last, or a part of them, are done.</summary>
    public void Done(int count)
    {
        lock (_gate)
            _pending -= count;
    }

    /// <summary>
    /// True, once, when commands of the rule were dropped and there is room again: its tree is to be scanned.
    /// </summary>
    public bool TakeDropped(LedgerRule rule)
    {
        lock (_gate)
        {
            bool isDue = rule.HasDropped && _pending <= pendingMax / 2;
            if (isDue)
                rule.HasDropped = false;
            return isDue;
        }
    }

    /// <summary>Waits until the time is over or <see cref="Close"/> is called.</summary>
    public void Pause(TimeSpan time)
    {
        long start = Stopwatch.GetTimestamp();
        lock (_gate)
        {
            TimeSpan left = time;
            while (!_isClosed && left > TimeSpan.Zero)
            {
                Monitor.Wait(_gate, left);
                left = time - Stopwatch.GetElapsedTime(start);
            }
        }
    }

    /// <summary>No more commands; those given are still to be taken.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            Monitor.PulseAll(_gate);
        }

        _wake.Set();
    }

    /// <summary>When the ledger thread has ended.</summary>
    public void Dispose() => _wake.Dispose();

    private void Sleep(int waitMs)
    {
        const long NsPerMs = 1_000_000;
        _pollFds[0] = PollFd.ForRead(_wake.FileDescriptor);
        Poller.Poll(_pollFds, waitMs * NsPerMs);
        _wake.Clear();
    }
}
