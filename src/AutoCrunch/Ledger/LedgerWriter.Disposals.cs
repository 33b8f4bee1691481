using System.Diagnostics.CodeAnalysis;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Ledger;

/// <summary>What is done with the files of jobs that have ended.</summary>
internal sealed partial class LedgerWriter
{
    private SqliteStatement _intend;
    private SqliteStatement _findIntended;
    private SqliteStatement _findDisposal;
    private SqliteStatement _beginDisposal;
    private SqliteStatement _restDisposal;
    private SqliteStatement _copied;
    private SqliteStatement _endDisposal;
    private SqliteStatement _forgetIntention;
    private SqliteStatement _moveIntention;
    private SqliteStatement _moveIntentionsBelow;
    private SqliteStatement _deleteDisposal;

    /// <summary>Disposals of a rule that are not done, in the order of their ids.</summary>
    public List<Disposal> FindIntended(LedgerRule rule, long afterId, int most)
    {
        var intended = new List<Disposal>();
        _findIntended.Bind(1, rule.Id).Bind(2, afterId).Bind(3, most);
        while (_findIntended.Step())
            intended.Add(ReadDisposal(_findIntended));
        return intended;
    }

    /// <summary>
    /// It is about to be done: from now on its job does not run again until it ends. Returns it as it is now, begun
    /// only if that was so before; null when it is not intended any more.
    /// </summary>
    public Disposal? BeginDisposal(Disposal disposal)
    {
        Disposal? current = FindDisposal(disposal.JobId);
        _beginDisposal.Bind(1, disposal.Id).Run();
        return _db.Changes == 1 ? current : null;
    }

    /// <summary>It cannot be done at present, and the file is where it was: its job may run again.</summary>
    public void RestDisposal(Disposal disposal) => _restDisposal.Bind(1, disposal.Id).Run();

    /// <summary>
    /// What is about to appear at the destination, when that is a place which the rule itself takes: known already, so
    /// that it makes no job there.
    /// </summary>
    public void ExpectMoved(LedgerRule rule, Disposal disposal, BytePath path, FileStat stat) =>
        PutEntry(
            rule, path, stat, EntryState.Present, null, Find(rule, path), keepsJob: false, disposal.JobId);

    /// <summary>
    /// The whole copy is on disk, under another name than it will have. False when it is not intended any more.
    /// </summary>
    public bool Copied(Disposal disposal, ulong inode)
    {
        _copied.Bind(1, disposal.Id).Bind(2, (long)inode).Run();
        return _db.Changes == 1;
    }

    /// <summary>It is done, or left undone for a reason.</summary>
    public void EndDisposal(Disposal disposal, string? reason) =>
        _endDisposal.Bind(1, disposal.Id).Bind(2, (long)(reason is null ? DisposalState.Done : DisposalState.Left))
            .Bind(3, reason).Bind(4, Clock.WallNs()).Run();

    // In the transaction that ends the job: what ended is never forgotten to be done, whatever happens next.
    private void Intend(LedgerRule rule, Attempt attempt, JobState state)
    {
        if (PolicyOf(rule, state) is { Kind: not DisposalKind.Keep } policy && FindJob(rule, attempt.Job.Id) is { } job)
            Intend(rule, job, attempt.Number, policy);
    }

    // Its job ended while another file had its name, so that there was none to do it to. What ended before was decided
    // then: the rule may have kept its files.
    private void IntendLate(LedgerRule rule, long jobId, BytePath path, long displacedNs)
    {
        if (FindJob(rule, jobId) is { } job && job.FinishedNs >= displacedNs && FindDisposal(jobId) is null
            && PolicyOf(rule, job.State) is { Kind: not DisposalKind.Keep } policy)
            Intend(rule, job with { Path = path }, job.Attempts, policy);
    }

    private static DisposalPolicy PolicyOf(LedgerRule rule, JobState state) => state switch
    {
        JobState.Succeeded => rule.Rule.OnSuccess,
        JobState.Failed => rule.Rule.OnFailure,
        _ => DisposalPolicy.Keep,
    };

    private Job? FindJob(LedgerRule rule, long jobId)
    {
        if (!_findJob.Bind(1, jobId).Step())
            return null;
        Job job = LedgerRows.ReadJob(_findJob, rule.Name);
        _findJob.Reset();
        return job;
    }

    private void Intend(LedgerRule rule, Job job, int attempt, DisposalPolicy policy)
    {
        if (Find(rule, job.Path) is not { JobId: { } latestId } entry)
            return;
        bool isLatest = latestId == job.Id;
        if (!isLatest && entry.Known.Version != job.Version)
            return; // it is no more
        var values = new CommandValues(rule.Name, rule.Rule.Path, job.Path, job.Id, attempt);
        _intend.Bind(1, job.Id).Bind(2, rule.Id).Bind(3, (long)policy.Kind)
            .Bind(4, rule.Rule.Path.Join(job.Path).Span).Bind(6, job.Version).Bind(9, Clock.WallNs())
            .Bind(10, entry.DeviceId);
        if (policy.DestinationOf(values) is { } destination)
            _intend.Bind(5, destination.Span);
        else
            _intend.Bind(5, (string?)null);
        _intend.Run();
        rule.HasIntended |= isLatest;
        if (!isLatest)
            EndDisposal(
                FindDisposal(job.Id)!, $"the file has got job {latestId} meanwhile, which decides what becomes of it");
    }

    private Disposal? FindDisposal(long jobId)
    {
        if (!_findDisposal.Bind(1, jobId).Step())
            return null;
        Disposal disposal = ReadDisposal(_findDisposal);
        _findDisposal.Reset();
        return disposal;
    }

    private bool IsBeingDisposed(long jobId) =>
        FindDisposal(jobId) is { State: DisposalState.Intended, IsBegun: true };

    private Disposal ReadDisposal(SqliteStatement row) =>
        LedgerRows.ReadDisposal(row) with { Device = Devices.NumberOf(LedgerRows.DisposalDeviceId(row)) };

    // What has begun goes on: it touches nothing but the version that was processed.
    private void ForgetIntention(long jobId) => _forgetIntention.Bind(1, jobId).Run();

    // The file has another name. What has begun ends where it began.
    private void MoveIntention(LedgerRule rule, long jobId, BytePath path) =>
        _moveIntention.Bind(1, jobId).Bind(2, rule.Rule.Path.Join(path).Span).Run();

    private void MoveIntentionsBelow(LedgerRule rule, BytePath from, BytePath to)
    {
        BytePath source = rule.Rule.Path.Join(from);
        foreach ((byte[] low, byte[] high) in PathRange.AtAndBelow(source))
            _moveIntentionsBelow.Bind(1, rule.Id).Bind(2, low).Bind(3, high).Bind(4, rule.Rule.Path.Join(to).Span)
                .Bind(5, source.Length + 1).Run();
    }

    private void DeleteDisposal(long jobId) => _deleteDisposal.Bind(1, jobId).Run();

    [MemberNotNull(nameof(_intend), nameof(_findIntended), nameof(_copied), nameof(_endDisposal))]
    [MemberNotNull(nameof(_forgetIntention), nameof(_deleteDisposal), nameof(_findDisposal))]
    [MemberNotNull(nameof(_beginDisposal), nameof(_restDisposal), nameof(_moveIntention))]
    [MemberNotNull(nameof(_moveIntentionsBelow))]
    private void PrepareDisposals()
    {
        // A job that was retried ends again: what was done after its first end is history.
        _intend = _db.Prepare("""
            INSERT OR REPLACE INTO disposals (job_id, rule_id, kind, source, destination, inode, size, mtime_ns,
                intended_ns, device_id)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
            """);
        _findIntended = _db.Prepare($"""
            SELECT {LedgerRows.DisposalColumns} FROM disposals INDEXED BY disposals_intended
            WHERE state = {(int)DisposalState.Intended} AND rule_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3
            """);
        _findDisposal = _db.Prepare($"SELECT {LedgerRows.DisposalColumns} FROM disposals WHERE job_id = ?1");
        _beginDisposal = _db.Prepare(
            $"UPDATE disposals SET begun = 1 WHERE id = ?1 AND state = {(int)DisposalState.Intended}");
        _restDisposal = _db.Prepare(
            $"UPDATE disposals SET begun = 0 WHERE id = ?1 AND state = {(int)DisposalState.Intended}");
        _copied = _db.Prepare($"""
            UPDATE disposals SET copy_inode = ?2 WHERE id = ?1 AND state = {(int)DisposalState.Intended}
            """);
        _endDisposal = _db.Prepare($"""
            UPDATE disposals SET state = ?2, reason = ?3, ended_ns = ?4
            WHERE id = ?1 AND state = {(int)DisposalState.Intended}
            """);
        _forgetIntention = _db.Prepare(
            $"DELETE FROM disposals WHERE job_id = ?1 AND state = {(int)DisposalState.Intended} AND begun = 0");
        _moveIntention = _db.Prepare($"""
            UPDATE disposals SET source = ?2
            WHERE job_id = ?1 AND state = {(int)DisposalState.Intended} AND begun = 0
            """);
        _moveIntentionsBelow = _db.Prepare($"""
            UPDATE disposals INDEXED BY disposals_intended SET source = CAST(?4 || substr(source, ?5) AS BLOB)
            WHERE state = {(int)DisposalState.Intended} AND rule_id = ?1 AND begun = 0
                AND source >= ?2 AND source < ?3
            """);
        _deleteDisposal = _db.Prepare("DELETE FROM disposals WHERE job_id = ?1");
    }
}
