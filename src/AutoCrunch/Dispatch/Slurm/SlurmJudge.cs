using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Dispatch;

/// <summary>Why we cancelled a job in Slurm.</summary>
internal enum SlurmEndCause : byte
{
    /// <summary>We did not.</summary>
    None,

    /// <summary>It ran longer than its rule allows.</summary>
    Timeout,

    /// <summary>An operator cancelled the job.</summary>
    ByHand,
}

/// <summary>What is known of an attempt when it is judged.</summary>
/// <param name="Row">What Slurm says of its job; null when it was asked and knows none of that name.</param>
/// <param name="Outcome">The outcome file.</param>
/// <param name="Cause">Whether we cancelled it.</param>
/// <param name="IsLate">It was so long ago over for Slurm that an outcome would be there.</param>
internal readonly record struct SlurmFacts(SlurmRow? Row, SlurmOutcome? Outcome, SlurmEndCause Cause, bool IsLate);

/// <summary>
/// What came of an attempt, by its outcome file first and by Slurm's word second. Pure.
/// <list type="table">
/// <item>exit code 0 in the outcome file without SIGTERM: succeeded, whatever Slurm says.</item>
/// <item>any exit code after SIGTERM: as Slurm's state says if it ended the job, else that code counts; 0 only if Slurm
/// says that nothing ended it.</item>
/// <item>another exit code: failed, retried (PermanentExitCodes apply).</item>
/// <item>ended by a signal: as Slurm's state says, else failed, retried.</item>
/// <item>TIMEOUT, DEADLINE: timed out, retried. OUT_OF_MEMORY: failed, retried.</item>
/// <item>NODE_FAIL, BOOT_FAIL, LAUNCH_FAILED, RECONFIG_FAIL: interrupted, runs again; the fifth in a row fails.</item>
/// <item>PREEMPTED: interrupted, runs again however often.</item>
/// <item>CANCELLED by us: timed out or cancelled. By somebody else: failed, not retried: he does not want it.</item>
/// <item>COMPLETED, FAILED, or forgotten by Slurm, without an outcome: unknown: failed, retried.</item>
/// </list>
/// </summary>
internal static class SlurmJudge
{
    private const int SignalBase = 128;
    private const int CannotExecute = 126;
    private const int NotFound = 127;
    private const int NoWorkingDirectory = 72;
    private const int NotDone = 73;

    /// <summary>The verdict; null while there can be none.</summary>
    public static AttemptOutcome? Of(in SlurmFacts facts, SlurmOptions options)
    {
        int? code = facts.Outcome?.Code;
        int? signal = code is > SignalBase and <= SignalBase + Signals.SIGSYS ? code - SignalBase : null;
        if (facts.Outcome is { IsTerminated: true } terminated && signal is null)
            return OfTerminated(terminated, facts, options);
        if (facts.Outcome is { } file && signal is null)
            return OfCode(file, facts.Cause, options);

        // A signal may be Slurm's: then its word says why. What it has forgotten, it did not end a moment ago.
        if (facts.Row is { HasEnded: true } ended && OfState(ended, signal, facts.Cause, options) is { } verdict)
            return verdict;
        if (signal is { } number && (facts.Row is not { HasEnded: false } || facts.IsLate))
            return OfSignal(number, facts.Cause, options);
        if (!facts.IsLate)
            return null;
        return facts.Cause switch
        {
            SlurmEndCause.ByHand => new AttemptOutcome.EndedByHand(null, null),
            SlurmEndCause.Timeout => new AttemptOutcome.TimedOut(options.Timeout!.Value, null, null),
            _ when facts.Row is { } row => new AttemptOutcome.Failed(
                $"Slurm says that its job {row.Id} on '{row.Nodes}' is {row.State} ({row.Reason}), but no outcome has "
                + $"appeared in SharedDirectory within {options.OutcomeWait:c}: see the job's log, and whether that "
                + "node can write there"),
            _ => new AttemptOutcome.Failed(
                "Slurm knows nothing of its job any more, which began and left no outcome: see slurmctld's log"),
        };
    }

    /// <summary>What came of an attempt whose job ended in Slurm without having begun its script.</summary>
    public static AttemptOutcome OfUnbegun(SlurmRow row, SlurmEndCause cause, SlurmOptions options) =>
        OfState(row, null, cause, options) ?? new AttemptOutcome.Failed(
            $"Slurm could not start its job {row.Id} on '{row.Nodes}' ({row.State}, {row.Reason}): see whether that "
            + "node has SharedDirectory, and slurmd's log there");

    // A command that leaves off when it is told to exits with any code, 0 too. So how Slurm has ended its job counts
    // first, and 0 counts as done only where Slurm says that nothing ended it.
    private static AttemptOutcome? OfTerminated(SlurmOutcome file, in SlurmFacts facts, SlurmOptions options)
    {
        if (facts.Cause != SlurmEndCause.None)
            return OfEnded(file.Code, null, facts.Cause, options);
        if (facts.Row is { HasEnded: true } ended && ended.Id == file.SlurmId) // not another copy's
            return OfState(ended, null, facts.Cause, options, file.Code) ?? OfCode(file, facts.Cause, options);
        bool isUnheard = facts.Row is { State: "" };
        if (isUnheard || (facts.Row is not null && !facts.IsLate))
            return null;
        return file.Code != 0
            ? OfCode(file, facts.Cause, options)
            : new AttemptOutcome.Failed(
                $"exited with code 0 after SIGTERM, and Slurm does not tell whether it had ended its job "
                + $"{file.SlurmId} on '{file.Node}': it may have left off before it was done", file.Code);
    }

    private static AttemptOutcome OfCode(SlurmOutcome file, SlurmEndCause cause, SlurmOptions options)
    {
        (int code, _, string node, _) = file;
        if (code == 0)
            return AttemptOutcome.Succeeded.Value;
        string hint = code switch
        {
            NotFound => $" on node '{node}': the program was not found there",
            CannotExecute => $" on node '{node}': the program could not be executed there",
            NoWorkingDirectory => $" on node '{node}': perhaps WorkingDirectory is not there",
            NotDone => $" on node '{node}': perhaps Setup or a signal ended the batch script before the command had "
                + "ended",
            _ => "",
        };
        return OfEnded(code, null, cause, options) ?? new AttemptOutcome.Failed($"exited with code {code}{hint}", code);
    }

    private static AttemptOutcome OfSignal(int signal, SlurmEndCause cause, SlurmOptions options) =>
        OfEnded(null, signal, cause, options)
            ?? new AttemptOutcome.Failed($"ended by {Signals.Name(signal)}", null, signal);

    // Null unless we have ended it.
    private static AttemptOutcome? OfEnded(int? code, int? signal, SlurmEndCause cause, SlurmOptions options) =>
        cause switch
        {
            SlurmEndCause.ByHand => new AttemptOutcome.EndedByHand(code, signal),
            SlurmEndCause.Timeout => new AttemptOutcome.TimedOut(options.Timeout!.Value, code, signal),
            _ => null,
        };

    // Null where the state says less than an outcome.
    private static AttemptOutcome? OfState(
        SlurmRow row, int? signal, SlurmEndCause cause, SlurmOptions options, int? code = null)
    {
        string what = $"Slurm's job {row.Id} on '{row.Nodes}'";
        return row.State switch
        {
            "COMPLETED" or "FAILED" => null,
            _ when OfEnded(code, signal, cause, options) is { } byUs => byUs,
            "TIMEOUT" or "DEADLINE" when (options.Time ?? options.Timeout) is { } limit =>
                new AttemptOutcome.TimedOut(limit, code, signal),
            "TIMEOUT" or "DEADLINE" => new AttemptOutcome.Failed(
                $"{what} reached its partition's time limit after {row.Elapsed:c} ({row.State}): ask for more with "
                + "Time", code, signal),
            "OUT_OF_MEMORY" => new AttemptOutcome.Failed(
                $"{what} needed more memory than it had: ask for more with Memory", code, signal),
            "PREEMPTED" => new AttemptOutcome.Interrupted(ByCrash: false, $"{what} was preempted"),
            "CANCELLED" => new AttemptOutcome.Failed(
                $"{what} was cancelled, not by AutoCrunch ({row.Reason}): 'autocrunch retry' runs it again", code,
                signal, IsPermanent: true),
            "REVOKED" => new AttemptOutcome.Failed($"{what} was revoked by the federation", code, signal),
            _ => new AttemptOutcome.Interrupted(ByCrash: true, $"{what} was lost with its node ({row.State})"),
        };
    }
}
