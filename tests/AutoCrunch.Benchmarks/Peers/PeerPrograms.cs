using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Benchmarks;

/// <summary>
/// Programs that are measured in processes of their own: what most people would write in .NET, and parts of AutoCrunch.
/// </summary>
internal static class PeerPrograms
{
    public static int Run(string[] args)
    {
        switch (args[0])
        {
            case "dispatch":
                Dispatch(args[1], args[2], Parse(args[3]));
                return 0;
            case "memory":
                WatchedInMemory.Dispatch(args[1], args[2], Parse(args[3]), args[4]);
                return 0;
            case "detect":
                WatchedInMemory.Detect(args[1], args[2]);
                return 0;
            case "count":
                Count(args[1], Parse(args[2]));
                return 0;
            case "spawn":
                Spawn(Parse(args[1]), Parse(args[2]), args[3], args[4]);
                return 0;
            case "spawn-process":
                SpawnProcess(Parse(args[1]), Parse(args[2]), args[3]);
                return 0;
            default:
                return 64;
        }
    }

    /// <summary>Returns when SIGTERM has come.</summary>
    public static void AwaitEnd()
    {
        using var ended = new ManualResetEventSlim();
        using PosixSignalRegistration term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            ended.Set();
        });
        ended.Wait();
    }

    // FileSystemWatcher and Process, as it is usually written.
    private static void Dispatch(string directory, string job, int pool)
    {
        using var queue = new BlockingCollection<string>();
        using var watcher = new FileSystemWatcher(directory)
        {
            IncludeSubdirectories = true,
            NotifyFilter = NotifyFilters.FileName | NotifyFilters.DirectoryName,
            InternalBufferSize = 65_536,
        };
        watcher.Renamed += (_, renamed) =>
        {
            if (!Path.GetFileName(renamed.FullPath.AsSpan()).StartsWith("."))
                queue.Add(renamed.FullPath);
        };
        watcher.EnableRaisingEvents = true;
        for (int i = 0; i < pool; i++)
        {
            new Thread(() =>
            {
                foreach (string path in queue.GetConsumingEnumerable())
                    RunProcess(job, path);
            })
            { IsBackground = true }.Start();
        }

        AwaitEnd();
    }

    // The reader alone: read(2) and the walk over the events.
    private static void Count(string directory, int wanted)
    {
        using Inotify inotify = Inotify.Create();
        if (inotify.AddWatch(BytePath.Parse(directory), InotifyMask.IN_MOVED_TO) < 0)
            throw new InvalidOperationException($"{directory} cannot be watched");
        WarmUp();
        Console.WriteLine("ready");
        PollFd[] fds = [PollFd.ForRead(inotify.FileDescriptor)];
        var tally = default(Tally);
        long start = 0;
        while (tally.Events < wanted && tally.Overflows == 0)
        {
            ReadOnlyMemory<byte> batch = inotify.Read();
            if (batch.IsEmpty)
            {
                Poller.Poll(fds, -1);
                continue;
            }

            start = start == 0 ? Stopwatch.GetTimestamp() : start;
            Walk(batch, ref tally);
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{tally.Events} {tally.Overflows} {Stopwatch.GetElapsedTime(start).TotalSeconds:F6} {tally.NameBytes}"));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Walk(ReadOnlyMemory<byte> batch, ref Tally tally)
    {
        var reader = new InotifyEventReader(batch);
        while (reader.MoveNext())
        {
            tally.Events++;
            tally.NameBytes += reader.Name.Length;
            if ((reader.Mask & InotifyMask.IN_Q_OVERFLOW) != 0)
                tally.Overflows++;
        }
    }

    // The queue is emptied in fewer milliseconds than the runtime waits before it compiles anew what is hot: without
    // this the first code would be measured, and not what runs in a service for months.
    private static void WarmUp()
    {
        byte[] batch = new byte[1024 * 32];
        for (int at = 0; at < batch.Length; at += 32)
        {
            BitConverter.TryWriteBytes(batch.AsSpan(at), 1);
            BitConverter.TryWriteBytes(batch.AsSpan(at + 4), InotifyMask.IN_MOVED_TO);
            BitConverter.TryWriteBytes(batch.AsSpan(at + 12), 16);
            "b0000000"u8.CopyTo(batch.AsSpan(at + 16));
        }

        var ignored = default(Tally);
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start).TotalSeconds < 1;)
        {
            for (int i = 0; i < 100; i++)
                Walk(batch, ref ignored);
            Patience.Rest(TimeSpan.FromMilliseconds(10));
        }
    }

    [StructLayout(LayoutKind.Auto)]
    private record struct Tally(long Events, long NameBytes, long Overflows);

    private static void Spawn(int count, int threads, string program, string home)
    {
        var start = new ChildStart(
            BytePath.Parse(program), ["job"u8.ToArray(), "path"u8.ToArray()],
            [.. AutoCrunch.Dispatch.JobEnvironment.ReadInherited()], BytePath.Parse(home),
            BytePath.Parse(Path.Combine(home, "log")));
        Rate(count, threads, () =>
        {
            int errno = ChildProcess.TryStart(start, out ChildProcess? child);
            if (child is null || child.Wait().ExitCode != 0)
                throw new InvalidOperationException($"{program} did not run: errno {errno}");
        });
    }

    private static void SpawnProcess(int count, int threads, string program) =>
        Rate(count, threads, () => RunProcess(program, "path"));

    private static void RunProcess(string program, string argument)
    {
        using Process process = Process.Start(program, [argument]);
        process.WaitForExit();
    }

    // The first ones, whose code is compiled, are not counted: rates are of a service that runs for months.
    private static void Rate(int count, int threads, Action run)
    {
        for (int i = 0; i < 200; i++)
            run();
        long start = Stopwatch.GetTimestamp();
        int left = count;
        Thread[] all = [.. Enumerable.Range(0, threads).Select(_ => new Thread(() =>
        {
            while (Interlocked.Decrement(ref left) >= 0)
                run();
        }))];
        foreach (Thread thread in all)
            thread.Start();
        foreach (Thread thread in all)
            thread.Join();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{count / Stopwatch.GetElapsedTime(start).TotalSeconds:F1}"));
    }

    private static int Parse(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
