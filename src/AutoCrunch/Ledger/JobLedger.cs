using AutoCrunch.Core;
using AutoCrunch.Linux;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Ledger;

/// <summary>
/// The durable memory of files, jobs and attempts. One thread owns the only writing connection and works in rounds: all
/// commands that wait are written in one transaction together with the claims of due jobs; only when that is in the
/// kernel's hands is anything acted on. A crash of the process therefore loses and mislabels nothing; the disk has it
/// within a second (<see cref="LedgerFlusher"/>), or at once where <see cref="FlushNow"/> is called.
/// All public members may be called from any thread, and none but <see cref="Open"/>, <see cref="FlushNow"/> and
/// <see cref="Close"/> waits for anything.
/// </summary>
internal sealed partial class JobLedger : IDisposable
{
    private readonly LedgerOptions _options;
    private readonly StateLayout _layout;
    private readonly LedgerQueue _queue;
    private readonly LedgerWriter _writer;
    private readonly LedgerFlusher _flusher;
    private readonly LedgerChecker _checker;
    private readonly FileLock? _lock;
    private readonly ILogger _logger;
    private readonly Dictionary<string, LedgerRule> _rules;
    private readonly Dictionary<string, List<Job>> _leftRunning;
    private readonly Thread _thread;
    private bool _wasUnclean;
    private bool _isDisposed;

    private JobLedger(
        LedgerOptions options, FileLock? fileLock, LedgerWriter writer, string id,
        Dictionary<string, LedgerRule> rules, ILogger logger)
    {
        _options = options;
        _layout = new StateLayout(options.StateDirectory);
        _lock = fileLock;
        _writer = writer;
        _flusher = new LedgerFlusher(_layout, logger);
        _checker = new LedgerChecker(_layout, logger, Fail);
        _rules = rules;
        _logger = logger;
        _queue = new LedgerQueue(options.PendingMax);
        _leftRunning = rules.Values.ToDictionary(
            rule => rule.Name, rule => writer.FindRunning(rule.Id, rule.Name), StringComparer.Ordinal);
        _thread = new Thread(Work) { Name = "ledger", IsBackground = true };
        Id = id;
        KnownFiles = new KnownFiles(_layout, rules, _queue, ScanRecorded, logger);
    }

    /// <summary>Random, made with the ledger: jobs carry it in their environment.</summary>
    public string Id { get; }

    /// <summary>The files' side of the ledger, for the tracker and the scans.</summary>
    public KnownFiles KnownFiles { get; }

    /// <summary>Where the ledger and the logs are.</summary>
    public StateLayout Layout => _layout;

    /// <summary>
    /// The ledger is of no use any more (a bug, or it is damaged): the service must end. Called once, on a thread of
    /// the ledger. Set before <see cref="Start"/>.
    /// </summary>
    public Action<Exception>? Failed { get; set; }

    /// <summary>
    /// Facts of this rule had to be dropped while the ledger could not be written: its tree must be scanned. Called on
    /// the ledger thread; must not wait. Set before <see cref="Start"/>.
    /// </summary>
    public Action<WatchRule>? RescanNeeded { get; set; }

    /// <summary>
    /// Told of each attempt that has ended, once that is recorded, with what was recorded. Called on the ledger thread;
    /// must not wait. Set before <see cref="Start"/>.
    /// </summary>
    public Action<Attempt, AttemptOutcome, JobTransition>? Settled { get; set; }

    /// <summary>
    /// Something was written, or cannot be written any more, or can again. Called on the ledger thread; must not wait.
    /// </summary>
    public Action? Changed { get; set; }

    /// <summary>Why nothing can be written at present; null while all is well.</summary>
    public string? PausedBecause { get; private set; }

    /// <summary>
    /// True while nothing can be written (disk full and the like): all is kept in memory until it can.
    /// </summary>
    public bool IsPaused => PausedBecause is not null;

    /// <summary>Commands that wait to be written.</summary>
    public int Pending => _queue.Pending;

    /// <summary>Facts and completions dropped since the start; each rule concerned is scanned afterwards.</summary>
    public long Dropped => _queue.Dropped;

    /// <summary>Opens the ledger, creating it if there is none. Waits for the disk.</summary>
    /// <param name="options">Where, and for which rules.</param>
    /// <param name="isGone">
    /// Whether a path, relative to the rule's directory, that was seen on this device (0: not known) is certainly not
    /// there any more; false where that cannot be told quickly. Called on the ledger thread.
    /// </param>
    /// <param name="logger">The service's log.</param>
    /// <exception cref="LedgerLockedException">Another service has it.</exception>
    /// <exception cref="LedgerUnusableException">It cannot be used, and no restart mends that.</exception>
    /// <exception cref="SqliteException">It cannot be used at present: the disk is full, or failed.</exception>
    public static JobLedger Open(
        LedgerOptions options, Func<WatchRule, BytePath, ulong, bool> isGone, ILogger<JobLedger> logger)
    {
        var layout = new StateLayout(options.StateDirectory);
        FileLock fileLock = StateDirectory.Take(layout);
        SqliteDatabase? db = null;
        try
        {
            db = LedgerFile.OpenWriter(layout, out bool wasUnclean);
            Dictionary<string, LedgerRule> rules = LoadRules(db, options, logger);
            string id = db.QueryText("SELECT id FROM ledger") ?? throw new InvariantException("the ledger has no id");
            var writer = new LedgerWriter(db, isGone);
            writer.PrepareStart(rules.Values);
            if (wasUnclean && options.IsByHand)
                db.KeepLog();
            if (wasUnclean)
                LedgerLog.Unclean(logger, layout.Ledger);
            return new JobLedger(options, fileLock, writer, id, rules, logger) { _wasUnclean = wasUnclean };
        }
        catch (Exception e)
        {
            db?.Dispose();
            fileLock.Dispose();
            if (LedgerFile.Explain(e, layout.Ledger) is { } unusable)
                throw unusable;
            throw;
        }
    }

    /// <summary>Starts the threads.</summary>
    public void Start()
    {
        _flusher.Failed = Fail;
        _flusher.Start();
        if (_wasUnclean && !_options.IsByHand)
            _checker.Start();
        _thread.Start();
    }

    /// <summary>
    /// The jobs of a rule that were running when the service was killed. Their processes must be ended, and then
    /// <see cref="RecoverCrashed"/> called, before <see cref="StartClaims"/>.
    /// </summary>
    public IReadOnlyList<Job> LeftRunning(string rule) => _leftRunning[rule];

    /// <summary>The engine in which the rule's running jobs go on without the service; null for none.</summary>
    public string? Engine(string rule) => _rules[rule].Engine;

    /// <summary>That of the last start: what was left running then may still run there.</summary>
    public string? EngineBefore(string rule) => _rules[rule].EngineBefore;

    /// <summary>Records the rule's attempts that a crash left running as interrupted.</summary>
    /// <param name="rule">The rule's name.</param>
    /// <param name="recorded">Told what became of each job. Called on the ledger thread; must not wait.</param>
    public void RecoverCrashed(string rule, Action<Attempt, AttemptOutcome, JobTransition>? recorded = null)
    {
        LedgerRule known = _rules[rule];
        foreach (Job job in _leftRunning[rule])
            _queue.Give(new RecoverCommand(known, job, Settled + recorded));
        if (known.Engine != known.EngineBefore)
            _queue.Give(new RequestCommand<bool>(known, writer => writer.RecordEngine(known)));
    }

    /// <summary>
    /// The rule's attempts that were running when the service ended go on: they are given to <paramref name="run"/>,
    /// which must <see cref="Settle"/> them as if they had just been claimed, unless the service stops before they end.
    /// To be called before <see cref="StartClaims"/>.
    /// </summary>
    public void Resume(string rule, Action<Attempt> run)
    {
        if (_leftRunning[rule].Count > 0)
            _queue.Give(new ResumeCommand(_rules[rule], _leftRunning[rule], run));
    }

    /// <summary>From now on due jobs of the rule are claimed.</summary>
    /// <param name="rule">The rule's name.</param>
    /// <param name="concurrency">How many may run at once.</param>
    /// <param name="run">
    /// Takes a claimed job, recorded as running: must <see cref="Settle"/> it, sooner or later. Called on the ledger
    /// thread; must not wait.
    /// </param>
    public void StartClaims(string rule, int concurrency, Action<Attempt> run) =>
        _queue.Give(new ClaimsCommand(_rules[rule], concurrency, run));

    /// <summary>No more jobs of the rule are claimed once the task has completed; what runs goes on.</summary>
    public Task StopClaims(string rule)
    {
        LedgerRule known = _rules[rule];
        var stop = new RequestCommand<bool>(known, _ =>
        {
            known.Run = null;
            return true;
        });
        _queue.Give(stop);
        return stop.Done;
    }

    /// <summary>Records a completion; what follows is decided there (<see cref="ArrivalDecision"/>).</summary>
    public void Record(Completion completion) => _queue.Give(new ArrivalCommand(_rules[completion.Rule], completion));

    /// <summary>Records what came of a claimed attempt, and frees its slot.</summary>
    /// <param name="attempt">The attempt, as it was claimed.</param>
    /// <param name="outcome">What came of it.</param>
    /// <param name="transition">What becomes of the job (<see cref="JobTransitions"/>).</param>
    /// <param name="overruled">
    /// Told what was recorded instead, if the file's own story (replaced or moved meanwhile) asked for another state.
    /// </param>
    /// <param name="recorded">Called when it is recorded. Ledger thread: must not wait.</param>
    public void Settle(
        Attempt attempt, AttemptOutcome outcome, JobTransition transition, Action<JobTransition>? overruled = null,
        Action? recorded = null) =>
        _queue.Give(new SettleCommand(_rules[attempt.Job.Rule], attempt, outcome, transition, overruled)
        {
            Settled = Settled,
            Recorded = recorded,
        });

    /// <summary>The present by the ledger's clock, which due times are by.</summary>
    public long NowNs => _writer.NowNs;

    /// <summary>An operator's retry: the job is due at once. False when there is no such job, or it runs.</summary>
    public Task<bool> RetryAsync(long jobId) => Request(writer => writer.Retry(jobId));

    /// <summary>An operator's cancel of a queued job. False when there is no such job, or it is not queued.</summary>
    public Task<bool> CancelAsync(long jobId) => Request(writer => writer.Cancel(jobId));

    /// <summary>Completes when everything that was given before is written.</summary>
    public Task SyncAsync() => Request(static _ => true);

    /// <summary>
    /// Returns when all that has been acted on so far is on disk: call before doing what must not happen twice without
    /// anybody knowing.
    /// </summary>
    public void FlushNow() => _flusher.FlushNow();

    /// <summary>Writes what waits, and closes. Claims must have been stopped, and attempts settled.</summary>
    public void Close()
    {
        _queue.Close();
        KnownFiles.Close();
        if (_thread.ThreadState.HasFlag(ThreadState.Unstarted))
            return;
        _thread.Join();
    }

    /// <summary>Closes, and lets go of the lock.</summary>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        Close();
        _checker.Dispose();
        _flusher.Dispose();
        KnownFiles.Dispose();
        _queue.Dispose();
        _writer.Dispose();
        _lock?.Dispose();
    }

    private Task<T> Request<T>(Func<LedgerWriter, T> apply)
    {
        var request = new RequestCommand<T>(null, apply);
        _queue.Give(request);
        return request.Done;
    }
}
