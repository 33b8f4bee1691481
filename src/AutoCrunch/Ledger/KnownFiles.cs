using AutoCrunch.Core;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Ledger;

/// <summary>
/// The files' side of the ledger. What is told goes through the ledger's queue, in order with the completions; what is
/// read comes from a connection of the reading thread's own, and may miss what still waits to be written, which is
/// harmless: a completion that repeats what is known makes no job.
/// </summary>
internal sealed class KnownFiles : IKnownFiles, IDisposable
{
    private static readonly TimeSpan s_firstWait = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan s_longestWait = TimeSpan.FromSeconds(15);

    private readonly Dictionary<string, LedgerRule> _rules;
    private readonly LedgerQueue _queue;
    private readonly ThreadLocal<Reader> _reader;
    private readonly Action<LedgerRule, WholeScan> _scanRecorded;
    private readonly ILogger _logger;
    private readonly HashSet<string> _scansTold = new(StringComparer.Ordinal); // watch thread
    private readonly ManualResetEventSlim _closing = new();

    /// <param name="layout">Where the ledger is.</param>
    /// <param name="rules">By name.</param>
    /// <param name="queue">Where what is told goes.</param>
    /// <param name="scanRecorded">Called on the ledger thread when the end of a whole scan is recorded.</param>
    /// <param name="logger">The service's log.</param>
    public KnownFiles(
        StateLayout layout, Dictionary<string, LedgerRule> rules, LedgerQueue queue,
        Action<LedgerRule, WholeScan> scanRecorded, ILogger logger)
    {
        _rules = rules;
        _queue = queue;
        _scanRecorded = scanRecorded;
        _logger = logger;
        _reader = new ThreadLocal<Reader>(() => new Reader(layout), trackAllValues: true);
    }

    /// <inheritdoc/>
    public void ReadDirectory(string rule, BytePath directory, Dictionary<BytePath, KnownFile> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        Retried(reader =>
        {
            files.Clear();
            reader.ReadDirectory(_rules[rule].Id, directory, files);
            return true;
        });
    }

    /// <inheritdoc/>
    public IReadOnlyCollection<KnownDirectory> ReadDirectories(string rule, BytePath directory) =>
        Retried(reader => reader.ReadDirectories(_rules[rule].Id, directory));

    /// <inheritdoc/>
    public long CountFiles(string rule) => _reader.Value!.CountFiles(_rules[rule].Id);

    /// <inheritdoc/>
    public bool IsFirstScan(string rule) => !_rules[rule].FirstScanDone;

    /// <inheritdoc/>
    public void WholeScanFinished(string rule, long found)
    {
        LedgerRule known = _rules[rule];
        if (known.IsScanned || !_scansTold.Add(rule))
        {
            _queue.Give(new LaterScanCommand(known, _scanRecorded));
            return;
        }

        known.FirstScanDone = true;
        _queue.Give(new WholeScanCommand(known, found, _scanRecorded));
    }

    /// <inheritdoc/>
    public void MetadataChanged(string rule, BytePath path, FileStat stat) =>
        Tell(rule, (writer, told) => writer.MetadataChanged(told, path, stat));

    /// <inheritdoc/>
    public void Held(string rule, BytePath path, FileStat stat, HoldReason reason, bool isMoved = false) =>
        Tell(rule, (writer, told) => writer.Held(told, path, stat, reason, isMoved));

    /// <inheritdoc/>
    public void Gone(string rule, BytePath path) => Tell(rule, (writer, told) => writer.Gone(told, path));

    /// <inheritdoc/>
    public void DirectoryGone(string rule, BytePath directory, ulong device) =>
        Tell(rule, (writer, told) => writer.DirectoryGone(told, directory, device));

    /// <inheritdoc/>
    public void DeviceRenumbered(string rule, ulong from, ulong to) =>
        Tell(rule, (writer, _) => writer.Devices.Renumber(from, to));

    /// <inheritdoc/>
    public void DirectoryMoved(string rule, BytePath from, BytePath to) =>
        Tell(rule, (writer, told) => writer.DirectoryMoved(told, from, to));

    /// <summary>The service ends: no thread waits any longer to be able to read.</summary>
    public void Close() => _closing.Set();

    /// <summary>Closes the readers. No thread may be reading any more.</summary>
    public void Dispose()
    {
        foreach (Reader reader in _reader.Values)
            reader.Dispose();
        _reader.Dispose();
        _closing.Dispose();
    }

    // A scan that cannot read just now (no descriptor, no memory, an I/O error) waits where it is.
    private T Retried<T>(Func<Reader, T> read)
    {
        TimeSpan wait = s_firstWait;
        bool isSaid = false;
        while (true)
        {
            try
            {
                return read(_reader.Value!);
            }
            catch (SqliteException e) when (e.IsTransient && !_closing.IsSet)
            {
                if (!isSaid)
                    LedgerLog.CannotRead(_logger, e.Message, e.Advice);
                isSaid = true;
            }

            _closing.Wait(wait);
            wait = wait < s_longestWait ? wait * 2 : s_longestWait;
        }
    }

    private void Tell(string rule, Action<LedgerWriter, LedgerRule> apply) =>
        _queue.Give(new FactCommand(_rules[rule], apply));

    private sealed class Reader : IDisposable
    {
        private readonly SqliteDatabase _db;
        private readonly SqliteStatement _files;
        private readonly SqliteStatement _directories;
        private readonly SqliteStatement _count;

        public Reader(StateLayout layout)
        {
            _db = LedgerFile.OpenOwnReader(layout);
            _files = _db.Prepare($"""
                SELECT name, inode, size, mtime_ns, hold, number, birth_ns
                FROM files LEFT JOIN devices ON id = device_id
                WHERE rule_id = ?1 AND directory = ?2
                    AND state IN ({(int)EntryState.Present}, {(int)EntryState.Held})
                """);

            // Each step seeks the next directory: as many seeks as there are directories, however many files they hold.
            _directories = _db.Prepare($"""
                SELECT directory, number FROM files LEFT JOIN devices ON id = device_id
                WHERE rule_id = ?1 AND directory >= ?2 AND directory < ?3
                    AND state IN ({(int)EntryState.Present}, {(int)EntryState.Held})
                ORDER BY directory LIMIT 1
                """);
            _count = _db.Prepare($"""
                SELECT count(*) FROM files
                WHERE rule_id = ?1 AND state IN ({(int)EntryState.Present}, {(int)EntryState.Held})
                """);
        }

        public void ReadDirectory(int ruleId, BytePath directory, Dictionary<BytePath, KnownFile> files)
        {
            _files.Bind(1, ruleId).Bind(2, directory.Span);
            while (_files.Step())
            {
                var held = (HoldReason?)_files.OptionalInt(4);
                files[new BytePath(_files.Blob(0))] = new KnownFile(LedgerRows.ReadVersion(_files, 1), held)
                {
                    Device = (ulong)(_files.OptionalNumber(5) ?? 0),
                    BirthNs = _files.Number(6),
                };
            }
        }

        public List<KnownDirectory> ReadDirectories(int ruleId, BytePath directory)
        {
            var found = new List<KnownDirectory>();
            foreach ((byte[] low, byte[] high) in PathRange.AtAndBelow(directory))
                for (byte[] from = low; First(ruleId, from, high) is { } next; from = PathRange.Next(next.Path.Span))
                    found.Add(next);

            return found;
        }

        public long CountFiles(int ruleId)
        {
            Invariant.That(_count.Bind(1, ruleId).Step());
            long count = _count.Number(0);
            _count.Reset();
            return count;
        }

        public void Dispose() => _db.Dispose();

        private KnownDirectory? First(int ruleId, byte[] from, byte[] high)
        {
            if (!_directories.Bind(1, ruleId).Bind(2, from).Bind(3, high).Step())
                return null;
            var first = new KnownDirectory(
                new BytePath(_directories.Blob(0)), (ulong)(_directories.OptionalNumber(1) ?? 0));
            _directories.Reset();
            return first;
        }
    }
}
