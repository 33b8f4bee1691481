using AutoCrunch.Core;
using AutoCrunch.Linux;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Dispatch;

/// <summary>One attempt's unit under <see cref="UnitWatch"/>'s eyes, until disposal.</summary>
internal sealed class FollowedUnit : IDisposable
{
    private readonly UnitWatch _watch;
    private readonly BytePath _log;
    private readonly long _maxLogBytes;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _news = new(0, 1);
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private bool _hasNews;
    private bool _isInDoubt;
    private bool _isDisposed;
    private long _logSize;
    private bool _cannotPunch;

    public FollowedUnit(UnitWatch watch, string name, BytePath log, long maxLogBytes, ILogger logger)
    {
        _watch = watch;
        Name = name;
        _log = log;
        _maxLogBytes = maxLogBytes;
        _logger = logger;
    }

    /// <summary>The unit's name without ".service".</summary>
    public string Name { get; }

    /// <summary>
    /// Waits until something is new: its file was renamed, or the manager is to be asked whether it is still there.
    /// </summary>
    /// <param name="most">No longer than this; null: for ever.</param>
    /// <param name="stopping">The service stops.</param>
    public async Task WaitAsync(TimeSpan? most, CancellationToken stopping)
    {
        if (await _news.WaitAsync(most ?? Timeout.InfiniteTimeSpan, stopping).ConfigureAwait(false))
            lock (_gate)
                _hasNews = false;
    }

    /// <summary>Waits for a while; true at once when nobody follows it any more.</summary>
    public async Task<bool> IsOverWithinAsync(TimeSpan time)
    {
        try
        {
            await _over.Task.WaitAsync(time).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    /// <summary>
    /// True once after <see cref="Tell"/> with doubt: the unit may be gone, and no event will tell of it any more.
    /// </summary>
    public bool TakeDoubt()
    {
        lock (_gate)
        {
            bool wasInDoubt = _isInDoubt;
            _isInDoubt = false;
            return wasInDoubt;
        }
    }

    /// <summary>Wakes who waits. Any thread.</summary>
    public void Tell(bool isInDoubt)
    {
        lock (_gate)
        {
            _isInDoubt |= isInDoubt;
            if (_hasNews || _isDisposed)
                return;
            _hasNews = true;
            _news.Release();
        }
    }

    /// <summary>Keeps its log within MaxLogBytes while it is written. Watch's thread, and at the end.</summary>
    public void LookAtLog()
    {
        if (_cannotPunch || FileStatReader.TryRead(_log, out FileStat stat) != 0 || stat.SizeBytes == _logSize)
            return;
        _logSize = stat.SizeBytes;
        if (stat.SizeBytes <= _maxLogBytes)
            return;
        int errno = LogFile.PunchMiddle(_log, _maxLogBytes);
        if (errno is 0 or Errno.ENOENT || Errno.MayPass(errno))
            return;
        _cannotPunch = true;
        DispatchLog.CannotPunch(_logger, LinuxException.Explain("fallocate", _log, errno));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
        }

        _watch.Remove(this);
        LookAtLog();
        _news.Dispose();
        _over.SetResult();
    }
}
