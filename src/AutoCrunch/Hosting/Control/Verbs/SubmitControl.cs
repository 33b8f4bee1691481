using System.Diagnostics;
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
    private static readonly TimeSpan s_firstPause = TimeSpan.FromSeconds(0.1);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(1.5);

    // So that many jobs that wait for long cost little.
    private const int PausePerLook = 10;

    /// <inheritdoc/>
    public string Verb => "submit";

    /// <inheritdoc/>
    public bool IsWriting => true;

    /// <inheritdoc/>
    public bool Waits(ControlRequest request) => request.Flag("wait");

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
            jobs.AddRange(await SubmitAsync(files, some, lines, stopping).ConfigureAwait(false));

        string? message = null;
        if (await ledger.PausedAsync(rule.Rule.Name).ByAsync(ledger, stopping).ConfigureAwait(false) is not null)
        {
            message = $"Rule {rule.Rule.Name} is paused: its jobs start after 'autocrunch resume {rule.Rule.Name}'.";
            if (waits)
                throw new ControlRefusedException(message + " Nothing is waited for.");
        }

        if (waits)
            await WaitAsync(jobs, lines, stopping).ConfigureAwait(false);
        lines.Conclude(message, isFailure: true);
    }

    private async Task<IEnumerable<long>> SubmitAsync(
        RuleFiles files, BytePath[] paths, JobLines lines, CancellationToken stopping)
    {
        (SeenFile? File, string WhyNot)[] looks = await ControlWork.OnThreadAsync<(SeenFile?, string)[]>(
            () => [.. paths.Select(path => (files.Look(path, out string whyNot), whyNot))]).ConfigureAwait(false);
        SeenFile[] seen = [.. looks.Select(look => look.File).OfType<SeenFile>()];
        Submitted[] submitted = await ledger.SubmitAsync(files.Rule.Name, seen).ByAsync(ledger, stopping)
            .ConfigureAwait(false);
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
            if (job.HasChanged)
            {
                await lines.TellAsync(
                    null, path, files.Rule.Name, false,
                    $"{path}: not submitted: it has changed meanwhile, and what it is now was recorded as it arrived.")
                    .ConfigureAwait(false);
                continue;
            }

            if (job.IsRefused)
            {
                string then = isLive ? "try again" : "start the service, and try again";
                await lines.TellAsync(
                    job.JobId, path, files.Rule.Name, false,
                    $"{path}: not submitted: job {job.JobId} has ended, and its file is being moved or deleted; {then} "
                    + "when that is done.").ConfigureAwait(false);
                continue;
            }

            string state = job.HasWaited ? "waited already, and " : "";
            string when = isLive ? "is due now" : "runs when the service is started";
            await lines.TellAsync(
                job.JobId, path, files.Rule.Name, true, $"Job {job.JobId}, {path}: {state}{when}")
                .ConfigureAwait(false);
        }

        return submitted.Where(job => !job.HasChanged && !job.IsRefused).Select(job => job.JobId);
    }

    // Looks again and again: what a job comes to is decided in many places, and recorded in one. Beside the ledger's
    // thread, which has its rounds to write.
    private async Task WaitAsync(IReadOnlyList<long> jobs, JobLines lines, CancellationToken stopping)
    {
        long[] left = [.. jobs.Distinct()];
        if (left.Length == 0)
            return;
        using LedgerReader reader = LedgerReader.Open(configuration.StateDirectory);
        using var timer = new PeriodicTimer(s_firstPause);
        TimeSpan pause = s_firstPause;
        while (true)
        {
            long[] asked = left;
            long start = Stopwatch.GetTimestamp();
            (long Id, Job? Job)[] ended = await ControlWork.OnThreadAsync<(long, Job?)[]>(
                () => [.. reader.FindEnded(asked, stopping)]).ConfigureAwait(false);
            TimeSpan look = Stopwatch.GetElapsedTime(start);
            foreach ((long id, Job? job) in ended)
                await (job is not null
                    ? lines.TellAsync(job, job.State == JobState.Succeeded, Outcome(job))
                    : lines.TellAsync(id, null, null, false, $"Job {id} was forgotten."))
                    .ConfigureAwait(false);
            if (ended.Length == left.Length)
                return;
            left = [.. left.Except(ended.Select(job => job.Id))];
            pause = pause * 1.5 < s_longestPause ? pause * 1.5 : s_longestPause;
            timer.Period = pause > look * PausePerLook ? pause : look * PausePerLook;
            await timer.WaitForNextTickAsync(stopping).ConfigureAwait(false);
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
