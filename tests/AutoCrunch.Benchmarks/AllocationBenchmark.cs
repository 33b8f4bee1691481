using System.Globalization;
using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Dispatch;
using AutoCrunch.Watching;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoCrunch.Benchmarks;

/// <summary>
/// The whole way of an event on the watch thread (read, parse, resolve, publish, machine) with the real loop on real
/// inotify: how many bytes does it allocate for an event of a name it knows?
/// </summary>
internal static class AllocationBenchmark
{
    // Half of what the kernel queues for one reader by default (fs.inotify.max_queued_events).
    private const int EventsPerChunk = 8_000;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    /// <summary>Bytes for each event of a known name.</summary>
    public static double Run(string workDirectory, int events)
    {
        string directory = Path.Combine(workDirectory, "allocations-" + Path.GetRandomFileName());
        Directory.CreateDirectory(directory);
        var rule = new WatchRule
        {
            Name = "raw",
            Path = new BytePath(Encoding.UTF8.GetBytes(directory)),
            Include = new PathPatterns(["*.raw"]),
        };
        using var marker = new Marker(directory);
        var known = new NothingKnown();
        var prober = new FileProber();
        var tracker = new RsyncCompletionTracker(
            [new KeyValuePair<WatchRule, IJobDispatcher>(rule, marker)], prober, known,
            NullLogger<RsyncCompletionTracker>.Instance);
        long allocatedBytes = 0;
        var options = new WatchOptions
        {
            OnTurn = _ => Volatile.Write(ref allocatedBytes, GC.GetAllocatedBytesForCurrentThread()),
        };
        using var loop = new WatchLoop([rule], tracker, known, NullLogger.Instance, options);
        var thread = new Thread(loop.Run);
        thread.Start();
        loop.Ready.Wait(s_patience);

        // Two files written in turn: equal neighbours in the kernel's queue would be merged.
        using FileStream first = File.Create(Path.Combine(directory, "first.raw"), bufferSize: 0);
        using FileStream second = File.Create(Path.Combine(directory, "second.raw"), bufferSize: 0);
        int chunks = Math.Max(1, events / EventsPerChunk);
        _ = Measure(chunks, EventsPerChunk);
        long markersOnlyBytes = Measure(chunks, 0);
        long usedBytes = Measure(chunks, EventsPerChunk) - markersOnlyBytes;
        loop.Stop();
        thread.Join();
        Directory.Delete(directory, recursive: true);
        int count = chunks * EventsPerChunk;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{count} events of known names on the watch thread: {usedBytes} bytes allocated "
            + $"({(double)usedBytes / count:F3} an event), besides "
                + $"{markersOnlyBytes / chunks} for each completion; {loop.OverflowCount} overflows"));
        return (double)usedBytes / count;

        long Measure(int rounds, int writes)
        {
            marker.Await(s_patience);
            long start = Volatile.Read(ref allocatedBytes);
            for (int round = 0; round < rounds; round++)
            {
                for (int i = 0; i < writes / 2; i++)
                {
                    first.WriteByte(1);
                    second.WriteByte(1);
                }

                marker.Await(s_patience);
            }

            return Volatile.Read(ref allocatedBytes) - start;
        }
    }

    /// <summary>
    /// A file renamed into place, and the dispatcher that is told of it: all before it has been read.
    /// </summary>
    private sealed class Marker(string directory) : IJobDispatcher, IDisposable
    {
        private readonly SemaphoreSlim _completed = new(0);

        public void Await(TimeSpan patience)
        {
            string temporary = Path.Combine(directory, ".marker.raw.AbC123");
            File.WriteAllBytes(temporary, []);
            File.SetLastWriteTimeUtc(temporary, DateTime.UnixEpoch.AddYears(40));
            File.Move(temporary, Path.Combine(directory, "marker.raw"), overwrite: true);
            if (!_completed.Wait(patience))
                throw new InvalidOperationException("the marker was not completed");
        }

        public void Dispatch(Completion completion) => _completed.Release();

        public void Dispose() => _completed.Dispose();
    }
}
