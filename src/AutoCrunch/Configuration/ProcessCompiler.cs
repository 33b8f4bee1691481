using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Configuration;

/// <summary>Makes the options of a <c>Process</c> dispatcher of their section, and tells every mistake in it.</summary>
internal static class ProcessCompiler
{
    private const string ReservedPrefix = "AUTOCRUNCH_";

    /// <summary>The options; null when a part of them cannot be made, which was told.</summary>
    public static DispatcherOptions? Compile(DispatcherSection dispatcher, string key, RuleCompiler rule)
    {
        var section = (ProcessSection)dispatcher;
        bool isEnvironment = CheckEnvironment($"{key}:{nameof(section.Environment)}", section.Environment, rule.Reader);
        BytePath? workingDirectory = rule.ResolvePath(
            $"{key}:{nameof(section.WorkingDirectory)}", section.WorkingDirectory);
        string commandKey = $"{key}:{nameof(section.Command)}";
        if (section.Command.Length == 0)
            return null;
        List<CommandTemplate>? command = CompileCommand(commandKey, section.Command, rule.Reader);
        string searchPath = section.Environment.GetValueOrDefault("PATH") ?? rule.SearchPath;
        BytePath? program = FindProgram(commandKey, section.Command, searchPath, rule, out bool isStartable);
        if (command is null || workingDirectory is null || !isEnvironment || !isStartable)
            return null;
        return new ProcessOptions
        {
            Command = command,
            Program = program,
            ProgramDirectory = rule.BaseDirectory,
            Concurrency = section.Concurrency,
            Timeout = section.Timeout,
            KillGrace = section.KillGrace,
            WorkingDirectory = workingDirectory.Value,
            Environment = section.Environment,
            MaxLogBytes = section.MaxLogBytes,
        };
    }

    /// <summary>A rule's OnFailureCommand; null when there is none, or a mistake, which was told.</summary>
    public static FailureCommand? CompileOnFailure(string key, string[] texts, RuleCompiler rule)
    {
        if (texts.Length == 0)
            return null;
        List<CommandTemplate>? command = CompileCommand(key, texts, rule.Reader);
        BytePath? program = FindProgram(key, texts, rule.SearchPath, rule, out bool isStartable);
        return command is null || !isStartable ? null : new FailureCommand(command, program, rule.BaseDirectory);
    }

    internal static List<CommandTemplate>? CompileCommand(string key, string[] texts, SectionReader reader)
    {
        var command = new List<CommandTemplate>();
        for (int i = 0; i < texts.Length; i++)
        {
            if (CommandTemplate.TryParse(texts[i], out CommandTemplate? template, out string error))
                command.Add(template);
            else
                reader.Mistake($"{key}:{i}", $"an argument ({error})");
        }

        if (command.Count < texts.Length)
            return null;
        int space = texts[0].IndexOf(' ', StringComparison.Ordinal);
        bool isWholeLine = texts.Length == 1 && command[0].HasPlaceholders && space > 0
            && texts[0].IndexOf('{', StringComparison.Ordinal) > space;
        if (!isWholeLine)
            return command;
        reader.Mistake(
            $"{key}:0", "the program alone: each argument is an item of the list, no shell takes them apart");
        return null;
    }

    // Null also when the program depends on the file: then it is looked for at each start.
    private static BytePath? FindProgram(
        string key, string[] texts, string searchPath, RuleCompiler rule, out bool isStartable)
    {
        isStartable = true;
        if (!CommandTemplate.TryParse(texts[0], out CommandTemplate? first, out _) || first.HasPlaceholders
            || !rule.FindsPrograms)
            return null;
        byte[] name = first.Expand(default);
        int errno = ProgramFinder.TryFind(new BytePath(name), rule.BaseDirectory, searchPath, out BytePath program);
        if (errno == 0)
            return program.Normalise();
        isStartable = false;
        bool hasSlash = name.AsSpan().Contains((byte)'/');
        string where = hasSlash
            ? $"an executable file (a relative path starts at {rule.BaseDirectory})"
            : $"a program in PATH ({searchPath}), or a path with a slash";
        string why = errno switch
        {
            Errno.EACCES => "; what is there may not be executed",
            Errno.EISDIR => "; what is there is a directory",
            _ when Encoding.UTF8.GetString(name).Contains(' ', StringComparison.Ordinal) =>
                "; each argument is an item of the list, no shell takes them apart",
            _ => "",
        };
        rule.Reader.Mistake($"{key}:0", where + why);
        return null;
    }

    internal static bool CheckEnvironment(string key, Dictionary<string, string> environment, SectionReader reader)
    {
        bool isValid = true;
        foreach ((string name, string value) in environment)
        {
            string? expected = null;
            if (!IsVariableName(name))
                expected = "a name of letters, digits and '_' that begins with no digit";
            else if (name.StartsWith(ReservedPrefix, StringComparison.OrdinalIgnoreCase))
                expected = $"another name: {ReservedPrefix}* is what AutoCrunch tells jobs";
            if (expected is not null)
                reader.Mistake($"{key}:{name}", $"the variable {ConfigurationLayers.Quote(name)}", expected);
            if (value.Contains('\0', StringComparison.Ordinal))
                reader.Mistake($"{key}:{name}", "a text without NUL");
            isValid &= expected is null && !value.Contains('\0', StringComparison.Ordinal);
        }

        return isValid;
    }

    private static bool IsVariableName(string name) =>
        name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_');
}
