using System.Diagnostics;

namespace AutoCrunch.Tests.EndToEnd.Harness;

/// <summary>A command that has ended, and what it wrote.</summary>
internal sealed record Command(int ExitCode, string Output, string Error)
{
    /// <summary>Both streams.</summary>
    public string Text => Output + Error;

    /// <summary>Runs a program to its end, without input.</summary>
    /// <param name="program">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="directory">Where it is started.</param>
    /// <param name="environment">What is added to the environment.</param>
    /// <param name="most">How long it may take; without it twice the tests' bound.</param>
    /// <exception cref="TimeoutException">It did not end; it has been killed.</exception>
    public static Command Run(
        string program,
        IEnumerable<string> arguments,
        string? directory = null,
        IEnumerable<KeyValuePair<string, string>>? environment = null,
        TimeSpan? most = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = directory ?? Path.GetTempPath(),
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in environment ?? [])
            start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(most ?? (2 * Wait.Bound)) || !Task.WaitAll([output, error], Wait.Bound))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', start.ArgumentList)} did not end");
        }

        return new Command(process.ExitCode, output.Result, error.Result);
    }

    /// <summary>Runs a verb of the service under test.</summary>
    public static Command AutoCrunch(string directory, params string[] arguments) =>
        Run("dotnet", [ServiceUnderTest.Program, .. arguments], directory);
}
