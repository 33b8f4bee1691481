namespace AutoCrunch.Core.Tests.Simulation;

/// <content>What must be true of every file when the world is quiet.</content>
internal sealed partial class Simulation
{
    private void Reckon()
    {
        foreach (SimulatedJob job in _ledger.Jobs)
            Check(job.State is not (JobState.Queued or JobState.Running), $"job {job.Id} has not come to its end");
        foreach (Entry entry in World.Files.Where(IsForUs))
            ReckonFile(entry, entry.Folder.PathOf(entry.Name));
        foreach ((string path, LedgerModel.Row row) in _ledger.Rows)
        {
            bool isThere = row.State is EntryState.Present or EntryState.Held;
            Check(!isThere || World.Find(path) is not null, $"{path} is known and not there");
        }
    }

    private void ReckonFile(Entry entry, string path)
    {
        Inode inode = entry.Inode;
        bool isKnown = _ledger.Rows.TryGetValue(path, out LedgerModel.Row row) && row.Version == inode.Stat.Version;
        bool isHeld = isKnown && row.State == EntryState.Held;
        if (inode.Mark != Mark.None)
        {
            Check(isHeld, $"{path} ({inode}) is unfinished and not shown as held");
            return;
        }

        if (isHeld || IsForeverOpen(entry))
            return;
        Check(isKnown && row.State == EntryState.Present, $"{path} ({inode}) has no verdict");

        // Written through another of its names that is gone by now: what is left is a changed time and one name, as of
        // a file that was touched.
        bool isUnknowable = inode is { WasWrittenLinked: true, Links: 1 };
        Check(isUnknowable || _ledger.IsProcessed(inode), $"{path} ({inode}) was never processed");
        Run[] all = [.. _ledger.RunsOf(inode)];
        Run[] runs = [.. all.Where(run => !inode.WasLinked || run.Path == path)];

        // A link that was renamed to the other's name ran under it too, and rightly so.
        int jobs = inode.WasLinked && all.Length <= inode.NamesGiven ? 1 : runs.Length;
        bool mayRepeat = inode.WasTouchedUnseen || inode.WasMovedUnread || inode.WasForgotten || inode.HasArrivedAgain
            || IsUnpaired(inode, runs);
        Check(jobs <= 1 || mayRepeat, $"{path} ({inode}) ran {jobs} times without a cause");
    }

    // Renamed from a directory that was not watched yet, just after a start: that looks like an arrival from elsewhere.
    private bool IsUnpaired(Inode inode, Run[] runs) => inode.WasRenamedUnseen
        && runs.Any(run => _ledger.EvidenceOf(run) == Evidence.Renamed)
        && runs.DistinctBy(run => run.Path).Count() == runs.Length;

    // An empty file that was linked, where neither a lease nor /proc tells of writers: nothing distinguishes it from
    // one that was opened and is not written yet. It stays in flight, for all to see.
    private bool IsForeverOpen(Entry entry) => entry.Inode.SizeBytes == 0
        && !_conditions.LeasesWork && !_conditions.ProcTells && _service.PhaseOf(entry) == Phase.Opening;

    private bool IsForUs(Entry entry) => !Senders.IsIgnored(entry.Folder)
        && !RsyncNames.IsTemporaryShape(World.Bytes(entry.Name))
        && _rule.Takes(World.Bytes(entry.Folder.PathOf(entry.Name)));
}
