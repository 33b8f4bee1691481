using AutoCrunch.Core;
using AutoCrunch.Linux;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Ledger;

/// <summary>
/// The thread behind the ledger thread, for what waits for the disk: flushes the WAL within a second of each write,
/// moves it into the database before it grows large, and removes the logs of forgotten jobs. Asleep while nothing is
/// written.
/// </summary>
internal sealed class LedgerFlusher(StateLayout layout, ILogger logger) : IDisposable
{
    // What is written together is flushed together; a second at most may be lost by a power cut.
    private static readonly TimeSpan s_flushDelay = TimeSpan.FromSeconds(0.4);

    private const long CheckpointPages = 4096;

    private readonly object _gate = new();
    private readonly Lock _walGate = new();
    private readonly Queue<(PrunedJob[] Jobs, long? OldestId)> _removals = new();
    private Thread? _thread;
    private SafeFileHandle? _wal;
    private SqliteDatabase? _db;
    private long _walPages = PagesIn(layout);
    private bool _isDirty;
    private bool _isStopping;
    private bool _checkpointFailed;

    /// <summary>
    /// Called when what is in the kernel's hands cannot be brought to disk, or the ledger is damaged.
    /// </summary>
    public Action<Exception>? Failed { get; set; }

    public void Start()
    {
        lock (_walGate)
            TryOpenWal(); // while there are descriptors to be had
        _thread = new Thread(Work) { Name = "ledger-flush", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Takes note of pages just written to the WAL; returns how many it holds by now. Ledger thread.</summary>
    public long Written(int pages)
    {
        lock (_gate)
        {
            _walPages += pages;
            if (!_isDirty)
            {
                _isDirty = true;
                Monitor.Pulse(_gate);
            }

            return _walPages;
        }
    }

    /// <summary>The whole WAL is in the database.</summary>
    public void Checkpointed()
    {
        lock (_gate)
            _walPages = 0;
    }

    /// <summary>Returns when all that was committed before is on disk. Any thread.</summary>
    /// <exception cref="IOException">The disk does not take it.</exception>
    public void FlushNow()
    {
        lock (_walGate)
        {
            int errno = TryOpenWal();
            if (errno == Errno.ENOENT)
                return; // nothing was written yet
            if (errno != 0)
                throw new LinuxException("open", layout.Wal, errno);

            RandomAccess.FlushToDisk(_wal!);
        }
    }

    /// <summary>Removes the logs of forgotten jobs, some time.</summary>
    /// <param name="jobs">The jobs.</param>
    /// <param name="oldestId">If not null: no job before this one is remembered, and what is left of theirs goes
    /// too.</param>
    public void RemoveLogs(PrunedJob[] jobs, long? oldestId)
    {
        if (jobs.Length == 0 && oldestId is null)
            return;
        lock (_gate)
        {
            _removals.Enqueue((jobs, oldestId));
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Stops the thread when it has done what it was told.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isStopping = true;
            Monitor.Pulse(_gate);
        }

        _thread?.Join();
        _db?.Dispose();
        _wal?.Dispose();
    }

    private int TryOpenWal() => _wal is null ? PathOps.TryOpen(layout.Wal, OpenMode.Read, 0, out _wal) : 0;

    // What an unclean stop has left counts too.
    private static long PagesIn(StateLayout layout)
    {
        const long PageBytes = 4096;
        return FileStatReader.TryRead(layout.Wal, out FileStat wal) == 0 ? wal.SizeBytes / PageBytes : 0;
    }

    private void Work()
    {
        try
        {
            while (true)
            {
                (PrunedJob[] Jobs, long? OldestId)? removal = null;
                bool isDirty;
                lock (_gate)
                {
                    while (!_isDirty && _removals.Count == 0 && !_isStopping)
                        Monitor.Wait(_gate);
                    if (_removals.TryDequeue(out (PrunedJob[] Jobs, long? OldestId) next))
                        removal = next;
                    isDirty = _isDirty;
                    if (!isDirty && removal is null)
                        return;
                }

                if (removal is { } logs)
                    JobLogs.Remove(layout, logs.Jobs, logs.OldestId, logger);
                if (isDirty)
                    Flush();
            }
        }
        catch (Exception e)
        {
            Failed?.Invoke(LedgerFile.Explain(e, layout.Ledger) ?? e);
        }
    }

    private void Flush()
    {
        bool isLarge;
        lock (_gate)
        {
            long start = Clock.MonotonicNs();
            TimeSpan left = s_flushDelay;
            while (!_isStopping && left > TimeSpan.Zero)
            {
                Monitor.Wait(_gate, left);
                left = s_flushDelay - TimeSpan.FromMicroseconds((Clock.MonotonicNs() - start) / 1000.0);
            }

            _isDirty = false;
            isLarge = _walPages > CheckpointPages;
        }

        FlushNow();
        if (isLarge)
            Checkpoint();
    }

    private void Checkpoint()
    {
        try
        {
            _db ??= LedgerFile.OpenSecond(layout);
            if (_db.Checkpoint())
                Checkpointed();
            _checkpointFailed = false;
        }
        catch (SqliteException e) when (e.IsTransient)
        {
            // The WAL goes on growing; when it cannot any more, the ledger thread pauses.
            if (!_checkpointFailed)
                LedgerLog.CheckpointFailed(logger, e.Message, e.Advice);
            _checkpointFailed = true;
        }
    }
}
