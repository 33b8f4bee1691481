using System.Diagnostics;

namespace AutoCrunch.Benchmarks;

/// <summary>Programs that are run and waited for.</summary>
internal static class Shell
{
    /// <summary>Runs a program; returns what it printed. Throws when it fails.</summary>
    public static string Run(string program, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true };
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? output
            : throw new InvalidOperationException(
                $"{program} {string.Join(' ', arguments)}: exit code {process.ExitCode}");
    }

    /// <summary>Where a program is; null when it is not installed.</summary>
    public static string? Find(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Select(directory => Path.Combine(directory, program)).FirstOrDefault(File.Exists);

    /// <summary>Removes a tree, if it is there: much quicker than .NET with a million files.</summary>
    public static void RemoveTree(string directory) => Run("rm", "-rf", "--", directory);
}
