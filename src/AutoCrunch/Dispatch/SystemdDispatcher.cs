using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Unicode;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Dispatch;

/// <summary>
/// Runs each attempt as a transient unit of systemd (systemd-run(1)), which goes on while the service is down. How far
/// an attempt is, its file alone tells (<see cref="UnitFiles"/>): so it makes no difference who was killed when.
/// </summary>
internal sealed class SystemdDispatcher : DurableDispatcher
{
    // Jobs that run have no thread here: these only hand over to the manager.
    private const int ThreadsMax = 2;

    private const int LedgerDigits = 8;
    private const int DescriptionMax = 200;
    private const uint LogPermissions = 0b110_100_000;

    // systemd takes a stop time of zero for none at all, and what a unit runs last has to be done within it too.
    private static readonly TimeSpan s_stopTimeMin = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan s_lastMoment = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_patienceMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_patienceMax = TimeSpan.FromSeconds(30);

    private readonly SystemdOptions _options;
    private readonly JobEnvironment _environment;
    private readonly UnitManager _manager;
    private readonly UnitWatch _watch;
    private readonly JobProgram _program;
    private readonly string _prefix;
    private readonly ConcurrentDictionary<long, FollowedUnit> _units = new();
    private long _refusedSinceNs;
    private int _isUnreachable;

    /// <param name="rule">The rule whose jobs these are.</param>
    /// <param name="options">Its <c>Dispatcher</c> section.</param>
    /// <param name="inherited">The service's environment (<see cref="JobEnvironment.ReadInherited"/>).</param>
    /// <param name="ledger">Keeps the jobs.</param>
    /// <param name="watch">Sees how units end; shared by all rules.</param>
    /// <param name="logger">The service's log.</param>
    public SystemdDispatcher(
        WatchRule rule,
        SystemdOptions options,
        IReadOnlyList<byte[]> inherited,
        JobLedger ledger,
        UnitWatch watch,
        ILogger<SystemdDispatcher> logger)
        : base(rule, options.Concurrency, ledger, logger, Math.Min(ThreadsMax, options.Concurrency))
    {
        _options = options;
        _watch = watch;
        _manager = watch.Manager;
        _environment = new JobEnvironment(UnitScript.WithoutTold(inherited), options.Environment, rule, ledger.Id);
        _program = new JobProgram(rule, options, ledger.Layout);
        _prefix = $"autocrunch-{ledger.Id[..LedgerDigits]}-"; // there may be several services of one user
    }

    /// <inheritdoc/>
    protected override bool Outlives => true;

    /// <inheritdoc/>
    protected override bool CanEnd => true;

    /// <inheritdoc/>
    protected override async Task<AttemptOutcome> RunAsync(Attempt attempt, CancellationToken stopping)
    {
        UnitFiles files = FilesOf(attempt);
        using FollowedUnit? unit = await FollowAsync(attempt, files, stopping).ConfigureAwait(false);
        if (unit is null)
            return new AttemptOutcome.NotStarted(
                "the kernel, or the disk, has not what it takes to follow a unit", s_patienceMin);
        _units[attempt.Job.Id] = unit;
        try
        {
            if (!attempt.IsResumed
                && await InTimeAsync(StartAsync(attempt, files, stopping), stopping).ConfigureAwait(false)
                    is { } notStarted)
                return notStarted;
            _watch.WatchUnits();
            if (IsCancelled(attempt))
                End(attempt);
            return await EndOfAsync(attempt, unit, files, stopping).ConfigureAwait(false);
        }
        finally
        {
            _units.TryRemove(attempt.Job.Id, out _);
        }
    }

    /// <inheritdoc/>
    protected override void End(Attempt attempt)
    {
        if (_units.TryGetValue(attempt.Job.Id, out FollowedUnit? unit))
            _ = StopAsync(attempt.Job.Id, unit);
    }

    /// <inheritdoc/>
    protected override void PrepareThread()
    {
        if (_watch.TakeSweep())
            UnitSweep.Run(_watch.Outcomes, _prefix, Ledger, Logger);
    }

    /// <inheritdoc/>
    protected override void Recorded(Attempt attempt) => FilesOf(attempt).Remove();

    /// <inheritdoc/>
    protected override string LastOutput(Attempt attempt) =>
        LastLines.Of(Ledger.Layout.LogFile(attempt.Job.Id, attempt.Number));

    // Before the unit is started, so that nothing of it is missed.
    private async Task<FollowedUnit?> FollowAsync(Attempt attempt, UnitFiles files, CancellationToken stopping)
    {
        BytePath log = Ledger.Layout.LogFile(attempt.Job.Id, attempt.Number);
        while (true)
        {
            try
            {
                return _watch.Follow(files.Unit, log, _options.MaxLogBytes);
            }
            catch (LinuxException e)
            {
                SystemdLog.CannotFollow(Logger, attempt.Job.Id, Rule.Name, e.Message);
                if (!attempt.IsResumed)
                    return null;
            }

            using var timer = new PeriodicTimer(s_patienceMax);
            await timer.WaitForNextTickAsync(stopping).ConfigureAwait(false);
        }
    }

    // A start that is under way when the service stops has a moment to be told of: else the next life finds out.
    private static async Task<AttemptOutcome?> InTimeAsync(Task<AttemptOutcome?> start, CancellationToken stopping)
    {
        try
        {
            return await start.WaitAsync(stopping).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
        }

        try
        {
            return await start.WaitAsync(s_lastMoment, CancellationToken.None).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return AttemptOutcome.LeftRunning.Value;
        }
    }

    // Null when the unit runs, or is about to: then its file will tell what became of it.
    private async Task<AttemptOutcome?> StartAsync(Attempt attempt, UnitFiles files, CancellationToken stopping)
    {
        if (_program.TryPrepare(attempt, _environment.Of(attempt), out ChildStart start) is { } cannot)
            return cannot;
        if (FindObstacle(start) is { } obstacle)
            return obstacle;
        byte[] script = UnitScript.OfProgram(
            files.Outcome, start.Program, start.Arguments.Skip(1), start.Environment, start.WorkingDirectory,
            start.LogFile);
        if (files.Prepare(script) is { } problem)
            return new AttemptOutcome.NotStarted(problem, s_patienceMin);
        UnitRefusal? refusal = await _manager.StartAsync(UnitOf(attempt, files, start.LogFile)).ConfigureAwait(false);

        // Without an answer it may have been accepted. But what has not claimed the attempt by now never will.
        if (refusal is not null && await WithdrawAsync(attempt, files, stopping).ConfigureAwait(false))
            return new AttemptOutcome.NotStarted(
                refusal.IsUnreachable
                    ? refusal.Text
                    : refusal.Text + "; if it is about a property, mend Properties and restart the service",
                PatienceAfterRefusal());
        Volatile.Write(ref _refusedSinceNs, 0);
        HasStarted();
        SystemdLog.Submitted(Logger, attempt.Job.Id, attempt.Number, files.Unit, Rule.Name);
        return null;
    }

    // What can be seen to be wrong before a unit fails for it.
    private AttemptOutcome? FindObstacle(in ChildStart start)
    {
        if (!Utf8.IsValid(_watch.Outcomes.Span))
            return new AttemptOutcome.NotStarted(
                $"StateDirectory ('{Ledger.Layout.Root}') has a name that is not UTF-8, which systemd cannot take: "
                + "choose another one for rules of type Systemd", s_patienceMax);
        int errno = PathOps.TryAccess(start.Program, AccessMode.Execute);
        if (errno != 0 || ChildProcess.ExplainSurroundings(start) is not null)
            return _program.CannotStart(start, errno);
        errno = PathOps.TryOpen(start.LogFile, OpenMode.Append, LogPermissions, out SafeFileHandle? log);
        log?.Dispose();
        return errno == 0 ? null : _program.CannotStart(start, errno);
    }

    private UnitStart UnitOf(Attempt attempt, UnitFiles files, BytePath log)
    {
        TimeSpan stopTime = _options.KillGrace > s_stopTimeMin ? _options.KillGrace : s_stopTimeMin;
        string description = string.Create(
            CultureInfo.InvariantCulture,
            $"AutoCrunch rule {Rule.Name} job {attempt.Job.Id} attempt {attempt.Number}: {attempt.Job.Path}");
        string outcome = Encoding.UTF8.GetString(files.Outcome.Span);
        List<string> properties =
        [
            "SyslogIdentifier=autocrunch-job",
            .. _options.Properties.Select(property => $"{property.Key}={property.Value}"),
            "TimeoutStopSec=" + Microseconds(stopTime),
            "KillSignal=" + (_options.KillGrace > TimeSpan.Zero ? "SIGTERM" : "SIGKILL"),
            "ExecStopPost=" + UnitScript.OfEnd(
                outcome, files.Unit + ".service", _manager.Option, Encoding.UTF8.GetString(log.Span),
                _options.MaxLogBytes),
        ];
        if (_options.Timeout is { } timeout)
            properties.Add("RuntimeMaxSec=" + Microseconds(timeout));
        return new UnitStart(
            files.Unit + ".service", description[..Math.Min(description.Length, DescriptionMax)], properties,
            ["/bin/sh", outcome + ".ready"]);
    }

    private async Task<AttemptOutcome> EndOfAsync(
        Attempt attempt, FollowedUnit unit, UnitFiles files, CancellationToken stopping)
    {
        bool isInDoubt = attempt.IsResumed;
        while (true)
        {
            if (await ReadOutcomeAsync(attempt, files, stopping).ConfigureAwait(false) is { } outcome)
                return Judge(attempt, files, outcome);
            if (isInDoubt && await IsGoneAsync(unit, files, stopping).ConfigureAwait(false))
            {
                if (await WithdrawAsync(attempt, files, stopping).ConfigureAwait(false))
                    return NeverBegun(attempt, files);

                // It had been claimed, perhaps in this very moment, by a unit that was submitted late.
                if (await IsGoneAsync(unit, files, stopping).ConfigureAwait(false))
                    return await ReadOutcomeAsync(attempt, files, stopping).ConfigureAwait(false) is { } late
                        ? Judge(attempt, files, late)
                        : Lost(files);
            }

            await unit.WaitAsync(null, stopping).ConfigureAwait(false);
            isInDoubt = unit.TakeDoubt();
        }
    }

    // Null when there is none.
    private async Task<UnitOutcome?> ReadOutcomeAsync(Attempt attempt, UnitFiles files, CancellationToken stopping)
    {
        UnitOutcome? outcome = null;
        await UntilKnownAsync(attempt, files, "read", () => files.TryReadOutcome(out outcome), stopping)
            .ConfigureAwait(false);
        return outcome;
    }

    // False when a unit has claimed the attempt.
    private async Task<bool> WithdrawAsync(Attempt attempt, UnitFiles files, CancellationToken stopping) =>
        await UntilKnownAsync(attempt, files, "withdraw", files.TryWithdraw, stopping).ConfigureAwait(false) == 0;

    // A file that cannot be looked at for a moment (EMFILE, EIO) is not one that is missing: what has ended well would
    // count as lost, and run again. Returns 0 or ENOENT.
    private async Task<int> UntilKnownAsync(
        Attempt attempt, UnitFiles files, string verb, Func<int> look, CancellationToken stopping)
    {
        bool isTold = false;
        while (true)
        {
            int errno = look();
            if (errno is 0 or Errno.ENOENT)
                return errno;
            if (!isTold)
                SystemdLog.CannotSee(
                    Logger, attempt.Job.Id, Rule.Name, LinuxException.Explain(verb, files.Outcome, errno));
            isTold = true;
            using var timer = new PeriodicTimer(s_patienceMin);
            await timer.WaitForNextTickAsync(stopping).ConfigureAwait(false);
        }
    }

    // Watch first, then ask: what ends after the answer is an event.
    private async Task<bool> IsGoneAsync(FollowedUnit unit, UnitFiles files, CancellationToken stopping)
    {
        TimeSpan patience = s_patienceMin;
        while (true)
        {
            _watch.WatchUnits();
            UnitList units = await _manager.ListAsync(_prefix).WaitAsync(stopping).ConfigureAwait(false);
            if (units.Refusal is null)
            {
                if (Interlocked.Exchange(ref _isUnreachable, 0) != 0)
                    SystemdLog.ReachableAgain(Logger, Rule.Name);
                return !units.Loaded.Contains(unit.Name + ".service");
            }

            if (Interlocked.Exchange(ref _isUnreachable, 1) == 0)
                SystemdLog.Unreachable(Logger, Rule.Name, units.Refusal.Text);
            if (files.TryReadOutcome(out _) == 0)
                return true;
            await unit.WaitAsync(patience, stopping).ConfigureAwait(false);
            patience = Longer(patience);
        }
    }

    private AttemptOutcome Judge(Attempt attempt, UnitFiles files, UnitOutcome outcome)
    {
        bool isCancelled = IsCancelled(attempt);
        if (outcome.IsStopped && !isCancelled)
            SystemdLog.Stopped(Logger, attempt.Job.Id, files.Unit, Rule.Name, attempt.Job.Path);
        TimeSpan ran = TimeSpan.FromSeconds((Clock.WallNs() - (attempt.Job.StartedNs ?? 0)) / 1_000_000_000);
        return outcome.OfAttempt(isCancelled, _options.Timeout, ran);
    }

    private static AttemptOutcome.Interrupted Lost(UnitFiles files) => new(
        ByCrash: true,
        $"{files.Unit} is gone and has left no outcome: its service manager was killed or restarted, or what it runs "
        + "last was");

    private AttemptOutcome.NotStarted NeverBegun(Attempt attempt, UnitFiles files) => attempt.IsResumed
        ? new AttemptOutcome.NotStarted($"{files.Unit} was never started", TimeSpan.Zero)
        : new AttemptOutcome.NotStarted(
            $"the unit {files.Unit} ended before it could take its attempt over. Look at its lines in the journal: a "
            + $"property may keep it from writing to '{_watch.Outcomes}' (ProtectSystem=: add ReadWritePaths=)",
            PatienceAfterRefusal());

    private async Task StopAsync(long job, FollowedUnit unit)
    {
        TimeSpan patience = s_patienceMin;
        do
        {
            UnitRefusal? refusal = await _manager.StopAsync(unit.Name + ".service").ConfigureAwait(false);
            if (refusal is null)
                return;
            if (patience == s_patienceMin)
                SystemdLog.CannotStop(Logger, job, unit.Name, Rule.Name, refusal.Text);
            patience = Longer(patience);
        }
        while (!await unit.IsOverWithinAsync(patience).ConfigureAwait(false));
    }

    // The longer nothing can be started, the more rarely it is tried, however many jobs try.
    private TimeSpan PatienceAfterRefusal()
    {
        long now = Clock.MonotonicNs();
        long since = Interlocked.CompareExchange(ref _refusedSinceNs, now, 0);
        var patience = TimeSpan.FromMicroseconds(since == 0 ? 0 : (now - since) / 2000);
        return patience < s_patienceMin ? s_patienceMin : patience > s_patienceMax ? s_patienceMax : patience;
    }

    private UnitFiles FilesOf(Attempt attempt) =>
        UnitFiles.Of(_watch.Outcomes, _prefix, attempt.Job.Id, attempt.Number);

    private static TimeSpan Longer(TimeSpan patience) => patience * 2 < s_patienceMax ? patience * 2 : s_patienceMax;

    private static string Microseconds(TimeSpan time) =>
        string.Create(CultureInfo.InvariantCulture, $"{(long)time.TotalMicroseconds}us");
}
