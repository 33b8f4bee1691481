using AutoCrunch.Core;
using AutoCrunch.Linux;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Dispatch;

/// <summary>
/// One attempt that is followed: what is known of it, and at the end what came of it. <see cref="Look"/> is called by
/// the watch's thread alone; the rest by any.
/// </summary>
/// <param name="attempt">The attempt.</param>
/// <param name="rule">Its rule's name.</param>
/// <param name="options">Its rule's options.</param>
/// <param name="place">Its place in SharedDirectory.</param>
/// <param name="logger">The service's log.</param>
internal sealed class SlurmFollow(
    Attempt attempt, string rule, SlurmOptions options, SlurmPlace place, ILogger logger)
{
    // A cancel that Slurm has taken, but not carried out, is sent again after this.
    private const long CancelAgainNs = 15_000_000_000;

    private static readonly SlurmRow s_unheard = new(0, "", TimeSpan.Zero, "", "", "");

    private readonly TaskCompletionSource<AttemptOutcome?> _end =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly Lock _gate = new();
    private SlurmEndCause _cause;
    private long _cancelledNs = long.MinValue;
    private long _overSinceNs = long.MaxValue;
    private long _askFromNs = long.MaxValue;
    private long? _slurmId;
    private bool _isUnseen;
    private bool _hasCopies;

    /// <summary>The name of its job in Slurm.</summary>
    public string Name => place.JobName;

    /// <summary>How often Slurm may be asked because of it.</summary>
    public TimeSpan Interval => options.Interval;

    /// <summary>What came of it; null when it is certain that it never ran and never will.</summary>
    public Task<AttemptOutcome?> End => _end.Task;

    /// <summary>Its job in Slurm, as far as known.</summary>
    public long? SlurmId
    {
        get
        {
            lock (_gate)
                return _slurmId;
        }
    }

    /// <summary>What to cancel: null where that is all of its name, since it has copies or is not known.</summary>
    public long? CancelId
    {
        get
        {
            lock (_gate)
                return _hasCopies ? null : _slurmId;
        }
    }

    private SlurmEndCause Cause
    {
        get
        {
            lock (_gate)
                return _cause;
        }
    }

    /// <summary>
    /// Nothing is submitted for it any more: what Slurm is asked from now on, and does not name, is not there.
    /// </summary>
    public void Submitted(long? slurmId)
    {
        lock (_gate)
        {
            _slurmId = slurmId;
            _askFromNs = Clock.MonotonicNs();
        }
    }

    /// <summary>It is to be cancelled.</summary>
    public void EndFor(SlurmEndCause cause)
    {
        lock (_gate)
            if (_cause == SlurmEndCause.None)
                _cause = cause;
    }

    /// <summary>Whether Slurm is to be told now to cancel it; counts as told.</summary>
    public bool TakeCancel(long nowNs)
    {
        lock (_gate)
        {
            bool isDue = _cause != SlurmEndCause.None && _askFromNs != long.MaxValue
                && (_cancelledNs == long.MinValue || nowNs - _cancelledNs > CancelAgainNs);
            if (isDue)
                _cancelledNs = nowNs;
            return isDue;
        }
    }

    /// <summary>The cancel did not reach Slurm.</summary>
    public void CancelFailed()
    {
        lock (_gate)
            _cancelledNs = long.MinValue;
    }

    /// <summary>Looks what became of it.</summary>
    /// <param name="rows">What Slurm says of jobs of its name; empty when it knows none.</param>
    /// <param name="askedNs">When Slurm was asked; null when it has not answered.</param>
    public void Look(IReadOnlyList<SlurmRow> rows, long? askedNs)
    {
        long now = Clock.MonotonicNs();
        long askFrom = Volatile.Read(ref _askFromNs);
        SlurmRow? row = Choose(rows);
        if (row is not null)
            Found(row, hasCopies: rows.Count > 1);

        // The only one waits: nothing of it can be there. A copy that waits says nothing of the one that ran.
        if (askFrom == long.MaxValue || (row is { IsPending: true } && (rows.Count == 1 || !place.IsClaimed)))
            return;
        if (row is { IsRunning: true } && options.Timeout is { } timeout && row.Elapsed > timeout)
            EndFor(SlurmEndCause.Timeout);
        bool isAbsent = row is null && askedNs > askFrom;
        bool isOver = isAbsent || row is { HasEnded: true };
        SlurmOutcome? outcome = place.TryReadOutcome();
        if (!isOver && outcome is null)
        {
            LogFile.PunchMiddle(place.Log, options.MaxLogBytes);
            return;
        }

        if (row is not null || isAbsent)
            _overSinceNs = Math.Min(_overSinceNs, now); // while Slurm is not heard, nothing is late
        if (outcome is null && !place.IsClaimed && !HasBegun(row))
            return;
        bool isLate = now - _overSinceNs > (long)options.OutcomeWait.TotalNanoseconds;
        if (row is null && !isAbsent)
            row = s_unheard; // not asked, or no answer: Slurm may still say why a signal came
        if (SlurmJudge.Of(new SlurmFacts(row, outcome, Cause, isLate), options) is { } verdict)
            _end.TrySetResult(verdict);
    }

    // Over for Slurm, and not claimed: claimed by us, it never will be, and that is settled here.
    private bool HasBegun(SlurmRow? row)
    {
        int errno = place.TryVoid();
        if (errno == Errno.EEXIST)
            return true;
        if (errno != 0)
        {
            if (!_isUnseen)
                SlurmLog.NotMounted(
                    logger, options.SharedDirectory, rule, LinuxException.Explain("mkdir", place.Directory, errno));
            _isUnseen = true;
            return false; // it may have begun, for all that can be seen: nothing is settled
        }

        AttemptOutcome? outcome = row is not null
            ? SlurmJudge.OfUnbegun(row, Cause, options)
            : Cause == SlurmEndCause.ByHand ? new AttemptOutcome.EndedByHand(null, null) : null;
        if (outcome is null)
            SlurmLog.NeverBegan(logger, attempt.Job.Id, attempt.Number, rule);
        _end.TrySetResult(outcome);
        return false;
    }

    // A late copy has the same name: the one that has claimed the attempt counts, else what lives and may claim it.
    private SlurmRow? Choose(IReadOnlyList<SlurmRow> rows)
    {
        if (rows.Count <= 1)
            return rows.Count == 0 ? null : rows[0];
        long? claimer = place.TryReadClaimer();
        long? known = SlurmId;
        return rows.FirstOrDefault(row => row.Id == claimer)
            ?? rows.FirstOrDefault(row => !row.HasEnded)
            ?? rows.FirstOrDefault(row => row.Id == known)
            ?? rows.MaxBy(row => row.Id);
    }

    private void Found(SlurmRow row, bool hasCopies)
    {
        lock (_gate)
        {
            _hasCopies |= hasCopies;
            bool isNews = _slurmId is null && _askFromNs != long.MaxValue;
            if (!isNews)
                return;
            _slurmId = row.Id;
        }

        SlurmLog.Found(logger, attempt.Job.Id, attempt.Number, row.Id, rule);
    }
}
