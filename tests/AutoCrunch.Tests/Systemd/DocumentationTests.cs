using System.CommandLine;
using System.Globalization;
using System.Text.RegularExpressions;
using AutoCrunch.Cli;
using AutoCrunch.Configuration;

namespace AutoCrunch.Tests.Systemd;

/// <summary>
/// What is installed beside the program says everything that the program can do, and nothing else: man pages,
/// completion, the shipped configuration, the unit.
/// </summary>
public sealed partial class DocumentationTests
{
    [Theory]
    [InlineData("man/autocrunch.1")]
    [InlineData("completion/autocrunch.bash")]
    [InlineData("completion/autocrunch.zsh")]
    [InlineData("completion/autocrunch.fish")]
    public void Every_verb_and_every_option_is_there(string file)
    {
        string text = Deployed(file).Replace("\\-", "-", StringComparison.Ordinal);
        RootCommand root = CommandLine.Build(Terminal.OfProcess());
        IEnumerable<Command> commands = [root, .. root.Subcommands];
        foreach (Command verb in root.Subcommands)
            Assert.Matches($@"(?<![-\w]){verb.Name}(?![-\w])", text);
        foreach (Option option in commands.SelectMany(command => command.Options).Where(option => !option.Hidden))
            Assert.Matches(file.EndsWith("fish", StringComparison.Ordinal)
                ? $@"-l {option.Name[2..]} "
                : $@"{option.Name}(?![-\w])", text);
    }

    [Fact]
    public void Every_exit_code_is_in_the_manual()
    {
        string text = Deployed("man/autocrunch.1");
        foreach (int code in new[] { ExitCodes.Success, ExitCodes.Failure, ExitCodes.Usage, ExitCodes.Configuration })
            Assert.Contains(
                string.Create(CultureInfo.InvariantCulture, $".TP\n.B {code}\n"), text, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_setting_is_in_the_manual_with_its_default_and_no_other_is()
    {
        string text = Deployed("man/autocrunch-appsettings.5").Replace("\\(dq", "\"", StringComparison.Ordinal)
            .Replace("\\(ti", "~", StringComparison.Ordinal);
        (string Name, string Default)[] described =
            [.. Entry().Matches(text).Select(entry => (entry.Groups[1].Value, Plain(entry.Groups[2].Value)))];
        Type[] sections =
        [
            typeof(AutoCrunchSection), typeof(RuleSection), typeof(CompletionSection), typeof(RetrySection),
            typeof(OnSuccessSection), typeof(OnFailureSection),
            .. DispatcherTypes.All.Select(type => type.Section),
        ];
        Assert.Equal(
            sections.SelectMany(Settings).Distinct().Order(),
            described.Distinct().Order());
    }

    [Fact]
    public void The_shipped_configuration_has_no_mistake_and_names_absolute_directories()
    {
        string file = Path.Combine(Package.RepositoryRoot, "deploy/appsettings.json");
        var surroundings = new Surroundings("/", "/nowhere", new Dictionary<string, string>());
        LoadedConfiguration loaded = ConfigurationLoader.Load(file, surroundings);
        CompiledConfiguration? configuration = ConfigurationCompiler.Compile(
            loaded, surroundings, out IReadOnlyList<ConfigurationMistake> mistakes);
        Assert.Empty(mistakes);
        Assert.Equal("/var/lib/autocrunch", configuration!.StateDirectory.ToString());
        Assert.Equal("/var/lib/autocrunch/incoming", Assert.Single(configuration.Rules).Rule.Path.ToString());
    }

    [Fact]
    public void The_unit_gives_more_time_to_stop_than_the_shipped_configuration_takes()
    {
        var defaults = new AutoCrunchSection();
        double needed = (defaults.ShutdownGrace + new ProcessSection().KillGrace).TotalSeconds;
        Match seconds = Regex.Match(
            Deployed("autocrunch.service"), "^TimeoutStopSec=([0-9]+)s$", RegexOptions.Multiline, Wait.Bound);
        Assert.True(double.Parse(seconds.Groups[1].Value, CultureInfo.InvariantCulture) >= needed + 10);
    }

    private static string Deployed(string file) =>
        File.ReadAllText(Path.Combine(Package.RepositoryRoot, "deploy", file));

    // A key, and what the manual says of its default in the same line.
    private static IEnumerable<(string Name, string Default)> Settings(Type section)
    {
        object defaults = Activator.CreateInstance(section)!;
        foreach (var property in SettingFacts.Of(section))
        {
            object? value = property.GetValue(defaults);
            string shown = value switch
            {
                _ when SettingFacts.Describe(property).Required => "(required)",
                null => "(default null)",
                string text => $"(default \"{text}\")",
                bool flag => flag ? "(default true)" : "(default false)",
                Enum word => $"(default \"{word}\")",
                TimeSpan { Days: > 0 } time => $"(default \"{time:d\\.hh\\:mm\\:ss}\")",
                TimeSpan time => $"(default \"{time:hh\\:mm\\:ss}\")",
                string[] list => $"(default [{string.Join(", ", list.Select(item => $"\"{item}\""))}])",
                int[] list => $"(default [{string.Join(", ", list)}])",
                Dictionary<string, string> => "(default {})",
                IFormattable number => $"(default {number.ToString(null, CultureInfo.InvariantCulture)})",
                _ => "",
            };
            yield return (property.Name, shown);
        }
    }

    // roff: ' " (default " "state" )' is shown as '(default "state")', ' " (required)"' as '(required)'.
    private static string Plain(string arguments)
    {
        Match match = Arguments().Match(arguments);
        return match.Success ? match.Groups[1].Value + match.Groups[2].Value.TrimEnd(' ') + ")" : "";
    }

    [GeneratedRegex("""^ " (\((?:default |required))(?:" (.*) \)|\)")$""")]
    private static partial Regex Arguments();

    [GeneratedRegex(@"(?<=^\.TP\n)\.BR ([A-Z]\w+)(.*)$", RegexOptions.Multiline)]
    private static partial Regex Entry();
}
