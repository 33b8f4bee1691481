using AutoCrunch.Core.Tests.Machine;

namespace AutoCrunch.Core.Tests.Atlas;

/// <summary>
/// The files behind a recorded case: the recorded events say what happened, the facts beside the expected verdicts say
/// what they do not tell (times, modes, links).
/// </summary>
internal sealed class ReplayedTree(RecordedCase recorded, ExpectedCase expected)
{
    private const long MillisecondNs = 1_000_000;
    private const long HourNs = 3600 * 1000 * MillisecondNs;

    // 2020-01-01, the mtime of the atlas's sources.
    private const long SourceMtimeNs = 1_577_836_800_000_000_000;

    private readonly Dictionary<(int Step, ulong Inode), int> _closesAhead = [];
    private readonly Dictionary<ModelInode, int> _open = [];
    private readonly Dictionary<uint, string> _movedFrom = [];
    private readonly List<string[]> _facts = [];
    private IReadOnlyList<RecordedEvent> _events = [];
    private bool _isRehearsal;
    private int _step = -1;
    private int _attributeChanges;

    public ModelTree Files { get; } = new();

    /// <summary>Called for a file that was there and processed when a step began.</summary>
    public Action<string> Seeded { get; set; } = _ => { };

    /// <summary>Called for a file or directory that was taken away between two steps.</summary>
    public Action<string> Lost { get; set; } = _ => { };

    /// <summary>
    /// Plays everything once without anybody looking: the recording shows when a writer's descriptor was closed, and
    /// only so it is known before that somebody has it open.
    /// </summary>
    public void Rehearse(long wallNs)
    {
        var rehearsal = new ReplayedTree(recorded, expected) { _isRehearsal = true };
        rehearsal.Files.WallNs = wallNs;
        for (int step = 0; step < recorded.Steps.Count; step++)
        {
            rehearsal.BeginStep(step);
            for (int i = 0; i < recorded.Steps[step].Events.Count; i++)
                rehearsal.Apply(i);
        }

        foreach ((var key, int closes) in rehearsal._closesAhead)
            _closesAhead.Add(key, closes);
    }

    public void BeginStep(int step)
    {
        _step = step;
        _events = recorded.Steps[step].Events;
        _attributeChanges = 0;
        _movedFrom.Clear();
        _facts.Clear();
        if (step == 0)
            expected.Facts.ForEach(Begin);
        expected.Steps[step].Facts.ForEach(Begin);
        _facts.AddRange(expected.Steps[step].Facts);
        _facts.AddRange(expected.Facts);
        Files.Events.Clear();
    }

    /// <summary>What the event with this index tells of has happened.</summary>
    public void Apply(int index)
    {
        RecordedEvent recordedEvent = _events[index];
        if (recordedEvent.Entries is not null)
            Listed(recordedEvent);
        else if (recordedEvent.IsDirectory)
            DirectoryChanged(recordedEvent);
        else if (recordedEvent.Name.Length > 0)
            FileChanged(recordedEvent, index);
        Files.Events.Clear();
    }

    private void FileChanged(RecordedEvent recordedEvent, int index)
    {
        string path = recordedEvent.Path;
        switch (recordedEvent.Mask)
        {
            case "CREATE":
                Created(path, index);
                break;
            case "MOVED_FROM":
                if (_events.Skip(index).Any(e => e.Mask == "MOVED_TO" && e.Cookie == recordedEvent.Cookie))
                    _movedFrom[recordedEvent.Cookie] = path;
                else
                    Files.Leave(path);
                break;
            case "MOVED_TO":
                MovedTo(path, recordedEvent.Cookie);
                break;
            case "DELETE":
                Files.Leave(path);
                break;
            default:
                Used(recordedEvent);
                break;
        }
    }

    private void Used(RecordedEvent recordedEvent)
    {
        string path = recordedEvent.Path;
        ModelInode inode = Files.Find(path) ?? Arrived(path);
        int open = _open.GetValueOrDefault(inode);
        switch (recordedEvent.Mask)
        {
            case "OPEN":
                open += recordedEvent.Count;
                break;
            case "CLOSE_NOWRITE":
                open = Math.Max(0, open - recordedEvent.Count);
                break;
            case "MODIFY":
                open = Math.Max(1, open);
                Files.Store(path, 1000 * recordedEvent.Count);
                break;
            case "ATTRIB":
                AttributesChanged(path, inode);
                break;
            case "CLOSE_WRITE":
                open = Math.Max(0, open - 1);
                if (Facts("written").Contains(path))
                    Files.Store(path);
                CountClose(inode);
                break;
            default:
                throw new InvalidOperationException($"{recordedEvent.Mask} of a file");
        }

        _open[inode] = open;
        inode.Writers = open > 0 && _closesAhead.GetValueOrDefault((_step, inode.Number)) > 0 ? 1 : 0;
    }

    private void CountClose(ModelInode inode) =>
        _closesAhead[(_step, inode.Number)] =
            _closesAhead.GetValueOrDefault((_step, inode.Number)) + (_isRehearsal ? 1 : -1);

    private void Created(string path, int index)
    {
        if (Link(path) is { } target)
            Files.Link(target, path);
        else if (Facts("symlink").Contains(path))
            Files.Put(path, 0x1FF, FileType.Symlink);
        else if (Facts("special").Contains(path))
            Files.Put(path, 0x1B6, FileType.Other);
        else if (_events.Skip(index + 1).FirstOrDefault(e => e.Path == path)?.Mask is "OPEN")
            Files.Put(path, Facts("created").Contains("0644") ? 0x1A4u : 0x180u);
        else
            LinkFromOutside(path);
    }

    private void LinkFromOutside(string path)
    {
        long wallNs = Files.WallNs;
        Files.WallNs -= HourNs;
        ModelInode inode = Files.Put(path, 0x1A4);
        Files.WallNs = wallNs;
        inode.SizeBytes = 1000;
        inode.MtimeNs = MtimeOfSource();
        inode.CtimeNs = wallNs;
        inode.Links = 2;
    }

    // Moved in from out of sight, listed, or written to without its creation having been seen.
    private ModelInode Arrived(string path)
    {
        ModelInode inode = Files.Put(path, 0x1A4);
        inode.SizeBytes = 1000;
        if (!Facts("fresh").Contains(path))
            inode.MtimeNs = MtimeOfSource();
        return inode;
    }

    private void MovedTo(string path, uint cookie)
    {
        if (_movedFrom.Remove(cookie, out string? from) && Files.Exists(from))
            MoveFile(from, path);
        else
            Arrived(path);
    }

    // The other half of an exchange: the name already belongs to the other file.
    private void MoveFile(string from, string to)
    {
        bool isExchange = _events.Count(e => e.Mask == "MOVED_FROM" && e.Path == to) > 0
            && _events.Any(e => e.Mask == "MOVED_TO" && e.Path == from);
        if (!isExchange)
            Files.Rename(from, to);
        else if (_movedFrom.Count == 0 && _events.First(e => e.Mask == "MOVED_TO").Path == to)
            Files.Exchange(from, to);
    }

    private void Listed(RecordedEvent listing)
    {
        foreach (string name in listing.Entries!)
        {
            string path = $"{listing.Path}/{name}";
            bool isDirectory = _events.Any(e => e.Directory == path || (e.IsDirectory && e.Path == path));
            if (!isDirectory && !Files.Exists(path))
                Arrived(path);
        }
    }

    private void DirectoryChanged(RecordedEvent recordedEvent)
    {
        if (recordedEvent.Mask == "MOVED_FROM")
        {
            _movedFrom[recordedEvent.Cookie] = recordedEvent.Path;
        }
        else if (recordedEvent.Mask == "MOVED_TO" && _movedFrom.Remove(recordedEvent.Cookie, out string? from))
        {
            foreach (string path in PathsBelow(from))
                Files.Rename(path, recordedEvent.Path + path[from.Length..]);
        }
    }

    private string[] PathsBelow(string directory) =>
        [.. Files.Paths.Where(path => path.StartsWith(directory + "/", StringComparison.Ordinal))];

    private void AttributesChanged(string path, ModelInode inode)
    {
        string[] kinds = Facts("attrib").DefaultIfEmpty("times").First().Split(',');
        string kind = kinds[Math.Min(_attributeChanges++, kinds.Length - 1)];
        if (kind != "keep")
            Files.SetMode(path, 0x1A4);
        Files.SetMtime(path, kind switch
        {
            "times" => MtimeOfSource(),
            "zero" => 123_456_789,
            "now" => Files.WallNs - (20 * MillisecondNs),
            "mode" or "keep" => inode.MtimeNs,
            _ => throw new InvalidOperationException($"attrib {kind}"),
        });
    }

    private long MtimeOfSource() =>
        SourceMtimeNs + (1000 * MillisecondNs * long.Parse(Facts("source").DefaultIfEmpty("0").First()));

    private void Begin(string[] fact)
    {
        if (fact[0] == "had")
            Had(fact[1], fact.Contains("source"));
        else if (fact[0] == "lost")
            Remove(fact[1]);
    }

    private void Had(string path, bool hasMtimeOfSource)
    {
        long wallNs = Files.WallNs;
        Files.WallNs -= HourNs;
        ModelInode inode = Files.Put(path, 0x1A4);
        Files.WallNs = wallNs;
        inode.SizeBytes = 500;
        if (hasMtimeOfSource)
            inode.MtimeNs = MtimeOfSource();
        Seeded(path);
    }

    private void Remove(string path)
    {
        foreach (string gone in PathsBelow(path).Append(path).Where(Files.Exists).ToArray())
            Files.Leave(gone);
        Lost(path);
    }

    private string? Link(string path) =>
        _facts.FirstOrDefault(fact => fact[0] == "link" && fact[1] == path) is { } link ? link[2] : null;

    private IEnumerable<string> Facts(string verb) =>
        _facts.Where(fact => fact[0] == verb).SelectMany(fact => fact.Skip(1));
}
