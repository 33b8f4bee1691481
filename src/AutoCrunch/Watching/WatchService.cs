using AutoCrunch.Core;
using AutoCrunch.Linux;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Watching;

/// <summary>
/// Reads inotify events through the native reader and publishes them to the tracker, on a thread of its own. An error
/// of that thread is an error of the service: the host stops.
/// </summary>
internal sealed class WatchService : BackgroundService
{
    private readonly WatchLoop _loop;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <exception cref="Linux.LinuxException">No inotify instance left; the message says which limit to
    /// raise.</exception>
    public WatchService(
        IReadOnlyList<WatchRule> rules, IRsyncCompletionTracker tracker, IKnownFiles knownFiles,
        ILogger<WatchService> log, WatchOptions? options = null) =>
        _loop = new WatchLoop(rules, tracker, knownFiles, log, options);

    /// <inheritdoc cref="WatchLoop.Ready"/>
    public Task Ready => _loop.Ready;

    /// <inheritdoc cref="WatchLoop.Scans"/>
    public IEnumerable<ScanStatus> Scans => _loop.Scans;

    /// <inheritdoc cref="WatchLoop.RequestRescan"/>
    public void RequestRescan(WatchRule rule) => _loop.RequestRescan(rule);

    /// <inheritdoc cref="WatchLoop.Status"/>
    public WatchStatus Status() => _loop.Status();

    /// <inheritdoc cref="WatchQuestions.AskAsync"/>
    public Task<T> AskAsync<T>(Func<T> question, CancellationToken abandon = default) =>
        _loop.AskAsync(question, abandon);

    /// <inheritdoc cref="WatchLoop.CoverageOf"/>
    public Coverage CoverageOf(string rule, BytePath directory) => _loop.CoverageOf(rule, directory);

    /// <inheritdoc cref="WatchLoop.ScanUnwatched"/>
    public void ScanUnwatched() => _loop.ScanUnwatched();

    /// <inheritdoc cref="WatchLoop.HasSeenAllBefore"/>
    public bool HasSeenAllBefore(long monotonicNs) => _loop.HasSeenAllBefore(monotonicNs);

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        if (ExecuteTask is not { IsCompleted: false })
            _loop.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var thread = new Thread(Run) { Name = "watch", IsBackground = true };
        await using (stoppingToken.Register(_loop.Stop))
        {
            thread.Start();
            await _ended.Task.ConfigureAwait(false);
        }
    }

    private void Run()
    {
        ThreadSlice.Shorten();
        try
        {
            _loop.Run();
            _ended.SetResult();
        }
        catch (Exception failure)
        {
            _ended.SetException(failure);
        }
    }
}
