using System.Text;
using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using AutoCrunch.Watching;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Hosting;

/// <summary>
/// Hands the metrics on where the operator wants them: by OTLP, and into a file for node_exporter's textfile collector.
/// </summary>
internal sealed class MetricsService : BackgroundService
{
    private const UnixFileMode Readable =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    // node_exporter is usually asked every 15 seconds or more seldom.
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(10);

    private readonly CompiledConfiguration _configuration;
    private readonly ILogger _logger;
    private readonly PrometheusText? _text;
    private readonly IDisposable? _otlp;
    private bool _isFailing;

    public MetricsService(
        CompiledConfiguration configuration, ServiceMetrics metrics, RsyncCompletionTracker tracker, JobLedger ledger,
        ILogger<MetricsService> logger)
    {
        _configuration = configuration;
        _logger = logger;
        tracker.Completed = metrics.Completed;
        ledger.Settled = metrics.Settled;

        // Before anything is started, so that all is counted.
        _text = configuration.MetricsFile is null ? null : new PrometheusText(metrics.Meter);
        _otlp = OtlpExport.IsWanted(Environment.GetEnvironmentVariable)
            ? OtlpExport.Start(Environment.GetEnvironmentVariable)
            : null;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        _otlp?.Dispose();
        _text?.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            if (_configuration.MetricsFile is { } file && _text is { } text)
                await WriteFilesAsync(file, text, stoppingToken).ConfigureAwait(false);
            else if (_otlp is not null)
                await new TaskCompletionSource().Task.WaitAsync(stoppingToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The service stops: what OTLP still has to send is sent now, while all can still be asked.
            _otlp?.Dispose();
        }
    }

    // A file that is there says that the service runs: it goes when the service stops.
    private async Task WriteFilesAsync(BytePath file, PrometheusText text, CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(s_interval);
        try
        {
            do
                await Task.Run(() => TryWrite(file, text), CancellationToken.None).ConfigureAwait(false);
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
        }
        finally
        {
            PathOps.TryUnlink(file);
        }
    }

    private void TryWrite(BytePath file, PrometheusText text)
    {
        var temporary = new BytePath([.. file.Span, .. ".new"u8]);
        string? problem = null;
        try
        {
            int errno = Write(temporary, Encoding.UTF8.GetBytes(text.Write()));
            if (errno == 0)
                errno = PathOps.TryRename(temporary, file);
            problem = errno == 0 ? null : LinuxException.Explain("write", file, errno);
        }
        catch (Exception e) when (!IsBug(e))
        {
            problem = e.Message; // numbers that cannot be had once are no reason to end the service
        }

        if (problem is not null && !_isFailing)
            _logger.MetricsNotWritten(problem);
        _isFailing = problem is not null;
    }

    // What instruments throw while they are collected comes together.
    private static bool IsBug(Exception e) => e is InvariantException
        || (e is AggregateException several && several.Flatten().InnerExceptions.Any(IsBug));

    private static int Write(BytePath file, byte[] content)
    {
        int errno = PathOps.TryOpen(file, OpenMode.Replace, 0x1A4, out SafeFileHandle? handle); // 0644
        if (handle is null)
            return errno;
        using (handle)
        {
            try
            {
                File.SetUnixFileMode(handle, Readable); // whatever the umask: another user reads it
                RandomAccess.Write(handle, content, 0);
                return 0;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return e.HResult is > 0 and < 4096 ? e.HResult : Errno.EIO; // .NET puts the errno there
            }
        }
    }
}
