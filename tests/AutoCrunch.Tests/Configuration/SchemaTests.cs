using System.Text.Json;
using AutoCrunch.Configuration;

namespace AutoCrunch.Tests.Configuration;

/// <summary>The schema for editors and the shipped file, held equal to what the service reads.</summary>
public sealed class SchemaTests
{
    private const string Schema = "deploy/appsettings.schema.json";
    private const string Shipped = "appsettings.json";
    private const string WriteVariable = "AUTOCRUNCH_WRITE_SCHEMA";

    private static readonly JsonDocumentOptions s_lenient =
        new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip };

    /// <summary>The shipped appsettings.json.</summary>
    internal static string ShippedText => File.ReadAllText(PathOf(Shipped));

    [Fact]
    public void The_schema_says_what_the_section_classes_say()
    {
        string expected = SchemaWriter.Write();
        if (Environment.GetEnvironmentVariable(WriteVariable) == "1")
            File.WriteAllText(PathOf(Schema), expected);
        Assert.True(
            File.ReadAllText(PathOf(Schema)) == expected,
            $"{Schema} differs from the section classes: write it again by running this test with {WriteVariable}=1");
    }

    [Fact]
    public void The_shipped_file_fits_the_schema_and_names_it()
    {
        using JsonDocument shipped = Parse(ShippedText);
        Assert.Equal("./" + Schema, shipped.RootElement.GetProperty("$schema").GetString());
        Assert.Empty(Errors(shipped));
    }

    [Fact]
    public void The_contract_fits_the_schema()
    {
        using JsonDocument contract = Parse(ConfigurationDefaultsTests.Contract);
        Assert.Empty(Errors(contract));
    }

    [Theory]
    [InlineData(""" "Path": "in" """)]
    [InlineData(""" "Dispatcher": { "Command": ["true"] } """)]
    [InlineData(""" "Path": "in", "Dispatcher": { "Command": [] } """)]
    [InlineData(""" "Path": "in", "Dispatcher": { "Command": "true" } """)]
    [InlineData(""" "Path": "in", "Dispatcher": { "Command": ["true"], "Type": "Kubernetes" } """)]
    [InlineData(""" "Path": "in", "Dispatcher": { "Command": ["true"], "Comand": ["true"] } """)]
    [InlineData(""" "Path": "in", "Dispatcher": { "Command": ["true"], "Timeout": "10" } """)]
    [InlineData(""" "Path": "in", "Dispatcher": { "Command": ["true"] }, "RescanInterval": 10 """)]
    [InlineData(""" "Path": "in", "Dispatcher": { "Command": ["true"] }, "RescanInterval": "24:00:00" """)]
    [InlineData(""" "Path": "in", "Dispatcher": { "Command": ["true"] }, "Retry": { "MaxAttempts": 0 } """)]
    [InlineData(""" "Path": "in", "Dispatcher": { "Command": ["true"] }, "Completion": { "InPlace": "Never" } """)]
    [InlineData(""" "Path": "in", "Dispatcher": { "Command": ["true"] }, "Incldue": ["*"] """)]
    public void The_schema_marks_what_the_service_refuses(string keys)
    {
        using JsonDocument wrong = Parse(ConfigurationCase.Rule(keys));
        Assert.NotEmpty(Errors(wrong));
    }

    [Fact]
    public void The_shipped_file_has_no_mistake_and_copies_raw_files_from_incoming_to_output()
    {
        using var test = new ConfigurationCase();
        CompiledConfiguration configuration = test.CompileRight(ShippedText);
        CompiledRule rule = Assert.Single(configuration.Rules);
        Assert.Equal("raw", rule.Rule.Name);
        Assert.Equal(test.Folder["incoming"], rule.Rule.Path);
        Assert.True(rule.Rule.Takes("night 1/-a.raw"u8));
        Assert.False(rule.Rule.Takes("a.txt"u8));
        AutoCrunch.Core.ProcessOptions process = Assert.IsType<AutoCrunch.Core.ProcessOptions>(rule.Dispatcher);
        Assert.Equal(
            ["install", "-D", "-m", "644", "--", "{path}", "output/{relative}"],
            process.Command.Select(argument => argument.Text));
        Assert.Equal(test.Folder.Path, process.WorkingDirectory);
        Assert.Equal("Information", test.Loaded?.Root["Serilog:MinimumLevel"]);
    }

    private static IReadOnlyList<string> Errors(JsonDocument document)
    {
        using JsonDocument schema = Parse(File.ReadAllText(PathOf(Schema)));
        return new SchemaCheck(schema.RootElement).Validate(document.RootElement);
    }

    private static JsonDocument Parse(string json) => JsonDocument.Parse(json, s_lenient);

    private static string PathOf(string relative)
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "AutoCrunch.sln")))
            folder = Path.GetDirectoryName(folder);
        return Path.Combine(folder ?? throw new InvalidOperationException("no solution above the tests"), relative);
    }
}
