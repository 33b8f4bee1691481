using System.Diagnostics;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Ledger;

/// <summary>The ledger thread.</summary>
internal sealed partial class JobLedger
{
    // A transaction holds at most so many arrivals: more make it little cheaper, and slots wait meanwhile.
    private const int CommandsPerRound = 512;

    // Beyond it the ledger thread itself moves the WAL into the database: only between two rounds can that be finished.
    private const long WalPagesMax = 16_384;

    private static readonly TimeSpan s_firstBackoff = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan s_longestBackoff = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan s_pruneInterval = TimeSpan.FromHours(1);
    private static readonly TimeSpan s_pruneStepInterval = TimeSpan.FromSeconds(0.05);

    private readonly List<LedgerCommand> _round = [];
    private readonly List<Attempt> _claimed = [];
    private readonly List<PrunedJob> _pruned = [];
    private long _pruneDueNs;
    private long _pruneAfterId;
    private long _walPages;
    private long? _closedAt;

    private void Work()
    {
        ThreadSlice.Shorten();
        List<LedgerCommand>? commands = null;
        try
        {
            _pruneDueNs = _writer.NowNs + (long)TimeSpan.FromMinutes(1).TotalNanoseconds;
            while ((commands = _queue.Take(WaitMs())) is not null)
            {
                WriteAll(commands);
                if (IsPruneDue(isIdle: commands.Count == 0))
                    Retried(Prune);
                AskForRescans();
            }
        }
        catch (Exception e)
        {
            LedgerCommand[] left = _queue.Abort();
            Fail(LedgerFile.Explain(e, _layout.Ledger) ?? e);
            foreach (LedgerCommand command in _round.Concat(commands ?? []).Concat(left))
                command.Abandoned();
        }
    }

    private void Fail(Exception e)
    {
        if (Failed is { } failed)
            failed(e);
        else
            LedgerLog.Failed(_logger, e);
    }

    // In rounds of bounded size; an empty one too, as a due time may have come.
    private void WriteAll(List<LedgerCommand> commands)
    {
        int written = 0;
        do
        {
            LeaveToNextStart(commands, written);
            _round.Clear();
            _queue.Fill(_round, commands, written, CommandsPerRound);
            bool isWritten = Retried(WriteRound);
            foreach (LedgerCommand command in _round)
            {
                if (isWritten)
                    command.Committed();
                else
                    command.Abandoned();
            }

            _queue.Done(_round.Count);
            if (isWritten)
            {
                TellPauses();
                WakeDisposals();
                WakeNotices();
            }

            foreach (Attempt attempt in _claimed)
                _rules[attempt.Job.Rule].Run!(attempt);
            _claimed.Clear();
            written += CommandsPerRound;
        }
        while (written < commands.Count);
    }

    // A stop must not take as long as a first scan of a million files takes to be recorded.
    private void LeaveToNextStart(List<LedgerCommand> commands, int first)
    {
        if (!_queue.IsClosed)
            return;
        _closedAt ??= Stopwatch.GetTimestamp();
        if (Stopwatch.GetElapsedTime(_closedAt.Value) < _options.ClosingMax)
            return;
        int kept = first;
        for (int i = first; i < commands.Count; i++)
        {
            if (commands[i].IsRepeatable)
                commands[i].Abandoned();
            else
                commands[kept++] = commands[i];
        }

        int left = commands.Count - kept;
        if (left <= 0)
            return;
        commands.RemoveRange(kept, left);
        _queue.Done(left);
        LedgerLog.LeftToNextStart(_logger, left);
    }

    private void WriteRound()
    {
        if (_round.Count == 0 && !IsAnyClaimDue())
            return;
        _writer.Begin();
        bool concernsAll = false;
        foreach (LedgerCommand command in _round)
        {
            command.Apply(_writer);
            concernsAll |= command.Rule is null || (command is SettleCommand && _options.MaxRunning > 0);
        }

        if (concernsAll)
            LookAtAllRules();
        Claim();
        _writer.Commit();
        Written();
    }

    private void Written()
    {
        int pages = _writer.TakePagesWritten();
        if (pages == 0)
            return;
        Changed?.Invoke();
        _walPages = _flusher.Written(pages);
        if (_walPages > WalPagesMax)
            MoveWal();
    }

    // The round is committed: a disk that has no room for it in the database must not make it look as if it were not.
    // The flusher says so, and the ledger pauses when the WAL cannot grow either.
    private void MoveWal()
    {
        try
        {
            if (_writer.Checkpoint())
                _flusher.Checkpointed();
        }
        catch (SqliteException e) when (e.IsTransient)
        {
        }
    }

    /// <summary>
    /// Runs one transaction until it succeeds. A failure that may pass (disk full, I/O error) pauses the ledger: said
    /// once, tried again with growing delays. False when the service ends before it could succeed.
    /// </summary>
    private bool Retried(Action transaction)
    {
        TimeSpan backoff = s_firstBackoff;
        while (true)
        {
            try
            {
                transaction();
                if (!IsPaused)
                    return true;
                LedgerLog.Resumed(_logger, _queue.Pending);
                PausedBecause = null;
                Changed?.Invoke();
                return true;
            }
            catch (SqliteException e) when (e.IsTransient)
            {
                Undo();
                if (e.IsFull && TryShrinkWal())
                    continue;
                if (!IsPaused)
                    LedgerLog.Paused(_logger, e.Message, e.Advice);
                PausedBecause = $"{e.Message}: {e.Advice}";
                Changed?.Invoke();
                if (_queue.IsClosed)
                {
                    LedgerLog.Abandoned(_logger, _queue.Pending);
                    return false;
                }
            }

            _queue.Pause(backoff);
            backoff = TimeSpan.FromTicks(Math.Min(backoff.Ticks * 2, s_longestBackoff.Ticks));
        }
    }

    // On a full disk the room that the WAL takes may be all that is needed.
    private bool TryShrinkWal()
    {
        try
        {
            bool isLarge = _walPages > 0 && _writer.Checkpoint();
            if (isLarge)
                _flusher.Checkpointed();
            _walPages = 0;
            return isLarge;
        }
        catch (SqliteException e) when (e.IsTransient)
        {
            return false;
        }
    }

    private void Undo()
    {
        _writer.Rollback();
        _claimed.Clear();
        _pruned.Clear();
        LookAtAllRules();
    }

    private void LookAtAllRules()
    {
        foreach (LedgerRule rule in _rules.Values)
            rule.NextDueNs = 0;
    }

    private int FreeOverall => _options.MaxRunning > 0 ? _options.MaxRunning - _writer.Running.Count : int.MaxValue;

    private bool IsAnyClaimDue()
    {
        long now = _writer.NowNs;
        return FreeOverall > 0 && _rules.Values.Any(rule => rule.HasFreeSlot && rule.NextDueNs <= now);
    }

    // Oldest completion first, over all rules too where MaxRunning does not leave room for all.
    private void Claim()
    {
        long now = _writer.NowNs;
        int free = FreeOverall;
        if (free == int.MaxValue)
        {
            foreach (LedgerRule rule in _rules.Values)
                if (rule.HasFreeSlot && rule.NextDueNs <= now)
                    _writer.Claim(rule, rule.Concurrency - rule.Running, _claimed);
            return;
        }

        while (free > 0 && OldestDue(now) is { } oldest)
        {
            int before = _claimed.Count;
            _writer.Claim(oldest, 1, _claimed);
            free -= _claimed.Count - before;
        }
    }

    // The rule whose oldest waiting job became due first.
    private LedgerRule? OldestDue(long now)
    {
        LedgerRule? oldest = null;
        long oldestDueNs = long.MaxValue;
        foreach (LedgerRule rule in _rules.Values)
        {
            if (!rule.HasFreeSlot || rule.NextDueNs > now)
                continue;
            if (_writer.FindOldestDue(rule, now) is not { } dueNs)
                continue;
            if (dueNs < oldestDueNs)
                (oldest, oldestDueNs) = (rule, dueNs);
        }

        return oldest;
    }

    private int WaitMs()
    {
        long next = Math.Max(_pruneDueNs, 0);
        if (FreeOverall > 0)
        {
            foreach (LedgerRule rule in _rules.Values)
                if (rule.HasFreeSlot)
                    next = Math.Min(next, rule.NextDueNs);
        }

        double ms = Math.Ceiling((next - _writer.NowNs) / 1e6);
        return (int)Math.Clamp(ms, 0, int.MaxValue);
    }

    private void AskForRescans()
    {
        foreach (LedgerRule rule in _rules.Values)
        {
            if (!_queue.TakeDropped(rule))
                continue;
            LedgerLog.Dropped(_logger, rule.Name, _options.PendingMax);
            RescanNeeded?.Invoke(rule.Rule);
        }
    }

    // When there is nothing else to do; but some time it must be done.
    private bool IsPruneDue(bool isIdle)
    {
        long overdueNs = _writer.NowNs - _pruneDueNs;
        return overdueNs >= (isIdle ? 0 : (long)s_pruneInterval.TotalNanoseconds);
    }

    // One small step; the next one follows soon, or in an hour when there is nothing more to forget.
    private void Prune()
    {
        // Of the two clocks the one that forgets less, if the wall clock was set since the ledger was opened.
        long now = Math.Min(_writer.NowNs, Clock.WallNs());
        long beforeNs = now - (long)_options.KeepHistory.TotalNanoseconds;
        _writer.Begin();
        bool isMore = _writer.PruneJobs(beforeNs, ref _pruneAfterId, _pruned);
        isMore |= _writer.PruneFiles(beforeNs);
        long? oldest = _writer.OldestJobId;
        _writer.Commit();
        _flusher.RemoveLogs([.. _pruned], isMore ? null : oldest);
        _pruned.Clear();
        Written();
        if (!isMore)
            _pruneAfterId = 0;
        _pruneDueNs = _writer.NowNs + (long)(isMore ? s_pruneStepInterval : s_pruneInterval).TotalNanoseconds;
    }
}
