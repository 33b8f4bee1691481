namespace AutoCrunch.Tests.EndToEnd.Harness;

/// <summary>
/// A test that needs programs of the machine. Skipped with the reason when one is missing, unless
/// AUTOCRUNCH_TESTS_STRICT=1 is set: then it runs, and fails.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ProgramFactAttribute : FactAttribute
{
    public ProgramFactAttribute(params string[] programs)
    {
        string[] missing = [.. programs.Where(program => !IsInstalled(program))];
        if (missing.Length > 0 && Environment.GetEnvironmentVariable("AUTOCRUNCH_TESTS_STRICT") != "1")
            Skip = $"not installed: {string.Join(", ", missing)}";
    }

    private static bool IsInstalled(string program) =>
        $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin".Split(':')
            .Any(directory => File.Exists(Path.Combine(directory, program)));
}
