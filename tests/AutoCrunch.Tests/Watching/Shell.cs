using System.Diagnostics;

namespace AutoCrunch.Tests.Watching;

/// <summary>Runs the tools that people move files with.</summary>
internal static class Shell
{
    /// <summary>
    /// Runs a script with sh -e in a directory; fails the test when the script fails. Returns its output.
    /// </summary>
    public static string Run(string directory, string script)
    {
        var start = new ProcessStartInfo("sh") { WorkingDirectory = directory, RedirectStandardOutput = true };
        start.RedirectStandardError = true;
        start.ArgumentList.Add("-ec");
        start.ArgumentList.Add(script);
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        Assert.True(process.WaitForExit(Wait.Bound), $"does not end: {script}");
        Assert.True(process.ExitCode == 0, $"exit code {process.ExitCode}: {script}\n{output}{error.Result}");
        return output;
    }
}
