using System.Text.Json;
using AutoCrunch.Core;

namespace AutoCrunch.Configuration;

/// <summary>Makes the options of a <c>Slurm</c> dispatcher of their section, and tells every mistake in it.</summary>
internal static class SlurmCompiler
{
    // What AutoCrunch says itself, and what makes of one submission several jobs, or none.
    private static readonly string[] s_ownLong =
    [
        "array", "chdir", "clusters", "error", "export", "export-file", "get-user-env", "hold", "input", "job-name",
        "no-requeue", "open-mode", "output", "parsable", "requeue", "test-only", "wait", "wrap",
    ];

    private const string OwnShort = "aDMeiJoWH";

    /// <summary>The options; null when a part of them cannot be made, which was told.</summary>
    public static DispatcherOptions? Compile(DispatcherSection dispatcher, string key, RuleCompiler rule)
    {
        var section = (SlurmSection)dispatcher;
        bool isValid = ProcessCompiler.CheckEnvironment(
            $"{key}:{nameof(section.Environment)}", section.Environment, rule.Reader);
        BytePath? shared = SharedDirectory($"{key}:{nameof(section.SharedDirectory)}", section.SharedDirectory, rule);
        BytePath? workingDirectory = section.WorkingDirectory.Length == 0
            ? shared
            : rule.ResolvePath($"{key}:{nameof(section.WorkingDirectory)}", section.WorkingDirectory);
        isValid &= CheckOptions($"{key}:{nameof(section.Options)}", section.Options, rule.Reader);
        isValid &= CheckName($"{key}:{nameof(section.Partition)}", section.Partition, rule.Reader);
        isValid &= CheckName($"{key}:{nameof(section.Account)}", section.Account, rule.Reader);
        isValid &= CheckMemory($"{key}:{nameof(section.Memory)}", section.Memory, rule.Reader);
        isValid &= CheckSetup($"{key}:{nameof(section.Setup)}", section.Setup, rule.Reader);
        if (section.Command.Length == 0)
            return null;
        List<CommandTemplate>? command = ProcessCompiler.CompileCommand(
            $"{key}:{nameof(section.Command)}", section.Command, rule.Reader);
        if (!isValid || command is null || workingDirectory is null || shared is null)
            return null;
        bool saysConcurrency = rule.Reader.Layers.KindOf($"{key}:{nameof(section.Concurrency)}")
            != JsonValueKind.Undefined;
        return new SlurmOptions
        {
            Command = WithProgram(command, rule.BaseDirectory),
            SharedDirectory = shared.Value,
            WorkingDirectory = workingDirectory.Value,
            Environment = section.Environment,
            Concurrency = saysConcurrency
                ? Math.Min(section.Concurrency, section.MaxSubmitted)
                : section.MaxSubmitted,
            Timeout = section.Timeout,
            Time = section.Time,
            Partition = section.Partition,
            Account = section.Account,
            Cpus = section.Cpus,
            Memory = section.Memory,
            Options = section.Options,
            Setup = section.Setup,
            Interval = section.Interval,
            OutcomeWait = section.OutcomeWait,
            MaxLogBytes = section.MaxLogBytes,
        };
    }

    // sbatch reads % and \ in the name of a log, and the batch script names the directory.
    private static BytePath? SharedDirectory(string key, string text, RuleCompiler rule)
    {
        if (rule.Reader.Layers.Value(key) is null)
            return null; // told as missing
        if (rule.ResolvePath(key, text) is not { } path)
            return null;
        if (!path.Span.ContainsAnyExceptInRange((byte)'!', (byte)'~') && !path.Span.ContainsAny("%\\'\""u8))
            return path;
        rule.Reader.Mistake(key, $"a path of plain characters (no blanks, quotes, % or \\), unlike '{path}'");
        return null;
    }

    // No PATH search for what is named with a slash, wherever the job starts.
    private static List<CommandTemplate> WithProgram(List<CommandTemplate> command, BytePath baseDirectory)
    {
        string text = command[0].Text;
        if (command[0].HasPlaceholders || text[0] == '/' || !text.Contains('/', StringComparison.Ordinal))
            return command;
        string absolute = baseDirectory.Join(new BytePath(command[0].Expand(default))).Normalise().ToString();
        string escaped = absolute.Replace("{", "{{", StringComparison.Ordinal)
            .Replace("}", "}}", StringComparison.Ordinal);
        return CommandTemplate.TryParse(escaped, out CommandTemplate? program, out _)
            ? [program, .. command[1..]]
            : command;
    }

    private static bool CheckOptions(string key, string[] options, SectionReader reader)
    {
        bool isValid = true;
        for (int i = 0; i < options.Length; i++)
        {
            string option = options[i];
            string name = option.Split('=')[0].TrimStart('-');
            bool isOwn = option.StartsWith("--", StringComparison.Ordinal)
                ? s_ownLong.Contains(name)
                : option.StartsWith('-') && option.Length > 1 && OwnShort.Contains(option[1], StringComparison.Ordinal);
            string? expected = null;
            if (isOwn)
                expected = "another option: AutoCrunch says this one itself, or could not follow the job with it";
            else if (option.Contains('\0', StringComparison.Ordinal) || option.Length == 0)
                expected = "an argument of sbatch, like \"--qos=night\"";
            else if (option == ":")
                expected = "no ':': heterogeneous jobs cannot be followed";
            if (expected is not null)
                reader.Mistake($"{key}:{i}", expected);
            isValid &= expected is null;
        }

        return isValid;
    }

    private static bool CheckName(string key, string name, SectionReader reader)
    {
        bool isValid = name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' or ',')
            && !name.StartsWith('-');
        if (!isValid)
            reader.Mistake(key, "a name of letters, digits, '_', '-' and '.', or several with commas between");
        return isValid;
    }

    private static bool CheckMemory(string key, string memory, SectionReader reader)
    {
        string number = memory.Length > 0 && "KMGT".Contains(memory[^1], StringComparison.Ordinal)
            ? memory[..^1]
            : memory;
        bool isValid = memory.Length == 0 || (number.Length is > 0 and < 10 && number.All(char.IsAsciiDigit));
        if (!isValid)
            reader.Mistake(key, "a whole number of MB, or one with K, M, G or T behind it, like \"16G\"");
        return isValid;
    }

    private static bool CheckSetup(string key, string[] lines, SectionReader reader)
    {
        bool isValid = true;
        for (int i = 0; i < lines.Length; i++)
        {
            if (!lines[i].Any(c => c is '\0' or '\r' or '\n'))
                continue;
            reader.Mistake($"{key}:{i}", "one line: each command is an item of the list");
            isValid = false;
        }

        return isValid;
    }
}
