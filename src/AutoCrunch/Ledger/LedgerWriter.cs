using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Ledger;

/// <summary>
/// The writing side of the ledger: what each command does to the tables, inside the round's transaction. Ledger thread
/// only (and the thread that opens it, before that one starts). Decisions are made by the core; here is the SQL.
/// </summary>
internal sealed partial class LedgerWriter : IDisposable
{
    private readonly SqliteDatabase _db;
    private readonly Func<WatchRule, BytePath, ulong, bool> _isGone;
    private readonly SqliteStatement _begin;
    private readonly SqliteStatement _commit;
    private readonly long _clockOffsetNs;

    /// <param name="db">The only writing connection; owned.</param>
    /// <param name="isGone">
    /// Whether a path, relative to the rule's directory, that was seen on this device (0: not known) is certainly not
    /// there any more. May answer false for "cannot be told quickly": the ledger thread waits for it.
    /// </param>
    public LedgerWriter(SqliteDatabase db, Func<WatchRule, BytePath, ulong, bool> isGone)
    {
        _db = db;
        _isGone = isGone;
        _begin = db.Prepare("BEGIN IMMEDIATE");
        _commit = db.Prepare("COMMIT");
        _clockOffsetNs = Clock.WallNs() - Clock.MonotonicNs();
        Devices = new LedgerDevices(db);
        PrepareArrivals();
        PrepareDisplaced();
        PrepareFacts();
        PrepareJobs();
        PrepareHistory();
        PrepareRules();
        PrepareByHand();
        PrepareGuard();
        PrepareDisposals();
        PrepareNotices();
    }

    /// <summary>The jobs that run.</summary>
    public RunningJobs Running { get; } = new();

    /// <summary>The devices that files were seen on.</summary>
    public LedgerDevices Devices { get; }

    /// <summary>
    /// The ledger's clock for due times: the wall clock when the ledger was opened, and from then on the monotonic one,
    /// so that setting the wall clock neither delays nor hurries a job.
    /// </summary>
    public long NowNs => Clock.MonotonicNs() + _clockOffsetNs;

    public void Begin() => _begin.Run();

    /// <summary>
    /// When it returns, the kernel has what was written: a crash of this process cannot lose it any more.
    /// </summary>
    public void Commit()
    {
        _commit.Run();
        Running.Commit();
        _pausedInRound.Clear();
    }

    /// <summary>Undoes the round. Whatever happened before, the connection is ready for the next one.</summary>
    public void Rollback()
    {
        if (_db.IsInTransaction)
            _db.Execute("ROLLBACK");
        Running.Rollback();
        ForgetPauses();
        Devices.Load();
    }

    public int TakePagesWritten() => _db.TakePagesWritten();

    public bool Checkpoint() => _db.Checkpoint();

    public void Dispose() => _db.Dispose();
}
