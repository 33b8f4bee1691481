using AutoCrunch.Configuration;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using AutoCrunch.Watching;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Hosting;

/// <summary>
/// Keeps the service manager's status line true (STATUS=, sd_notify(3)), and has it wait as long as a first scan makes
/// progress. Does nothing without a service manager.
/// </summary>
internal sealed class StatusReports(
    CompiledConfiguration configuration, JobLedger ledger, WatchService watch, ISystemdNotifier notifier,
    ILogger<StatusReports> logger) : BackgroundService
{
    // Reading the counts costs a little: often while something happens, seldom while nothing does, and at once when the
    // ledger is written after a pause.
    private static readonly TimeSpan s_busy = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_idle = TimeSpan.FromSeconds(60);

    // As long as the scan moves, the start may take this much longer.
    private static readonly TimeSpan s_startExtension = TimeSpan.FromSeconds(60);

    private readonly HashSet<string> _rules = [.. configuration.Rules.Select(rule => rule.Rule.Name)];

    // Given when the ledger has changed since the last look.
    private readonly SemaphoreSlim _changed = new(0, 1);

    private bool _isFailing;

    /// <inheritdoc/>
    public override void Dispose()
    {
        ledger.Changed = null;
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!notifier.IsEnabled)
            return;
        ledger.Changed = Wake;
        try
        {
            // A start that is quick is not slowed down by it; of one that is not, the scan's progress is told.
            await Task.WhenAny(watch.Ready.WaitAsync(s_busy, stoppingToken)).ConfigureAwait(false);
            using var timer = new PeriodicTimer(s_busy);
            do
                await TryReportAsync(timer, stoppingToken).ConfigureAwait(false);
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The service stops, and the notifier has said so.
        }
    }

    // Returns only when the ledger cannot be read.
    private async Task TryReportAsync(PeriodicTimer timer, CancellationToken stoppingToken)
    {
        try
        {
            await ReportAsync(timer, stoppingToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is SqliteException or LedgerUnusableException)
        {
            if (!_isFailing)
                logger.StatusFailed(error.Message);
            _isFailing = true;
            timer.Period = s_busy; // it may have been off, for want of anything to tell
        }
    }

    private async Task ReportAsync(PeriodicTimer timer, CancellationToken stoppingToken)
    {
        using LedgerReader reader = LedgerReader.Open(configuration.StateDirectory);
        string told = "";
        long seen = 0;
        bool isWoken = false;
        while (true)
        {
            ScanStatus[] scans = [.. watch.Scans];
            string text = Text(reader, scans);
            _isFailing = false;
            bool isBusy = isWoken || text != told || scans.Length > 0;
            if (text != told)
                notifier.Notify(ServiceState.Status(text));
            told = text;
            long progress = scans.Sum(scan => scan.Directories + scan.Files);
            if (!watch.Ready.IsCompleted && progress != seen)
                notifier.Notify(ServiceState.ExtendTimeout(s_startExtension));
            seen = progress;
            timer.Period = isBusy ? s_busy : Timeout.InfiniteTimeSpan;
            if (isBusy)
                await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false);
            isWoken = await _changed.WaitAsync(isBusy ? TimeSpan.Zero : s_idle, stoppingToken).ConfigureAwait(false);
        }
    }

    // Ledger thread, the only one that gives.
    private void Wake()
    {
        if (_changed.CurrentCount == 0)
            _changed.Release();
    }

    private string Text(LedgerReader reader, ScanStatus[] scans)
    {
        RuleCounts[] counts = [.. reader.Counts().Where(rule => _rules.Contains(rule.Rule))];
        TimeSpan? sinceArrival = reader.LastCompletedNs() is { } lastNs
            ? TimeSpan.FromTicks((Clock.WallNs() - lastNs) / 100)
            : null;
        IEnumerable<string> paused = reader.PausedRules().Where(_rules.Contains);
        return StatusText.Of(counts, scans, ledger.PausedBecause, paused, sinceArrival);
    }
}
