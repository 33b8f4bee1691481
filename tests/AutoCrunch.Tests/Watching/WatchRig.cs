using AutoCrunch.Core;
using AutoCrunch.Dispatch;
using AutoCrunch.Tests.Hosting;
using AutoCrunch.Watching;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoCrunch.Tests.Watching;

/// <summary>
/// A running watch loop over real directories, with the real tracker and prober, and a ledger in memory; or with a
/// tracker that only records. Ends the loop on disposal, and fails the test if the loop failed.
/// </summary>
internal sealed class WatchRig : IDisposable
{
    private readonly WatchLoop _loop;
    private readonly Thread _thread;
    private Exception? _failure;

    public WatchRig(
        IReadOnlyList<WatchRule> rules, IRsyncCompletionTracker? tracker = null, MemoryKnownFiles? known = null,
        WatchOptions? options = null, bool waitUntilReady = true)
    {
        Known = known ?? new MemoryKnownFiles();
        _loop = new WatchLoop(rules, tracker ?? RealTracker(rules), Known, Log, options);
        _thread = new Thread(Run) { Name = "watch", IsBackground = true };
        _thread.Start();
        if (waitUntilReady)
            WaitUntilReady();
    }

    public WatchLoop Loop => _loop;

    public MemoryKnownFiles Known { get; }

    public ListLogger<WatchLoop> Log { get; } = new();

    /// <summary>A rule with everything at once: no quiet period to wait for.</summary>
    public static WatchRule Rule(BytePath path, string name = "raw") => new()
    {
        Name = name,
        Path = path,
        Completion = new CompletionPolicy { QuietPeriod = TimeSpan.FromMilliseconds(50) },
        RescanInterval = TimeSpan.Zero,
    };

    /// <summary>Does something on the watch thread.</summary>
    public void Ask(Action what) => _loop.AskAsync(() =>
    {
        what();
        return true;
    }).WaitAsync(Wait.Bound).GetAwaiter().GetResult();

    /// <summary>What operators are told of the watching.</summary>
    public WatchStatus Status() => _loop.AskAsync(_loop.Status).WaitAsync(Wait.Bound).GetAwaiter().GetResult();

    public void WaitUntilReady() => Assert.True(_loop.Ready.Wait(Wait.Bound), "not ready");

    public bool HasLogged(string text) => Log.Lines.Any(line => line.Contains(text, StringComparison.Ordinal));

    public int LogCount(string text) => Log.Lines.Count(line => line.Contains(text, StringComparison.Ordinal));

    /// <summary>Ends the loop; returns how long that took.</summary>
    public TimeSpan Stop()
    {
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        _loop.Stop();
        Assert.True(_thread.Join(Wait.Bound), "the watch thread does not end");
        return System.Diagnostics.Stopwatch.GetElapsedTime(start);
    }

    public void Dispose()
    {
        Stop();
        _loop.Dispose();
        if (_failure is not null)
            throw new InvalidOperationException("The watch loop failed", _failure);
        Assert.False(HasLogged("nothing is known of"), "an event of an unknown watch");
    }

    private RsyncCompletionTracker RealTracker(IReadOnlyList<WatchRule> rules) => new(
        rules.Select(rule => KeyValuePair.Create(rule, (IJobDispatcher)Known)),
        new FileProber(), Known, NullLogger<RsyncCompletionTracker>.Instance);

    private void Run()
    {
        try
        {
            _loop.Run();
        }
        catch (Exception failure)
        {
            _failure = failure;
        }
    }
}
