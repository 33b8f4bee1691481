namespace AutoCrunch.Tests.EndToEnd.Harness;

/// <summary>The small programs these tests use, compiled once per run.</summary>
internal static class HelperPrograms
{
    private static readonly Lazy<string> s_directory = new(Build);

    /// <summary>The job under test.</summary>
    public static string Job => Path.Combine(s_directory.Value, "job");

    /// <summary>A job that does nothing, in as little time as there is.</summary>
    public static string Nothing => Path.Combine(s_directory.Value, "nothing");

    /// <summary>What scripts need and the shell cannot do.</summary>
    public static string Tool => Path.Combine(s_directory.Value, "tool");

    /// <summary>A stand-in for ssh.</summary>
    public static string RemoteShell => Path.Combine(Sources, "remote-shell");

    /// <summary>Sourced before every script.</summary>
    public static string Prelude => Path.Combine(Sources, "prelude.bash");

    private static string Sources => Path.Combine(AppContext.BaseDirectory, "EndToEnd", "Programs");

    private static string Build()
    {
        string directory = Directory.CreateTempSubdirectory("autocrunch-programs-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(directory, recursive: true);
        Compile(directory, "job");
        Compile(directory, "tool");
        Compile(directory, "nothing", "-nostdlib");
        return directory;
    }

    // Static: a process that maps no libraries takes two thirds of the time, and tests start tens of thousands.
    private static void Compile(string directory, string program, params string[] further)
    {
        Command gcc = Command.Run("gcc",
        [
            "-O2", "-Wall", "-static", .. further,
            "-o", Path.Combine(directory, program), Path.Combine(Sources, program + ".c"),
        ]);
        Assert.True(gcc.ExitCode == 0, $"gcc: {gcc.Error}");
    }
}
