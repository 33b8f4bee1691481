using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Dispatch;

/// <summary>
/// Moves and deletes the files of one rule's jobs that have ended, on a thread of its own: what the ledger has recorded
/// as intended, one after the other, also what an earlier life of the service did not get to. What cannot be done at
/// present is tried again, with growing delays.
/// </summary>
internal sealed class RuleDisposals : IDisposalRecord, IDisposable
{
    private const int Batch = 50;

    private static readonly TimeSpan s_firstDelay = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_longestDelay = TimeSpan.FromMinutes(5);

    private readonly object _gate = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationToken _token;
    private readonly WatchRule _rule;
    private readonly JobLedger _ledger;
    private readonly ILogger _logger;
    private readonly FileDisposer _disposer;
    private readonly List<(Disposal Disposal, string? Reason)> _results = [];
    private Thread? _thread;
    private bool _isDue;
    private bool _isStopping;
    private bool _isStuck;
    private long _retryAtNs = long.MaxValue;

    /// <param name="rule">The rule.</param>
    /// <param name="ledger">Keeps what is to be done.</param>
    /// <param name="logger">The service's log.</param>
    public RuleDisposals(WatchRule rule, JobLedger ledger, ILogger logger)
    {
        _rule = rule;
        _ledger = ledger;
        _logger = logger;
        _disposer = new FileDisposer(rule, ledger.Id, this);
        _token = _stopping.Token;
    }

    /// <summary>Begins, with what an earlier life left. Does not wait.</summary>
    public void Start() => _ledger.StartDisposals(_rule.Name, Wake);

    /// <summary>
    /// Completes when nothing is moved any more. A copy under way is broken off; the next start goes on.
    /// </summary>
    public async Task StopAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        lock (_gate)
        {
            _isStopping = true;
            Monitor.Pulse(_gate);
            if (_thread is null)
                _ended.TrySetResult();
        }

        await _ended.Task.ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void Dispose() => _stopping.Dispose();

    /// <inheritdoc/>
    public void Expect(Disposal disposal, BytePath path, FileStat stat) =>
        Wait(_ledger.ExpectMovedAsync(_rule.Name, disposal, path, stat));

    /// <inheritdoc/>
    public bool Copied(Disposal disposal, ulong inode)
    {
        bool isIntended = Wait(_ledger.CopiedAsync(disposal, inode));
        _ledger.FlushNow();
        return isIntended;
    }

    // Ledger thread. Most rules keep their files, and need no thread.
    private void Wake()
    {
        lock (_gate)
        {
            _isDue = true;
            if (_thread is null && !_isStopping)
                TryAddThread();
            Monitor.Pulse(_gate);
        }
    }

    // The system may have no thread to give (TasksMax=, memory): the next job that ends asks again.
    private void TryAddThread()
    {
        var thread = new Thread(Work) { Name = $"files of {_rule.Name}", IsBackground = true };
        try
        {
            thread.Start();
            _thread = thread;
        }
        catch (Exception e) when (e is OutOfMemoryException or ThreadStartException)
        {
            Say($"there is no thread to be had: {e.Message}");
        }
    }

    private void Work()
    {
        try
        {
            long afterId = 0;
            TimeSpan delay = s_firstDelay;
            while (WaitForWork(out bool isRepetition))
            {
                // What is new is done at once; what could not be done is not tried again at every new job.
                if (isRepetition)
                    afterId = 0;
                bool isAllDone = TryDoAll(ref afterId);
                if (isRepetition && isAllDone)
                {
                    DispatchLog.DisposesAgain(_logger, _rule.Name);
                    _isStuck = false;
                    _retryAtNs = long.MaxValue;
                    delay = s_firstDelay;
                }
                else if (isRepetition || (!isAllDone && _retryAtNs == long.MaxValue))
                {
                    _retryAtNs = Clock.MonotonicNs() + (long)delay.TotalNanoseconds;
                    delay = TimeSpan.FromTicks(Math.Min(delay.Ticks * 2, s_longestDelay.Ticks));
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException
            or AggregateException { InnerException: OperationCanceledException })
        {
            // The service stops; the ledger has what is left to be done.
        }
        finally
        {
            if (_results.Count > 0)
                _ = _ledger.EndDisposalsAsync([.. _results]);
            _ended.TrySetResult();
        }
    }

    // False when the service stops.
    private bool WaitForWork(out bool isRepetition)
    {
        lock (_gate)
        {
            long now = Clock.MonotonicNs();
            while (!_isDue && now < _retryAtNs && !_token.IsCancellationRequested)
            {
                double ms = Math.Ceiling((_retryAtNs - now) / 1e6);
                Monitor.Wait(_gate, _retryAtNs == long.MaxValue ? -1 : (int)Math.Min(ms, int.MaxValue));
                now = Clock.MonotonicNs();
            }

            isRepetition = now >= _retryAtNs;
            _isDue = false;
            return !_token.IsCancellationRequested;
        }
    }

    // False when something has to be tried again.
    private bool TryDoAll(ref long afterId)
    {
        bool isAllDone = true;
        while (Wait(_ledger.IntendedAsync(_rule.Name, afterId, Batch)) is { Count: > 0 } intended)
        {
            if (!TryFlush())
                return false;
            foreach (Disposal disposal in intended)
            {
                _token.ThrowIfCancellationRequested();
                // Its job may have been told to run again since it was read, and its file may have been renamed; from
                // here on the one is refused, and the other ends it.
                if (Wait(_ledger.BeginDisposalAsync(disposal)) is { } current)
                    isAllDone &= TryDo(current);
                afterId = disposal.Id;
            }

            if (_results.Count > 0)
                Wait(_ledger.EndDisposalsAsync([.. _results]));
            _results.Clear();
        }

        return isAllDone;
    }

    // The intention is on disk before anything is done, or it could have been done without anybody knowing.
    private bool TryFlush()
    {
        try
        {
            _ledger.FlushNow();
            return true;
        }
        catch (Exception e) when (e is IOException or LinuxException)
        {
            Say(e.Message);
            return false;
        }
    }

    private bool TryDo(Disposal disposal)
    {
        switch (_disposer.Perform(disposal, _token))
        {
            case DisposalResult.Done when disposal.Destination is { } destination:
                _results.Add((disposal, null));
                DispatchLog.Moved(_logger, disposal.JobId, disposal.Source, destination, _rule.Name);
                return true;
            case DisposalResult.Done:
                _results.Add((disposal, null));
                DispatchLog.Deleted(_logger, disposal.JobId, disposal.Source, _rule.Name);
                return true;
            case DisposalResult.Left left:
                _results.Add((disposal, left.Reason));
                DispatchLog.NotDisposed(
                    _logger, disposal.JobId, Verb(disposal), disposal.Source, _rule.Name, left.Reason);
                return true;
            case DisposalResult.Later later:
                if (!later.IsAside)
                    Wait(_ledger.RestDisposalAsync(disposal));
                Say(later.Reason);
                return false;
            default:
                throw new InvariantException("no such result");
        }
    }

    // Once, until it goes well again: thousands of files may wait for one disk.
    private void Say(string reason)
    {
        if (!_isStuck)
            DispatchLog.CannotDispose(_logger, _rule.Name, reason);
        _isStuck = true;
    }

    private static string Verb(Disposal disposal) => disposal.Kind == DisposalKind.Move ? "moved" : "deleted";

    private void Wait(Task task) => task.Wait(_token);

    private T Wait<T>(Task<T> task)
    {
        task.Wait(_token);
        return task.Result;
    }
}
