namespace AutoCrunch.Tests;

/// <summary>Whether soaks and big counts are wanted: <c>tests/run --long</c>.</summary>
internal static class LongRun
{
    /// <summary>The name of the variable that asks for it, with the value 1.</summary>
    public const string Variable = "AUTOCRUNCH_TESTS_LONG";

    /// <summary>
    /// The trait of such tests: tests/run leaves them out, so that what it counts as skipped is what it could not run.
    /// </summary>
    public const string Category = "Category";

    /// <summary>The value of that trait.</summary>
    public const string Name = "Long";

    public static bool IsOn => Environment.GetEnvironmentVariable(Variable) == "1";
}

/// <summary>A test that takes minutes: only in a long run.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class LongFactAttribute : FactAttribute
{
    public LongFactAttribute()
    {
        if (!LongRun.IsOn)
            Skip = "takes minutes: tests/run --long";
    }
}
