using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.EndToEnd;

/// <summary>
/// Mistakes in the configuration, through the real command line: each is named by its key, nothing is made.
/// </summary>
public sealed class MistakeTests : IDisposable
{
    private const string Raw = "AutoCrunch:Rules:raw";

    private readonly string _directory = Directory.CreateTempSubdirectory("autocrunch-mistakes-").FullName;

    /// <summary>The key to be named, and the text of the section AutoCrunch.</summary>
    public static TheoryData<string, string> Mistakes { get; } = new()
    {
        { "AutoCrunch:StateDirectry", Section("\"StateDirectry\": \"x\", " + Rules("")) },
        { "AutoCrunch:MaxRunning", Section("\"MaxRunning\": -1, " + Rules("")) },
        { "AutoCrunch:ShutdownGrace", Section("\"ShutdownGrace\": \"20\", " + Rules("")) },
        { "AutoCrunch:KeepHistory", Section("\"KeepHistory\": 90, " + Rules("")) },
        { "AutoCrunch:Rules", Section("\"Rules\": {}") },
        { "AutoCrunch:Rules", Section("\"MaxRunning\": 1") },
        { "AutoCrunch:Rules:r w", Section("\"Rules\": { \"r w\": { \"Path\": \"in\" } }") },
        { Raw + ":Path", Section("\"Rules\": { \"raw\": { \"Dispatcher\": { \"Command\": [\"true\"] } } }") },
        { Raw + ":Path", Rule("\"Path\": \"no/such/parent\"") },
        { Raw + ":Path", Rule("\"Path\": \"a-file\"") },
        { Raw + ":Paht", Rule("\"Paht\": \"in\", \"Path\": \"in\"") },
        { Raw + ":Recursive", Rule("\"Path\": \"in\", \"Recursive\": \"yes\"") },
        { Raw + ":Include", Rule("\"Path\": \"in\", \"Include\": \"*.raw\"") },
        { Raw + ":Include", Rule("\"Path\": \"in\", \"Include\": []") },
        { Raw + ":Exclude:0", Rule("\"Path\": \"in\", \"Exclude\": [\"/data/*\"]") },
        { Raw + ":ExistingFiles", Rule("\"Path\": \"in\", \"ExistingFiles\": \"Skip\"") },
        { Raw + ":MaxExistingFiles", Rule("\"Path\": \"in\", \"MaxExistingFiles\": -1") },
        { Raw + ":RescanInterval", Rule("\"Path\": \"in\", \"RescanInterval\": \"300\"") },
        { Raw + ":Completion:QuietPeriod", Completion("\"QuietPeriod\": \"10\"") },
        { Raw + ":Completion:QuietPeriod", Completion("\"QuietPeriod\": 10") },
        { Raw + ":Completion:QuietPeriod", Completion("\"QuietPeriod\": \"-00:00:01\"") },
        { Raw + ":Completion:Arrivals", Completion("\"Arrivals\": \"Renam\"") },
        { Raw + ":Completion:InPlace", Completion("\"InPlace\": \"Never\"") },
        { Raw + ":Completion:ZeroMtime", Completion("\"ZeroMtime\": true") },
        { Raw + ":Completion:OwnerOly", Completion("\"OwnerOly\": \"Hold\"") },
        { Raw + ":Completion:IgnoredDirectories", Completion("\"IgnoredDirectories\": \".*\"") },
        { Raw + ":Dispatcher", Section("\"Rules\": { \"raw\": { \"Path\": \"in\" } }") },
        { Raw + ":Dispatcher:Command", Dispatcher("\"Concurrency\": 2") },
        { Raw + ":Dispatcher:Command", Dispatcher("\"Command\": \"true {path}\"") },
        { Raw + ":Dispatcher:Command", Dispatcher("\"Command\": []") },
        { Raw + ":Dispatcher:Command:0", Dispatcher("\"Command\": [\"no-such-program\", \"{path}\"]") },
        { Raw + ":Dispatcher:Command:1", Dispatcher("\"Command\": [\"true\", \"{pth}\"]") },
        { Raw + ":Dispatcher:Command:1", Dispatcher("\"Command\": [\"true\", \"{path\"]") },
        { Raw + ":Dispatcher:Comand", Dispatcher("\"Comand\": [\"true\"], \"Command\": [\"true\"]") },
        { Raw + ":Dispatcher:Type", Dispatcher("\"Type\": \"Proces\", \"Command\": [\"true\"]") },
        { Raw + ":Dispatcher:Concurrency", Dispatcher("\"Command\": [\"true\"], \"Concurrency\": 0") },
        { Raw + ":Dispatcher:Timeout", Dispatcher("\"Command\": [\"true\"], \"Timeout\": \"5\"") },
        { Raw + ":Dispatcher:MaxLogBytes", Dispatcher("\"Command\": [\"true\"], \"MaxLogBytes\": -1") },
        { Raw + ":Dispatcher:WorkingDirectory", Dispatcher("\"Command\": [\"true\"], \"WorkingDirectory\": \"none\"") },
        { Raw + ":Retry:MaxAttempts", Rule("\"Path\": \"in\", \"Retry\": { \"MaxAttempts\": 0 }") },
        { Raw + ":Retry:PermanentExitCodes:0", Rule("\"Path\": \"in\", \"Retry\": { \"PermanentExitCodes\": [300] }") },
        { "appsettings.json", "{ \"AutoCrunch\": { \"Rules\": { " },
    };

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void A_mistake_is_named_by_its_key_and_nothing_starts(string key, string text)
    {
        Write(text);
        foreach (string verb in new[] { "check", "run" })
            AssertRefused(Command.AutoCrunch(_directory, verb, "--config", "appsettings.json"), key);
        Assert.Equal(
            ["a-file", "appsettings.json"],
                Directory.GetFileSystemEntries(_directory).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void All_mistakes_are_named_at_once()
    {
        Write(Section("""
            "MaxRuning": 1, "ShutdownGrace": "20", "Rules": {
                "one": { "Completion": { "QuietPeriod": "10" }, "Dispatcher": { "Command": ["no-such-program"] } },
                "two": { "Path": "in", "Include": "*.raw", "Dispatcher": { "Command": ["true", "{nmae}"] } } }
            """));
        foreach (string verb in new[] { "check", "run" })
            AssertRefused(
                Command.AutoCrunch(_directory, verb), "AutoCrunch:MaxRuning", "AutoCrunch:ShutdownGrace",
                "AutoCrunch:Rules:one:Path", "AutoCrunch:Rules:one:Completion:QuietPeriod",
                "AutoCrunch:Rules:one:Dispatcher:Command:0", "AutoCrunch:Rules:two:Include",
                "AutoCrunch:Rules:two:Dispatcher:Command:1");
    }

    [Fact]
    public void A_list_given_in_two_layers_is_named()
    {
        Write(Rule("\"Path\": \"in\", \"Include\": [\"*.raw\", \"*.fits\"]"));
        Command run = Command.Run(
            "dotnet", [ServiceUnderTest.Program, "run"], _directory, [new("AutoCrunch__Rules__raw__Include__0",
                "*.dat")]);
        AssertRefused(run, Raw + ":Include");
    }

    [Fact]
    public void A_configuration_file_that_is_not_there_is_named()
    {
        foreach (string verb in new[] { "check", "run" })
            AssertRefused(Command.AutoCrunch(_directory, verb, "--config", "none.json"), "none.json");
    }

    [Theory]
    [InlineData("rnu")]
    [InlineData("run", "--confg", "x")]
    [InlineData("trace")]
    public void A_wrong_command_line_ends_with_64(params string[] arguments)
    {
        Write(Rule("\"Path\": \"in\""));
        Command command = Command.AutoCrunch(_directory, arguments);
        Assert.Equal(64, command.ExitCode);
        Assert.NotEqual("", command.Error);
        Assert.DoesNotContain("   at ", command.Text, StringComparison.Ordinal);
    }

    private static void AssertRefused(Command command, params string[] keys)
    {
        Assert.True(command.ExitCode == 78, $"exit code {command.ExitCode}\n{command.Text}");
        Assert.All(keys, key => Assert.Contains(key, command.Text, StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", command.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", command.Text, StringComparison.Ordinal);
    }

    private static string Section(string members) => $"{{ \"AutoCrunch\": {{ {members} }} }}";

    private static string Rules(string members) => "\"Rules\": { \"raw\": { \"Path\": \"in\", "
        + "\"Dispatcher\": { \"Command\": [\"true\", \"{path}\"] }" + members + " } }";

    private static string Rule(string members) => Section(
        "\"Rules\": { \"raw\": { " + members + ", \"Dispatcher\": { \"Command\": [\"true\", \"{path}\"] } } }");

    private static string Completion(string members) =>
        Rule("\"Path\": \"in\", \"Completion\": { " + members + " }");

    private static string Dispatcher(string members) => Section(
        "\"Rules\": { \"raw\": { \"Path\": \"in\", \"Dispatcher\": { " + members + " } } }");

    private void Write(string text)
    {
        File.WriteAllText(Path.Combine(_directory, "a-file"), "");
        File.WriteAllText(Path.Combine(_directory, "appsettings.json"), text);
    }
}
