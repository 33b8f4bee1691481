using System.Collections.Concurrent;
using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Hosting;
using AutoCrunch.Ledger;
using AutoCrunch.Tests.Ledger;
using AutoCrunch.Tests.Watching;
using AutoCrunch.Watching;

namespace AutoCrunch.Tests.Hosting;

/// <summary>The status line while the ledger cannot be read, and after it.</summary>
public sealed class StatusReportsTests : IDisposable
{
    // What the counts are read with.
    private const string Index = "jobs_failed";

    private readonly TempDirectory _directory = new();
    private readonly LedgerRig _rig;
    private readonly Manager _manager = new();
    private readonly ListLogger<StatusReports> _log = new();

    public StatusReportsTests()
    {
        _directory.MakeDirectory("in");
        _rig = new LedgerRig(_directory, WatchRig.Rule(_directory["in"]));
    }

    public void Dispose()
    {
        _rig.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task The_status_line_goes_on_after_each_read_that_fails()
    {
        _rig.Open();
        string index = BreakReading();
        using var watch = new WatchService(
            _rig.Rules, new RecordingTracker(), new MemoryKnownFiles(), new ListLogger<WatchService>());
        using var reports = new StatusReports(Configuration(), _rig.Ledger, watch, _manager, _log);
        await watch.StartAsync(CancellationToken.None);
        await reports.StartAsync(CancellationToken.None);
        Wait.Until(() => _log.Lines.Count == 1);
        Assert.Empty(_manager.Told);
        MendReading(index);
        Wait.Until(() => _manager.HasTold("1 rule, 0 running, 0 queued"));

        // While it is looked at every two seconds, or, from then on, only when something is written.
        Wait.RandomMoment(Random.Shared, TimeSpan.FromSeconds(6));
        BreakReading();
        _rig.Complete("a.raw");
        Wait.Until(() => _log.Lines.Count == 2);
        Assert.False(_manager.HasTold("1 queued"));
        MendReading(index);
        Wait.Until(() => _manager.HasTold("1 rule, 0 running, 1 queued"));

        Assert.All(_log.Lines, line => Assert.Contains("no such index", line, StringComparison.Ordinal));
        await reports.StopAsync(CancellationToken.None);
        Assert.True(reports.ExecuteTask!.IsCompletedSuccessfully);
        await watch.StopAsync(CancellationToken.None);
    }

    // From another connection: the ledger's own goes on. Returns what makes it again.
    private string BreakReading()
    {
        using SqliteDatabase db = SqliteDatabase.OpenWriter(new StateLayout(_rig.StateDirectory).Ledger);
        string index = db.QueryText($"SELECT sql FROM sqlite_master WHERE name = '{Index}'")!;
        db.Execute($"DROP INDEX {Index}");
        return index;
    }

    private void MendReading(string index)
    {
        using SqliteDatabase db = SqliteDatabase.OpenWriter(new StateLayout(_rig.StateDirectory).Ledger);
        db.Execute(index);
    }

    private CompiledConfiguration Configuration() => new()
    {
        File = "appsettings.json",
        BaseDirectory = _directory.Path,
        StateDirectory = _rig.StateDirectory,
        RuntimeDirectory = _rig.StateDirectory,
        MaxRunning = 0,
        ShutdownGrace = TimeSpan.Zero,
        KeepHistory = TimeSpan.FromDays(1),
        Rules =
        [
            new CompiledRule(
                _rig.Rules[0], new ProcessOptions { Command = [], WorkingDirectory = _directory.Path }),
        ],
    };

    /// <summary>A service manager that listens.</summary>
    private sealed class Manager : ISystemdNotifier
    {
        public ConcurrentQueue<string> Told { get; } = new();

        public bool IsEnabled => true;

        public void Notify(ServiceState state) => Told.Enqueue(state.Assignment);

        public bool HasTold(string text) => Told.Any(line => line.Contains(text, StringComparison.Ordinal));
    }
}
