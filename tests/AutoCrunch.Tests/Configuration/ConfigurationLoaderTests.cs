using System.Text;
using AutoCrunch.Configuration;
using AutoCrunch.Core;

namespace AutoCrunch.Tests.Configuration;

/// <summary>Which file is read, how its layers are merged, and what is said when it cannot be read.</summary>
public sealed class ConfigurationLoaderTests
{
    private static readonly string s_right = ConfigurationCase.Rule(ConfigurationCase.Required);

    [Fact]
    public void The_named_file_wins_then_the_current_directory_then_the_program_then_the_system()
    {
        using var test = new ConfigurationCase();
        test.Folder.Write("named/my.json", s_right);
        test.Folder.Write("appsettings.json", s_right);
        test.Folder.Write("program/appsettings.json", s_right);
        test.Folder.Write("etc/appsettings.json", s_right);
        Assert.Equal(test.Folder["named/my.json"].ToString(), test.Compile("named/my.json", named: true)?.File);
        Assert.Equal(test.Folder["named"], test.Loaded?.BaseDirectory);
        Assert.Equal(test.Folder["appsettings.json"].ToString(), test.Compile()?.File);
        test.Folder.Write("appsettings.json", """{ "Logging": {} }""");
        Assert.Equal(test.Folder["program/appsettings.json"].ToString(), test.Compile()?.File);
        test.Folder.Unlink("program/appsettings.json");
        Assert.Equal(test.Folder["etc/appsettings.json"].ToString(), test.Compile()?.File);
        test.Folder.Unlink("etc/appsettings.json");
        Assert.Null(test.Compile());
        string line = Assert.Single(test.Mistakes).ToString();
        Assert.StartsWith(
            "--config: found no file with a section AutoCrunch, expected one of ", line, StringComparison.Ordinal);
        Assert.Contains(test.Folder["etc/appsettings.json"].ToString(), line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nowhere.json", "No such file or directory")]
    [InlineData("in", "Is a directory")]
    [InlineData("", "No such file or directory")]
    public void A_named_file_that_cannot_be_read_is_told(string file, string found)
    {
        using var test = new ConfigurationCase();
        test.Folder.MakeDirectory("in");
        Assert.Null(test.Compile(file, named: true));
        ConfigurationMistake mistake = Assert.Single(test.Mistakes);
        Assert.Equal(found, mistake.Found);
        Assert.Equal(file.Length > 0 ? test.Folder[file].ToString() : "--config", mistake.Key);
    }

    [Theory]
    [InlineData("{\n  \"AutoCrunch\": {\n    Rules: {}\n} }", ":3:5: found broken JSON ('R' is an invalid start")]
    [InlineData("{ \"AutoCrunch\": {", ":1:18: found broken JSON (Expected depth to be zero")]
    [InlineData("{ \"AutoCrunch\": { \"Path\": \"in\n\" } }", ":1:30: found broken JSON (")]
    [InlineData("\n{ \"AutoCrunch\": \"\\ud800\" }", ": found a text with half a surrogate pair, expected whole")]
    public void Broken_JSON_is_told_with_line_and_position(string json, string expected)
    {
        using var test = new ConfigurationCase();
        Assert.Null(test.Compile(json));
        string line = Assert.Single(test.Mistakes).ToString();
        Assert.StartsWith(test.Folder["appsettings.json"] + expected, line, StringComparison.Ordinal);
    }

    [Fact]
    public void A_byte_that_is_not_UTF8_is_told_with_its_line()
    {
        using var test = new ConfigurationCase();
        test.Folder.Write("appsettings.json", [.. "{\n\"AutoCrunch\": \n{ \"Path\": \"in"u8, 0xFF, .. "\" } }"u8]);
        Assert.Null(test.Compile());
        Assert.StartsWith(
            test.Folder["appsettings.json"] + ":3: found a byte 0xFF that is not UTF-8, expected UTF-8",
            Assert.Single(test.Mistakes).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_byte_order_mark_does_no_harm()
    {
        using var test = new ConfigurationCase();
        test.Folder.Write("appsettings.json", [0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(s_right)]);
        Assert.NotNull(test.Compile());
    }

    [Fact]
    public void The_file_of_the_environment_and_variables_are_laid_over_the_file()
    {
        using var test = new ConfigurationCase();
        test.Folder.Write("appsettings.Production.json", """
            { "AutoCrunch": { "MaxRunning": 2, "ShutdownGrace": "00:00:05" } }
            """);
        test.Folder.Write("appsettings.Staging.json", """{ "AutoCrunch": { "MaxRunning": 9 } }""");
        test["AutoCrunch__ShutdownGrace"] = "00:00:07";
        test["AutoCrunch__Rules__raw__Path"] = "elsewhere";
        test["AUTOCRUNCH__RULES__RAW__RECURSIVE"] = "false";
        test["AutoCrunch__Rules__extra__Path"] = "extra";
        test["AutoCrunch__Rules__extra__Dispatcher__Command__0"] = "true";
        test["AutoCrunch__Rules__extra__Dispatcher__Command__1"] = "{path}";
        CompiledConfiguration configuration = test.CompileRight(s_right);
        Assert.Equal(2, configuration.MaxRunning);
        Assert.Equal(TimeSpan.FromSeconds(7), configuration.ShutdownGrace);
        Assert.Equal(["extra", "raw"], configuration.Rules.Select(compiled => compiled.Rule.Name));
        Assert.Equal(test.Folder["elsewhere"], configuration.Rules[1].Rule.Path);
        Assert.False(configuration.Rules[1].Rule.Recursive);
        Assert.Equal(2, Assert.IsType<ProcessOptions>(configuration.Rules[0].Dispatcher).Command.Count);

        test["DOTNET_ENVIRONMENT"] = "Staging";
        Assert.Equal(9, test.CompileRight(s_right).MaxRunning);
    }

    [Fact]
    public void A_mistake_in_another_layer_names_the_layer()
    {
        using var test = new ConfigurationCase();
        test.Folder.Write("appsettings.Production.json", """{ "AutoCrunch": { "MaxRunning": "many", "Rule": {} } }""");
        test["AutoCrunch__Rules__raw__Completion__QuietPeriod"] = "10";
        Assert.Null(test.Compile(s_right));
        string beside = test.Folder["appsettings.Production.json"].ToString();
        Assert.Equal(
            [
                $"AutoCrunch:MaxRunning: found \"many\" (in {beside}), expected a whole number from 0 to 100000",
                $"AutoCrunch:Rule: found an unknown key (in {beside}), expected one of StateDirectory, "
                    + "RuntimeDirectory, MaxRunning, ShutdownGrace, KeepHistory, MetricsFile, Rules "
                    + "(did you mean Rules?)",
                "AutoCrunch:Rules:raw:Completion:QuietPeriod: found \"10\" (in the environment, "
                    + "AutoCrunch__Rules__raw__Completion__QuietPeriod), expected a duration like \"00:00:10\" "
                    + "(a bare number would mean days)",
            ],
            test.Mistakes.Select(mistake => mistake.ToString()).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("Include", "\"Include\": [\"*.raw\", \"*.fits\"]", "AutoCrunch__Rules__raw__Include__0", "*.raw")]
    [InlineData("Include", "\"Include\": []", "AutoCrunch__Rules__raw__Include__0", "*.raw")]
    [InlineData("Exclude", "\"Exclude\": [\"*.bak\"]", "AutoCrunch__Rules__raw__Exclude", "")]
    [InlineData("Dispatcher:Command", "\"Recursive\": true", "AutoCrunch__Rules__raw__Dispatcher__Command__1", "x")]
    public void A_list_in_two_layers_is_refused_because_it_would_be_merged_by_index(
        string list, string keys, string variable, string value)
    {
        using var test = new ConfigurationCase();
        test[variable] = value;
        Assert.Null(test.Compile(ConfigurationCase.Rule($"{keys}, {ConfigurationCase.Required}")));
        Assert.Equal(
            $"AutoCrunch:Rules:raw:{list}: found a list in {test.Folder["appsettings.json"]} and the environment, "
                + "expected a list in one place only: it would be merged item by item",
            Assert.Single(test.Mistakes).ToString());
    }

    [Fact]
    public void A_list_of_variables_with_a_gap_is_refused()
    {
        using var test = new ConfigurationCase();
        test["AutoCrunch__Rules__raw__Include__0"] = "*.raw";
        test["AutoCrunch__Rules__raw__Include__2"] = "*.fits";
        Assert.Null(test.Compile(s_right));
        Assert.Equal("AutoCrunch:Rules:raw:Include", Assert.Single(test.Mistakes).Key);
    }

    [Fact]
    public void A_file_of_the_environment_that_is_broken_is_told()
    {
        using var test = new ConfigurationCase();
        test.Folder.Write("appsettings.Production.json", "{");
        Assert.Null(test.Compile(s_right));
        Assert.StartsWith(
            test.Folder["appsettings.Production.json"] + ":1:2: found broken JSON",
            Assert.Single(test.Mistakes).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Other_sections_are_handed_on_untouched()
    {
        using var test = new ConfigurationCase();
        test["Serilog__MinimumLevel"] = "Debug";
        test.CompileRight("""
            { "AutoCrunch": { "Rules": { "raw": { "Path": "in", "Dispatcher": { "Command": ["true"] } } } },
              "Serilog": { "MinimumLevel": "Warning", "Enrich": ["FromLogContext", "WithThreadId"], "X": { "Y": 1 } } }
            """);
        Assert.Equal("Debug", test.Loaded?.Root["Serilog:MinimumLevel"]);
        Assert.Equal("WithThreadId", test.Loaded?.Root["Serilog:Enrich:1"]);
        Assert.Equal("1", test.Loaded?.Root["Serilog:X:Y"]);
    }

    [Fact]
    public void The_surroundings_of_this_process_are_its_own()
    {
        Surroundings surroundings = Surroundings.OfThisProcess();
        Assert.Equal(Environment.GetEnvironmentVariable("PATH"), surroundings["PATH"]);
        Assert.Equal(Directory.GetCurrentDirectory(), surroundings.CurrentDirectory);
        Assert.Equal("/etc/autocrunch/appsettings.json", surroundings.SystemFile);
    }
}
