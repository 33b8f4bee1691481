using System.Diagnostics.CodeAnalysis;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Ledger;

/// <summary>A file that has been held for longer than HeldWarning.</summary>
internal sealed record LongHeld(string Rule, BytePath Path, HoldReason Reason, long HeldNs);

/// <summary>What operators are to be told of.</summary>
internal sealed partial class LedgerWriter
{
    private SqliteStatement _insertNotice;
    private SqliteStatement _findNotices;
    private SqliteStatement _deleteNotices;
    private SqliteStatement _findLongHeld;
    private SqliteStatement _warned;
    private bool _hasNotices = true;

    /// <summary>True, once, when notices were recorded since it was asked last, or may be there from before.</summary>
    public bool TakeHasNotices()
    {
        bool has = _hasNotices;
        _hasNotices = false;
        return has;
    }

    /// <summary>What OnFailureCommand of a rule has still to be run for, oldest first.</summary>
    public List<Notice> FindNotices(LedgerRule rule, int most)
    {
        var notices = new List<Notice>();
        _findNotices.Bind(1, rule.Id).Bind(2, most);
        while (_findNotices.Step())
        {
            notices.Add(new Notice
            {
                Id = _findNotices.Number(0),
                Rule = rule.Name,
                JobId = _findNotices.OptionalNumber(1),
                Attempt = _findNotices.Int(2),
                Path = SplitPath.Join(_findNotices.Blob(3), _findNotices.Blob(4)),
                SizeBytes = _findNotices.Number(5),
                Reason = _findNotices.Text(6)!,
            });
        }

        return notices;
    }

    /// <summary>These notices of the rule, and all before them, are done with.</summary>
    public void EndNotices(LedgerRule rule, long lastId) => _deleteNotices.Bind(1, rule.Id).Bind(2, lastId).Run();

    /// <summary>
    /// Files that have been held for longer than the rule's HeldWarning and were not told of; from now on they were.
    /// </summary>
    public List<LongHeld> WarnHeld(LedgerRule rule, int most)
    {
        var held = new List<(LongHeld File, long SizeBytes)>();
        long now = Clock.WallNs();
        long beforeNs = now - (long)rule.Rule.HeldWarning.TotalNanoseconds;
        _findLongHeld.Bind(1, rule.Id).Bind(2, beforeNs).Bind(3, most);
        while (_findLongHeld.Step())
        {
            BytePath path = SplitPath.Join(_findLongHeld.Blob(0), _findLongHeld.Blob(1));
            var reason = (HoldReason)_findLongHeld.Int(2);
            held.Add((
                new LongHeld(rule.Name, path, reason, now - _findLongHeld.Number(3)), _findLongHeld.Number(4)));
        }

        foreach ((LongHeld file, long sizeBytes) in held)
        {
            var split = new SplitPath(file.Path);
            _warned.Bind(1, rule.Id).Bind(2, split.Directory).Bind(3, split.Name).Bind(4, now).Run();
            InsertNotice(rule, null, 0, file.Path, sizeBytes, "held: " + HoldText.Of(file.Reason));
        }

        return [.. held.Select(pair => pair.File)];
    }

    private void NoteFailure(LedgerRule rule, Attempt attempt, AttemptOutcome outcome, JobState state)
    {
        if (state == JobState.Failed)
            InsertNotice(
                rule, attempt.Job.Id, attempt.Number, attempt.Job.Path, attempt.Job.Version.SizeBytes,
                outcome.Sentence ?? "failed");
    }

    private void InsertNotice(
        LedgerRule rule, long? jobId, int attempt, BytePath path, long sizeBytes, string reason)
    {
        if (rule.Rule.OnFailureCommand is null)
            return;
        var split = new SplitPath(path);
        _insertNotice.Bind(1, rule.Id).Bind(2, jobId).Bind(3, attempt).Bind(4, split.Directory).Bind(5, split.Name)
            .Bind(6, sizeBytes).Bind(7, reason).Bind(8, Clock.WallNs()).Run();
        _hasNotices = true;
    }

    [MemberNotNull(nameof(_insertNotice), nameof(_findNotices), nameof(_deleteNotices), nameof(_findLongHeld))]
    [MemberNotNull(nameof(_warned))]
    private void PrepareNotices()
    {
        _insertNotice = _db.Prepare("""
            INSERT INTO notices (rule_id, job_id, attempt, directory, name, size, reason, recorded_ns)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            """);
        _findNotices = _db.Prepare("""
            SELECT id, job_id, attempt, directory, name, size, reason FROM notices WHERE rule_id = ?1
            ORDER BY id LIMIT ?2
            """);
        _deleteNotices = _db.Prepare("DELETE FROM notices WHERE rule_id = ?1 AND id <= ?2");
        _findLongHeld = _db.Prepare($"""
            SELECT directory, name, hold, recorded_ns, size FROM files INDEXED BY files_unwarned
            WHERE state = {(int)EntryState.Held} AND warned_ns IS NULL AND rule_id = ?1 AND recorded_ns <= ?2
            ORDER BY recorded_ns LIMIT ?3
            """);
        _warned = _db.Prepare(
            "UPDATE files SET warned_ns = ?4 WHERE rule_id = ?1 AND directory = ?2 AND name = ?3");
    }
}
