using System.Diagnostics;

namespace AutoCrunch.Tests;

/// <summary>Runs programs of the machine from tests.</summary>
internal static class Tool
{
    /// <summary>Runs to the end; returns stdout; fails the test, with all it said, unless it exits with 0.</summary>
    public static string Run(string program, params string[] arguments)
    {
        (int exitCode, string output, string error) = TryRun(program, arguments);
        if (exitCode != 0)
            Assert.Fail($"{program} {string.Join(' ', arguments)}: exit code {exitCode}\n{output}{error}");
        return output;
    }

    /// <summary>Runs to the end.</summary>
    public static (int ExitCode, string Output, string Error) TryRun(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        process.StandardInput.Close();
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }
}
