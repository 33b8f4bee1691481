using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Dispatch;
using AutoCrunch.Ledger;

namespace AutoCrunch.Hosting;

/// <summary>
/// <c>cancel</c>: jobs by their <c>ids</c>, waiting or running, or all that are <c>queued</c>, of one <c>rule</c> or of
/// all. What runs is ended first (SIGTERM, KillGrace, SIGKILL).
/// </summary>
/// <param name="configuration">The rules.</param>
/// <param name="ledger">The ledger.</param>
/// <param name="dispatchers">Where jobs run; null while no service does.</param>
internal sealed class CancelControl(
    CompiledConfiguration configuration, JobLedger ledger, RuleDispatchers? dispatchers = null) : IControlVerb
{
    // A job may change between the look and the deed, but not for ever.
    private const int TriesMax = 100;
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(0.02);

    /// <inheritdoc/>
    public string Verb => "cancel";

    /// <inheritdoc/>
    public bool IsWriting => true;

    /// <inheritdoc/>
    public async Task AnswerAsync(ControlRequest request, ControlAnswer answer, CancellationToken stopping)
    {
        var lines = new JobLines(configuration, answer);
        if (request.Flag("queued"))
        {
            long cancelled = 0;
            foreach (string rule in JobLines.RulesOf(configuration, request.Text("rule")).ToArray())
                cancelled += await CancelQueuedAsync(rule, stopping).ConfigureAwait(false);
            answer.Result(json =>
            {
                json.WriteNumber("done", cancelled);
                json.WriteNumber("refused", 0);
                json.WriteString("message", cancelled switch
                {
                    0 => "No job was waiting.",
                    1 => "1 job that waited is cancelled.",
                    _ => $"{cancelled} jobs that waited are cancelled.",
                });
            });
            return;
        }

        // Several that run are ended at the same time; each is told in the order in which it was asked for.
        foreach (long[] ids in request.Numbers("ids").Distinct().Chunk(JobLedger.ByHandMost))
        {
            Task<(Job? Job, string? WhyNot)>[] all = [.. ids.Select(id => CancelAsync(id, stopping))];
            for (int i = 0; i < ids.Length; i++)
            {
                (Job? job, string? whyNot) = await all[i].WaitAsync(stopping).ConfigureAwait(false);
                Task told = job is null
                    ? lines.TellAsync(ids[i], null, null, false, $"There is no job {ids[i]} (any more).")
                    : lines.TellAsync(job, whyNot is null, whyNot is null ? "is cancelled" : $"{whyNot}.");
                await told.ConfigureAwait(false);
            }
        }

        lines.Conclude(null, isFailure: true);
    }

    private async Task<long> CancelQueuedAsync(string rule, CancellationToken stopping)
    {
        long lastId = await ledger.NewestJobIdAsync().ByAsync(ledger, stopping).ConfigureAwait(false);
        long cancelled = 0;
        while (true)
        {
            int some = await ledger.CancelQueuedAsync(rule, lastId).ByAsync(ledger, stopping)
                .ConfigureAwait(false);
            cancelled += some;
            if (some < JobLedger.ByHandMost)
                return cancelled;
            stopping.ThrowIfCancellationRequested();
        }
    }

    private async Task<(Job? Job, string? WhyNot)> CancelAsync(long id, CancellationToken stopping)
    {
        Job? last = null;
        bool wasEnded = false;
        using var pause = new PeriodicTimer(s_pause);
        for (int tries = 0; tries < TriesMax; tries++)
        {
            FoundJob?[] found = await ledger.FindAsync([id]).ByAsync(ledger, stopping).ConfigureAwait(false);
            if (found[0]?.Job is not { } job)
                return (null, null);
            last = job;
            switch (job.State)
            {
                case JobState.Queued:
                    if (await ledger.CancelAsync(id).ByAsync(ledger, stopping).ConfigureAwait(false))
                        return (job, null);
                    break;
                case JobState.Running:
                    (bool isEnded, string? whyNot) = await EndAsync(job).WaitAsync(stopping).ConfigureAwait(false);
                    if (whyNot is not null)
                        return (job, whyNot);
                    wasEnded |= isEnded;
                    break;
                case JobState.Cancelled when wasEnded:
                    return (job, null);
                case JobState.Succeeded when wasEnded:
                    return (job, "it succeeded before it could be ended");
                default:
                    return (job, $"not cancelled: it has {Ended(job.State)} already");
            }

            await pause.WaitForNextTickAsync(stopping).ConfigureAwait(false);
        }

        return (last, last!.State == JobState.Running && !wasEnded
            ? "not cancelled: the service still ends what a crash left running, and runs it again then: try again in a "
                + "moment"
            : "not cancelled: it changes all the time; try again");
    }

    private static string Ended(JobState state) => state switch
    {
        JobState.Succeeded => "succeeded",
        JobState.Failed => "failed",
        _ => "been cancelled",
    };

    // Without a reason against it, it has ended, or has just begun or ended by itself: it is looked at again.
    private async Task<(bool IsEnded, string? WhyNot)> EndAsync(Job job)
    {
        if (dispatchers is null)
            return (
                false,
                "not cancelled: it was running when the service was killed. The next start ends what is left of it and "
                + "runs it again: cancel it then");
        if (dispatchers.Find(job.Rule) is not { } dispatcher)
            return (false, "not cancelled: its rule is configured no longer");
        DurableDispatcher.CancelResult result = await dispatcher.CancelAsync(job.Id).ConfigureAwait(false);
        return (result == DurableDispatcher.CancelResult.Ended, result == DurableDispatcher.CancelResult.Refused
            ? "not cancelled: it runs, and what its dispatcher has started cannot be ended from here"
            : null);
    }
}
