namespace AutoCrunch.Tests.EndToEnd.Harness;

/// <summary>The small programs these tests use, compiled once per run.</summary>
internal static class HelperPrograms
{
    private static readonly Lazy<string> s_directory = new(Build);

    /// <summary>The job under test.</summary>
    public static string Job => Path.Combine(s_directory.Value, "job");

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
        foreach (string program in new[] { "job", "tool" })
        {
            Command gcc = Command.Run(
                "gcc", ["-O2", "-Wall", "-o", Path.Combine(directory, program), Path.Combine(Sources, program + ".c")]);
            Assert.True(gcc.ExitCode == 0, $"gcc: {gcc.Error}");
        }

        return directory;
    }
}
