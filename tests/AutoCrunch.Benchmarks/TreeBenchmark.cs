using System.Diagnostics;
using System.Globalization;
using AutoCrunch.Core;
using AutoCrunch.Ledger;

namespace AutoCrunch.Benchmarks;

/// <summary>From exec to READY with a big tree, as multiples of what others need, and the memory for it.</summary>
internal sealed record TreeResult(double OfFloor, double OfInotifywait, double BytesPerDirectory);

/// <summary>
/// From exec to READY=1 with a big tree whose files the ledger knows already, beside the least that anybody must do:
/// <c>find -printf</c> of inode, size and time for files, nftw(3) and inotify_add_watch(2) in C for directories, and
/// <c>inotifywait -r</c>. They take turns on the same warm cache.
/// </summary>
internal sealed class TreeBenchmark(
    BenchmarkOptions options, Contestants contestants, int directories, int filesPerDirectory)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(10);

    public TreeResult Run(int rounds)
    {
        double emptyMb = MemoryOfEmptyTree();
        using var arena = new Arena(options);
        (string home, string incoming) = (arena.Place.Home, arena.Place.Incoming);
        string tree = NativePrograms.Compile("tree", options.Scratch);
        Shell.Run(tree, "make", incoming, $"{directories}", $"{filesPerDirectory}");
        Package.Configure(home, incoming, contestants.Job, existingFiles: "Ignore");
        Record(home);
        var ours = new List<(double Ms, double Mb)>();
        var floors = new List<double>();
        var inotifywaits = new List<double>();
        for (int round = 0; round < rounds; round++)
        {
            floors.Add(filesPerDirectory > 0
                ? UntilItEnds("find", incoming, "-printf", "%i %s %T@\\n")
                : UntilItSays("", tree, "watch", incoming));
            if (filesPerDirectory == 0 && Shell.Find("inotifywait") is { } inotifywait)
                inotifywaits.Add(UntilItSays(
                    "Watches established", inotifywait, "-m", "-r", "-e", "moved_to", "-e", "create", incoming));
            using RunningTool tool = contestants.Package.Start(home);
            ours.Add((tool.ReadyMs, tool.Usage().PeakBytes / 1e6));
        }

        double bytes = (ours.Select(one => one.Mb).Median() - emptyMb) * 1e6 / directories;
        var result = new TreeResult(
            ours.Select(one => one.Ms).Median() / floors.Median(),
            ours.Select(one => one.Ms).Median() / inotifywaits.Median(), bytes);
        long files = (long)directories * filesPerDirectory;
        string floor = filesPerDirectory > 0 ? "find -printf" : "nftw and inotify_add_watch in C";
        Say($"{directories} directories, {files} files known to the ledger, {rounds} rounds, {options.Directory}");
        Say($"{floor}: median {floors.Median():F0} ms; inotifywait -r: {inotifywaits.Median():F0} ms");
        double ms = ours.Select(one => one.Ms).Median();
        Say($"exec -> READY: median {ms:F0} ms, {result.OfFloor:F2} and {result.OfInotifywait:F2} of these");
        double mb = ours.Max(one => one.Mb);
        Say($"peak memory {mb:F0} MB, {emptyMb:F0} MB with an empty tree: {bytes:F0} bytes a directory");
        return result;
    }

    private static void Say(FormattableString line) =>
        Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));

    private double MemoryOfEmptyTree()
    {
        using var arena = new Arena(options);
        Package.Configure(arena.Place.Home, arena.Place.Incoming, contestants.Job);
        using RunningTool tool = contestants.Package.Start(arena.Place.Home);
        return tool.Usage().PeakBytes / 1e6;
    }

    // The ledger goes on writing after READY, for a while.
    private void Record(string home)
    {
        using RunningTool tool = contestants.Package.Start(home);
        using SqliteDatabase ledger = LedgerFile.OpenReader(new StateLayout(BytePath.Parse(home + "/state")));
        long files = (long)directories * filesPerDirectory;
        if (!Patience.Until(() => ledger.QueryNumber("SELECT count(*) FROM files") >= files, s_patience, stepMs: 500))
            throw new TimeoutException($"not all files are in the ledger after {s_patience}");
    }

    private static double UntilItEnds(params string[] command)
    {
        long start = Stopwatch.GetTimestamp();
        Shell.Run("sh", ["-c", "exec \"$@\" >/dev/null", "sh", .. command]);
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    // From exec to a line that begins so, on either of its outputs; then it is killed.
    private static double UntilItSays(string beginning, params string[] command)
    {
        long start = Stopwatch.GetTimestamp();
        using Process process = Process.Start(new ProcessStartInfo(
            "sh", ["-c", "exec \"$@\" 2>&1", "sh", .. command]) { RedirectStandardOutput = true })!;
        string? line = process.StandardOutput.ReadLine();
        while (line is not null && !line.StartsWith(beginning, StringComparison.Ordinal))
            line = process.StandardOutput.ReadLine();
        double ms = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        process.Kill();
        process.WaitForExit();
        return line is null ? throw new InvalidOperationException($"{command[0]} did not say that it is ready") : ms;
    }
}
