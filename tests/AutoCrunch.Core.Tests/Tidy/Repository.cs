namespace AutoCrunch.Core.Tests.Tidy;

/// <summary>The repository these tests were built from.</summary>
internal static class Repository
{
    private static readonly string[] s_textEndings =
        [".cs", ".md", ".sql", ".json", ".jsonc", ".props", ".csproj", ".sh", ".txt", ".globalconfig", ".service",
        ".conf"];

    private static readonly string[] s_made = ["bin", "obj", "TestResults", "BenchmarkDotNet.Artifacts"];

    /// <summary>Absolute path of the repository's top directory.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Every text file of src, tests and deploy that is not built, and those at the top.</summary>
    public static IReadOnlyList<SourceText> Files { get; } = [.. ReadFiles()];

    private static string FindRoot()
    {
        DirectoryInfo? directory = new(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "AutoCrunch.sln")))
            directory = directory.Parent;
        return directory?.FullName
            ?? throw new InvalidOperationException("AutoCrunch.sln is in no directory above the tests");
    }

    private static IEnumerable<SourceText> ReadFiles()
    {
        IEnumerable<string> paths = Directory.EnumerateFiles(Root);
        foreach (string folder in new[] { "src", "tests", "deploy", ".ci" })
        {
            string path = Path.Combine(Root, folder);
            if (Directory.Exists(path))
                paths = paths.Concat(Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories));
        }

        return from path in paths
               let relative = Path.GetRelativePath(Root, path)
               where !relative.Split('/').Any(s_made.Contains)
               where s_textEndings.Contains(Path.GetExtension(path)) || relative is "tests/run" or ".ci/run"
               orderby relative
               select new SourceText(relative, File.ReadAllText(path));
    }
}
