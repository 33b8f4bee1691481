using AutoCrunch.Core.Tests.Tidy;

namespace AutoCrunch.Core.Tests;

/// <summary>Shows that each tidy check finds what it looks for, and leaves alone what only looks like it.</summary>
public sealed class TidySelfTests
{
    [Theory]
    [InlineData("src/AutoCrunch.Core/A.cs", "using AutoCrunch.Linux;")]
    [InlineData("src/AutoCrunch/Linux/A.cs", "using AutoCrunch.Watching;")]
    [InlineData("src/AutoCrunch/Watching/A.cs", "using AutoCrunch.Ledger;")]
    [InlineData("src/AutoCrunch/Ledger/A.cs", "using AutoCrunch.Dispatch;")]
    [InlineData("src/AutoCrunch/Ledger/A.cs", "var a = new AutoCrunch.Configuration.A();")]
    [InlineData("src/AutoCrunch/Dispatch/A.cs", "using static AutoCrunch.Hosting.A;")]
    [InlineData("src/AutoCrunch/Configuration/A.cs", "global using B = AutoCrunch.Cli.B;")]
    [InlineData("src/AutoCrunch/Cellar/A.cs", "using AutoCrunch.Core;")]
    public void A_breach_of_the_walls_is_found(string path, string code) =>
        Assert.NotEmpty(Walls.Imports(new SourceText(path, code)));

    [Theory]
    [InlineData("src/AutoCrunch/Linux/A.cs", "using AutoCrunch.Core;")]
    [InlineData("src/AutoCrunch/Linux/A.cs", "// as AutoCrunch.Hosting does")]
    [InlineData("src/AutoCrunch/Program.cs", "using AutoCrunch.Cli;")]
    [InlineData("tests/AutoCrunch.Tests/Linux/A.cs", "using AutoCrunch.Cli;")]
    public void What_the_walls_allow_is_not_found(string path, string code) =>
        Assert.Empty(Walls.Imports(new SourceText(path, code)));

    [Fact]
    public void A_foreign_namespace_is_found() =>
        Assert.NotEmpty(Walls.Namespaces(new SourceText("src/AutoCrunch/Linux/A.cs", "namespace AutoCrunch.Ledger;")));

    [Fact]
    public void A_dispatcher_named_in_watching_is_found()
    {
        SourceText dispatcher = new(
            "src/AutoCrunch/Dispatch/A.cs", "internal sealed class Runner { }\npublic interface IJobDispatcher;");
        SourceText good = new("src/AutoCrunch/Watching/A.cs", "IJobDispatcher a; // not Runner");
        SourceText bad = new("src/AutoCrunch/Watching/A.cs", "Runner a;");

        Assert.Empty(Walls.WatchingKnowsOnlyTheInterface([dispatcher, good]));
        Assert.NotEmpty(Walls.WatchingKnowsOnlyTheInterface([dispatcher, bad]));
    }

    [Theory]
    [InlineData("using Microsoft.Data.Sqlite;")]
    [InlineData("Run(\"SELECT 1\");")]
    [InlineData("Run(\"DELETE FROM job\");")]
    [InlineData("Run(\"PRAGMA user_version\");")]
    public void Sql_outside_the_ledger_is_found(string code)
    {
        Assert.NotEmpty(Walls.Sql(new SourceText("src/AutoCrunch/Cli/A.cs", code)));
        Assert.Empty(Walls.Sql(new SourceText("src/AutoCrunch/Ledger/A.cs", code)));
        Assert.Empty(Walls.Sql(new SourceText("src/AutoCrunch/Cli/A.cs", "// " + code)));
    }

    [Theory]
    [InlineData("public unsafe void A()")]
    [InlineData("[LibraryImport(A)]")]
    [InlineData("fixed (byte* a = b)")]
    [InlineData("Marshal.GetLastPInvokeError()")]
    public void Native_code_outside_linux_is_found(string code)
    {
        Assert.NotEmpty(Walls.NativeCode(new SourceText("src/AutoCrunch/Cli/A.cs", code)));
        Assert.NotEmpty(Walls.NativeCode(new SourceText("src/AutoCrunch.Core/A.cs", code)));
        Assert.Empty(Walls.NativeCode(new SourceText("src/AutoCrunch/Linux/A.cs", code)));
        Assert.Empty(Walls.NativeCode(new SourceText("src/AutoCrunch/Cli/A.cs", $"Print(\"{code}\");")));
    }

    [Fact]
    public void A_hole_in_the_core_is_found()
    {
        SourceText project = Repository.Files.Single(file => file.Path == "src/AutoCrunch.Core/AutoCrunch.Core.csproj");
        SourceText bans = Repository.Files.Single(file => file.Path == "src/AutoCrunch.Core/BannedSymbols.txt");
        SourceText severities = Repository.Files.Single(file => file.Path == "src/AutoCrunch.globalconfig");
        SourceText With(SourceText file, string old, string now) =>
            new(file.Path, file.Text.Replace(old, now, StringComparison.Ordinal));
        const string package = "<PackageReference Include=\"Newtonsoft.Json\" />";

        Assert.NotEmpty(Walls.CoreIsPure(With(project, "</Project>", package), bans, severities));
        Assert.NotEmpty(Walls.CoreIsPure(With(project, "BannedSymbols.txt", "Other.txt"), bans, severities));
        Assert.NotEmpty(Walls.CoreIsPure(project, new SourceText(bans.Path, "N:System.IO;"), severities));
        Assert.NotEmpty(Walls.CoreIsPure(project, bans, new SourceText(severities.Path, "is_global = true")));
    }

    [Fact]
    public void A_long_file_is_found()
    {
        string Lines(int count) => string.Concat(Enumerable.Repeat("//\n", count));

        Assert.Empty(Sizes.Files(new SourceText("src/A.cs", Lines(400))));
        Assert.NotEmpty(Sizes.Files(new SourceText("src/A.cs", Lines(401))));
    }

    [Theory]
    [InlineData("    private static void Long(int a)", true)]
    [InlineData("        void Local()", true)]
    [InlineData("        foreach (int a in b)", true)]
    [InlineData("    public int Value", true)]
    [InlineData("    internal sealed class Big(int a)", false)]
    [InlineData("    private static readonly int[] s_a =", false)]
    public void A_long_method_is_found(string header, bool isMethod)
    {
        string indent = header[..(header.Length - header.TrimStart().Length)];
        SourceText Block(int lines) => new("src/A.cs", $"namespace A;\n\n{header}\n{indent}{{\n"
            + string.Concat(Enumerable.Repeat($"{indent}    Call('}}', \"}}\");\n", lines)) + $"{indent}}}\n");

        Assert.Empty(Sizes.Methods(Block(70)));
        Assert.Equal(isMethod, Sizes.Methods(Block(71)).Any());
    }

    [Fact]
    public void A_wide_line_is_found()
    {
        Assert.Empty(Sizes.Columns(new SourceText("src/A.cs", new string('x', 120))));
        Assert.NotEmpty(Sizes.Columns(new SourceText("src/A.cs", new string('x', 121))));
    }

    [Theory]
    [InlineData("// TO" + "DO: later")]
    [InlineData("throw new NotImplemented" + "Exception();")]
    [InlineData("Thread" + ".Sleep(1);")]
    [InlineData("await Task" + ".Delay(1);")]
    public void Unfinished_work_is_found(string code) =>
        Assert.NotEmpty(Words.Unfinished(new SourceText("tests/A.cs", code)));

    [Fact]
    public void A_source_of_packages_is_found()
    {
        Assert.NotEmpty(Words.PackageSources(new SourceText("src/A.props", "https://api.nu" + "get.org/v3/index")));
        Assert.NotEmpty(Words.PackageSources(new SourceText("src/NuGet.config", "")));
    }

    [Fact]
    public void A_shared_foreign_or_missing_event_id_is_found()
    {
        SourceText Log(string folder, string arguments) =>
            new($"src/AutoCrunch/{folder}/Log.cs", $"[LoggerMessage({arguments})]");

        Assert.Empty(Words.EventIds([Log("Ledger", "2001, Level"), Log("Ledger", "EventId = 2002, Level = A")]));
        Assert.NotEmpty(Words.EventIds([Log("Ledger", "2001, Level"), Log("Ledger", "EventId = 2001, Level = A")]));
        Assert.NotEmpty(Words.EventIds([Log("Ledger", "1001, Level")]));
        Assert.NotEmpty(Words.EventIds([Log("Ledger", "Level = LogLevel.Error")]));
    }

    [Fact]
    public void A_stray_file_at_the_top_is_found()
    {
        Assert.Empty(TidyTests.TopLevel(["src", ".git", "bin", "incoming"], ["bin/", "/incoming/"]));
        Assert.Equal(["notes.txt: not one of the names at the top level"], TidyTests.TopLevel(["notes.txt"], ["bin/"]));
    }
}
