using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;

namespace AutoCrunch.Hosting;

/// <summary>
/// <c>retry</c>: jobs by their <c>ids</c>, or all that <c>failed</c>, of one <c>rule</c> or of all, are due at once,
/// each under its id and with the next attempt's number, whatever MaxAttempts says. What cannot run any more (its file
/// is gone, or another) is left as it is, and that is said.
/// </summary>
/// <param name="configuration">The rules.</param>
/// <param name="ledger">The ledger.</param>
/// <param name="isLive">A service runs: jobs start now, and not at its next start.</param>
internal sealed class RetryControl(CompiledConfiguration configuration, JobLedger ledger, bool isLive = true)
    : IControlVerb
{
    /// <inheritdoc/>
    public string Verb => "retry";

    /// <inheritdoc/>
    public bool IsWriting => true;

    /// <inheritdoc/>
    public async Task AnswerAsync(ControlRequest request, ControlAnswer answer, CancellationToken stopping)
    {
        var lines = new JobLines(configuration, answer);
        if (!request.Flag("failed"))
        {
            foreach (long[] ids in request.Numbers("ids").Distinct().Chunk(JobLedger.ByHandMost))
                await RetryAsync(ids, lines, stopping).ConfigureAwait(false);
            lines.Conclude(null, isFailure: true);
            return;
        }

        foreach (string rule in JobLines.RulesOf(configuration, request.Text("rule")).ToArray())
            await RetryFailedAsync(rule, lines, stopping).ConfigureAwait(false);
        string left = lines.Refused == 0 ? "" : $"; {Jobs(lines.Refused)} left as {They(lines.Refused)}";
        lines.Conclude(
            lines.Done + lines.Refused == 0 ? "No job has failed." : $"{Jobs(lines.Done)} queued again{left}.",
            isFailure: false);
    }

    private static string Jobs(long count) => count == 1 ? "1 job" : $"{count} jobs";

    private static string They(long count) => count == 1 ? "it is" : "they are";

    private async Task RetryAsync(long[] ids, JobLines lines, CancellationToken stopping)
    {
        FoundJob?[] found = await ledger.FindAsync(ids).ByAsync(ledger, stopping).ConfigureAwait(false);
        for (int i = 0; i < ids.Length; i++)
            if (found[i] is null)
                await lines.TellAsync(ids[i], null, null, false, $"There is no job {ids[i]} (any more).")
                    .ConfigureAwait(false);
        await RetryAsync([.. found.OfType<FoundJob>()], lines, stopping).ConfigureAwait(false);
    }

    private async Task RetryFailedAsync(string rule, JobLines lines, CancellationToken stopping)
    {
        long lastId = await ledger.NewestJobIdAsync().ByAsync(ledger, stopping).ConfigureAwait(false);
        for (long afterId = 0; ;)
        {
            IReadOnlyList<FoundJob> failed = await ledger.FindFailedAsync(rule, afterId)
                .ByAsync(ledger, stopping).ConfigureAwait(false);
            if (failed.Count == 0 || failed[0].Job.Id > lastId)
                return;
            await RetryAsync(failed, lines, stopping).ConfigureAwait(false);
            afterId = failed[^1].Job.Id;
            stopping.ThrowIfCancellationRequested();
        }
    }

    private async Task RetryAsync(IReadOnlyList<FoundJob> jobs, JobLines lines, CancellationToken stopping)
    {
        string?[] reasons = await ControlWork.OnThreadAsync<string?[]>(() => [.. jobs.Select(WhyNot)])
            .ConfigureAwait(false);
        FoundJob[] able = [.. jobs.Where((_, i) => reasons[i] is null)];
        bool[] done = await ledger.RetryAsync(able).ByAsync(ledger, stopping).ConfigureAwait(false);
        int next = 0;
        for (int i = 0; i < jobs.Count; i++)
        {
            string? reason = reasons[i];
            if (reason is null && !done[next++])
                reason = "it came to run, or was forgotten, or replaced, or its file began to be moved, just now";
            string when = isLive ? "is due now" : "runs when the service is started";
            await lines.TellAsync(jobs[i].Job, reason is null, reason is null ? when : $"not queued: {reason}.")
                .ConfigureAwait(false);
        }
    }

    // Null when nothing speaks against it.
    private string? WhyNot(FoundJob found)
    {
        Job job = found.Job;
        if (configuration.Rules.FirstOrDefault(rule => rule.Rule.Name == job.Rule)?.Rule is not { } rule)
            return "its rule is configured no longer";
        if (job.State == JobState.Running)
            return isLive
                ? "it runs; cancel it first, or wait"
                : "it was running when the service was killed, and runs again at the next start by itself";
        if (found.Disposal is { State: DisposalState.Intended, IsBegun: true } begun)
            return isLive
                ? $"its file is being {What(begun)}; try again when that is done"
                : $"its file began to be {What(begun)}; start the service, and try again when that is done";
        if (found.LatestId is { } latest && latest != job.Id)
            return $"it is superseded, job {latest} has taken its place; 'autocrunch retry {latest}' runs that";
        return WhyNot(rule, found);
    }

    private static string? WhyNot(WatchRule rule, FoundJob found)
    {
        Job job = found.Job;
        int errno = FileStatReader.TryReadTarget(rule.Path, out _);
        if (errno != 0)
            return "the rule's directory is not there: " + LinuxException.Explain("statx", rule.Path, errno);
        errno = FileStatReader.TryRead(rule.Path.Join(job.Path), out FileStat stat);
        if (errno is Errno.ENOENT or Errno.ENOTDIR)
        {
            bool isAway = found.Device != 0 && FileStatReader.DeviceAbove(rule.Path, job.Path) != found.Device;
            return isAway ? "its file system is not mounted" : WhyGone(found);
        }

        if (errno != 0)
            return LinuxException.Explain("statx", rule.Path.Join(job.Path), errno);
        FileVersion version = job.Version.Inode == 0 ? stat.Version with { Inode = 0 } : stat.Version;
        if (stat.Type == FileType.Regular && version == job.Version)
            return null;
        string submit = $"autocrunch submit --rule {rule.Name} {ShellWord.Of(rule.Path.Join(job.Path))}";
        return "it is superseded, its file is another version now, " + (rule.Completion.Updates == ProcessPolicy.Ignore
            ? $"which 'Updates: Ignore' leaves alone; to run that: {submit}"
            : "which has a job of its own as soon as it is finished");
    }

    private static string WhyGone(FoundJob found)
    {
        if (found.Disposal is not { State: DisposalState.Done } disposal)
            return "its file is gone; send it again";
        string setting = found.Job.State == JobState.Succeeded ? "OnSuccess" : "OnFailure";
        return disposal.Destination is { } destination
            ? $"its file was moved to {destination} ({setting}); move it back, or submit it there if a rule takes it"
            : $"its file was deleted ({setting}); send it again";
    }

    private static string What(Disposal disposal) => disposal.Kind == DisposalKind.Move ? "moved" : "deleted";
}
