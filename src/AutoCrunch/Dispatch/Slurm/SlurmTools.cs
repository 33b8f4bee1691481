using System.Globalization;
using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Dispatch;

/// <summary>Slurm's own programs, as operators have them in PATH, with the service's environment.</summary>
internal sealed class SlurmTools
{
    private const int MaxAnswerBytes = 256 * 1024 * 1024;
    private const string PathPrefix = "PATH=";

    // slurmctld answers within its MessageTimeout (10 s) or not at all; sbatch itself tries for longer.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    // Options of Slurm's programs (squeue(1) and others, ENVIRONMENT VARIABLES): with one of them an answer might leave
    // out jobs that live, which would then be submitted again.
    private static readonly byte[][] s_optionPrefixes =
        [.. "SQUEUE_ SBATCH_ SCANCEL_ SLURM_CLUSTERS=".Split(' ').Select(Encoding.ASCII.GetBytes)];

    private readonly byte[][] _environment;
    private readonly string _searchPath;

    /// <param name="inherited">The service's environment; sbatch passes it on to jobs.</param>
    public SlurmTools(IEnumerable<byte[]> inherited)
    {
        _environment =
        [
            .. JobEnvironment.WithoutOwn(inherited)
                .Where(entry => !Array.Exists(s_optionPrefixes, prefix => entry.AsSpan().StartsWith(prefix))),
        ];
        _searchPath = _environment.Select(Encoding.UTF8.GetString)
            .FirstOrDefault(entry => entry.StartsWith(PathPrefix, StringComparison.Ordinal))?[PathPrefix.Length..]
            ?? ProgramFinder.DefaultPath;
    }

    /// <summary>Submits a script; it prints the number of the job.</summary>
    public ProgramCall Submit(SlurmOptions options, SlurmPlace place, byte[] script) =>
        Call("sbatch", [.. SubmitArguments(options, place.JobName), $"--output={place.Log}"]) with { Input = script };

    /// <summary>Asks whether a job like the rule's would be taken, without submitting one.</summary>
    public ProgramCall TestSubmit(SlurmOptions options) =>
        Call("sbatch", ["--test-only", .. SubmitArguments(options, "autocrunch-check"), "--output=/dev/null"]) with
        {
            Input = "#!/bin/bash\n"u8.ToArray(),
        };

    /// <summary>
    /// Asks for all jobs of this user, in all states that Slurm remembers; --all: in hidden partitions, too.
    /// </summary>
    public ProgramCall Query() => Call(
        "squeue",
        ["--noheader", "--all", "--states=all", $"--user={Accounts.UserId}", $"--format={SlurmRow.Format}"]) with
    {
        MaxOutputBytes = MaxAnswerBytes,
    };

    /// <summary>Cancels jobs by their numbers.</summary>
    public ProgramCall Cancel(IEnumerable<long> ids) =>
        Call("scancel", [.. ids.Select(id => id.ToString(CultureInfo.InvariantCulture))]);

    /// <summary>Cancels all jobs of a name.</summary>
    public ProgramCall Cancel(string name) => Call("scancel", [$"--name={name}"]);

    /// <summary>The number that sbatch printed: "123" or "123;cluster"; null when it did not.</summary>
    public static long? IdOf(ProgramResult submitted)
    {
        string text = Encoding.ASCII.GetString(submitted.Output).Trim().Split(';')[0];
        return submitted.IsSuccess
            && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long id) ? id : null;
    }

    // --export=ALL passes this environment on; anything else would have Slurm start a login shell for the user's
    // (sbatch(1)). --no-requeue: a second run by Slurm itself would find its attempt claimed.
    private static List<string> SubmitArguments(SlurmOptions options, string name)
    {
        List<string> arguments =
        [
            "--parsable", $"--job-name={name}", "--open-mode=append", "--no-requeue", "--export=ALL", "--chdir=/",
        ];
        if (options.Partition.Length > 0)
            arguments.Add($"--partition={options.Partition}");
        if (options.Account.Length > 0)
            arguments.Add($"--account={options.Account}");
        if (options.LimitMinutes is { } minutes)
            arguments.Add(string.Create(CultureInfo.InvariantCulture, $"--time={minutes}"));
        if (options.Cpus > 0)
            arguments.Add(string.Create(CultureInfo.InvariantCulture, $"--cpus-per-task={options.Cpus}"));
        if (options.Memory.Length > 0)
            arguments.Add($"--mem={options.Memory}");
        arguments.AddRange(options.Options);
        return arguments;
    }

    // Looked for each time: Slurm may be installed, or moved, while the service runs. What is not found gives ENOENT,
    // and with it the reason, when it is started.
    private ProgramCall Call(string name, List<string> arguments)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(name);
        int errno = ProgramFinder.TryFind(new BytePath(bytes), new BytePath("/"u8), _searchPath, out BytePath program);
        return new ProgramCall(
            errno == 0 ? program : new BytePath(Encoding.ASCII.GetBytes("/usr/bin/" + name)),
            [bytes, .. arguments.Select(Encoding.UTF8.GetBytes)],
            _environment)
        {
            Timeout = s_patience,
        };
    }
}
