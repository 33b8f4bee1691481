namespace AutoCrunch.Configuration;

/// <summary>
/// What every rule's section <c>Dispatcher</c> has; each type adds its own keys in a class derived from it.
/// </summary>
internal class DispatcherSection
{
    /// <summary>The key that tells which class the section is read as.</summary>
    public const string TypeKey = "Type";

    [Setting("Where the jobs run. Process: as children of the service. Systemd: as units of systemd, which go on while "
        + "the service is down. Slurm: as jobs of a Slurm cluster. RabbitMq: elsewhere, told of by messages.")]
    public string Type { get; set; } = "Process";

    [Setting("How many of the rule's jobs may run at once.", Min = "1", Max = "1000")]
    public int Concurrency { get; set; } = 2;
}

/// <summary>
/// A section <c>Dispatcher</c> of type <c>Process</c> as written; or of one that runs the same on this machine.
/// </summary>
internal class ProcessSection : DispatcherSection
{
    [Setting("The command as a list of arguments; no shell reads it. Placeholders: {path} {relative} {name} {stem} "
        + "{extension} {directory} {rule} {job} {attempt}; '{{' is a brace. A name may begin with a dash: put \"--\" "
        + "before it.", Required = true, AtLeast = "a program and its arguments",
        Example = "[\"install\", \"--\", \"{path}\", \"output/{relative}\"]")]
    public string[] Command { get; set; } = [];

    [Setting("How long an attempt may run. null = for ever.",
        Min = "00:00:00.1", Max = "365.00:00:00", Null = "for ever")]
    public TimeSpan? Timeout { get; set; }

    [Setting("Time between SIGTERM and SIGKILL to all processes of an attempt that has to end.",
        Min = "00:00:00", Max = "01:00:00")]
    public TimeSpan KillGrace { get; set; } = TimeSpan.FromSeconds(10);

    [Setting("The directory jobs start in; a relative path is relative to this file's folder.")]
    public string WorkingDirectory { get; set; } = ".";

    [Setting("Variables added to the environment of jobs. Names that begin with AUTOCRUNCH_ are reserved.")]
    public Dictionary<string, string> Environment { get; set; } = [];

    [Setting("How much of an attempt's output is kept: beyond this many bytes the middle is left out.",
        Min = "4096", Max = "1099511627776")]
    public long MaxLogBytes { get; set; } = 10 * 1024 * 1024;
}
