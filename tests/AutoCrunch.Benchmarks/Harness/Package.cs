namespace AutoCrunch.Benchmarks;

/// <summary>AutoCrunch as it is shipped: self-contained, ready-to-run, with its default settings.</summary>
internal sealed class Package(string program)
{
    private const string Relative = "usr/lib/autocrunch/autocrunch";

    public string Program { get; } = program;

    /// <summary>Publishes the sources around this program, unless the options name what to measure.</summary>
    public static Package Of(BenchmarkOptions options)
    {
        if (options.Program is { } given)
            return new Package(Path.GetFullPath(given));
        string staged = Path.Combine(options.Scratch, "package");
        Shell.RemoveTree(staged);
        Shell.Run("env", "SOURCE_DATE_EPOCH=0", Path.Combine(SolutionDirectory(), "deploy/stage"), staged);
        return new Package(Path.Combine(staged, Relative));
    }

    /// <summary>A configuration that names what must be named, and leaves all else at its default.</summary>
    public static void Configure(
        string home, string incoming, string job, string arrivals = "RenameAndInPlace", int pool = 2,
        string existingFiles = "Process") =>
        File.WriteAllText(Path.Combine(home, "appsettings.json"), $$"""
            { "AutoCrunch": { "Rules": { "raw": { "Path": "{{incoming}}", "Include": ["*.raw"],
              "Completion": { "Arrivals": "{{arrivals}}" }, "ExistingFiles": "{{existingFiles}}",
              "Dispatcher": { "Command": ["{{job}}", "{path}"], "Concurrency": {{pool}} } } } } }
            """);

    /// <summary>Starts it with the configuration in <paramref name="home"/>, and waits until it is ready.</summary>
    public RunningTool Start(string home)
    {
        RunningTool tool = RunningTool.Start(
            Path.Combine(home, "output"), [Program, "run", "--config", Path.Combine(home, "appsettings.json")],
            Path.Combine(home, "notify"));
        tool.AwaitReady();
        return tool;
    }

    private static string SolutionDirectory()
    {
        string root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "AutoCrunch.sln")))
            root = Path.GetDirectoryName(root) ?? throw new InvalidOperationException("no solution above the program");
        return root;
    }
}
