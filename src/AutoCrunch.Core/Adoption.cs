namespace AutoCrunch.Core;

/// <summary>What files that exist are adopted as.</summary>
public enum AdoptAs : byte
{
    /// <summary>Processed elsewhere, or not to be processed: no job.</summary>
    Done,

    /// <summary>To be processed: a job each.</summary>
    Pending,
}

/// <summary>What adopting one file leads to.</summary>
public enum AdoptAction : byte
{
    /// <summary>The ledger knows this version as it is to be.</summary>
    LeaveKnown,

    /// <summary>A job of it runs.</summary>
    LeaveRunning,

    /// <summary>It is held: only its sender, or <c>submit</c>, makes it whole.</summary>
    LeaveHeld,

    /// <summary>Another version was recorded since it was looked at.</summary>
    LeaveChanged,

    /// <summary>The version is recorded without a job.</summary>
    Record,

    /// <summary>The same, and its job that waits is cancelled by hand.</summary>
    CancelAndRecord,

    /// <summary>The version is recorded with a job.</summary>
    Job,
}

/// <summary>An operator says what files that exist are to count as.</summary>
public static class Adoption
{
    /// <summary>Decides for one file.</summary>
    /// <param name="how">What it is adopted as.</param>
    /// <param name="version">The version that is there.</param>
    /// <param name="known">What is known of its path; null when nothing is.</param>
    /// <param name="hadJob">This path had a job, which may be forgotten by now.</param>
    public static AdoptAction Of(AdoptAs how, FileVersion version, KnownEntry? known, bool hadJob)
    {
        bool isSame = known is { } entry && entry.Version == version;
        if (known is { Job: JobState.Running })
            return AdoptAction.LeaveRunning;
        return how == AdoptAs.Done ? Done(known, isSame) : Pending(known, isSame, hadJob);
    }

    private static AdoptAction Done(KnownEntry? known, bool isSame)
    {
        if (known is { Job: JobState.Queued })
            return AdoptAction.CancelAndRecord;

        // An update that was left alone would still run if the job before is called off.
        return isSame && known is { State: EntryState.Present, IsUnprocessed: false, IsUpdate: null }
            ? AdoptAction.LeaveKnown
            : AdoptAction.Record;
    }

    // What had a job in this version keeps it: to run it again is the business of retry and submit.
    private static AdoptAction Pending(KnownEntry? known, bool isSame, bool hadJob)
    {
        if (isSame && known is { State: EntryState.Held })
            return AdoptAction.LeaveHeld;
        bool keepsJob = known switch
        {
            { Job: JobState.Cancelled } => false,
            { Job: null } => hadJob,
            _ => true,
        };
        return isSame && keepsJob && known is { State: EntryState.Present } ? AdoptAction.LeaveKnown : AdoptAction.Job;
    }
}
