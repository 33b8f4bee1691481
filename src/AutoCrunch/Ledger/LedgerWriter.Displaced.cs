using System.Diagnostics.CodeAnalysis;
using AutoCrunch.Core;

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

    private const string DisplacedColumns =
        "inode, size, mtime_ns, hold, job_id, recorded_ns, device_id, birth_ns, linked, previous_id";

    private SqliteStatement _displace;
    private SqliteStatement _trimDisplaced;
    private SqliteStatement _findDisplaced;
    private SqliteStatement _replaceDisplaced;
    private SqliteStatement _deleteDisplaced;

    // Only a birth tells it from another file, and only a single name says that it has left this one. It keeps its job:
    // that is no longer the name's, or what becomes of the one file would be done to the other. True when it was kept.
    private bool Displace(LedgerRule rule, BytePath path, EntryRow? known, ulong byInode)
    {
        if (known is not { Known: { BirthNs: not 0, WasLinked: false } displaced }
            || displaced.Version.Inode == byInode)
            return false;
        var split = new SplitPath(path);
        _displace.Bind(1, rule.Id).Bind(2, split.Directory).Bind(3, split.Name).Run();
        _trimDisplaced.Bind(1, _db.LastInsertId - DisplacedMax).Run();
        return true;
    }

    private EntrySource? FindDisplaced(LedgerRule rule, Completion completion)
    {
        if (completion.Stat.BirthNs == 0)
            return null;
        EntrySource? found = null;
        _findDisplaced.Bind(1, completion.Version).Bind(4, rule.Id).Bind(5, completion.Stat.BirthNs);
        while (_findDisplaced.Step())
        {
            const int Directory = LedgerRows.EntryColumnCount;
            BytePath path = SplitPath.Join(_findDisplaced.Blob(Directory), _findDisplaced.Blob(Directory + 1));
            EntryRow row = LedgerRows.ReadEntry(_findDisplaced);
            if (found is null && ArrivalDecision.IsDisplaced(row.Known, path, completion))
                found = new EntrySource(path, row, _findDisplaced.Number(Directory + 2));
        }

        return found;
    }

    private void ReplaceDisplaced(long id, BytePath to)
    {
        var target = new SplitPath(to);
        _replaceDisplaced.Bind(1, id).Bind(2, target.Directory).Bind(3, target.Name).Run();
        _deleteDisplaced.Bind(1, id).Run();
    }

    [MemberNotNull(nameof(_displace), nameof(_trimDisplaced), nameof(_findDisplaced), nameof(_replaceDisplaced))]
    [MemberNotNull(nameof(_deleteDisplaced))]
    private void PrepareDisplaced()
    {
        _displace = _db.Prepare($"""
            INSERT INTO displaced (rule_id, directory, name, state, {DisplacedColumns})
            SELECT rule_id, directory, name, state, {DisplacedColumns} FROM files
            WHERE rule_id = ?1 AND directory = ?2 AND name = ?3
            """);
        _trimDisplaced = _db.Prepare("DELETE FROM displaced WHERE id <= ?1");

        // Whether it was processed, a job that is forgotten no longer tells: then it runs again.
        _findDisplaced = _db.Prepare($"""
            SELECT {LedgerRows.EntryColumns}, f.directory, f.name, f.id FROM {LedgerRows.DisplacedEntries}
            WHERE f.inode = ?1 AND f.rule_id = ?4 AND f.birth_ns = ?5 AND ((f.size = ?2 AND f.mtime_ns = ?3)
                OR f.hold = {(int)HoldReason.OwnerOnly}) AND (f.job_id IS NULL OR j.id IS NOT NULL)
            ORDER BY f.id DESC
            """);
        _replaceDisplaced = _db.Prepare($"""
            INSERT INTO files (rule_id, directory, name, state, {DisplacedColumns})
            SELECT rule_id, ?2, ?3, iif(hold IS NULL, {(int)EntryState.Present}, {(int)EntryState.Held}),
                {DisplacedColumns} FROM displaced WHERE id = ?1
            """);
        _deleteDisplaced = _db.Prepare("DELETE FROM displaced WHERE id = ?1");
    }

    /// <summary>What a completion may be known as.</summary>
    /// <param name="Path">Its name there.</param>
    /// <param name="Row">What is known.</param>
    /// <param name="DisplacedId">Its row, if another file has that name now.</param>
    private readonly record struct EntrySource(BytePath Path, EntryRow Row, long? DisplacedId);
}
