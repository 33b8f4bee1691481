namespace AutoCrunch.Core.Tests.Simulation;

/// <summary>A property that must hold was broken.</summary>
internal sealed class ViolationException(string message) : Exception(message);

/// <summary>
/// One simulated schedule: senders, clock, kernel queue, slow reader, crashes; then quiet, and the reckoning.
/// </summary>
internal sealed class Simulation
{
    private const long MillisecondNs = 1_000_000;
    private const int StepsMax = 400;
    private const int TrackedMax = 10_000;
    private static readonly TimeSpan s_quiet = TimeSpan.FromSeconds(2);

    private readonly Choices _choices;
    private readonly World _world;
    private readonly LedgerModel _ledger;
    private readonly WatchRule _rule;
    private readonly bool _leasesWork;
    private readonly List<IEnumerator<bool>> _running = [];
    private readonly int[] _weights;
    private ServiceModel _service;

    /// <param name="choices">Decide everything.</param>
    /// <param name="log">Takes what happens, a line each, when somebody wants to read it.</param>
    public Simulation(Choices choices, List<string>? log = null)
    {
        _choices = choices;
        _rule = new WatchRule
        {
            Name = "raw",
            Path = BytePath.Parse("/watched"),
            Include = new PathPatterns([choices.Next(2) == 0 ? "*.raw" : "*"]),
            Completion = new CompletionPolicy { QuietPeriod = s_quiet },
        };
        _world = new World(queueMax: choices.Next(3) switch { 0 => 100_000, 1 => 20, _ => 5 }) { Log = log };
        _leasesWork = !choices.Chance(6);
        _ledger = new LedgerModel(_world, _rule);

        _world.IsHeld = name => _ledger.Rows.TryGetValue(name, out LedgerModel.Row row) && row.State == EntryState.Held
            && row.Version == _world.Find(name)?.Stat.Version;

        // Swarm testing (Groce et al. 2012): each schedule leaves some kinds of senders out altogether.
        _weights = [.. Senders.All.Select(_ => choices.Next(3))];
        _service = NewService();
    }

    public Choices Choices => _choices;

    public World World => _world;

    private int Crashes { get; set; }

    private int Kills { get; set; }

    private int ClockSteps { get; set; }

    private int Touches { get; set; }

    /// <summary>Adds what has happened to sums over many schedules.</summary>
    public void Count(Totals totals)
    {
        totals.Add("schedules", 1);
        totals.Add("overflows", _world.Overflows);
        totals.Add("crashes", Crashes);
        totals.Add("kills", Kills);
        totals.Add("clock steps", ClockSteps);
        foreach ((FileEventKind kind, long count) in _world.Counts)
            totals.Add($"event {kind}", count);
        foreach ((Evidence evidence, long count) in _ledger.Counts)
            totals.Add($"completion {evidence}", count);
    }

    public static void Check(bool condition, string message)
    {
        if (!condition)
            throw new ViolationException(message);
    }

    public void Run()
    {
        int steps = _choices.Next(StepsMax);
        for (int i = 0; i < steps; i++)
            Step();
        foreach (IEnumerator<bool> sender in _running)
        {
            while (sender.MoveNext())
                Pass(MillisecondNs);
            sender.Dispose();
        }

        BecomeQuiet();
        _service.WantScan();
        BecomeQuiet();
        Reckon();
    }

    private void Step()
    {
        switch (_choices.Next(12))
        {
            case 0 or 1 or 2:
                StepSender();
                break;
            case 3:
                StartSender();
                break;
            case 4 or 5 or 6:
                _service.Read(1 + _choices.Next(8));
                break;
            case 7:
                _service.Read(int.MaxValue);
                break;
            case 8:
                _service.Scan();
                break;
            case 9:
                Pass(_choices.Next(4) switch
                {
                    0 => MillisecondNs,
                    1 => 30 * MillisecondNs,
                    2 => 300 * MillisecondNs,
                    _ => 3000 * MillisecondNs,
                });
                break;
            case 10:
                Disturb();
                break;
            default:
                Pass(1000);
                break;
        }
    }

    private void Disturb()
    {
        if (_choices.Chance(8))
        {
            Crashes++;
            _service = NewService();
        }
        else if (_running.Count > 0 && _choices.Chance(3))
        {
            Kills++;
            IEnumerator<bool> killed = _choices.Of(_running);
            _running.Remove(killed);
            killed.Dispose();
        }
        else if (_choices.Chance(20))
        {
            // With a clock that is set, files of the past look like files of the present: the mark of a killed
            // --inplace may go unseen.
            ClockSteps++;
            foreach (Inode inode in _world.Names.Values)
                inode.IsKnowablyUnfinished &= inode.Stat.HasZeroMtime;
            _world.ClockOffsetNs += (_choices.Next(2) == 0 ? 1 : -1) * 3600 * 1000 * MillisecondNs;
        }
        else if (_choices.Chance(4))
        {
            _service.WantScan();
        }
    }

    private void StartSender()
    {
        int total = _weights.Sum();
        if (total == 0 || _running.Count >= 4)
            return;
        int at = _choices.Next(total);
        int kind = 0;
        while (at >= _weights[kind])
            at -= _weights[kind++];
        if (Senders.All[kind].Name == "touch")
            Touches++;
        _running.Add(Senders.All[kind].Start(_world, _choices));
    }

    private void StepSender()
    {
        if (_running.Count == 0)
        {
            StartSender();
            return;
        }

        IEnumerator<bool> sender = _choices.Of(_running);
        Pass(1 + (_choices.Next(50) * MillisecondNs));
        if (sender.MoveNext())
            return;
        _running.Remove(sender);
        sender.Dispose();
    }

    private void BecomeQuiet()
    {
        for (int i = 0; i < 10_000; i++)
        {
            _service.Read(int.MaxValue);
            _service.Scan();
            Pass(1);
            _service.Read(int.MaxValue);
            if (!_service.IsIdle)
                continue;
            if (_service.DeadlineNs == long.MaxValue)
                return;
            Pass(Math.Max(1, _service.DeadlineNs - _world.MonotonicNs));
        }

        throw new ViolationException("the service never comes to rest");
    }

    private void Reckon()
    {
        foreach ((string name, Inode inode) in _world.Names)
        {
            if (!Senders.Finals.Contains(name, StringComparer.Ordinal))
                continue;
            bool isHeld = _ledger.Rows.TryGetValue(name, out LedgerModel.Row row) && row.Held is not null
                && row.State == EntryState.Held && row.Version == inode.Stat.Version;
            int jobs = _ledger.Jobs.Count(job => job == (inode.Number, inode.Content));
            if (inode.IsKnowablyUnfinished)
                Check(isHeld, $"{name} is unfinished and not shown as held");
            else if (!isHeld)
                Check(jobs > 0, $"{name} (inode {inode.Number}, content {inode.Content}) was never processed");
            bool mayRepeat = _world.Overflows > 0 || Crashes > 0 || inode.Links > 1
                || !_leasesWork || _world.MovedUnread || Touches > 0
                || _service.WasTouchedInDoubt;
            Check(jobs <= 1 || mayRepeat, $"{name} (inode {inode.Number}) ran {jobs} times without a cause");
        }
    }

    private void Pass(long ns) => _world.Pass(ns);

    private ServiceModel NewService() => new(_world, _ledger, _rule, _leasesWork, TrackedMax);
}
