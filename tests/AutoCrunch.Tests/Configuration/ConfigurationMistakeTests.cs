namespace AutoCrunch.Tests.Configuration;

/// <summary>
/// Seeded mistakes: each is named by its key, with what was found and what is expected, alone and together.
/// </summary>
public sealed class ConfigurationMistakeTests
{
    private const string Raw = "AutoCrunch:Rules:raw:";
    private const string Command = Raw + "Dispatcher:Command";

    /// <summary>Name of the mistake, keys of the rule "raw", the whole line or its beginning.</summary>
    public static TheoryData<string, string, string> InARule { get; } = new()
    {
        { "no Path", """ "Dispatcher": { "Command": ["true"] } """,
            Raw + "Path: found nothing, expected a text like \"incoming\"" },
        { "Path null", With(""" "Path": null """), Raw + "Path: found null, expected a text like \"incoming\"" },
        { "Path empty", With(""" "Path": "" """), Raw + "Path: found \"\", expected a directory" },
        { "Path a list", With(""" "Path": ["in"] """), Raw + "Path: found a list, expected a text like" },
        { "Path a section", With(""" "Path": { "Name": "in" } """),
            Raw + "Path: found a section, expected a text like" },
        { "Path from a shell", With(""" "Path": "~/in" """),
            Raw + "Path: found \"~/in\", expected a directory without '~', which only shells know" },
        { "Path with a stray backslash", With(""" "Path": "in\\coming" """),
            Raw + "Path: found \"in\\\\coming\", expected a directory (a backslash must be followed by xNN" },
        { "unknown key", With(""" "Incldue": ["*.raw"] """),
            Raw + "Incldue: found an unknown key, expected one of Path, Recursive, Include, Exclude, Completion, "
            + "RescanInterval, ExistingFiles, MaxExistingFiles, PauseAfterRepeats, "
            + "PauseAfterFailures, Dispatcher, Retry, OnSuccess, OnFailure, "
            + "OnFailureCommand, HeldWarning (did you mean Include?)" },
        { "key of another section", With(""" "QuietPeriod": "00:00:10" """),
            Raw + "QuietPeriod: found an unknown key, expected one of Path," },
        { "unknown key in Completion", With(""" "Completion": { "Quiet": "00:00:10" } """),
            Raw + "Completion:Quiet: found an unknown key, expected one of Arrivals, InPlace, QuietPeriod," },
        { "unknown key in Dispatcher", Dispatcher(""" "Comand": ["true"], "Command": ["true"] """),
            Raw + "Dispatcher:Comand: found an unknown key, expected one of Type, Concurrency, Command, Timeout, "
                + "KillGrace, WorkingDirectory, Environment, MaxLogBytes (did you mean Command?)" },
        { "unknown key in Retry", With(""" "Retry": { "MaxAttemps": 3 } """),
            Raw + "Retry:MaxAttemps: found an unknown key, expected one of MaxAttempts, Delay, MaxDelay, "
            + "PermanentExitCodes (did you mean MaxAttempts?)" },
        { "OnFailureCommand that is not there", With(""" "OnFailureCommand": ["no-such-program", "{path}"] """),
            Raw + "OnFailureCommand:0: found \"no-such-program\", expected a program in PATH" },
        { "OnFailureCommand with a mistake", With(""" "OnFailureCommand": ["true", "{pth}"] """),
            Raw + "OnFailureCommand:1: found \"{pth}\", expected an argument (the placeholder '{pth}' is unknown" },
        { "HeldWarning a bare number", With(""" "HeldWarning": "3600" """),
            Raw + "HeldWarning: found \"3600\", expected a duration like" },
        { "Move without To", With(""" "OnSuccess": { "Action": "Move" } """),
            Raw + "OnSuccess:To: found nothing, expected the new path of the file, such as \"done/{relative}\"" },
        { "To without Move", With(""" "OnSuccess": { "Action": "Delete", "To": "done/{name}" } """),
            Raw + "OnSuccess:To: found \"done/{name}\", expected no path, or Action \"Move\"" },
        { "To a directory", With(""" "OnFailure": { "Action": "Move", "To": "failed/" } """),
            Raw + "OnFailure:To: found \"failed/\", expected the new path of the file itself: end it with its name, "
                + "such as \"failed/{name}\"" },
        { "To one path for all", With(""" "OnSuccess": { "Action": "Move", "To": "done/{rule}.raw" } """),
            Raw + "OnSuccess:To: found \"done/{rule}.raw\", expected a path that differs from file to file" },
        { "To where it is", With(""" "OnSuccess": { "Action": "Move", "To": "./in//{relative}" } """),
            Raw + "OnSuccess:To: found \"./in//{relative}\", expected another path than the file has already" },
        { "To with an unknown placeholder", With(""" "OnSuccess": { "Action": "Move", "To": "done/{date}/{name}" } """),
            Raw + "OnSuccess:To: found \"done/{date}/{name}\", expected a path (the placeholder '{date}' is unknown" },
        { "To from a shell", With(""" "OnSuccess": { "Action": "Move", "To": "~/done/{name}" } """),
            Raw + "OnSuccess:To: found \"~/done/{name}\", expected a path without '~', which only shells know" },
        { "Delete what failed", With(""" "OnFailure": { "Action": "Delete" } """),
            Raw + "OnFailure:Action: found \"Delete\", expected one of Keep, Move" },
        { "not a boolean", With(""" "Recursive": "yes" """),
            Raw + "Recursive: found \"yes\", expected true or false" },
        { "Recursive null", With(""" "Recursive": null """), Raw + "Recursive: found null, expected true or false" },
        { "Include a text", With(""" "Include": "*.raw" """),
            Raw + "Include: found \"*.raw\", expected a list like [\"*.raw\"]" },
        { "Include empty", With(""" "Include": [] """),
            Raw + "Include: found an empty list, expected at least one pattern" },
        { "Include null", With(""" "Include": null """), Raw + "Include: found null, expected a list like" },
        { "Include a section", With(""" "Include": { "a": "*.raw" } """),
            Raw + "Include: found a section, expected a list like" },
        { "Include with null in it", With(""" "Include": ["*.raw", null] """),
            Raw + "Include:1: found null, expected a text" },
        { "Include with a list in it", With(""" "Include": [["*.raw"]] """),
            Raw + "Include:0: found a list, expected a text" },
        { "braces", With(""" "Include": ["*.{raw,fits}"] """),
            Raw + "Include:0: found \"*.{raw,fits}\", expected a pattern (braces are not supported; list the "
                + "patterns one by one)" },
        { "absolute pattern", With(""" "Exclude": ["*~", "/data/*"] """),
            Raw + "Exclude:1: found \"/data/*\", expected a pattern (a pattern is relative to the rule's Path" },
        { "unclosed bracket", With(""" "Completion": { "IgnoredDirectories": [".*", "[a"] } """),
            Raw + "Completion:IgnoredDirectories:1: found \"[a\", expected a pattern ('[' is not closed" },
        { "unknown enum value", With(""" "Completion": { "InPlace": "Never" } """),
            Raw + "Completion:InPlace: found \"Never\", expected one of Quiet, Proven" },
        { "enum by number", With(""" "Completion": { "Arrivals": 1 } """),
            Raw + "Completion:Arrivals: found 1, expected one of RenameAndInPlace, Rename" },
        { "enum of another key", With(""" "ExistingFiles": "Hold" """),
            Raw + "ExistingFiles: found \"Hold\", expected one of Process, Ignore" },
        { "duration as text number", With(""" "Completion": { "QuietPeriod": "10" } """),
            Raw + "Completion:QuietPeriod: found \"10\", expected a duration like \"00:00:10\" (a bare number would "
                + "mean days)" },
        { "duration as number", With(""" "Completion": { "QuietPeriod": 10 } """),
            Raw + "Completion:QuietPeriod: found 10, expected a duration like \"00:00:10\" (a bare number would "
                + "mean days)" },
        { "duration with unit", With(""" "RescanInterval": "5m" """),
            Raw + "RescanInterval: found \"5m\", expected a duration like \"00:00:10\" "
                + "([days.]hours:minutes:seconds; a day is \"1.00:00:00\")" },
        { "duration of two parts", With(""" "RescanInterval": "05:00" """),
            Raw + "RescanInterval: found \"05:00\", expected a duration like" },
        { "duration null", With(""" "RescanInterval": null """),
            Raw + "RescanInterval: found null, expected a duration" },
        { "duration of 24 hours", With(""" "RescanInterval": "24:00:00" """),
            Raw + "RescanInterval: found \"24:00:00\", expected a duration like" },
        { "duration negative", With(""" "Completion": { "QuietPeriod": "-00:00:10" } """),
            Raw + "Completion:QuietPeriod: found \"-00:00:10\", expected a duration from \"00:00:00.1\" to "
                + "\"7.00:00:00\"" },
        { "duration absurd", With(""" "Completion": { "QuietPeriod": "3650.00:00:00" } """),
            Raw + "Completion:QuietPeriod: found \"3650.00:00:00\", expected a duration from" },
        { "duration too short to be on", With(""" "RescanInterval": "00:00:00.5" """),
            Raw + "RescanInterval: found \"00:00:00.5\", expected a duration from \"00:00:01\" to \"30.00:00:00\", or "
            + "\"00:00:00\" (off)" },
        { "number negative", With(""" "Retry": { "MaxAttempts": -1 } """),
            Raw + "Retry:MaxAttempts: found -1, expected a whole number from 1 to 1000" },
        { "number zero", With(""" "Retry": { "MaxAttempts": 0 } """),
            Raw + "Retry:MaxAttempts: found 0, expected a whole number from 1 to 1000" },
        { "number with a fraction", With(""" "Retry": { "MaxAttempts": 1.5 } """),
            Raw + "Retry:MaxAttempts: found 1.5, expected a whole number" },
        { "Delay beyond MaxDelay", With(""" "Retry": { "Delay": "01:00:00" } """),
            Raw + "Retry:Delay: found \"01:00:00\", expected no more than MaxDelay, which is \"00:10:00\"" },
        { "exit code that cannot be", With(""" "Retry": { "PermanentExitCodes": [64, 256] } """),
            Raw + "Retry:PermanentExitCodes:1: found 256, expected a whole number from 1 to 255" },
        { "section a text", With(""" "Completion": "Quiet" """),
            Raw + "Completion: found \"Quiet\", expected a section" },
        { "section a list", With(""" "Retry": [3] """), Raw + "Retry: found a list, expected a section" },
        { "no Dispatcher", """ "Path": "in" """,
            Raw + "Dispatcher: found nothing, expected a section like { \"Command\": [\"install\"" },
        { "unknown Type", Dispatcher(""" "Type": "Kubernetes", "Image": "x" """),
            Raw + "Dispatcher:Type: found \"Kubernetes\", expected one of Process" },
        { "no Command", Dispatcher(""" "Concurrency": 3 """),
            Command + ": found nothing, expected a list like [\"install\", \"--\", \"{path}\", "
                + "\"output/{relative}\"]" },
        { "Command empty", Dispatcher(""" "Command": [] """),
            Command + ": found an empty list, expected a program and its arguments" },
        { "Command a text", Dispatcher(""" "Command": "cp {path} out" """),
            Command + ": found \"cp {path} out\", expected a list like" },
        { "Command a whole line", Dispatcher(""" "Command": ["cp {path} out"] """),
            Command + ":0: found \"cp {path} out\", expected the program alone: each argument is an item of the list" },
        { "program nowhere", Dispatcher(""" "Command": ["no-such-program", "{path}"] """),
            Command + ":0: found \"no-such-program\", expected a program in PATH (/usr/bin:/bin), or a path with a "
                + "slash" },
        { "program missing at its path", Dispatcher(""" "Command": ["./crunch", "{path}"] """),
            Command + ":0: found \"./crunch\", expected an executable file (a relative path starts at /" },
        { "program that may not be executed", Dispatcher(""" "Command": ["/etc/passwd"] """),
            Command + ":0: found \"/etc/passwd\", expected an executable file" },
        { "program a directory", Dispatcher(""" "Command": ["/usr"] """),
            Command + ":0: found \"/usr\", expected an executable file" },
        { "unknown placeholder", Dispatcher(""" "Command": ["true", "{file}"] """),
            Command + ":1: found \"{file}\", expected an argument (the placeholder '{file}' is unknown; there are "
                + "{path}," },
        { "lonely brace", Dispatcher(""" "Command": ["true", "{path"] """),
            Command + ":1: found \"{path\", expected an argument (the '{' at position 1 has no partner" },
        { "no Concurrency", Dispatcher(""" "Command": ["true"], "Concurrency": 0 """),
            Raw + "Dispatcher:Concurrency: found 0, expected a whole number from 1 to 1000" },
        { "Timeout zero", Dispatcher(""" "Command": ["true"], "Timeout": "00:00:00" """),
            Raw + "Dispatcher:Timeout: found \"00:00:00\", expected a duration from \"00:00:00.1\" to "
                + "\"365.00:00:00\", or null (for ever)" },
        { "MaxLogBytes with a unit", Dispatcher(""" "Command": ["true"], "MaxLogBytes": "10M" """),
            Raw + "Dispatcher:MaxLogBytes: found \"10M\", expected a whole number from 4096 to 1099511627776" },
        { "reserved variable", Dispatcher(""" "Command": ["true"], "Environment": { "AUTOCRUNCH_PATH": "x" } """),
            Raw + "Dispatcher:Environment:AUTOCRUNCH_PATH: found the variable \"AUTOCRUNCH_PATH\", expected another "
                + "name" },
        { "variable with a space", Dispatcher(""" "Command": ["true"], "Environment": { "A B": "x" } """),
            Raw + "Dispatcher:Environment:A B: found the variable \"A B\", expected a name of letters" },
        { "variable null", Dispatcher(""" "Command": ["true"], "Environment": { "A": null } """),
            Raw + "Dispatcher:Environment:A: found null, expected a text" },
        { "variables as a list", Dispatcher(""" "Command": ["true"], "Environment": ["A=1"] """),
            Raw + "Dispatcher:Environment: found a list, expected a section { \"NAME\": \"value\" }" },
    };

    /// <summary>Name of the mistake, the whole file, the whole line or its beginning.</summary>
    public static TheoryData<string, string, string> InTheFile { get; } = new()
    {
        { "no section", """{ "Serilog": {} }""", "AutoCrunch: found nothing, expected this section in /" },
        { "section misspelt", """{ "AutoCrnch": {} }""", "AutoCrunch: found nothing, expected this section in /" },
        { "section a list", """{ "AutoCrunch": [] }""", "AutoCrunch: found a list, expected a section" },
        { "no rules at all", """{ "AutoCrunch": {} }""", "AutoCrunch:Rules: found nothing, expected a section like" },
        { "no rules", """{ "AutoCrunch": { "Rules": {} } }""",
            "AutoCrunch:Rules: found no rules, expected a section like" },
        { "rules as a list", """{ "AutoCrunch": { "Rules": [ { "Path": "in" } ] } }""",
            "AutoCrunch:Rules: found a list, expected a section like" },
        { "rule a text", """{ "AutoCrunch": { "Rules": { "raw": "incoming" } } }""",
            "AutoCrunch:Rules:raw: found \"incoming\", expected a section" },
        { "rule name", ConfigurationCase.Rule(ConfigurationCase.Required).Replace("raw", "raw data"),
            "AutoCrunch:Rules:raw data: found the name \"raw data\", expected letters a-z, A-Z, digits, '_' and '-'" },
        { "unknown key", ConfigurationCase.Beside(""" "MaxRuning": 4 """),
            "AutoCrunch:MaxRuning: found an unknown key, expected one of StateDirectory, RuntimeDirectory, MaxRunning, "
            + "ShutdownGrace, KeepHistory, MetricsFile, Rules (did you mean MaxRunning?)" },
        { "MaxRunning beyond", ConfigurationCase.Beside(""" "MaxRunning": 99999999999 """),
            "AutoCrunch:MaxRunning: found 99999999999, expected a whole number from 0 to 100000" },
        { "KeepHistory as days", ConfigurationCase.Beside(""" "KeepHistory": 90 """),
            "AutoCrunch:KeepHistory: found 90, expected a duration like \"00:00:10\" (a bare number would mean days)" },
        { "StateDirectory empty", ConfigurationCase.Beside(""" "StateDirectory": "" """),
            "AutoCrunch:StateDirectory: found \"\", expected a directory" },
        { "key twice", ConfigurationCase.Beside(""" "MaxRunning": 1, "maxRunning": 2 """),
            "AutoCrunch:maxRunning: found the same key twice in /" },
        { "rule twice", """{ "AutoCrunch": { "Rules": { "raw": { "Path": "a" }, "RAW": { "Path": "b" } } } }""",
            "AutoCrunch:Rules:RAW: found the same key twice in /" },
        { "not an object", """["AutoCrunch"]""", "/" },
    };

    [Theory]
    [MemberData(nameof(InARule))]
    public void A_mistake_in_a_rule_is_told_with_its_key(string name, string keys, string expected) =>
        AssertTold(name, ConfigurationCase.Rule(keys), expected);

    [Theory]
    [MemberData(nameof(InTheFile))]
    public void A_mistake_in_the_file_is_told_with_its_key(string name, string json, string expected) =>
        AssertTold(name, json, expected);

    [Fact]
    public void All_mistakes_are_told_at_once()
    {
        using var test = new ConfigurationCase();
        Assert.Null(test.Compile("""
            { "AutoCrunch": { "MaxRunning": -1, "Rules": {
                "one": { "Path": "", "Include": [""], "Dispatcher": { "Command": ["{x}"], "Concurrency": "a" } },
                "three": { "Path": "in", "Dispatcher": { "Command": ["no-such-program", "{x}"] } },
                "two": { "Retry": { "Delay": "1" } } } } }
            """));
        Assert.Equal(
            [
                "AutoCrunch:MaxRunning", "AutoCrunch:Rules:one:Dispatcher:Command:0",
                "AutoCrunch:Rules:one:Dispatcher:Concurrency", "AutoCrunch:Rules:one:Include:0",
                "AutoCrunch:Rules:one:Path", "AutoCrunch:Rules:three:Dispatcher:Command:0",
                "AutoCrunch:Rules:three:Dispatcher:Command:1", "AutoCrunch:Rules:two:Dispatcher",
                "AutoCrunch:Rules:two:Path",
                "AutoCrunch:Rules:two:Retry:Delay",
            ],
            test.Mistakes.Select(mistake => mistake.Key).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void What_is_done_with_files_is_checked_beside_other_mistakes_of_a_rule()
    {
        using var test = new ConfigurationCase();
        Assert.Null(test.Compile(ConfigurationCase.Rule("""
            "Path": "", "Dispatcher": { "Command": ["no-such-program"] }, "OnFailureCommand": ["nor-this-one"],
            "OnSuccess": { "Action": "Move" }, "OnFailure": { "Action": "Move", "To": "failed" }
            """)));
        Assert.Equal(
            [
                "AutoCrunch:Rules:raw:Dispatcher:Command:0", "AutoCrunch:Rules:raw:OnFailure:To",
                "AutoCrunch:Rules:raw:OnFailureCommand:0", "AutoCrunch:Rules:raw:OnSuccess:To",
                "AutoCrunch:Rules:raw:Path",
            ],
            test.Mistakes.Select(mistake => mistake.Key).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_key_that_belongs_elsewhere_is_sent_there()
    {
        using var test = new ConfigurationCase();
        Assert.Null(test.Compile(ConfigurationCase.Rule(With(""" "QuietPeriod": "00:00:10", "Command": ["true"] """))));
        Assert.EndsWith("(Command belongs in Dispatcher)", test.Mistakes[0].ToString(), StringComparison.Ordinal);
        Assert.EndsWith("(QuietPeriod belongs in Completion)", test.Mistakes[1].ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_mistake_is_one_line_whatever_was_written()
    {
        using var test = new ConfigurationCase();
        string absurd = "a\\nb\\u001b[31m" + new string('x', 5000);
        Assert.Null(test.Compile(ConfigurationCase.Rule(With($$""" "Recursive": "{{absurd}}" """))));
        string line = Assert.Single(test.Mistakes).ToString();
        Assert.DoesNotContain(line, char.IsControl);
        Assert.InRange(line.Length, 50, 400);
    }

    private static string With(string keys) => keys + (keys.Contains("\"Path\"", StringComparison.Ordinal)
        ? """, "Dispatcher": { "Command": ["true"] } """
        : "," + ConfigurationCase.Required);

    private static string Dispatcher(string keys) => $$""" "Path": "in", "Dispatcher": { {{keys}} } """;

    // By its path, so that a file without the section is still this one.
    private static void AssertTold(string name, string json, string expected)
    {
        using var test = new ConfigurationCase();
        test.Folder.Write("appsettings.json", json);
        Assert.Null(test.Compile("appsettings.json", named: true));
        Assert.True(test.Mistakes.Count == 1, $"{name}:\n{string.Join('\n', test.Mistakes)}");
        Assert.StartsWith(expected, test.Mistakes[0].ToString(), StringComparison.Ordinal);
    }
}
