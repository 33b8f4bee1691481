using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Ledger;

namespace AutoCrunch.Hosting;

/// <summary>
/// <c>submit</c>: files of a <c>rule</c>, by their <c>paths</c>, are processed now, also if they were before. With
/// <c>wait</c> it answers when all their jobs have ended.
/// </summary>
/// <param name="configuration">The rules.</param>
/// <param name="ledger">The ledger.</param>
/// <param name="isLive">A service runs: jobs start now, and not at its next start.</param>
internal sealed class SubmitControl(CompiledConfiguration configuration, JobLedger ledger, bool isLive = true)
    : IControlVerb
{
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(0.1);

    /// <inheritdoc/>
    public string Verb => "submit";

    /// <inheritdoc/>
    public bool IsWriting => true;

    /// <inheritdoc/>
    public async Task AnswerAsync(ControlRequest request, ControlAnswer answer, CancellationToken stopping)
    {
        CompiledRule rule = JobLines.RuleOf(configuration, request.RequiredText("rule"));
        bool waits = request.Flag("wait");
        IReadOnlyList<BytePath> paths = request.Paths("paths");
        if (waits && !isLive)
            throw new ControlRefusedException(
                "The service does not run, so there is nothing to wait for: start it, or submit without --wait. "
                + "Nothing was done.");
        var lines = new JobLines(configuration, answer);
        var files = new RuleFiles(rule.Rule);
        var jobs = new List<long>();
        foreach (BytePath[] some in paths.Chunk(JobLedger.ByHandMost))
            jobs.AddRange(await SubmitAsync(files, some, lines).ConfigureAwait(false));

        string? message = null;
        if (await ledger.PausedAsync(rule.Rule.Name).ConfigureAwait(false) is not null)
        {
            message = $"Rule {rule.Rule.Name} is paused: its jobs start after 'autocrunch resume {rule.Rule.Name}'.";
            if (waits)
                throw new ControlRefusedException(message + " Nothing is waited for.");
        }

        if (waits)
            await WaitAsync(jobs, lines, stopping).ConfigureAwait(false);
        lines.Conclude(message, isFailure: true);
    }

    private async Task<IEnumerable<long>> SubmitAsync(RuleFiles files, BytePath[] paths, JobLines lines)
    {
        (SeenFile? File, string WhyNot)[] looks = await ControlWork.OnThreadAsync<(SeenFile?, string)[]>(
            () => [.. paths.Select(path => (files.Look(path, out string whyNot), whyNot))]).ConfigureAwait(false);
        SeenFile[] seen = [.. looks.Select(look => look.File).OfType<SeenFile>()];
        Submitted[] submitted = await ledger.SubmitAsync(files.Rule.Name, seen).ConfigureAwait(false);
        int next = 0;
        for (int i = 0; i < paths.Length; i++)
        {
            if (looks[i].File is not { } file)
            {
                await lines.TellAsync(
                    null, paths[i], files.Rule.Name, false, $"{paths[i]}: not submitted: {looks[i].WhyNot}.")
                    .ConfigureAwait(false);
                continue;
            }

            Submitted job = submitted[next++];
            BytePath path = files.Rule.Path.Join(file.Path);
            string state = job.HasWaited ? "waited already, and " : "";
            string when = isLive ? "is due now" : "runs when the service is started";
            await lines.TellAsync(
                job.JobId, path, files.Rule.Name, true, $"Job {job.JobId}, {path}: {state}{when}")
                .ConfigureAwait(false);
        }

        return submitted.Select(job => job.JobId);
    }

    // Looks again and again: what a job comes to is decided in many places, and recorded in one.
    private async Task WaitAsync(List<long> jobs, JobLines lines, CancellationToken stopping)
    {
        var left = new List<long>(jobs.Distinct());
        using var pause = new PeriodicTimer(s_look);
        while (left.Count > 0)
        {
            long[] some = [.. left.Take(JobLedger.ByHandMost)];
            FoundJob?[] found = await ledger.FindAsync(some).ConfigureAwait(false);
            for (int i = 0; i < some.Length; i++)
            {
                if (found[i]?.Job is { State: JobState.Queued or JobState.Running })
                    continue;
                left.Remove(some[i]);
                await (found[i] is { } ended
                    ? lines.TellAsync(ended.Job, ended.Job.State == JobState.Succeeded, Outcome(ended.Job))
                    : lines.TellAsync(some[i], null, null, false, $"Job {some[i]} was forgotten."))
                    .ConfigureAwait(false);
            }

            if (left.Count > 0)
                await pause.WaitForNextTickAsync(stopping).ConfigureAwait(false);
        }
    }

    private static string Outcome(Job job) => job.State switch
    {
        JobState.Succeeded => "succeeded",
        JobState.Failed => $"failed; 'autocrunch show {job.Id}' tells more",
        _ => job.Reason switch
        {
            JobReason.Gone => "cancelled, its file was gone before it started",
            JobReason.Superseded => "cancelled, its file was replaced before it started",
            _ => "cancelled by hand",
        },
    };
}
