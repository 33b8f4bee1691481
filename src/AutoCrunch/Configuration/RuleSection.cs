using AutoCrunch.Core;

namespace AutoCrunch.Configuration;

/// <summary>One watch rule as written. Initial values are the defaults.</summary>
internal sealed class RuleSection
{
    [Setting("The directory to watch; a relative path is relative to this file's folder. Created once, at start, if "
        + "its parent exists. Bytes that are not UTF-8 are written \\xNN (in JSON: \\\\xNN).",
        Required = true, Example = "\"incoming\"")]
    public string Path { get; set; } = "";

    [Setting("Whether directories below Path are watched too.")]
    public bool Recursive { get; set; } = true;

    [Setting("Patterns of final names to process. Without a slash: the name at any depth; with one: the path "
        + "relative to Path. '**' spans directories, '*' and '?' match any byte but '/', '[a-z]' one of a set. "
        + "Case-sensitive.",
        AtLeast = "at least one pattern", Example = "[\"*.raw\"]")]
    public string[] Include { get; set; } = ["*"];

    [Setting("Patterns of names not to process, as in Include.", Example = "[\"*~\"]")]
    public string[] Exclude { get; set; } = ["*~"];

    [Setting("When a file counts as finished.")]
    public CompletionSection Completion { get; set; } = new();

    [Setting("Time between two safety rescans, and the only means on network file systems. \"00:00:00\" = off.",
        Min = "00:00:01", Max = "30.00:00:00", Zero = "off")]
    public TimeSpan RescanInterval { get; set; } = TimeSpan.FromMinutes(5);

    [Setting("Whether files found at this rule's very first start are processed.")]
    public ProcessPolicy ExistingFiles { get; set; } = ProcessPolicy.Process;

    [Setting("Pauses the rule when its very first start, or a start with other patterns, finds more files than this: "
        + "they are recorded, and 'autocrunch resume RULE' lets them run. 0 = no limit.",
        Min = "0", Max = "1000000000")]
    public int MaxExistingFiles { get; set; } = 10_000;

    [Setting("Pauses a path that completes more often than this within ten minutes, as a job that rewrites its own "
        + "input makes it: 'autocrunch resume RULE --path PATH' lets it run again. 0 = never.",
        Min = "0", Max = "1000000")]
    public int PauseAfterRepeats { get; set; } = 5;

    [Setting("Pauses the rule when so many of its jobs have failed for good one after the other: 'autocrunch resume "
        + "RULE' lets them run. 0 = never.",
        Min = "0", Max = "1000000000")]
    public int PauseAfterFailures { get; set; }

    [Setting("How the rule's jobs are run.", Required = true,
        Example = "{ \"Command\": [\"install\", \"--\", \"{path}\", \"output/{relative}\"] }")]
    public DispatcherSection Dispatcher { get; set; } = new();

    [Setting("What happens to a job whose attempt failed.")]
    public RetrySection Retry { get; set; } = new();

    [Setting("What is done with a file when its job has succeeded.")]
    public OnSuccessSection OnSuccess { get; set; } = new();

    [Setting("What is done with a file when its job has failed for good.")]
    public OnFailureSection OnFailure { get; set; } = new();

    [Setting("A command that is run once for each job that has failed for good, and for each file that is held for "
        + "longer than HeldWarning, as a list of arguments; no shell reads it. Placeholders as in Command; in its "
        + "environment AUTOCRUNCH_EVENT is 'failed' or 'held', AUTOCRUNCH_REASON why. Empty: none.",
        Example = "[\"mail\", \"-s\", \"{name}\", \"root\"]")]
    public string[] OnFailureCommand { get; set; } = [];

    [Setting("A file that is held for longer than this is told of in the log, and by OnFailureCommand. \"00:00:00\" = "
        + "never.",
        Min = "00:00:01", Max = "365.00:00:00", Zero = "never")]
    public TimeSpan HeldWarning { get; set; } = TimeSpan.FromHours(1);
}

/// <summary>What can be done with a file whose job has succeeded.</summary>
internal enum OnSuccessAction : byte { Keep, Move, Delete }

/// <summary>What can be done with a file whose job has failed.</summary>
internal enum OnFailureAction : byte { Keep, Move }

/// <summary>What the sections <c>OnSuccess</c> and <c>OnFailure</c> have in common.</summary>
internal abstract class DisposalSection
{
    [Setting("The new path of the file itself, for Move; a relative path is relative to the configuration file's "
        + "folder. Placeholders: {path} {relative} {name} {stem} {extension} {directory} {rule} {job} {attempt}; '{{' "
        + "is a brace. Directories that are missing are made; no file is ever replaced.",
        Example = "\"done/{relative}\"")]
    public string To { get; set; } = "";
}

/// <summary>A rule's section <c>OnSuccess</c> as written.</summary>
internal sealed class OnSuccessSection : DisposalSection
{
    [Setting("Keep: it stays. Move: it is moved to the path To. Delete: it is deleted. Only the version that was "
        + "processed is touched.")]
    public OnSuccessAction Action { get; set; } = OnSuccessAction.Keep;
}

/// <summary>A rule's section <c>OnFailure</c> as written.</summary>
internal sealed class OnFailureSection : DisposalSection
{
    [Setting("Keep: it stays. Move: it is moved to the path To. Only the version that was processed is touched.")]
    public OnFailureAction Action { get; set; } = OnFailureAction.Keep;
}

/// <summary>A rule's section <c>Completion</c> as written.</summary>
internal sealed class CompletionSection
{
    [Setting("Which ways of arriving count. Rename: only files renamed or linked into place, as plain rsync does.")]
    public Arrivals Arrivals { get; set; } = Arrivals.RenameAndInPlace;

    [Setting("What speaks for a file written in place: the quiet period, or nothing less than a modification time "
        + "set by the sender (Proven).")]
    public InPlace InPlace { get; set; } = InPlace.Quiet;

    [Setting("How long a file written in place must show no sign of life.", Min = "00:00:00.1", Max = "7.00:00:00")]
    public TimeSpan QuietPeriod { get; set; } = TimeSpan.FromSeconds(10);

    [Setting("Directories that are not entered, as patterns. The default covers rsync's .~tmp~ and .rsync-partial.",
        Example = "[\".*\"]")]
    public string[] IgnoredDirectories { get; set; } = [".*"];

    [Setting("Files with modification time 0, the mark of an interrupted rsync --partial: hold them until a later "
        + "transfer, or process them.")]
    public HoldPolicy ZeroMtime { get; set; } = HoldPolicy.Hold;

    [Setting("New files that only their owner may read and whose modification time nobody set, which is what a "
        + "killed rsync --inplace leaves: hold them, or process them (for senders with umask 077).")]
    public HoldPolicy OwnerOnly { get; set; } = HoldPolicy.Hold;

    [Setting("Whether renaming a file that was processed makes a new job.")]
    public ProcessPolicy Renames { get; set; } = ProcessPolicy.Ignore;

    [Setting("Whether a new version of a known name makes a job. Ignore: only names never seen before.")]
    public ProcessPolicy Updates { get; set; } = ProcessPolicy.Process;
}

/// <summary>A rule's section <c>Retry</c> as written.</summary>
internal sealed class RetrySection
{
    [Setting("How often a job is tried in all.", Min = "1", Max = "1000")]
    public int MaxAttempts { get; set; } = 3;

    [Setting("Delay before the second attempt; doubled before each further one, and shortened by a random fifth at "
        + "most.",
        Min = "00:00:00", Max = "30.00:00:00")]
    public TimeSpan Delay { get; set; } = TimeSpan.FromSeconds(10);

    [Setting("No delay is longer than this.", Min = "00:00:00", Max = "30.00:00:00")]
    public TimeSpan MaxDelay { get; set; } = TimeSpan.FromMinutes(10);

    [Setting("Exit codes after which a job is not tried again.", Min = "1", Max = "255", Example = "[64, 65]")]
    public int[] PermanentExitCodes { get; set; } = [];
}
