using System.Text.RegularExpressions;

namespace AutoCrunch.Tests.Hosting;

/// <summary>What the README says, so that tests can do just that.</summary>
internal static partial class Readme
{
    /// <summary>The whole text.</summary>
    public static string Text { get; } = File.ReadAllText(Find());

    /// <summary>The block of a recipe: the one after its marker.</summary>
    public static string Recipe(string name) => FirstBlock($"<!-- recipe: {name} -->");

    /// <summary>The first block after some text: a heading.</summary>
    public static string FirstBlock(string after)
    {
        int start = Text.IndexOf(after, StringComparison.Ordinal);
        Assert.True(start >= 0, after);
        return Block().Match(Text, start).Groups[1].Value;
    }

    /// <summary>The commands in running text that begin so.</summary>
    public static IEnumerable<string> Quoted(string start) => Text.Split('`').Where((part, i) =>
        i % 2 == 1 && part.StartsWith(start, StringComparison.Ordinal));

    private static string Find()
    {
        DirectoryInfo? directory = new(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "README.md")))
            directory = directory.Parent;
        return Path.Combine(directory?.FullName ?? "/", "README.md");
    }

    [GeneratedRegex("```[a-z]*\n(.*?)```", RegexOptions.Singleline, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Block();
}
