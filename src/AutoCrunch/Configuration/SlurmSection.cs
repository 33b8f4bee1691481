namespace AutoCrunch.Configuration;

/// <summary>A section <c>Dispatcher</c> of type <c>Slurm</c> as written.</summary>
internal sealed class SlurmSection : DispatcherSection
{
    [Setting("The command as a list of arguments, with the placeholders of type Process; the batch script runs it on "
        + "the node, where its program is looked for in PATH. A path with a slash is relative to this file's folder.",
        Required = true, AtLeast = "a program and its arguments",
        Example = "[\"reduce\", \"--\", \"{path}\"]")]
    public string[] Command { get; set; } = [];

    [Setting("A directory that this machine and all nodes have under this path. Jobs claim their attempt, write their "
        + "output and leave their outcome in it.", Required = true, Example = "\"/shared/autocrunch\"")]
    public string SharedDirectory { get; set; } = "";

    [Setting("How many of the rule's jobs may be submitted at once, waiting in Slurm's queue or running, unless "
        + "Concurrency says less.", Min = "1", Max = "100000")]
    public int MaxSubmitted { get; set; } = 1000;

    [Setting("The partition (sbatch --partition). Empty for the cluster's default.")]
    public string Partition { get; set; } = "";

    [Setting("The account (sbatch --account). Empty for the user's default.")]
    public string Account { get; set; } = "";

    [Setting("The time limit that Slurm is asked for (sbatch --time), rounded up to minutes. null = two minutes more "
        + "than Timeout, or the partition's.",
        Min = "00:01:00", Max = "365.00:00:00", Null = "two minutes more than Timeout, or the partition's")]
    public TimeSpan? Time { get; set; }

    [Setting("How long an attempt may run: AutoCrunch cancels it then, at its next look. null = as long as Slurm "
        + "lets it.", Min = "00:00:01", Max = "365.00:00:00", Null = "as long as Slurm lets it")]
    public TimeSpan? Timeout { get; set; }

    [Setting("CPUs of a job (sbatch --cpus-per-task). 0 for the cluster's default.", Min = "0", Max = "100000")]
    public int Cpus { get; set; }

    [Setting("Memory of a job (sbatch --mem). Empty for the cluster's default.", Example = "\"16G\"")]
    public string Memory { get; set; } = "";

    [Setting("More arguments for sbatch. Those that AutoCrunch gives itself are refused.",
        Example = "[\"--qos=night\", \"--gres=gpu:1\"]")]
    public string[] Options { get; set; } = [];

    [Setting("Lines of bash that are run on the node before the command, each a whole command; the attempt fails "
        + "with the exit code of the first that fails.",
        Example = "[\"source /etc/profile.d/modules.sh\", \"module load reduction\"]")]
    public string[] Setup { get; set; } = [];

    [Setting("How often Slurm is asked, at most, what became of all jobs of all rules.",
        Min = "00:00:01", Max = "01:00:00")]
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(5);

    [Setting("How much later than the end of its job an outcome may appear in SharedDirectory (network file systems "
        + "show new files late): then the attempt has failed.", Min = "00:00:01", Max = "01:00:00")]
    public TimeSpan OutcomeWait { get; set; } = TimeSpan.FromSeconds(90);

    [Setting("The directory jobs start in, on the node; a relative path is relative to this file's folder. Empty for "
        + "SharedDirectory.")]
    public string WorkingDirectory { get; set; } = "";

    [Setting("Variables added to the environment of jobs. Names that begin with AUTOCRUNCH_ are reserved.")]
    public Dictionary<string, string> Environment { get; set; } = [];

    [Setting("How much of an attempt's output is kept: beyond this many bytes the middle is left out.",
        Min = "4096", Max = "1099511627776")]
    public long MaxLogBytes { get; set; } = 10 * 1024 * 1024;
}
