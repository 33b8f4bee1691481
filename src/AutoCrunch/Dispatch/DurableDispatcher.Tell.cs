using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Dispatch;

/// <summary>What the service's log says of an attempt that has ended.</summary>
public abstract partial class DurableDispatcher
{
    private void Tell(Attempt attempt, AttemptOutcome outcome, JobTransition transition, long nowNs)
    {
        (long id, int number, BytePath path) = (attempt.Job.Id, attempt.Number, attempt.Job.Path);
        string reason = ReasonOf(outcome, transition);
        if (transition.Reason == JobReason.ByHand)
        {
            DispatchLog.Cancelled(Logger, id, path, Rule.Name, "cancelled by hand");
            return;
        }

        switch (outcome)
        {
            case AttemptOutcome.Succeeded:
                double seconds = (Clock.WallNs() - attempt.Job.StartedNs!.Value) / 1e9;
                DispatchLog.Succeeded(Logger, id, path, Rule.Name, number, seconds);
                break;
            case AttemptOutcome.Interrupted { Reason: { } what } when transition.State == JobState.Queued:
                DispatchLog.InterruptedBy(Logger, id, path, Rule.Name, number, what);
                break;
            case AttemptOutcome.Interrupted { Reason: null } when transition.State == JobState.Queued:
                DispatchLog.Interrupted(Logger, id, path, Rule.Name, number);
                break;
            case AttemptOutcome.Gone or AttemptOutcome.Changed:
                DispatchLog.Cancelled(Logger, id, path, Rule.Name, reason);
                break;
            case AttemptOutcome.NotStarted or AttemptOutcome.PutOff:
                break;
            default:
                if (transition.State == JobState.Failed)
                {
                    DispatchLog.FailedForGood(Logger, id, path, Rule.Name, number, reason, OutputOf(attempt));
                    break;
                }

                TimeSpan delay = TimeSpan.FromSeconds(Math.Round((transition.Counts.DueNs - nowNs) / 1e9, 1));
                DispatchLog.Failed(
                    Logger, id, path, Rule.Name, number, Rule.Retry.MaxAttempts, reason, delay, OutputOf(attempt));
                break;
        }
    }

    // Those that run again were told of together. Ledger thread: what it printed is left to `show`.
    private void TellOfCrash(Attempt attempt, AttemptOutcome outcome, JobTransition transition)
    {
        if (transition.State == JobState.Failed)
            DispatchLog.FailedForGood(
                Logger, attempt.Job.Id, attempt.Job.Path, Rule.Name, attempt.Number, ReasonOf(outcome, transition), "");
    }

    private static string ReasonOf(AttemptOutcome outcome, JobTransition transition) =>
        outcome is AttemptOutcome.Interrupted { ByCrash: true } && transition.State == JobState.Failed
            ? $"{outcome.Sentence}. That is {JobTransitions.CrashesMax} times in a row, so it is taken for the cause"
            : outcome.Sentence ?? "";

    // Decoration: no reason to end the service.
    private string OutputOf(Attempt attempt)
    {
        try
        {
            return LastOutput(attempt);
        }
        catch (Exception e) when (e is not InvariantException)
        {
            return $"\n  | (what it printed cannot be read: {e.Message})";
        }
    }
}
