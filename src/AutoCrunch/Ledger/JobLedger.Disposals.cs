using AutoCrunch.Core;

namespace AutoCrunch.Ledger;

/// <summary>
/// What is done with the files of jobs that have ended: recorded with the end of the job as an intention, and again
/// when it is done. Whoever acts on an intention calls <see cref="FlushNow"/> first.
/// </summary>
internal sealed partial class JobLedger
{
    /// <summary>
    /// From now on <paramref name="wake"/> is called when there are disposals to be done, also those of an earlier
    /// life; on the ledger thread, must not wait.
    /// </summary>
    public void StartDisposals(string rule, Action wake)
    {
        LedgerRule known = _rules[rule];
        _queue.Give(new RequestCommand<bool>(known, writer =>
        {
            known.WakeDisposals = wake;
            known.HasIntended = writer.FindIntended(known, afterId: 0, most: 1).Count > 0;
            return true;
        }));
    }

    /// <summary>Disposals of a rule that are not done, by id, no more than so many.</summary>
    public Task<List<Disposal>> IntendedAsync(string rule, long afterId, int most) =>
        Request(writer => writer.FindIntended(_rules[rule], afterId, most));

    /// <summary>
    /// One is about to be done: from now on its job does not run again until it ends. Returns it as it is now, begun
    /// only if that was so before; null when it is not intended any more.
    /// </summary>
    public Task<Disposal?> BeginDisposalAsync(Disposal disposal) => Request(writer => writer.BeginDisposal(disposal));

    /// <summary>It cannot be done at present, and the file is where it was: its job may run again.</summary>
    public Task RestDisposalAsync(Disposal disposal) => Request(writer =>
    {
        writer.RestDisposal(disposal);
        return true;
    });

    /// <summary>What is about to appear at a place that the rule itself takes makes no job there.</summary>
    /// <param name="rule">The rule.</param>
    /// <param name="disposal">The disposal.</param>
    /// <param name="path">The destination, relative to the rule's directory.</param>
    /// <param name="stat">The file that will have that name.</param>
    public Task ExpectMovedAsync(string rule, Disposal disposal, BytePath path, FileStat stat) => Request(writer =>
    {
        writer.ExpectMoved(_rules[rule], disposal, path, stat);
        return true;
    });

    /// <summary>
    /// The whole copy is on disk, under another name than it will have. False when it is not intended any more.
    /// </summary>
    public Task<bool> CopiedAsync(Disposal disposal, ulong inode) => Request(writer => writer.Copied(disposal, inode));

    /// <summary>Disposals are done, or left undone for a reason.</summary>
    public Task EndDisposalsAsync(IReadOnlyList<(Disposal Disposal, string? Reason)> ended) => Request(writer =>
    {
        foreach ((Disposal disposal, string? reason) in ended)
            writer.EndDisposal(disposal, reason);
        return true;
    });

    // Ledger thread.
    private void WakeDisposals()
    {
        foreach (LedgerRule rule in _rules.Values)
        {
            if (!rule.HasIntended || rule.WakeDisposals is not { } wake)
                continue;
            rule.HasIntended = false;
            wake();
        }
    }
}
