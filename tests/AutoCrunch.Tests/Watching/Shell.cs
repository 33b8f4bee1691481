namespace AutoCrunch.Tests.Watching;

/// <summary>Runs the tools that people move files with.</summary>
internal static class Shell
{
    /// <summary>Runs a script with sh -e in a directory; fails the test when the script fails.</summary>
    public static string Run(string directory, string script) =>
        Tool.Run("sh", "-ec", "cd \"$1\"\n" + script, "sh", directory);
}
