using System.Diagnostics;
using System.Globalization;
using AutoCrunch.Core;
using AutoCrunch.Ledger;

namespace AutoCrunch.Benchmarks;

/// <summary>
/// From exec to READY=1 with a big tree whose files the ledger knows already, beside the least that anybody must do:
/// <c>find -printf</c> of inode, size and time for files, nftw(3) and inotify_add_watch(2) in C for directories. They
/// take turns on the same warm cache.
/// </summary>
internal sealed class TreeBenchmark(string workDirectory, int directories, int filesPerDirectory, int rounds)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(10);

    public int Run()
    {
        string home = Path.Combine(workDirectory, "tree-" + Path.GetRandomFileName());
        string incoming = Path.Combine(home, "incoming");
        Directory.CreateDirectory(incoming);
        try
        {
            string tree = NativePrograms.Compile("tree", home);
            Execute(tree, "make", incoming, $"{directories}", $"{filesPerDirectory}");
            ServiceProcess.Configure(home, "/bin/true", "RenameAndInPlace", existingFiles: "Ignore");

            Record(home);
            string[] floor = filesPerDirectory > 0
                ? ["find", incoming, "-printf", "%i %s %T@\\n"]
                : [tree, "watch", incoming];
            var ours = new List<double>();
            var floors = new List<double>();
            long memory = 0;
            for (int round = 0; round < rounds; round++)
            {
                floors.Add(Execute(floor[0], floor[1..]));
                (double readyMs, long peakBytes) = Start(home);
                ours.Add(readyMs);
                memory = Math.Max(memory, peakBytes);
            }

            Print(ours, floors, memory, filesPerDirectory > 0 ? "find -printf" : "nftw + inotify_add_watch in C");
            return 0;
        }
        finally
        {
            Directory.Delete(home, recursive: true);
        }
    }

    // The ledger goes on writing after READY, for a while.
    private void Record(string home)
    {
        using ServiceProcess service = ServiceProcess.StartIn(home);
        using SqliteDatabase ledger = LedgerFile.OpenReader(new StateLayout(BytePath.Parse(home + "/state")));
        var patience = Stopwatch.StartNew();
        while (ledger.QueryNumber("SELECT count(*) FROM files") < (long)directories * filesPerDirectory)
        {
            if (patience.Elapsed > s_patience)
                throw new TimeoutException($"not all files are in the ledger after {s_patience}");
            Thread.Sleep(500);
        }

        service.Terminate();
    }

    private void Print(List<double> ours, List<double> floors, long memory, string floorName)
    {
        double[] ratios = [.. ours.Zip(floors, (our, floor) => our / floor).Order()];
        ours.Sort();
        floors.Sort();
        long files = (long)directories * filesPerDirectory;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"""
            {directories} directories, {files} files known to the ledger, {rounds} rounds
            {floorName}: median {floors[rounds / 2]:F0} ms
            exec to READY: median {ours[rounds / 2]:F0} ms, max {ours[^1]:F0} ms; peak memory {memory / 1048576.0:F0} MB
            ratio: median {ratios[rounds / 2]:F2}, {ratios[0]:F2} to {ratios[^1]:F2}
            """));
    }

    private static (double ReadyMs, long PeakBytes) Start(string home)
    {
        using ServiceProcess service = ServiceProcess.StartIn(home);
        (double, long) facts = (service.ReadyMs, service.PeakBytes);
        service.Terminate();
        return facts;
    }

    // Milliseconds; what it prints is not wanted.
    private static double Execute(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo("sh", ["-c", "exec \"$@\" >/dev/null", "sh", program, .. arguments]);
        var stopwatch = Stopwatch.StartNew();
        using Process process = Process.Start(start)!;
        process.WaitForExit();
        return process.ExitCode == 0
            ? stopwatch.Elapsed.TotalMilliseconds
            : throw new InvalidOperationException($"{program} ended with {process.ExitCode}");
    }
}
