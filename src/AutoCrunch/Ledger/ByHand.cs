using System.Runtime.InteropServices;
using AutoCrunch.Core;

namespace AutoCrunch.Ledger;

/// <summary>What came of pausing a rule, or of letting it go on.</summary>
/// <param name="Before">Why it was paused before; null when it was not.</param>
/// <param name="Waiting">How many of its jobs wait.</param>
internal sealed record RulePause(PauseReason? Before, long Waiting);

/// <summary>A job as an operator's command finds it.</summary>
/// <param name="Job">The job, with the path its file has now as far as is known.</param>
/// <param name="LatestId">The path's latest job; null when nothing is known of the path.</param>
/// <param name="Device">The device its file was seen on; 0 when that is not known.</param>
internal sealed record FoundJob(Job Job, long? LatestId, ulong Device)
{
    /// <summary>What is, or was, done with its file when it had ended; null when it is kept.</summary>
    public Disposal? Disposal { get; init; }
}

/// <summary>A file as it was looked at, to be told to the ledger.</summary>
/// <param name="Path">Relative to the rule's directory.</param>
/// <param name="Stat">Without what is no part of its identity where it is.</param>
/// <param name="LookedNs">When it was looked at, by the wall clock: what is recorded of it since is newer.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct SeenFile(BytePath Path, FileStat Stat, long LookedNs);

/// <summary>The job of a file that was submitted by hand.</summary>
/// <param name="JobId">Its id; when refused, that of the job before.</param>
/// <param name="HasWaited">It was queued already, and is now due at once.</param>
internal readonly record struct Submitted(long JobId, bool HasWaited)
{
    /// <summary>The file is being moved or deleted, as the job before has ended: there is no new job.</summary>
    public bool IsRefused { get; init; }

    /// <summary>The path has got another version since it was looked at, and was left alone: there is no job.</summary>
    public bool HasChanged { get; init; }
}

/// <summary>What adopting files came to, in numbers of files.</summary>
internal sealed record AdoptCounts
{
    /// <summary>Are known already, in this version, and stay as they are.</summary>
    public long Known { get; set; }

    /// <summary>Are recorded now, without a job.</summary>
    public long Recorded { get; set; }

    /// <summary>Have a job now.</summary>
    public long Jobs { get; set; }

    /// <summary>Had a job that waited, which is cancelled.</summary>
    public long Cancelled { get; set; }

    /// <summary>Have a job that runs, and were left alone.</summary>
    public long Running { get; set; }

    /// <summary>Are held, and stay so.</summary>
    public long Held { get; set; }

    /// <summary>Have got another version since they were looked at, and were left alone.</summary>
    public long Changed { get; set; }

    /// <summary>Adds the files of another part.</summary>
    public void Add(AdoptCounts other)
    {
        ArgumentNullException.ThrowIfNull(other);
        Known += other.Known;
        Recorded += other.Recorded;
        Jobs += other.Jobs;
        Cancelled += other.Cancelled;
        Running += other.Running;
        Held += other.Held;
        Changed += other.Changed;
    }

    /// <summary>Counts one file.</summary>
    public void Add(AdoptAction action)
    {
        switch (action)
        {
            case AdoptAction.LeaveKnown:
                Known += 1;
                break;
            case AdoptAction.LeaveRunning:
                Running += 1;
                break;
            case AdoptAction.LeaveHeld:
                Held += 1;
                break;
            case AdoptAction.LeaveChanged:
                Changed += 1;
                break;
            case AdoptAction.Record:
                Recorded += 1;
                break;
            case AdoptAction.CancelAndRecord:
                Recorded += 1;
                Cancelled += 1;
                break;
            case AdoptAction.Job:
                Jobs += 1;
                break;
            default:
                throw new InvariantException($"Unknown action {action}");
        }
    }
}
