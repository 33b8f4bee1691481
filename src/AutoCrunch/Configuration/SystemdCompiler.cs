using AutoCrunch.Core;

namespace AutoCrunch.Configuration;

/// <summary>Makes the options of a <c>Systemd</c> dispatcher of their section, and tells every mistake in it.</summary>
internal static class SystemdCompiler
{
    private const int NameLengthMax = 64;
    private const int ValueLengthMax = 4096;

    // What the dispatcher itself sets or relies on, and what to write instead. A name that ends with '*' stands for all
    // that begin so.
    private static readonly (string Name, string Instead)[] s_ours =
    [
        ("ExecPaths", ""), ("ExecSearchPath", ""),
        ("Exec*", "Command: a unit runs one program, and AutoCrunch has to learn how it ended"),
        ("Type", "nothing: a job is running until its program ends"),
        ("ExitType", "nothing: a job is running until its program ends"),
        ("RuntimeMaxSec", "Timeout"), ("RuntimeMaxUSec", "Timeout"), ("RuntimeRandomizedExtra*", "Timeout"),
        ("Timeout*", "Timeout and KillGrace"),
        ("KillMode", "KillGrace: every process of the unit is ended"),
        ("KillSignal", "KillGrace: SIGTERM comes first, then SIGKILL"),
        ("RestartKillSignal", "KillGrace"), ("FinalKillSignal", "KillGrace"), ("SendSIG*", "KillGrace"),
        ("Watchdog*", "Timeout"),
        ("Restart*", "the rule's Retry"), ("StartLimit*", "the rule's Retry"),
        ("RemainAfterExit", "nothing: a unit is gone when its job has ended"),
        ("CollectMode", "nothing: a unit is gone when its job has ended"),
        ("RefuseManualStop", "nothing: autocrunch cancel has to stop it"),
        ("Standard*", "MaxLogBytes: what a job prints is in its log (autocrunch show --log) and in the journal"),
        ("TTY*", "nothing: a job has no terminal"),
        ("WorkingDirectory", "WorkingDirectory beside Properties"),
        ("Environment*", "Environment beside Properties"), ("PassEnvironment", "Environment beside Properties"),
        ("UnsetEnvironment", "Environment beside Properties"),
        ("Root*", "a program that enters it (systemd-nspawn, chroot) in Command"),
        ("User", "a program that becomes that user (runuser, setpriv) in Command, where the service is root"),
        ("Group", "a program that becomes that group (setpriv) in Command, where the service is root"),
        ("DynamicUser", "a program that becomes another user (runuser, setpriv) in Command"),
        ("PIDFile", "nothing: the program of Command is the unit's main process"),
        ("GuessMainPID", "nothing: the program of Command is the unit's main process"),
        ("NotifyAccess", "nothing: a job is running until its program ends"),
        ("BusName", "nothing: a job is running until its program ends"),
        ("Sockets", "nothing: a job gets no sockets"),
        ("Description", "nothing: it tells job, rule and file"),
    ];

    /// <summary>The options; null when a part of them cannot be made, which was told.</summary>
    public static DispatcherOptions? Compile(DispatcherSection dispatcher, string key, RuleCompiler rule)
    {
        var section = (SystemdSection)dispatcher;
        bool areProperties = CheckProperties(
            $"{key}:{nameof(section.Properties)}", section.Properties, rule.Reader);
        return ProcessCompiler.Compile(section, key, rule) is ProcessOptions process && areProperties
            ? new SystemdOptions(process) { Properties = section.Properties }
            : null;
    }

    private static bool CheckProperties(string key, Dictionary<string, string> properties, SectionReader reader)
    {
        bool areValid = true;
        foreach ((string name, string value) in properties)
        {
            string? expected = null;
            if (!IsPropertyName(name))
                expected = "the name of a unit's property, like MemoryMax (systemd.resource-control(5))";
            else if (InsteadOf(name) is { Length: > 0 } instead)
                expected = $"{instead}. {name} is not a rule's to set";
            if (expected is not null)
                reader.Mistake($"{key}:{name}", $"the property {ConfigurationLayers.Quote(name)}", expected);
            bool isText = value.Length <= ValueLengthMax && !value.Any(char.IsControl);
            if (!isText)
                reader.Mistake($"{key}:{name}", $"a text of one line and {ValueLengthMax} characters at most");
            areValid &= expected is null && isText;
        }

        return areValid;
    }

    // Empty for one that a general name means and that is all right nevertheless.
    private static string? InsteadOf(string property) => s_ours.FirstOrDefault(ours => ours.Name is [.., '*']
        ? property.StartsWith(ours.Name[..^1], StringComparison.OrdinalIgnoreCase)
        : string.Equals(property, ours.Name, StringComparison.OrdinalIgnoreCase)).Instead;

    private static bool IsPropertyName(string name) => name.Length is > 1 and <= NameLengthMax
        && char.IsAsciiLetterUpper(name[0]) && name.All(char.IsAsciiLetterOrDigit);
}
