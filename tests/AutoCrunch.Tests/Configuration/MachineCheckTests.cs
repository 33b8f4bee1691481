using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Linux;
using FileSystemInfo = AutoCrunch.Linux.FileSystemInfo;

namespace AutoCrunch.Tests.Configuration;

/// <summary>A valid configuration against the machine, on real directories.</summary>
public sealed class MachineCheckTests
{
    private const string PathKey = "AutoCrunch:Rules:raw:Path";

    [Fact]
    public void A_missing_directory_is_created_at_start_when_its_parent_exists()
    {
        using var test = new ConfigurationCase();
        CompiledConfiguration configuration = test.CompileRight(ConfigurationCase.Rule(ConfigurationCase.Required));
        Assert.Contains(MachineCheck.Inspect(configuration, null), finding => finding.ToString()
            == $"{PathKey}: {test.Folder["in"]} does not exist; run creates it");
        Assert.False(test.Folder.Exists("in") || test.Folder.Exists("state"));

        IReadOnlyList<MachineFinding> findings = MachineCheck.Prepare(configuration);
        AssertNone(findings, FindingSeverity.Warning);
        Assert.Equal(FileType.Directory, test.Folder.Stat("in").Type);
        Assert.Equal(0b111_101_000u, test.Folder.Stat("state").Mode);
        AssertNone(MachineCheck.Prepare(configuration), FindingSeverity.Warning);
    }

    [Fact]
    public void A_missing_directory_whose_parent_is_missing_is_an_error_and_nothing_is_created_for_it()
    {
        using var test = new ConfigurationCase();
        CompiledConfiguration configuration = test.CompileRight(
            ConfigurationCase.Rule(""" "Path": "mnt/disk/in", "Dispatcher": { "Command": ["true"] } """));
        test.Folder.MakeDirectory("mnt");
        string expected = $"{PathKey}: {test.Folder["mnt/disk/in"]} does not exist and is only created when its parent "
            + $"exists: create {test.Folder["mnt/disk"]} first";
        Assert.Equal([expected], Texts(MachineCheck.Prepare(configuration), FindingSeverity.Error));
        Assert.Equal([expected], Texts(MachineCheck.Inspect(configuration, null), FindingSeverity.Error));
        Assert.False(test.Folder.Exists("mnt/disk"));
    }

    [Fact]
    public void What_stands_in_the_way_of_moving_files_is_said_before_the_first_one()
    {
        using var test = new ConfigurationCase();
        test.Folder.Write("done", "no directory");
        test.Folder.MakeDirectory("in/archive");
        CompiledConfiguration configuration = test.CompileRight("""
            { "AutoCrunch": { "Rules": {
                "raw": { "Path": "in", "Dispatcher": { "Command": ["true"] },
                    "OnSuccess": { "Action": "Move", "To": "done/{relative}" },
                    "OnFailure": { "Action": "Move", "To": "in/archive/{relative}" } },
                "second": { "Path": "in/archive", "Dispatcher": { "Command": ["true"] } } } } }
            """);
        string[] warnings = [.. Texts(MachineCheck.Prepare(configuration), FindingSeverity.Warning)];
        Assert.Equal(3, warnings.Length);
        Assert.Contains(warnings, warning => warning.Contains(
            "files cannot be moved to \"done/{relative}\": write to", StringComparison.Ordinal));
        Assert.Contains(warnings, warning => warning.Contains(
            "OnFailure moves files to \"in/archive/{relative}\", where the rule takes them itself",
            StringComparison.Ordinal));
        Assert.Contains(warnings, warning => warning.Contains(
            "OnSuccess and OnFailure take files away that rule 'second' takes too", StringComparison.Ordinal));
    }

    [Fact]
    public void A_directory_that_is_a_file_is_an_error()
    {
        using var test = new ConfigurationCase();
        test.Folder.Write("in");
        test.Folder.Write("state");
        CompiledConfiguration configuration = test.CompileRight(ConfigurationCase.Rule(ConfigurationCase.Required));
        AssertRefused(MachineCheck.Prepare(configuration));
        AssertRefused(MachineCheck.Inspect(configuration, null));

        void AssertRefused(IReadOnlyList<MachineFinding> findings)
        {
            IReadOnlyList<string> errors = Texts(findings, FindingSeverity.Error);
            Assert.Equal(2, errors.Count);
            Assert.StartsWith("AutoCrunch:StateDirectory: cannot ", errors[0], StringComparison.Ordinal);
            Assert.StartsWith($"{PathKey}: cannot watch '{test.Folder["in"]}': Not a directory (ENOTDIR)", errors[1],
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_symbolic_link_to_a_directory_is_a_directory_and_one_to_nothing_is_waited_for()
    {
        using var test = new ConfigurationCase();
        File.CreateSymbolicLink(test.Folder["in"].ToString(), test.Folder["there"].ToString());
        CompiledConfiguration configuration = test.CompileRight(ConfigurationCase.Rule(ConfigurationCase.Required));
        IReadOnlyList<MachineFinding> findings = MachineCheck.Prepare(configuration);
        AssertNone(findings, FindingSeverity.Error);
        Assert.Equal(
            $"{PathKey}: {test.Folder["in"]} is a symbolic link to nothing; it is watched as soon as it leads "
                + "somewhere",
            Assert.Single(Texts(findings, FindingSeverity.Warning)));
        Assert.False(test.Folder.Exists("there"));
        test.Folder.MakeDirectory("there");
        AssertNone(MachineCheck.Prepare(configuration), FindingSeverity.Warning);
    }

    [Fact]
    public void A_working_directory_that_is_missing_is_an_error()
    {
        using var test = new ConfigurationCase();
        CompiledConfiguration configuration = test.CompileRight(ConfigurationCase.Rule(
            """ "Path": "in", "Dispatcher": { "Command": ["true"], "WorkingDirectory": "work" } """));
        Assert.StartsWith(
            "AutoCrunch:Rules:raw:Dispatcher:WorkingDirectory: cannot start jobs in",
            Assert.Single(Texts(MachineCheck.Prepare(configuration), FindingSeverity.Error)), StringComparison.Ordinal);
        test.Folder.MakeDirectory("work");
        AssertNone(MachineCheck.Prepare(configuration), FindingSeverity.Error);
    }

    [Fact]
    public void Files_are_counted_as_the_service_would_take_them()
    {
        using var test = new ConfigurationCase();
        string[] names =
        [
            "in/a.raw", @"in/d/\xFF.raw", "in/d/e/c.raw", "in/d/x.txt", "in/.a.raw.x2Kd9q", "in/b.raw~",
            "in/.rsync-partial/p.raw", "in/f.raw.part",
        ];
        foreach (string name in names)
            test.Folder.Write(name);
        test.Folder.MakeDirectory("in/dir.raw");
        File.CreateSymbolicLink(test.Folder["in/link.raw"].ToString(), "a.raw");
        File.CreateSymbolicLink(test.Folder["in/tree"].ToString(), "d");
        const string keys = """ "Path": "in", "Include": ["*.raw", ".*"], "Dispatcher": { "Command": ["true"] } """;
        CompiledConfiguration configuration = test.CompileRight(ConfigurationCase.Rule(keys));

        string first = Existing(MachineCheck.Inspect(configuration, null));
        Assert.StartsWith("3 files of this rule are there, such as '", first, StringComparison.Ordinal);
        Assert.EndsWith("'; the first start processes those that are finished", first, StringComparison.Ordinal);

        string later = Existing(MachineCheck.Inspect(configuration, IsKnown));
        Assert.EndsWith(
            "; 2 of them are new to the ledger and are processed when finished", later, StringComparison.Ordinal);

        configuration = test.CompileRight(
            ConfigurationCase.Rule(keys + """, "ExistingFiles": "Ignore", "Recursive": false"""));
        Assert.Equal(
            "1 file of this rule is there, such as 'a.raw'; the first start leaves them alone",
            Existing(MachineCheck.Inspect(configuration, null)));

        static bool IsKnown(string rule, BytePath path, FileStat stat) =>
            rule == "raw" && path.ToString() == @"d/\xFF.raw" && stat.SizeBytes == 7;
        static string Existing(IReadOnlyList<MachineFinding> findings) =>
            Assert.Single(findings, finding => finding.Key == "AutoCrunch:Rules:raw:ExistingFiles").Text;
    }

    [Fact]
    public void Directories_are_counted_once_for_overlapping_rules_and_compared_with_the_limit()
    {
        using var test = new ConfigurationCase();
        test.Folder.MakeDirectory("in/a/b");
        test.Folder.MakeDirectory("in/.ignored/c");
        CompiledConfiguration configuration = test.CompileRight("""
            { "AutoCrunch": { "Rules": {
                "all": { "Path": "in", "Dispatcher": { "Command": ["true"] } },
                "part": { "Path": "in/a", "Dispatcher": { "Command": ["true"] } } } } }
            """);
        Assert.Contains(
            MachineCheck.Inspect(configuration, null),
            finding => finding.Text.StartsWith("3 directories need a watch each, ", StringComparison.Ordinal));
    }

    [Fact]
    public void A_check_tells_what_is_well()
    {
        using var test = new ConfigurationCase();
        test.Folder.MakeDirectory("in");
        CompiledConfiguration configuration = test.CompileRight(ConfigurationCase.Rule(ConfigurationCase.Required));
        Assert.Equal(0, FileSystemInfo.TryRead(test.Folder.Path, out FileSystemFacts facts));
        string all = string.Join('\n', MachineCheck.Inspect(configuration, null));
        Assert.Contains($"AutoCrunch:StateDirectory: {test.Folder["state"]} is writable, on {facts.Name}", all,
            StringComparison.Ordinal);
        Assert.Contains($"{PathKey}: {test.Folder["in"]} can be watched, on {facts.Name}", all,
            StringComparison.Ordinal);
        Assert.Contains("AutoCrunch:Rules:raw:Dispatcher:Command:0: /usr/bin/true can be executed", all,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(""" "Path": ".", "Include": ["*"] """, """["true"]""", "StateDirectory")]
    [InlineData(""" "Path": ".", "Include": ["*.raw"] """, """["true"]""", null)]
    [InlineData(""" "Path": ".", "Include": ["*"], "Recursive": false """, """["true"]""", null)]
    [InlineData(""" "Path": ".", "Include": ["*"], "Exclude": ["state/**"] """, """["true"]""", null)]
    [InlineData(""" "Path": "in", "Include": ["*.raw"] """, """["cp", "{path}", "in/out/{name}"]""", "\"in/out/")]
    [InlineData(""" "Path": "in", "Include": ["*.raw"] """, """["cp", "-t={directory}/{stem}-1.raw"]""", "\"-t=")]
    [InlineData(""" "Path": "in", "Include": ["*.raw"] """, """["cp", "{path}", "{directory}/{stem}.fits"]""", null)]
    [InlineData(""" "Path": "in", "Include": ["*.raw"] """, """["cp", "{directory}", "out/{relative}"]""", null)]
    [InlineData(""" "Path": "in", "Include": ["*.raw"] """, """["cp", "{path}", "in/.done/{name}"]""", null)]
    public void A_rule_that_would_feed_itself_is_warned_of(string keys, string command, string? expected)
    {
        using var test = new ConfigurationCase();
        test.Folder.MakeDirectory("in");
        CompiledConfiguration configuration = test.CompileRight(
            ConfigurationCase.Rule($$"""{{keys}}, "Dispatcher": { "Command": {{command}} }"""));
        IReadOnlyList<string> warnings = Texts(MachineCheck.Prepare(configuration), FindingSeverity.Warning);
        if (expected is null)
            Assert.Empty(warnings);
        else
            Assert.Contains(expected, Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void The_shipped_rule_has_nothing_to_warn_of()
    {
        using var test = new ConfigurationCase();
        CompiledConfiguration configuration = test.CompileRight(SchemaTests.ShippedText);
        AssertNone(MachineCheck.Prepare(configuration), FindingSeverity.Warning);
        AssertNone(MachineCheck.Inspect(configuration, null), FindingSeverity.Warning);
    }

    // A disk that is nearly full is the machine's affair, not the test's.
    private static IReadOnlyList<string> Texts(IReadOnlyList<MachineFinding> findings, FindingSeverity severity) =>
    [
        .. findings.Where(finding => finding.Severity == severity).Select(finding => finding.ToString())
            .Where(text => !text.Contains("MiB are free", StringComparison.Ordinal)),
    ];

    private static void AssertNone(IReadOnlyList<MachineFinding> findings, FindingSeverity atLeast)
    {
        for (FindingSeverity severity = atLeast; severity <= FindingSeverity.Error; severity++)
            Assert.Empty(Texts(findings, severity));
    }
}
