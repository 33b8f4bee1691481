using AutoCrunch.Core;
using AutoCrunch.Dispatch;

namespace AutoCrunch.Tests.Watching;

/// <summary>
/// What the ledger is to watching, in memory: knows files by rule and path, applies what it is told, and counts what
/// would have become a job. Any thread.
/// </summary>
internal sealed class MemoryKnownFiles : IKnownFiles, IJobDispatcher
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Dictionary<BytePath, KnownFile>> _files = [];
    private readonly HashSet<string> _firstScansFinished = [];
    private readonly List<string> _told = [];
    private readonly List<Completion> _jobs = [];

    /// <summary>What was told beside completions, in order: "gone raw a/b".</summary>
    public IReadOnlyList<string> Told
    {
        get
        {
            lock (_gate)
                return [.. _told];
        }
    }

    /// <summary>Completions of versions that were not known: each would be one job.</summary>
    public IReadOnlyList<Completion> Jobs
    {
        get
        {
            lock (_gate)
                return [.. _jobs];
        }
    }

    /// <summary>Called on the scan thread before the first scan of a root begins.</summary>
    public Action? OnFirstScan { get; init; }

    /// <summary>Called with the rule on the scan thread before it compares a directory that has known files.</summary>
    public Action<string>? OnRead { get; init; }

    public int JobCount
    {
        get
        {
            lock (_gate)
                return _jobs.Count;
        }
    }

    /// <summary>The paths known for a rule, in order.</summary>
    public string[] Known(string rule = "raw")
    {
        lock (_gate)
            return [.. FilesOf(rule).Keys.Order().Select(path => path.ToString())];
    }

    public bool Has(string rule, string path)
    {
        lock (_gate)
            return FilesOf(rule).ContainsKey(BytePath.Parse(path));
    }

    public void Add(string rule, string path, KnownFile file)
    {
        lock (_gate)
            FilesOf(rule)[BytePath.Parse(path)] = file;
    }

    public bool WasTold(string what) => Told.Contains(what);

    public void Dispatch(Completion completion)
    {
        lock (_gate)
        {
            Dictionary<BytePath, KnownFile> files = FilesOf(completion.Rule);
            var known = new KnownFile(completion.Version, null) { Device = completion.Stat.Device };
            bool isKnown = files.TryGetValue(completion.Path, out KnownFile before) && before == known;
            if (!isKnown && completion.RenamedFrom is { } from && files.Remove(from, out KnownFile moved))
                isKnown = moved == known;
            files[completion.Path] = known;
            if (!isKnown)
                _jobs.Add(completion);
        }
    }

    public void ReadDirectory(string rule, BytePath directory, Dictionary<BytePath, KnownFile> files)
    {
        OnRead?.Invoke(rule);
        lock (_gate)
        {
            foreach ((BytePath path, KnownFile file) in FilesOf(rule))
            {
                if (path.Directory == directory)
                    files.Add(path.Name, file);
            }
        }
    }

    public IReadOnlyCollection<KnownDirectory> ReadDirectories(string rule, BytePath directory)
    {
        lock (_gate)
            return
            [
                .. FilesOf(rule).Select(file => new KnownDirectory(file.Key.Directory, file.Value.Device))
                    .Where(known => known.Path.IsAtOrBelow(directory)),
            ];
    }

    public long CountFiles(string rule)
    {
        lock (_gate)
            return FilesOf(rule).Count;
    }

    public bool IsFirstScan(string rule)
    {
        OnFirstScan?.Invoke();
        lock (_gate)
            return !_firstScansFinished.Contains(rule);
    }

    public void WholeScanFinished(string rule, long found)
    {
        lock (_gate)
        {
            if (_firstScansFinished.Add(rule))
                _told.Add($"first scan {rule}");
        }
    }

    public void MetadataChanged(string rule, BytePath path, FileStat stat)
    {
        lock (_gate)
        {
            _told.Add($"metadata {rule} {path}");
            if (FilesOf(rule).TryGetValue(path, out KnownFile known))
                FilesOf(rule)[path] = known with { Version = stat.Version };
        }
    }

    public void Held(string rule, BytePath path, FileStat stat, HoldReason reason, bool isMoved)
    {
        lock (_gate)
        {
            _told.Add($"held {rule} {path}");
            FilesOf(rule)[path] = new KnownFile(stat.Version, reason) { Device = stat.Device };
        }
    }

    public void Gone(string rule, BytePath path)
    {
        lock (_gate)
        {
            if (FilesOf(rule).Remove(path))
                _told.Add($"gone {rule} {path}");
        }
    }

    public void DirectoryGone(string rule, BytePath directory, ulong device)
    {
        lock (_gate)
        {
            _told.Add($"directory gone {rule} {directory}");
            foreach ((BytePath path, KnownFile file) in FilesOf(rule).ToArray())
                if (path.IsAtOrBelow(directory) && (file.Device == device || file.Device == 0 || device == 0))
                    FilesOf(rule).Remove(path);
        }
    }

    public void DeviceRenumbered(string rule, ulong from, ulong to)
    {
        lock (_gate)
        {
            _told.Add($"renumbered {rule} {from} {to}");
            foreach ((BytePath path, KnownFile file) in FilesOf(rule).ToArray())
                if (file.Device == from)
                    FilesOf(rule)[path] = file with { Device = to };
        }
    }

    public void DirectoryMoved(string rule, BytePath from, BytePath to)
    {
        lock (_gate)
        {
            _told.Add($"directory moved {rule} {from} {to}");
            Dictionary<BytePath, KnownFile> files = FilesOf(rule);
            foreach (BytePath path in files.Keys.Where(path => path.IsAtOrBelow(from)).ToArray())
            {
                files.Remove(path, out KnownFile file);
                files[to.Join(path.Span[(from.Length + 1)..])] = file;
            }
        }
    }

    private Dictionary<BytePath, KnownFile> FilesOf(string rule)
    {
        if (!_files.TryGetValue(rule, out Dictionary<BytePath, KnownFile>? files))
            _files[rule] = files = [];
        return files;
    }
}
