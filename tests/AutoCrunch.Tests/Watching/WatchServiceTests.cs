using System.Diagnostics;
using AutoCrunch.Core;
using AutoCrunch.Tests.Hosting;
using AutoCrunch.Watching;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using NSubstitute;

namespace AutoCrunch.Tests.Watching;

/// <summary>The background service around the loop.</summary>
public sealed class WatchServiceTests : IDisposable
{
    private readonly TempDirectory _temp = new();
    private readonly BytePath _root;
    private readonly IRsyncCompletionTracker _tracker = Substitute.For<IRsyncCompletionTracker>();
    private readonly List<string> _published = [];

    public WatchServiceTests()
    {
        _root = _temp.MakeDirectory("in");
        _tracker.Advance(default, default).ReturnsForAnyArgs(long.MaxValue);
        _tracker.TakeRescan().Returns((TrackedDirectory?)null);
        _tracker.WhenForAnyArgs(tracker => tracker.Publish(default)).Do(call =>
        {
            FileEvent fileEvent = call.Arg<FileEvent>();
            lock (_published)
                _published.Add($"{fileEvent.Directory.PathOf(fileEvent.Name.Span)} {fileEvent.Kind}");
        });
    }

    public void Dispose() => _temp.Dispose();

    [Fact]
    public async Task The_service_publishes_events_to_the_injected_tracker()
    {
        _temp.MakeDirectory("in/d");
        using WatchService service = Service();
        await service.StartAsync(CancellationToken.None);
        await service.Ready.WaitAsync(Wait.Bound);
        _temp.Write("in/d/a.raw");
        Wait.Until(() => Published().Contains("d/a.raw ClosedAfterWrite"));
        await service.StopAsync(CancellationToken.None);
        _tracker.ReceivedWithAnyArgs().Advance(default, default);
        _tracker.Received().Publish(Arg.Is<FileEvent>(each => each.Directory.Rule.Name == "raw"));
    }

    [Fact]
    public async Task An_idle_service_stops_in_far_less_than_a_second()
    {
        using WatchService service = Service();
        await service.StartAsync(CancellationToken.None);
        await service.Ready.WaitAsync(Wait.Bound);
        long start = Stopwatch.GetTimestamp();
        await service.StopAsync(CancellationToken.None);
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(1));
        Assert.True(service.ExecuteTask!.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task A_service_that_is_stopped_in_the_middle_of_a_scan_stops_at_once()
    {
        for (int i = 0; i < 3000; i++)
            _temp.Write($"in/f{i}");
        using var release = new ManualResetEventSlim();
        using var reached = new ManualResetEventSlim();
        _tracker.WhenForAnyArgs(tracker => tracker.Publish(default)).Do(_ =>
        {
            reached.Set();
            release.Wait();
        });
        using WatchService service = Service(new WatchOptions { InboxCapacity = 8 });
        await service.StartAsync(CancellationToken.None);
        Assert.True(reached.Wait(Wait.Bound));
        long start = Stopwatch.GetTimestamp();
        Task stop = service.StopAsync(CancellationToken.None);
        release.Set();
        await stop.WaitAsync(Wait.Bound);
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(2));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => service.Ready);
    }

    [Fact]
    public async Task An_error_on_the_watch_thread_stops_the_host()
    {
        _tracker.WhenForAnyArgs(tracker => tracker.Publish(default)).Do(_ => throw new InvariantException("bug"));
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddHostedService(_ => Service());
        using IHost host = builder.Build();
        await host.StartAsync();
        _temp.Write("in/a");
        await host.WaitForShutdownAsync().WaitAsync(Wait.Bound);
        WatchService service = host.Services.GetServices<IHostedService>().OfType<WatchService>().Single();
        Assert.IsType<InvariantException>(service.ExecuteTask!.Exception!.InnerException);
    }

    [Fact]
    public async Task An_error_on_a_scan_thread_stops_the_host_too()
    {
        IKnownFiles known = Broken();
        using var service = new WatchService([WatchRig.Rule(_root)], _tracker, known, new ListLogger<WatchService>());
        await service.StartAsync(CancellationToken.None);
        await Assert.ThrowsAsync<InvalidOperationException>(() => service.ExecuteTask!.WaitAsync(Wait.Bound));
        await Assert.ThrowsAsync<InvalidOperationException>(() => service.Ready);
    }

    [Fact]
    public async Task Without_rules_the_service_is_ready_at_once()
    {
        using var service = new WatchService([], _tracker, new MemoryKnownFiles(), new ListLogger<WatchService>());
        await service.StartAsync(CancellationToken.None);
        await service.Ready.WaitAsync(Wait.Bound);
        await service.StopAsync(CancellationToken.None);
    }

    private static IKnownFiles Broken() => new BrokenKnownFiles();

    private WatchService Service(WatchOptions? options = null) => new(
        [WatchRig.Rule(_root)], _tracker, new MemoryKnownFiles(), new ListLogger<WatchService>(), options);

    private string[] Published()
    {
        lock (_published)
            return [.. _published];
    }

    /// <summary>A ledger that cannot be read.</summary>
    private sealed class BrokenKnownFiles : IKnownFiles
    {
        public void ReadDirectory(string rule, BytePath directory, Dictionary<BytePath, KnownFile> files)
        {
        }

        public IReadOnlyCollection<KnownDirectory> ReadDirectories(string rule, BytePath directory) =>
            throw new IOException("disk");

        public long CountFiles(string rule) => 0;

        public bool IsFirstScan(string rule) => false;

        public void WholeScanFinished(string rule, long found)
        {
        }

        public void MetadataChanged(string rule, BytePath path, FileStat stat)
        {
        }

        public void Held(string rule, BytePath path, FileStat stat, HoldReason reason, bool isMoved)
        {
        }

        public void Gone(string rule, BytePath path)
        {
        }

        public void DirectoryGone(string rule, BytePath directory, ulong device)
        {
        }

        public void DeviceRenumbered(string rule, ulong from, ulong to)
        {
        }

        public void DirectoryMoved(string rule, BytePath from, BytePath to)
        {
        }
    }
}
