using AutoCrunch.Core;

namespace AutoCrunch.Ledger;

/// <summary>
/// What operators ask for. Any thread; each task completes when it is written. Lists are small: a round that takes long
/// keeps slots waiting.
/// </summary>
internal sealed partial class JobLedger
{
    /// <summary>Names in a list, at most; what is more is asked for in parts.</summary>
    public const int ByHandMost = 500;

    /// <summary>The configured rules, by name.</summary>
    public IEnumerable<string> RuleNames => _rules.Keys.Order(StringComparer.Ordinal);

    /// <summary>
    /// Pauses a rule, or lets it go on (null): when it completes, no job of a paused rule is claimed any more. Null
    /// when the ledger does not know the rule.
    /// </summary>
    public async Task<RulePause?> SetPausedAsync(string rule, PauseReason? paused)
    {
        LedgerRule? known = _rules.GetValueOrDefault(rule);
        RulePause? before = await Request(writer => writer.SetPaused(rule, known, paused)).ConfigureAwait(false);

        // Its own round may still have claimed a job; what it has claimed has been handed over when the next one ends.
        await SyncAsync().ConfigureAwait(false);
        return before;
    }

    /// <summary>Jobs by their ids; null where there is none. The rule's name is empty when it is configured no
    /// longer.</summary>
    public Task<FoundJob?[]> FindAsync(IReadOnlyList<long> jobIds)
    {
        Invariant.That(jobIds.Count <= ByHandMost);
        return Request<FoundJob?[]>(writer => [.. jobIds.Select(id => writer.FindJob(id, RuleOf))]);
    }

    /// <summary>Jobs of a rule that have failed, in the order of their ids.</summary>
    public Task<IReadOnlyList<FoundJob>> FindFailedAsync(string rule, long afterId) =>
        Request(writer => writer.ListFailed(_rules[rule], afterId, ByHandMost));

    /// <summary>
    /// Jobs that were found are due at once. False for what meanwhile has come to run, or was forgotten, or replaced by
    /// another job, or whose file began to be moved or deleted.
    /// </summary>
    public Task<bool[]> RetryAsync(IReadOnlyList<FoundJob> jobs)
    {
        Invariant.That(jobs.Count <= ByHandMost);
        return Request<bool[]>(writer => [.. jobs.Select(job => writer.Retry(job, RuleOf))]);
    }

    /// <summary>The newest job's id; 0 when there is none.</summary>
    public Task<long> NewestJobIdAsync() => Request(static writer => writer.NewestJobId);

    /// <summary>Cancels some of a rule's jobs that wait; returns how many: fewer than ByHandMost means all.</summary>
    public Task<int> CancelQueuedAsync(string rule, long upToId) =>
        Request(writer => writer.CancelQueued(_rules[rule], upToId, ByHandMost));

    /// <summary>Files are to be processed now.</summary>
    public Task<Submitted[]> SubmitAsync(string rule, IReadOnlyList<SeenFile> files)
    {
        Invariant.That(files.Count <= ByHandMost);
        return Request<Submitted[]>(writer => [.. files.Select(file => writer.Submit(_rules[rule], file))]);
    }

    /// <summary>Says what files that exist count as.</summary>
    public Task<AdoptCounts> AdoptAsync(string rule, IReadOnlyList<SeenFile> files, AdoptAs how, bool isDry)
    {
        Invariant.That(files.Count <= ByHandMost);
        return Request(writer => writer.Adopt(_rules[rule], files, how, isDry));
    }

    /// <summary>Why no job of a rule starts; null when they do.</summary>
    public Task<PauseReason?> PausedAsync(string rule) => Request(_ => _rules[rule].Paused);

    private LedgerRule? RuleOf(int id) => _rules.Values.FirstOrDefault(rule => rule.Id == id);
}
