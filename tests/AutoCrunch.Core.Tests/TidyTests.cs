using AutoCrunch.Core.Tests.Tidy;

namespace AutoCrunch.Core.Tests;

/// <summary>
/// The repository tested against its own rules: walls between the parts, sizes, words. Each check is proven able to
/// fail on a made-up file in <see cref="TidySelfTests"/>.
/// </summary>
public sealed class TidyTests
{
    private static readonly string[] s_topLevel =
        ["src", "tests", "deploy", "Directory.Build.props", "AutoCrunch.sln", "appsettings.json", "README.md"];

    [Fact]
    public void Every_part_sees_only_what_the_walls_allow() => AssertClean(Repository.Files.SelectMany(Walls.Imports));

    [Fact]
    public void Every_namespace_is_its_folder() => AssertClean(Repository.Files.SelectMany(Walls.Namespaces));

    [Fact]
    public void Watching_knows_of_dispatch_the_interface_only() =>
        AssertClean(Walls.WatchingKnowsOnlyTheInterface(Repository.Files));

    [Fact]
    public void Sql_is_only_in_the_ledger() => AssertClean(Repository.Files.SelectMany(Walls.Sql));

    [Fact]
    public void Native_code_is_only_in_linux() => AssertClean(Repository.Files.SelectMany(Walls.NativeCode));

    [Fact]
    public void The_core_has_no_packages_and_bans_the_world() => AssertClean(Walls.CoreIsPure(
        Get("src/AutoCrunch.Core/AutoCrunch.Core.csproj"),
        Get("src/AutoCrunch.Core/BannedSymbols.txt"),
        Get("src/AutoCrunch.globalconfig")));

    [Fact]
    public void No_file_is_too_long() => AssertClean(Repository.Files.SelectMany(Sizes.Files));

    [Fact]
    public void No_method_is_too_long() => AssertClean(Repository.Files.SelectMany(Sizes.Methods));

    [Fact]
    public void No_line_is_too_wide() => AssertClean(Repository.Files.SelectMany(Sizes.Columns));

    [Fact]
    public void Nothing_is_left_unfinished_and_nothing_waits_for_time() =>
        AssertClean(Repository.Files.SelectMany(Words.Unfinished));

    [Fact]
    public void No_source_of_packages_is_named() => AssertClean(Repository.Files.SelectMany(Words.PackageSources));

    [Fact]
    public void Log_event_ids_are_unique_and_in_their_ranges() => AssertClean(Words.EventIds(Repository.Files));

    [Fact]
    public void The_top_level_holds_only_what_is_agreed() => AssertClean(TopLevel(
        Directory.EnumerateFileSystemEntries(Repository.Root).Select(path => Path.GetFileName(path)),
        Get(".gitignore").Lines));

    [Theory]
    [InlineData("tests/run")]
    [InlineData(".ci/run")]
    public void The_scripts_are_there_and_executable(string path)
    {
        SourceText script = Get(path);
        Assert.StartsWith("#!/usr/bin/env bash\n", script.Text, StringComparison.Ordinal);
        Assert.True(File.GetUnixFileMode(Path.Combine(Repository.Root, path)).HasFlag(UnixFileMode.UserExecute));
    }

    internal static IEnumerable<string> TopLevel(IEnumerable<string> names, IEnumerable<string> ignored)
    {
        string[] made = [.. ignored.Select(line => line.Trim('/'))];
        return names.Where(name => !name.StartsWith('.') && !s_topLevel.Contains(name) && !made.Contains(name))
            .Select(name => $"{name}: not one of the names at the top level");
    }

    private static SourceText Get(string path) => path == ".gitignore"
        ? new SourceText(path, File.ReadAllText(Path.Combine(Repository.Root, path)))
        : Repository.Files.Single(file => file.Path == path);

    private static void AssertClean(IEnumerable<string> findings)
    {
        string[] all = [.. findings];
        Assert.True(all.Length == 0, string.Join('\n', all));
    }
}
