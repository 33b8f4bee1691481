using AutoCrunch.Core;

namespace AutoCrunch.Ledger;

/// <summary>What operators are to be told of: jobs that have failed for good, files that are held for long.</summary>
internal sealed partial class JobLedger
{
    private Action? _wakeNotices;

    /// <summary>
    /// From now on <paramref name="wake"/> is called when there are notices, also those of an earlier life; on the
    /// ledger thread, must not wait.
    /// </summary>
    public void StartNotices(Action wake) => _queue.Give(new RequestCommand<bool>(null, writer =>
    {
        foreach (LedgerRule rule in _rules.Values)
            if (rule.Rule.OnFailureCommand is null)
                writer.EndNotices(rule, long.MaxValue); // of a time when it had one
        _wakeNotices = wake;
        return true;
    }));

    /// <summary>What OnFailureCommand of a rule has still to be run for, oldest first.</summary>
    public Task<List<Notice>> NoticesAsync(string rule, int most) =>
        Request(writer => writer.FindNotices(_rules[rule], most));

    /// <summary>This notice of the rule, and all before it, are done with.</summary>
    public Task EndNoticesAsync(string rule, long lastId) => Request(writer =>
    {
        writer.EndNotices(_rules[rule], lastId);
        return true;
    });

    /// <summary>
    /// Files held for longer than their rules' HeldWarning that were not told of, so many of each rule at most: from
    /// now on they were.
    /// </summary>
    public Task<List<LongHeld>> WarnHeldAsync(int most) => Request(writer =>
    {
        var held = new List<LongHeld>();
        foreach (LedgerRule rule in _rules.Values)
            if (rule.Rule.HeldWarning > TimeSpan.Zero)
                held.AddRange(writer.WarnHeld(rule, most));
        return held;
    });

    // Ledger thread.
    private void WakeNotices()
    {
        if (_wakeNotices is { } wake && _writer.TakeHasNotices())
            wake();
    }
}
