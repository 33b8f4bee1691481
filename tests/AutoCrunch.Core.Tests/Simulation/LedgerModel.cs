namespace AutoCrunch.Core.Tests.Simulation;

/// <summary>
/// What the ledger keeps over a crash, with the real decisions and without a disk: every job runs at once.
/// </summary>
internal sealed class LedgerModel(World world, WatchRule rule)
{
    private readonly Dictionary<string, Row> _rows = new(StringComparer.Ordinal);

    /// <summary>What each job's file was when it was judged: inode, content.</summary>
    public List<(ulong Inode, int Content)> Jobs { get; } = [];

    public bool IsFirstScan { get; set; } = true;

    public IReadOnlyDictionary<string, Row> Rows => _rows;

    public Dictionary<Evidence, long> Counts { get; } = [];

    public void Complete(Completion completion)
    {
        string path = completion.Path.ToString();
        (string From, Row Row)? source = SourceOf(completion);
        KnownEntry? known = _rows.TryGetValue(path, out Row row) ? Entry(row) : null;
        KnownEntry? sourceEntry = source is { } found ? Entry(found.Row) : null;
        switch (ArrivalDecision.Of(completion, rule.Completion, rule.ExistingFiles, known, sourceEntry))
        {
            case ArrivalAction.Nothing:
                return;
            case ArrivalAction.MoveEntry:
                _rows.Remove(source!.Value.From);
                Put(path, source.Value.Row);
                return;
            case ArrivalAction.ReviveEntry:
                Put(path, row with { State = row.Held is null ? EntryState.Present : EntryState.Held });
                return;
            case ArrivalAction.RecordOnly:
                break;
            default:
                if (world.Find(path) is not { } inode || inode.Stat.Version != completion.Version)
                {
                    // Looked at before the attempt: gone, or another version, which will complete in its turn.
                    Put(path, new Row(completion.Version, EntryState.Changed, null, world.Now.WallNs));
                    return;
                }

                Simulation.Check(
                    !inode.IsKnowablyUnfinished, $"{path} completed ({completion.Evidence}), and it is unfinished");
                Jobs.Add((inode.Number, inode.Content));
                Counts[completion.Evidence] = Counts.GetValueOrDefault(completion.Evidence) + 1;
                break;
        }

        Put(path, new Row(completion.Version, EntryState.Present, null, world.Now.WallNs));
    }

    public void Hold(string path, FileStat stat, HoldReason reason) =>
        Put(path, new Row(stat.Version, EntryState.Held, reason, world.Now.WallNs));

    public void Gone(string path)
    {
        if (_rows.TryGetValue(path, out Row row))
            _rows[path] = row with { State = EntryState.Gone };
    }

    public void MetadataChanged(string path, FileStat stat)
    {
        bool isSame = _rows.TryGetValue(path, out Row row) && row.State != EntryState.Gone
            && row.Version.Inode == stat.Inode && row.Version.SizeBytes == stat.SizeBytes;
        if (isSame)
            _rows[path] = row with { Version = stat.Version };
    }

    // A held file that was renamed unseen, and whose old name was taken before a scan: nobody can know what it is.
    private void Put(string path, Row row)
    {
        if (_rows.TryGetValue(path, out Row old) && old.Held is not null && old.Version.Inode != row.Version.Inode)
        {
            foreach (Inode inode in world.Names.Values.Where(inode => inode.Number == old.Version.Inode))
                inode.IsKnowablyUnfinished &= inode.Stat.HasZeroMtime;
        }

        _rows[path] = row;
    }

    private (string From, Row Row)? SourceOf(Completion completion)
    {
        if (completion.RenamedFrom is { } from)
            return _rows.TryGetValue(from.ToString(), out Row row) ? (from.ToString(), row) : null;
        if (completion.Evidence is not (Evidence.Found or Evidence.Quiet))
            return null;
        foreach ((string path, Row row) in _rows)
        {
            bool isSource = row.Version == completion.Version && path != completion.Path.ToString()
                && world.Find(path)?.Number != row.Version.Inode;
            if (isSource)
                return (path, row);
        }

        return null;
    }

    private static KnownEntry Entry(Row row) => new(
        row.Version, row.State, row.RecordedNs, row.Held is null ? JobState.Succeeded : null, null)
    {
        Held = row.Held,
    };

    internal readonly record struct Row(FileVersion Version, EntryState State, HoldReason? Held, long RecordedNs);
}
