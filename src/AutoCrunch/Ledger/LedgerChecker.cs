using AutoCrunch.Linux;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Ledger;

/// <summary>After an unclean stop: looks through the whole ledger for damage, beside the normal work.</summary>
internal sealed class LedgerChecker(StateLayout layout, ILogger logger, Action<Exception> failed) : IDisposable
{
    private readonly Lock _gate = new();
    private Thread? _thread;
    private SqliteDatabase? _db;
    private bool _isStopping;

    public void Start()
    {
        _thread = new Thread(Check) { Name = "ledger-check", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Breaks it off.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isStopping = true;
            _db?.Interrupt();
        }

        _thread?.Join();
    }

    private void Check()
    {
        try
        {
            long startNs = Clock.MonotonicNs();
            using SqliteDatabase db = LedgerFile.OpenReader(layout);
            lock (_gate)
            {
                if (_isStopping)
                    return;
                _db = db;
            }

            string? finding = LedgerFile.QuickCheck(db);
            lock (_gate)
                _db = null;
            if (finding is not null)
                throw LedgerFile.Corrupt(layout.Ledger, finding);
            LedgerLog.Checked(logger, layout.Ledger, (Clock.MonotonicNs() - startNs) / 1e9);
        }
        catch (Exception) when (_isStopping)
        {
            // Broken off: the next start finds the ledger closed cleanly, or checks it again.
        }
        catch (SqliteException e) when (e.IsTransient)
        {
            LedgerLog.CheckFailed(logger, layout.Ledger, e.Message, e.Advice);
        }
        catch (SqliteException e)
        {
            failed(LedgerFile.Corrupt(layout.Ledger, e.Message, e));
        }
        catch (LedgerUnusableException e)
        {
            failed(e);
        }
    }
}
