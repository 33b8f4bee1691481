using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Dispatch;

/// <summary>
/// The threads on which a rule's attempts run, one each: made when first needed, kept until the end. The ledger never
/// hands over more attempts at once than there may be threads.
/// </summary>
/// <param name="rule">The rule's name.</param>
/// <param name="most">How many threads at most.</param>
/// <param name="prepare">Called once on each.</param>
/// <param name="run">Runs an attempt.</param>
internal sealed class SlotThreads(string rule, int most, Action prepare, Action<Attempt> run)
{
    // Enough for the first jobs of a quiet time to find a thread that is there.
    private const int Warm = 2;

    private readonly Lock _gate = new();
    private readonly WakePipe _wake = new();
    private readonly Queue<Attempt> _waiting = new();
    private int _threads;
    private int _idle;
    private bool _isStopping;

    /// <summary>Makes the first threads.</summary>
    public void WarmUp()
    {
        lock (_gate)
        {
            for (int i = 0; i < Math.Min(most, Warm); i++)
                AddThread();
        }
    }

    /// <summary>Has an attempt run. Does not wait.</summary>
    public void Give(Attempt attempt)
    {
        lock (_gate)
        {
            Invariant.That(!_isStopping);
            _waiting.Enqueue(attempt);
            if (_idle < _waiting.Count)
            {
                if (_threads < most)
                    AddThread(); // if there is none to be had, one of the others takes it
                return;
            }
        }

        _wake.Wake();
    }

    /// <summary>The threads end when what was given has been run.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _isStopping = true;
        }

        _wake.End();
    }

    // The system may have no thread to give (TasksMax=, memory): then what there are do the work.
    private void AddThread()
    {
        var thread = new Thread(Work) { Name = $"slot {_threads + 1} of {rule}", IsBackground = true };
        try
        {
            thread.Start();
            _threads += 1;
        }
        catch (Exception e) when (_threads > 0 && e is OutOfMemoryException or ThreadStartException)
        {
        }
    }

    private void Work()
    {
        ThreadSlice.Shorten();
        prepare();
        while (true)
        {
            Attempt? attempt;
            lock (_gate)
            {
                if (!_waiting.TryDequeue(out attempt))
                {
                    if (_isStopping)
                        return;
                    _idle += 1;
                }
            }

            if (attempt is null)
            {
                _wake.Wait();
                lock (_gate)
                    _idle -= 1;
            }
            else
            {
                run(attempt);
            }
        }
    }
}
