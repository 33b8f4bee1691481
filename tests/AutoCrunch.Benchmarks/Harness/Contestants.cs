namespace AutoCrunch.Benchmarks;

/// <summary>Where and how a tool works in one round.</summary>
/// <param name="Home">A directory of its own, empty.</param>
/// <param name="Incoming">What it watches.</param>
/// <param name="Directories">How many directories that is.</param>
/// <param name="Pool">Jobs at a time.</param>
internal sealed record Place(string Home, string Incoming, int Directories, int Pool);

/// <summary>Something that runs a job for each file that has arrived.</summary>
/// <param name="Name">For tables.</param>
/// <param name="Start">Starts it; it watches when that returns.</param>
/// <param name="MayLose">Files it loses are counted; of all others they fail the run.</param>
internal sealed record Contestant(string Name, Func<Place, RunningTool> Start, bool MayLose = false);

/// <summary>AutoCrunch, the C reference, and whatever else is installed.</summary>
internal sealed class Contestants
{
    public const string C = "C reference";
    public const string Ours = "AutoCrunch";
    public const string OursRename = "AutoCrunch, Rename";
    public const string OneLiner = "inotifywait | xargs";
    public const string Original = "the original (pyinotify)";
    public const string Naive = "FileSystemWatcher + Process";
    public const string NoLedger = "AutoCrunch without a ledger";

    private readonly BenchmarkOptions _options;

    public Contestants(BenchmarkOptions options)
    {
        _options = options;
        RecordFile = Path.Combine(options.Scratch, "record");
        Job = NativePrograms.Compile("job", options.Scratch, $"-static \"-DRECORD=\\\"{RecordFile}\\\"\"");
        Dispatcher = NativePrograms.Compile("dispatcher", options.Scratch);
        Generate = NativePrograms.Compile("generate", options.Scratch);
        Package = Package.Of(options);
    }

    public string RecordFile { get; }

    public string Job { get; }

    public string Dispatcher { get; }

    public string Generate { get; }

    public Package Package { get; }

    /// <summary>Python with pyinotify; null where it is not installed.</summary>
    public static string? Python { get; } = FindPython();

    /// <summary>A mode of this program (<see cref="PeerPrograms"/>).</summary>
    public static string[] Peer(params string[] arguments) =>
        ["dotnet", "exec", Path.Combine(AppContext.BaseDirectory, "AutoCrunch.Benchmarks.dll"), "peer", .. arguments];

    public static string PythonScript => Path.Combine(AppContext.BaseDirectory, "Peers", "original.py");

    /// <summary>All that run jobs; each takes its turn in every round.</summary>
    public IReadOnlyList<Contestant> Dispatchers()
    {
        var all = new List<Contestant>
        {
            new(C, place => Watching(place, [Dispatcher, place.Incoming, Job, $"{place.Pool}"])),
            new(Ours, place => StartOurs(place, "RenameAndInPlace")),
            new(OursRename, place => StartOurs(place, "Rename")),
            new(Naive, place => Watching(place, Peer("dispatch", place.Incoming, Job, $"{place.Pool}")), MayLose: true),
        };
        if (Shell.Find("inotifywait") is not null)
        {
            all.Add(new Contestant(OneLiner, place => Watching(place, ["sh", "-c",
                "inotifywait -q -m -r -e moved_to --format '%w%f' \"$0\" | xargs -P \"$1\" -n 1 \"$2\"",
                place.Incoming, $"{place.Pool}", Job]), MayLose: true));
        }

        if (Python is { } python)
        {
            all.Add(new Contestant(Original, place => Watching(
                place, [python, PythonScript, place.Incoming, Job, $"{place.Pool}"]), MayLose: true));
        }

        return [.. all.Where(one => _options.Only is not { } only
            || only.Split(',').Any(start => one.Name.StartsWith(start, StringComparison.Ordinal)))];
    }

    /// <summary>The real watching and spawning, with the jobs in a list instead of a ledger.</summary>
    public Contestant WithoutLedger() => new(
        NoLedger, place => Watching(place, Peer("memory", place.Incoming, Job, $"{place.Pool}", place.Home)));

    private RunningTool StartOurs(Place place, string arrivals)
    {
        Package.Configure(place.Home, place.Incoming, Job, arrivals, place.Pool);
        return Package.Start(place.Home);
    }

    private static RunningTool Watching(Place place, string[] command)
    {
        RunningTool tool = RunningTool.Start(Path.Combine(place.Home, "output"), command);
        tool.AwaitWatches(place.Directories);
        return tool;
    }

    private static string? FindPython()
    {
        foreach (string python in new[] { "/usr/bin/python3", "python3" })
        {
            try
            {
                Shell.Run(python, "-c", "import pyinotify");
                return python;
            }
            catch (InvalidOperationException)
            {
                // Not this one.
            }
        }

        return null;
    }
}
