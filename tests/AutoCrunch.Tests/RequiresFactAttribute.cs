namespace AutoCrunch.Tests;

/// <summary>
/// A test that needs programs (or "root") that not every machine has: skipped without them, unless
/// AUTOCRUNCH_TESTS_STRICT=1 says that nothing may be skipped; then it runs and fails.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal class RequiresFactAttribute : FactAttribute
{
    /// <summary>Stands for being root instead of for a program.</summary>
    public const string Root = "root";

    public RequiresFactAttribute(params string[] requirements)
    {
        string[] missing = [.. requirements.Where(requirement => !IsMet(requirement))];
        if (missing.Length > 0 && Environment.GetEnvironmentVariable("AUTOCRUNCH_TESTS_STRICT") != "1")
            Skip = $"needs {string.Join(", ", missing)}";
    }

    private static bool IsMet(string requirement) => requirement == Root
        ? Environment.IsPrivilegedProcess
        : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
            .Any(directory => File.Exists(Path.Combine(directory, requirement)));
}
