using System.Diagnostics.CodeAnalysis;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Ledger;

/// <summary>
/// Files whose name another file has taken. The table of files holds one for each name; whoever is renamed, while
/// another takes its name before that is read, is known by this.
/// </summary>
internal sealed partial class LedgerWriter
{
    /// <summary>
    /// So many are remembered. What is renamed so comes to light with the next look at the queue or the next scan.
    /// </summary>
    public const int DisplacedMax = 10_000;

    /// <summary>
    /// Held ones as long as no more than this have followed: files that are sent again must not push them out.
    /// </summary>
    public const int DisplacedHeldMax = 100_000;

    /// <summary>The oldest are forgotten after so many new ones.</summary>
    public const int DisplacedTrimInterval = 1_000;

    private const string DisplacedColumns =
        "inode, size, mtime_ns, hold, job_id, recorded_ns, device_id, birth_ns, linked, warned_ns";

    private SqliteStatement _displace;
    private SqliteStatement _trimDisplaced;
    private SqliteStatement _findDisplaced;
    private SqliteStatement _replaceDisplaced;
    private SqliteStatement _deleteDisplaced;
    private SqliteStatement _displaceBelow;
    private SqliteStatement _forgetDisplaced;
    private SqliteStatement _clearPrevious;
    private bool _hasDisplaced;
    private long _trimmedInterval = -1;

    // Only a birth tells it from another file, and only a single name says that it has left this one. It keeps its job:
    // that is no longer the name's, or what becomes of the one file would be done to the other. True when it was kept.
    private bool Displace(LedgerRule rule, BytePath path, EntryRow? known, ulong byInode)
    {
        if (!IsDisplaced(known, byInode))
            return false;
        var split = new SplitPath(path);
        _displace.Bind(1, rule.Id).Bind(2, split.Directory).Bind(3, split.Name).Bind(4, Clock.WallNs()).Run();
        TrimDisplaced();
        return true;
    }

    private static bool IsDisplaced(EntryRow? known, ulong byInode) =>
        known is { Known: { BirthNs: not 0, WasLinked: false } displaced } && displaced.Version.Inode != byInode;

    // Files of a directory that was renamed took the names of others, which had left them before that was read.
    private void DisplaceBelow(LedgerRule rule, BytePath from, BytePath to)
    {
        foreach ((byte[] low, byte[] high) in PathRange.AtAndBelow(to))
        {
            _displaceBelow.Bind(1, rule.Id).Bind(2, low).Bind(3, high).Bind(4, from.Span).Bind(5, to.Length + 1)
                .Bind(6, Clock.WallNs()).Run();
            TrimDisplaced();
        }
    }

    private void TrimDisplaced()
    {
        if (_db.Changes == 0)
            return;
        _hasDisplaced = true;
        long newest = _db.LastInsertId;
        if (newest / DisplacedTrimInterval == _trimmedInterval)
            return;
        _trimmedInterval = newest / DisplacedTrimInterval;
        _trimDisplaced.Bind(1, newest - DisplacedMax).Bind(2, newest - DisplacedHeldMax).Run();
    }

    // It has a row of its own again.
    private void ForgetDisplaced(LedgerRule rule, ulong inode, long birthNs)
    {
        if (_hasDisplaced && birthNs != 0)
            _forgetDisplaced.Bind(1, (long)inode).Bind(2, birthNs).Bind(3, rule.Id).Run();
    }

    private EntrySource? FindDisplaced(EntrySource? best, LedgerRule rule, Completion completion)
    {
        if (!_hasDisplaced || completion.Stat.BirthNs == 0)
            return best;
        _findDisplaced.Bind(1, completion.Version).Bind(4, rule.Id).Bind(5, completion.Stat.BirthNs);
        while (_findDisplaced.Step())
        {
            const int Directory = LedgerRows.EntryColumnCount;
            (BytePath path, EntryRow row) = LedgerRows.ReadEntryAt(_findDisplaced);
            var source = new EntrySource(path, row, _findDisplaced.Number(Directory + 2))
            {
                DisplacedNs = _findDisplaced.Number(Directory + 3),
            };
            if (ArrivalDecision.IsDisplaced(row.Known, path, completion))
                best = Better(best, source, rule, completion);
        }

        return best;
    }

    private void ReplaceDisplaced(long id, BytePath to)
    {
        var target = new SplitPath(to);
        _replaceDisplaced.Bind(1, id).Bind(2, target.Directory).Bind(3, target.Name).Run();
        _deleteDisplaced.Bind(1, id).Run();
    }

    // The file had left its name before another came to it, so that one is no update of it.
    private void Detach(LedgerRule rule, EntrySource left)
    {
        if (Find(rule, left.Path) is not { JobId: null } other || other.PreviousId is not { } previousId
            || previousId != left.Row.JobId)
            return;
        var split = new SplitPath(left.Path);
        _clearPrevious.Bind(1, rule.Id).Bind(2, split.Directory).Bind(3, split.Name).Run();
        EntryRow own = other with { PreviousId = null };
        if (own.Known.State == EntryState.Present && rule.Rule.Completion.Updates == ProcessPolicy.Ignore)
            InsertJob(rule, Recall(rule, left.Path, own), own);
    }

    [MemberNotNull(nameof(_displace), nameof(_trimDisplaced), nameof(_findDisplaced), nameof(_replaceDisplaced))]
    [MemberNotNull(nameof(_deleteDisplaced), nameof(_displaceBelow), nameof(_forgetDisplaced))]
    [MemberNotNull(nameof(_clearPrevious))]
    private void PrepareDisplaced()
    {
        _hasDisplaced = _db.QueryNumber("SELECT 1 FROM displaced LIMIT 1") is not null;
        _displace = _db.Prepare($"""
            INSERT INTO displaced (rule_id, directory, name, state, {DisplacedColumns}, previous_id, displaced_ns)
            SELECT rule_id, directory, name, state, {DisplacedColumns}, previous_id, ?4 FROM files
            WHERE rule_id = ?1 AND directory = ?2 AND name = ?3
            """);
        _trimDisplaced = _db.Prepare("DELETE FROM displaced WHERE id <= ?1 AND (hold IS NULL OR id <= ?2)");

        // Whether it was processed, a job that is forgotten no longer tells: then it runs again.
        _findDisplaced = _db.Prepare($"""
            SELECT {LedgerRows.EntryColumns}, f.directory, f.name, f.id, f.displaced_ns
            FROM {LedgerRows.DisplacedEntries}
            WHERE f.inode = ?1 AND f.rule_id = ?4 AND f.birth_ns = ?5 AND ((f.size = ?2 AND f.mtime_ns = ?3)
                OR f.hold = {(int)HoldReason.OwnerOnly})
                AND (f.job_id IS NULL OR j.id IS NOT NULL OR f.hold IS NOT NULL)
            ORDER BY f.id DESC
            """);
        _replaceDisplaced = _db.Prepare($"""
            INSERT INTO files (rule_id, directory, name, state, {DisplacedColumns}, previous_id)
            SELECT rule_id, ?2, ?3, iif(hold IS NULL, {(int)EntryState.Present}, {(int)EntryState.Held}),
                {DisplacedColumns}, {PreviousOf("displaced")} FROM displaced WHERE id = ?1
            """);
        _clearPrevious = _db.Prepare(
            "UPDATE files SET previous_id = NULL WHERE rule_id = ?1 AND directory = ?2 AND name = ?3");
        _deleteDisplaced = _db.Prepare("DELETE FROM displaced WHERE id = ?1");
        _forgetDisplaced = _db.Prepare("DELETE FROM displaced WHERE inode = ?1 AND birth_ns = ?2 AND rule_id = ?3");
        _displaceBelow = _db.Prepare($"""
            INSERT INTO displaced (rule_id, directory, name, state, {DisplacedColumns}, previous_id, displaced_ns)
            SELECT rule_id, directory, name, state, {DisplacedColumns}, previous_id, ?6 FROM files f
            WHERE rule_id = ?1 AND directory >= ?2 AND directory < ?3 AND birth_ns <> 0 AND linked = 0
                AND EXISTS (SELECT 1 FROM files m WHERE m.rule_id = ?1 AND m.name = f.name
                    AND m.directory = CAST(?4 || substr(f.directory, ?5) AS BLOB)
                    AND m.state <> {(int)EntryState.Gone} AND m.inode <> f.inode)
            """);
    }

    /// <summary>What a completion may be known as.</summary>
    /// <param name="Path">Its name there.</param>
    /// <param name="Row">What is known.</param>
    /// <param name="DisplacedId">Its row, if another file has that name now.</param>
    private readonly record struct EntrySource(BytePath Path, EntryRow Row, long? DisplacedId)
    {
        /// <summary>Since when.</summary>
        public long? DisplacedNs { get; init; }
    }
}
