using System;
using System.Collections.Generic;

namespace AutoCrunch.Core;

/// <summary>A rule's <c>Dispatcher</c> section of type <c>Slurm</c>, compiled.</summary>
public sealed record SlurmOptions : DispatcherOptions
{
    /// <summary>The command as an argument vector; its program is looked for on the node.</summary>
    public required IReadOnlyList<CommandTemplate> Command { get; init; }

    /// <summary>A directory that the service and all nodes see under this path, of plain characters only.</summary>
    public required BytePath SharedDirectory { get; init; }

    /// <summary>The directory jobs start in, on the node, absolute.</summary>
    public required BytePath WorkingDirectory { get; init; }

    /// <summary>What is added to the environment of jobs; never a name that begins with AUTOCRUNCH_.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>How long an attempt may run before AutoCrunch cancels it; null = as long as Slurm lets it.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>The time limit that Slurm is asked for; null = a margin over Timeout, or the partition's.</summary>
    public TimeSpan? Time { get; init; }

    /// <summary>The partition; empty for the cluster's default.</summary>
    public string Partition { get; init; } = "";

    /// <summary>The account; empty for the user's default.</summary>
    public string Account { get; init; } = "";

    /// <summary>CPUs of a job; 0 for the cluster's default.</summary>
    public int Cpus { get; init; }

    /// <summary>Memory of a job as sbatch reads it; empty for the cluster's default.</summary>
    public string Memory { get; init; } = "";

    /// <summary>More arguments for sbatch.</summary>
    public IReadOnlyList<string> Options { get; init; } = [];

    /// <summary>Commands of the shell that are run on the node before the job's command.</summary>
    public IReadOnlyList<string> Setup { get; init; } = [];

    /// <summary>How often Slurm is asked what became of the jobs.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How much later than its job's end an outcome file may appear.</summary>
    public TimeSpan OutcomeWait { get; init; } = TimeSpan.FromSeconds(90);

    /// <summary>Bytes of an attempt's log that are kept.</summary>
    public long MaxLogBytes { get; init; } = 10 * 1024 * 1024;

    /// <inheritdoc/>
    public override string? Engine => $"Slurm, with SharedDirectory {SharedDirectory}";

    /// <summary>
    /// The limit that Slurm is asked for: whole minutes, as sbatch counts. Null to leave it to the partition. Beyond
    /// Timeout a margin, so that the end of a job that is too slow is ours while we are there to see it.
    /// </summary>
    public int? LimitMinutes => (Time ?? Timeout + TimeSpan.FromMinutes(2)) is { } limit
        ? (int)Math.Ceiling(limit.TotalMinutes)
        : null;
}
