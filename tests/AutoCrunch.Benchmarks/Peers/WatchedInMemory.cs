using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using AutoCrunch.Core;
using AutoCrunch.Dispatch;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using AutoCrunch.Watching;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoCrunch.Benchmarks;

/// <summary>
/// The real watch loop, tracker and spawning with nothing durable between them: what detection alone costs, and what
/// the ledger adds to a burst. Forgets everything when it ends.
/// </summary>
internal static class WatchedInMemory
{
    /// <summary>Records when each file was found complete; written to <paramref name="record"/> on SIGTERM.</summary>
    public static void Detect(string directory, string record)
    {
        // The ledger would know what a scan and an event have both told of.
        var seen = new List<(long Ns, BytePath Path)>();
        var taken = new HashSet<BytePath>();
        Watch(directory, completion =>
        {
            if (taken.Add(completion.Path))
                seen.Add((Stopwatch.GetTimestamp(), completion.Path));
        });
        File.WriteAllLines(record, seen.Select(one => string.Create(
            CultureInfo.InvariantCulture, $"{one.Ns} {directory}/{one.Path}")));
    }

    /// <summary>Runs the job for each file, with a list in memory in the ledger's place.</summary>
    public static void Dispatch(string directory, string job, int pool, string home)
    {
        var layout = new StateLayout(BytePath.Parse(Path.Combine(home, "state")));
        IReadOnlyList<byte[]> environment = JobEnvironment.ReadInherited();
        BytePath program = BytePath.Parse(job);
        using var queue = new BlockingCollection<BytePath>();
        long lastId = 0;
        for (int i = 0; i < pool; i++)
            new Thread(Work) { IsBackground = true }.Start();
        var taken = new HashSet<BytePath>();
        Watch(directory, completion =>
        {
            if (taken.Add(completion.Path))
                queue.Add(completion.Path);
        });

        void Work()
        {
            foreach (BytePath relative in queue.GetConsumingEnumerable())
            {
                BytePath path = BytePath.Parse(directory).Join(relative);
                FileStatReader.TryRead(path, out _);
                long id = Interlocked.Increment(ref lastId);
                if (id % StateLayout.JobsPerLogDirectory is 0 or 1)
                    PathOps.TryMakeDirectories(layout.LogDirectory(id), 0x1E8);
                var start = new ChildStart(
                    program, [program.Span.ToArray(), path.Span.ToArray()], [.. environment], layout.Root,
                    layout.LogFile(id, 1));
                int errno = ChildProcess.TryStart(start, out ChildProcess? child);
                if (child is null || child.Wait().ExitCode != 0)
                    Console.WriteLine($"not started: errno {errno}");
            }
        }
    }

    private static void Watch(string directory, Action<Completion> completed)
    {
        var rule = new WatchRule
        {
            Name = "raw",
            Path = BytePath.Parse(directory),
            Include = new PathPatterns(["*.raw"]),
        };
        var known = new NothingKnown();
        var tracker = new RsyncCompletionTracker(
            [new KeyValuePair<WatchRule, IJobDispatcher>(rule, new Told(completed))], new FileProber(), known,
            NullLogger<RsyncCompletionTracker>.Instance);
        using var loop = new WatchLoop([rule], tracker, known, NullLogger.Instance);
        var thread = new Thread(loop.Run);
        thread.Start();
        PeerPrograms.AwaitEnd();
        loop.Stop();
        thread.Join();
    }

    private sealed class Told(Action<Completion> completed) : IJobDispatcher
    {
        public void Dispatch(Completion completion) => completed(completion);
    }
}
