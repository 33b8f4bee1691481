using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Dispatch;

/// <summary>
/// Tells operators what needs them: says which files are held for long, and runs the OnFailureCommand of rules, one at
/// a time, on one thread for all rules. What is to be told is in the ledger until it is told: a crash in between tells
/// it twice, never not at all.
/// </summary>
/// <param name="rules">The rules.</param>
/// <param name="inherited">The service's environment (<see cref="JobEnvironment.ReadInherited"/>).</param>
/// <param name="shutdownGrace">How long a command may go on when the service stops.</param>
/// <param name="ledger">Keeps what is to be told.</param>
/// <param name="supervisor">Watches over the commands.</param>
/// <param name="logger">The service's log.</param>
internal sealed class FailureNotices(
    IReadOnlyList<WatchRule> rules, IReadOnlyList<byte[]> inherited, TimeSpan shutdownGrace, JobLedger ledger,
    JobSupervisor supervisor, ILogger<FailureNotices> logger) : IDisposable
{
    private const int HeldNamed = 10;
    private const int HeldAtOnce = 1000;
    private const int UntoldMax = 100_000;

    private static readonly TimeSpan s_longestCheck = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_shortestCheck = TimeSpan.FromSeconds(0.25);
    private static readonly TimeSpan s_hindered = TimeSpan.FromSeconds(30);

    private readonly object _gate = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<string, Queue<long>> _runs = new(StringComparer.Ordinal);
    private readonly HashSet<string> _behind = new(StringComparer.Ordinal);
    private readonly FailureCommandRunner _runner = new(inherited, shutdownGrace, ledger, supervisor, logger);
    private readonly TimeSpan _checkInterval = CheckInterval(rules);
    private CancellationToken _token;
    private bool _isDue;
    private bool _isStarted;
    private long _wakeAtNs;

    /// <summary>So many commands of a rule run within <see cref="Window"/>; then one tells of all others.</summary>
    public int MostInWindow { get; init; } = 10;

    /// <summary>The time within which commands of a rule are counted.</summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Begins, with what an earlier life has left untold. Does not wait.</summary>
    public void Start()
    {
        if (!rules.Any(rule => rule.OnFailureCommand is not null || rule.HeldWarning > TimeSpan.Zero))
            return;
        _isStarted = true;
        _token = _stopping.Token;
        new Thread(Work) { Name = "notices", IsBackground = true }.Start();
        ledger.StartNotices(Wake);
    }

    /// <summary>Completes when nothing is told any more; a command that runs gets the grace that jobs get.</summary>
    public async Task StopAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        lock (_gate)
            Monitor.Pulse(_gate);
        if (_isStarted)
            await _ended.Task.ConfigureAwait(false);
    }

    public void Dispose() => _stopping.Dispose();

    private static TimeSpan CheckInterval(IReadOnlyList<WatchRule> rules)
    {
        TimeSpan[] warnings = [.. rules.Select(rule => rule.HeldWarning).Where(warning => warning > TimeSpan.Zero)];
        TimeSpan wanted = warnings.Length == 0 ? Timeout.InfiniteTimeSpan : warnings.Min() / 4;
        return wanted < TimeSpan.Zero ? wanted
            : wanted < s_shortestCheck ? s_shortestCheck : wanted > s_longestCheck ? s_longestCheck : wanted;
    }

    // Ledger thread.
    private void Wake()
    {
        lock (_gate)
        {
            _isDue = true;
            Monitor.Pulse(_gate);
        }
    }

    private void Work()
    {
        ChildProcess.ClearAmbientCapabilities();
        try
        {
            while (WaitForWork())
            {
                _wakeAtNs = _checkInterval < TimeSpan.Zero ? long.MaxValue : After(_checkInterval);
                if (_checkInterval > TimeSpan.Zero)
                    WarnHeld();
                foreach (WatchRule rule in rules)
                    if (rule.OnFailureCommand is not null)
                        TellAll(rule);
            }
        }
        catch (Exception e) when (e is OperationCanceledException
            or AggregateException { InnerException: OperationCanceledException })
        {
            // The service stops; the ledger has what is left to be told.
        }
        finally
        {
            _ended.TrySetResult();
        }
    }

    private bool WaitForWork()
    {
        lock (_gate)
        {
            long now = Clock.MonotonicNs();
            while (!_isDue && now < _wakeAtNs && !_token.IsCancellationRequested)
            {
                double ms = Math.Ceiling((_wakeAtNs - now) / 1e6);
                Monitor.Wait(_gate, _wakeAtNs == long.MaxValue ? -1 : (int)Math.Min(ms, int.MaxValue));
                now = Clock.MonotonicNs();
            }

            _isDue = false;
            return !_token.IsCancellationRequested;
        }
    }

    private void WarnHeld()
    {
        List<LongHeld> held = Wait(ledger.WarnHeldAsync(HeldAtOnce));
        foreach (IGrouping<string, LongHeld> ofRule in held.GroupBy(file => file.Rule))
        {
            foreach (LongHeld file in ofRule.Take(HeldNamed))
            {
                TimeSpan time = TimeSpan.FromSeconds(Math.Round(file.HeldNs / 1e9));
                DispatchLog.HeldForLong(logger, time, file.Path, file.Rule, HoldText.Of(file.Reason));
            }

            if (ofRule.Count() > HeldNamed)
                DispatchLog.MoreHeldForLong(logger, ofRule.Key, ofRule.Count() - HeldNamed);
        }
    }

    // One by one; once too many have run in a short time, the next one waits and then tells of all others.
    private void TellAll(WatchRule rule)
    {
        Queue<long> runs = _runs.TryGetValue(rule.Name, out Queue<long>? known) ? known : _runs[rule.Name] = new();
        while (true)
        {
            _token.ThrowIfCancellationRequested();
            long now = Clock.MonotonicNs();
            while (runs.TryPeek(out long oldest) && oldest + (long)Window.TotalNanoseconds <= now)
                runs.Dequeue();
            bool isFull = runs.Count >= MostInWindow;
            if (isFull)
                _wakeAtNs = Math.Min(_wakeAtNs, runs.Peek() + (long)Window.TotalNanoseconds);
            if (isFull && _behind.Contains(rule.Name))
                return;
            List<Notice> notices =
                Wait(ledger.NoticesAsync(rule.Name, _behind.Contains(rule.Name) ? UntoldMax : 1));
            if (notices.Count == 0)
                return;
            if (isFull)
            {
                DispatchLog.ManyNotices(logger, rule.Name, MostInWindow);
                _behind.Add(rule.Name);
                return;
            }

            if (!_runner.TryRun(rule, notices[0], notices.Count - 1, _token))
            {
                _wakeAtNs = Math.Min(_wakeAtNs, After(s_hindered));
                return;
            }

            runs.Enqueue(now);
            _behind.Remove(rule.Name);
            Wait(ledger.EndNoticesAsync(rule.Name, notices[^1].Id));
        }
    }

    private static long After(TimeSpan time) => Clock.MonotonicNs() + (long)time.TotalNanoseconds;

    private void Wait(Task task) => task.Wait(_token);

    private T Wait<T>(Task<T> task)
    {
        task.Wait(_token);
        return task.Result;
    }
}
