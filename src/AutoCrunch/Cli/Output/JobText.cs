using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Cli;

/// <summary>
/// What the ledger keeps as numbers, as one word each (for JSON and tables; never changed) and as sentences.
/// </summary>
internal static class JobText
{
    public static string Of(JobState state) => state switch
    {
        JobState.Queued => "queued",
        JobState.Running => "running",
        JobState.Succeeded => "succeeded",
        JobState.Failed => "failed",
        JobState.Cancelled => "cancelled",
        _ => throw new InvariantException($"Unknown state {state}"),
    };

    public static string Of(JobReason reason) => reason switch
    {
        JobReason.Gone => "gone",
        JobReason.Superseded => "superseded",
        JobReason.ByHand => "by hand",
        _ => throw new InvariantException($"Unknown reason {reason}"),
    };

    public static string SentenceOf(JobReason reason) => reason switch
    {
        JobReason.Gone => "the file was gone before an attempt started",
        JobReason.Superseded => "the file was replaced before an attempt started; the new version has its own job",
        JobReason.ByHand => "cancelled by hand",
        _ => throw new InvariantException($"Unknown reason {reason}"),
    };

    /// <summary>"renamedFromTemporary", as the evidence is called in the manual.</summary>
    public static string Of(Evidence evidence) => JsonName(evidence.ToString());

    public static string SentenceOf(Evidence evidence) => evidence switch
    {
        Evidence.RenamedFromTemporary => "renamed from rsync's temporary name",
        Evidence.Renamed => "renamed into place",
        Evidence.Linked => "linked as a finished file",
        Evidence.MtimeSet => "closed, and its modification time was set by the sender",
        Evidence.Quiet => "closed, no writer, quiet",
        Evidence.Found => "found by a scan, no writer, changed after it was last written",
        Evidence.ByHand => "told by hand (submit, adopt)",
        _ => evidence.ToString(),
    };

    public static string Of(AttemptResult result) => result switch
    {
        AttemptResult.Succeeded => "succeeded",
        AttemptResult.Failed => "failed",
        AttemptResult.TimedOut => "timed out",
        AttemptResult.CannotStart => "cannot start",
        AttemptResult.Interrupted => "interrupted",
        _ => throw new InvariantException($"Unknown result {result}"),
    };

    /// <summary>How the program ended: "exit code 3", "SIGKILL"; empty when there was none.</summary>
    public static string EndOf(AttemptRecord attempt) => attempt switch
    {
        { Signal: { } signal } => Signals.Name(signal),
        { ExitCode: { } code } => $"exit code {code}",
        _ => "",
    };

    /// <summary>"zeroMtime" of ZeroMtime.</summary>
    public static string JsonName(string name) => char.ToLowerInvariant(name[0]) + name[1..];
}
