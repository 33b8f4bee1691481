using AutoCrunch.Configuration;
using AutoCrunch.Core;

namespace AutoCrunch.Tests.Configuration;

/// <summary>What a file means that is right.</summary>
public sealed class ConfigurationDefaultsTests
{
    /// <summary>The contract's example with the two keys that have no default.</summary>
    internal const string Contract = """
        { "AutoCrunch": {
            "StateDirectory": "state", "RuntimeDirectory": "", "MaxRunning": 0,
            "ShutdownGrace": "00:00:20", "KeepHistory": "90.00:00:00",
            "Rules": { "raw": {
                "Path": "in", "Recursive": true, "Include": ["*"], "Exclude": ["*~"],
                "Completion": { "Arrivals": "RenameAndInPlace", "InPlace": "Quiet", "QuietPeriod": "00:00:10",
                  "IgnoredDirectories": [".*"], "ZeroMtime": "Hold", "OwnerOnly": "Hold", "Renames": "Ignore",
                  "Updates": "Process" },
                "RescanInterval": "00:05:00", "ExistingFiles": "Process", "MaxExistingFiles": 10000,
                "PauseAfterRepeats": 5, "PauseAfterFailures": 0,
                "Dispatcher": { "Type": "Process", "Command": ["true"], "Concurrency": 2, "Timeout": null,
                  "KillGrace": "00:00:10", "WorkingDirectory": ".", "Environment": {}, "MaxLogBytes": 10485760 },
                "Retry": { "MaxAttempts": 3, "Delay": "00:00:10", "MaxDelay": "00:10:00", "PermanentExitCodes": [] },
                "OnSuccess": { "Action": "Keep", "To": "" }, "OnFailure": { "Action": "Keep", "To": "" },
                "OnFailureCommand": [], "HeldWarning": "01:00:00"
        } } } }
        """;

    [Fact]
    public void A_file_with_only_what_is_required_has_the_defaults_of_the_contract()
    {
        using var test = new ConfigurationCase();
        AssertDefaults(test, test.CompileRight(ConfigurationCase.Rule(ConfigurationCase.Required)));
    }

    [Fact]
    public void The_contract_written_out_means_the_same_as_leaving_it_out()
    {
        using var test = new ConfigurationCase();
        AssertDefaults(test, test.CompileRight(Contract));
    }

    [Fact]
    public void Every_setting_reaches_the_rule()
    {
        using var test = new ConfigurationCase();
        CompiledConfiguration configuration = test.CompileRight("""
            { // Comments and trailing commas are allowed, and names of keys and values may be written in any case.
              "autocrunch": {
                "StateDirectory": "/var/lib/x/", "RuntimeDirectory": "run", "MaxRunning": 7,
                "ShutdownGrace": "00:01:00", "KeepHistory": "1.00:00:00",
                "Rules": { "b_-9": {
                    "path": "/data//in/./x/", "Recursive": false, "Include": ["**/a.raw", "[ab]*"], "Exclude": [],
                    "Completion": { "Arrivals": "rename", "InPlace": "PROVEN", "QuietPeriod": "00:00:00.5",
                      "IgnoredDirectories": [], "ZeroMtime": "Process", "OwnerOnly": "Process", "Renames": "Process",
                      "Updates": "Ignore", },
                    "RescanInterval": "00:00:00", "ExistingFiles": "Ignore", "MaxExistingFiles": 5,
                    "PauseAfterRepeats": 7, "PauseAfterFailures": 9,
                    "Dispatcher": { "Type": "process", "Command": ["{directory}/crunch", "{path}"], "Concurrency": 9,
                      "Timeout": "01:00:00", "KillGrace": "00:00:00", "WorkingDirectory": "work",
                      "Environment": { "OMP_NUM_THREADS": 4, "EMPTY": "" }, "MaxLogBytes": 4096 },
                    "Retry": { "MaxAttempts": 1, "Delay": "00:00:00", "MaxDelay": "00:00:00",
                      "PermanentExitCodes": [2, 65] },
                    "OnSuccess": { "Action": "delete" }, "OnFailure": { "Action": "Move", "To": "./failed//{name}" },
                    "OnFailureCommand": ["sh", "-c", "{name}"], "HeldWarning": "00:00:00" },
                  "a": { "Path": "in", "Dispatcher": { "Command": ["sh"] } },
            }, }, }
            """);
        Assert.Equal("/var/lib/x", configuration.StateDirectory.ToString());
        Assert.Equal(test.Folder["run"], configuration.RuntimeDirectory);
        Assert.Equal(7, configuration.MaxRunning);
        Assert.Equal(TimeSpan.FromMinutes(1), configuration.ShutdownGrace);
        Assert.Equal(TimeSpan.FromDays(1), configuration.KeepHistory);
        Assert.Equal(["a", "b_-9"], configuration.Rules.Select(compiled => compiled.Rule.Name));
        WatchRule rule = configuration.Rules[1].Rule;
        Assert.Equal("/data/in/x", rule.Path.ToString());
        Assert.False(rule.Recursive);
        Assert.Equal(["**/a.raw", "[ab]*"], rule.Include.Patterns);
        Assert.Empty(rule.Exclude.Patterns);
        Assert.Empty(rule.Completion.IgnoredDirectories.Patterns);
        Assert.Equal(
            (Arrivals.Rename, InPlace.Proven, HoldPolicy.Process, HoldPolicy.Process),
            (rule.Completion.Arrivals, rule.Completion.InPlace, rule.Completion.ZeroMtime, rule.Completion.OwnerOnly));
        Assert.Equal(
            (ProcessPolicy.Process, ProcessPolicy.Ignore, ProcessPolicy.Ignore),
            (rule.Completion.Renames, rule.Completion.Updates, rule.ExistingFiles));
        Assert.Equal(5, rule.MaxExistingFiles);
        Assert.Equal((7, 9), (rule.PauseAfterRepeats, rule.PauseAfterFailures));
        Assert.Equal(
            ("/usr/bin/sh", test.Folder.Path, 3),
            (rule.OnFailureCommand!.Program.ToString(), rule.OnFailureCommand.Directory,
                rule.OnFailureCommand.Command.Count));
        Assert.Equal(TimeSpan.Zero, rule.HeldWarning);
        Assert.Equal((DisposalKind.Delete, DisposalKind.Move), (rule.OnSuccess.Kind, rule.OnFailure.Kind));
        Assert.Equal(
            test.Folder["failed/f.raw"],
            rule.OnFailure.DestinationOf(new CommandValues("b_-9", rule.Path, BytePath.Parse("d/f.raw"), 1, 1)));
        Assert.Equal(TimeSpan.FromMilliseconds(500), rule.Completion.QuietPeriod);
        Assert.Equal(TimeSpan.Zero, rule.RescanInterval);
        Assert.Equal([2, 65], rule.Retry.PermanentExitCodes);
        Assert.Equal(1, rule.Retry.MaxAttempts);
        Assert.Equal((TimeSpan.Zero, TimeSpan.Zero), (rule.Retry.Delay, rule.Retry.MaxDelay));
        ProcessOptions process = Assert.IsType<ProcessOptions>(configuration.Rules[1].Dispatcher);
        Assert.Null(process.Program);
        Assert.Equal(test.Folder.Path, process.ProgramDirectory);
        Assert.Equal(["{directory}/crunch", "{path}"], process.Command.Select(argument => argument.Text));
        Assert.Equal(9, process.Concurrency);
        Assert.Equal((TimeSpan.FromHours(1), TimeSpan.Zero), (process.Timeout, process.KillGrace));
        Assert.Equal(test.Folder["work"], process.WorkingDirectory);
        Assert.Equal("4", process.Environment["OMP_NUM_THREADS"]);
        Assert.Equal("", process.Environment["EMPTY"]);
        Assert.Equal(4096, process.MaxLogBytes);
    }

    [Theory]
    [InlineData(@"in\\xFFcoming", @"in\xFFcoming")]
    [InlineData(@"in\\\\x", @"in\\x")]
    [InlineData("nächte/漢", "nächte/漢")]
    [InlineData("../in", "../in")]
    public void A_path_may_hold_any_byte(string json, string expected)
    {
        using var test = new ConfigurationCase();
        CompiledConfiguration configuration = test.CompileRight(
            ConfigurationCase.Rule($$""" "Path": "{{json}}", "Dispatcher": { "Command": ["true"] } """));
        Assert.Equal(test.Folder[expected], configuration.Rules[0].Rule.Path);
    }

    [Fact]
    public void A_program_with_a_slash_is_found_from_the_folder_of_the_file_and_one_without_in_PATH()
    {
        using var test = new ConfigurationCase();
        foreach (string name in (string[])["bin/crunch", "first/crunch", "second/crunch", "second/other"])
        {
            test.Folder.Write(name, "#!/bin/sh\n");
            File.SetUnixFileMode(test.Folder[name].ToString(), (UnixFileMode)0b111_101_101);
        }

        File.SetUnixFileMode(test.Folder["first/crunch"].ToString(), (UnixFileMode)0b110_100_100);
        test["PATH"] = $":relative:{test.Folder.Text}/first:{test.Folder.Text}/second";
        Assert.Equal(test.Folder["bin/crunch"], Program("""["./bin/crunch"]"""));
        Assert.Equal(test.Folder["second/crunch"], Program("""["crunch"]"""));
        Assert.Equal(
            test.Folder["bin/crunch"],
            Program($$"""["crunch"], "Environment": { "PATH": "{{test.Folder.Text}}/bin" }"""));

        BytePath? Program(string command)
        {
            CompiledConfiguration configuration = test.CompileRight(
                ConfigurationCase.Rule($$""" "Path": "in", "Dispatcher": { "Command": {{command}} } """));
            return Assert.IsType<ProcessOptions>(configuration.Rules[0].Dispatcher).Program;
        }
    }

    [Fact]
    public void Directories_come_from_the_keys_else_from_systemd_else_from_the_defaults()
    {
        using var test = new ConfigurationCase();
        test["STATE_DIRECTORY"] = "/var/lib/autocrunch:/var/lib/other";
        test["RUNTIME_DIRECTORY"] = "/run/autocrunch";
        CompiledConfiguration given = test.CompileRight(ConfigurationCase.Rule(ConfigurationCase.Required));
        Assert.Equal("/var/lib/autocrunch", given.StateDirectory.ToString());
        Assert.Equal("/run/autocrunch", given.RuntimeDirectory.ToString());

        CompiledConfiguration written = test.CompileRight(
            ConfigurationCase.Beside(""" "StateDirectory": "state", "RuntimeDirectory": "" """));
        Assert.Equal(test.Folder["state"], written.StateDirectory);
        Assert.Equal("/run/autocrunch", written.RuntimeDirectory.ToString());

        CompiledConfiguration both = test.CompileRight(ConfigurationCase.Beside(""" "RuntimeDirectory": "/r" """));
        Assert.Equal("/r", both.RuntimeDirectory.ToString());
    }

    private static void AssertDefaults(ConfigurationCase test, CompiledConfiguration configuration)
    {
        Assert.Equal(test.Folder["appsettings.json"].ToString(), configuration.File);
        Assert.Equal(test.Folder.Path, configuration.BaseDirectory);
        Assert.Equal(test.Folder["state"], configuration.StateDirectory);
        Assert.Equal(test.Folder["state"], configuration.RuntimeDirectory);
        Assert.Equal(0, configuration.MaxRunning);
        Assert.Equal(TimeSpan.FromSeconds(20), configuration.ShutdownGrace);
        Assert.Equal(TimeSpan.FromDays(90), configuration.KeepHistory);

        WatchRule rule = Assert.Single(configuration.Rules).Rule;
        Assert.Equal("raw", rule.Name);
        Assert.Equal(test.Folder["in"], rule.Path);
        Assert.True(rule.Recursive);
        Assert.Equal(["*"], rule.Include.Patterns);
        Assert.Equal(["*~"], rule.Exclude.Patterns);
        Assert.Equal(TimeSpan.FromMinutes(5), rule.RescanInterval);
        Assert.Equal(ProcessPolicy.Process, rule.ExistingFiles);
        Assert.Equal(10_000, rule.MaxExistingFiles);
        Assert.Equal((5, 0), (rule.PauseAfterRepeats, rule.PauseAfterFailures));
        Assert.Null(rule.OnFailureCommand);
        Assert.Equal(TimeSpan.FromHours(1), rule.HeldWarning);
        Assert.Equal((DisposalPolicy.Keep, DisposalPolicy.Keep), (rule.OnSuccess, rule.OnFailure));
        CompletionPolicy completion = rule.Completion;
        Assert.Equal(Arrivals.RenameAndInPlace, completion.Arrivals);
        Assert.Equal(InPlace.Quiet, completion.InPlace);
        Assert.Equal(TimeSpan.FromSeconds(10), completion.QuietPeriod);
        Assert.Equal([".*"], completion.IgnoredDirectories.Patterns);
        Assert.Equal(HoldPolicy.Hold, completion.ZeroMtime);
        Assert.Equal(HoldPolicy.Hold, completion.OwnerOnly);
        Assert.Equal(ProcessPolicy.Ignore, completion.Renames);
        Assert.Equal(ProcessPolicy.Process, completion.Updates);
        Assert.Equal(3, rule.Retry.MaxAttempts);
        Assert.Equal(TimeSpan.FromSeconds(10), rule.Retry.Delay);
        Assert.Equal(TimeSpan.FromMinutes(10), rule.Retry.MaxDelay);
        Assert.Empty(rule.Retry.PermanentExitCodes);

        ProcessOptions process = Assert.IsType<ProcessOptions>(configuration.Rules[0].Dispatcher);
        Assert.Equal("true", Assert.Single(process.Command).Text);
        Assert.Equal("/usr/bin/true", process.Program?.ToString());
        Assert.Equal(2, process.Concurrency);
        Assert.Null(process.Timeout);
        Assert.Equal(TimeSpan.FromSeconds(10), process.KillGrace);
        Assert.Equal(test.Folder.Path, process.WorkingDirectory);
        Assert.Empty(process.Environment);
        Assert.Equal(10_485_760, process.MaxLogBytes);
    }
}
