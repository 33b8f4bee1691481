using System.Runtime.CompilerServices;
using System.Text;

namespace AutoCrunch.Core.Tests.Simulation;

/// <summary>A property that must hold was broken.</summary>
internal sealed class ViolationException(string message) : Exception(message);

/// <summary>What is wrong, put together only when something is.</summary>
[InterpolatedStringHandler]
internal readonly struct CheckHandler
{
    private readonly StringBuilder? _text;

    public CheckHandler(int literalLength, int formattedCount, bool condition, out bool isWanted)
    {
        isWanted = !condition;
        _text = isWanted ? new StringBuilder(literalLength + (formattedCount * 16)) : null;
    }

    public string Text => _text!.ToString();

    public void AppendLiteral(string text) => _text!.Append(text);

    public void AppendFormatted<T>(T value) => _text!.Append(value);
}

/// <summary>
/// One simulated schedule: senders, clock, kernel queue, slow reader, jobs, crashes; then quiet, and the reckoning.
/// </summary>
internal sealed partial class Simulation
{
    private const long MillisecondNs = 1_000_000;
    private const int StepsMax = 400;

    // Retries and quiet periods are over in less. What is looked at every minute, for ever, is what nobody can know.
    private const long QuietMaxNs = 30_000 * MillisecondNs;
    private static readonly TimeSpan s_quiet = TimeSpan.FromSeconds(2);

    private readonly LedgerModel _ledger;
    private readonly WatchRule _rule;
    private readonly Conditions _conditions;
    private readonly List<IEnumerator<bool>> _running = [];
    private readonly int[] _weights;
    private readonly Totals _counts = new();
    private ServiceModel _service;

    /// <param name="choices">Decide everything.</param>
    /// <param name="log">Takes what happens, a line each, when somebody wants to read it.</param>
    public Simulation(Choices choices, List<string>? log = null)
    {
        Choices = choices;
        _rule = new WatchRule
        {
            Name = "raw",
            Path = BytePath.Parse("/watched"),
            Include = new PathPatterns([choices.Next(2) == 0 ? "*.raw" : "*"]),
            Completion = new CompletionPolicy
            {
                QuietPeriod = s_quiet,
                OwnerOnly = choices.Chance(8) ? HoldPolicy.Process : HoldPolicy.Hold,
                InPlace = choices.Chance(8) ? InPlace.Proven : InPlace.Quiet,
            },
        };
        World = new World(choices, log) { HoldsOwnerOnly = _rule.Completion.OwnerOnly == HoldPolicy.Hold };
        int kind = choices.Next(13);
        _conditions = new Conditions(
            LeasesWork: kind < 9, ProcTells: kind is 9 or 10, AnswersAreLate: kind == 12,
            TrackedMax: choices.Next(8) switch { 7 => 2, 6 => 4, _ => 10_000 });
        _ledger = new LedgerModel(World, _rule, _conditions, choices);
        World.IsHeld = entry => entry.Folder.IsAtOrBelow(World.Root)
            && _ledger.Rows.TryGetValue(entry.Folder.PathOf(entry.Name), out LedgerModel.Row row)
            && row.State == EntryState.Held && row.Version == entry.Inode.Stat.Version;

        World.IsInFlight = entry => _service!.PhaseOf(entry) == Phase.Closed;
        World.IsAdrift = folder => _service!.IsAdrift(folder);
        World.Leaves = _ledger.GetsOutOfSight;
        World.IsJudged = inode => _ledger.HasJudged(inode.Stat.Version);
        World.IsAsked = (folder, name) => _service!.IsAsked(folder, name);

        // Swarm testing (Groce et al. 2012): each schedule leaves some kinds of senders out altogether.
        _weights = [.. Senders.All.Select(_ => Math.Max(0, choices.Next(5) - 1))];
        _service = NewService();
    }

    public Choices Choices { get; }

    public World World { get; }

    public static void Check(bool condition, string message)
    {
        if (!condition)
            throw new ViolationException(message);
    }

    public static void Check(
        bool condition, [InterpolatedStringHandlerArgument(nameof(condition))] CheckHandler message)
    {
        if (!condition)
            throw new ViolationException(message.Text);
    }

    public void Run()
    {
        int steps = Choices.Next(StepsMax);
        for (int i = 0; i < steps; i++)
            Step();
        foreach (IEnumerator<bool> sender in _running)
        {
            while (sender.MoveNext())
                Pass(MillisecondNs);
            sender.Dispose();
        }

        BecomeQuiet();
        World.Note($"the last scan");
        _service.WantWholeScan();
        BecomeQuiet();
        Reckon();
    }

    /// <summary>Adds what has happened to sums over many schedules.</summary>
    public void Count(Totals totals)
    {
        totals.Add("schedules", 1);
        totals.Add("overflows", World.Queue.Overflows);
        foreach ((string name, long count) in _counts.Counts)
            totals.Add(name, count);
        foreach ((string kind, long count) in World.Queue.Counts)
            totals.Add($"event {kind}", count);
        foreach ((string name, long count) in _ledger.Counts)
            totals.Add(name, count);
    }

    // The simplest thing to happen is nothing.
    private void Step()
    {
        switch (Choices.Next(15))
        {
            case 0:
                Pass(1000);
                break;
            case 1 or 2 or 3:
                StepSender();
                break;
            case 4:
                StartSender();
                break;
            case 5 or 6:
                _service.Read(1 + Choices.Next(8));
                break;
            case 7:
                _service.Read(int.MaxValue);
                break;
            case 8 or 9:
                _service.StepScan(endsTurn: !Choices.Chance(2));
                break;
            case 10:
                _ledger.Commit();
                break;
            case 11:
                _ledger.StepJobs();
                break;
            case 12:
                Pass(Choices.Next(4) switch
                {
                    0 => MillisecondNs,
                    1 => 30 * MillisecondNs,
                    2 => 300 * MillisecondNs,
                    _ => 3000 * MillisecondNs,
                });
                break;
            case 13:
                _service.Deliver();
                break;
            default:
                Disturb();
                break;
        }
    }

    private void Disturb()
    {
        if (Choices.Chance(8))
        {
            _counts.Add("crashes", 1);
            _ledger.EventsAreLost();
            _ledger.Crash();
            _service = NewService();
        }
        else if (_running.Count > 0 && Choices.Chance(3))
        {
            _counts.Add("kills", 1);
            World.Note($"a sender is killed");
            IEnumerator<bool> killed = Choices.Of(_running);
            _running.Remove(killed);
            killed.Dispose();
        }
        else if (Choices.Chance(20))
        {
            _counts.Add("clock steps", 1);
            World.SetClock((Choices.Next(2) == 0 ? 1 : -1) * 3600 * 1000 * MillisecondNs);
        }
        else if (Choices.Chance(4))
        {
            _service.WantWholeScan();
        }
    }

    private void StartSender()
    {
        int total = _weights.Sum();
        if (total == 0 || _running.Count >= 4)
            return;
        int at = Choices.Next(total);
        int kind = 0;
        while (at >= _weights[kind])
            at -= _weights[kind++];
        _counts.Add($"sender {Senders.All[kind].Name}", 1);
        _running.Add(Senders.All[kind].Start(World, Choices));
    }

    private void StepSender()
    {
        if (_running.Count == 0)
        {
            StartSender();
            return;
        }

        IEnumerator<bool> sender = Choices.Of(_running);
        Pass(1 + (Choices.Next(50) * MillisecondNs));
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
            _service.StepScan();
            _service.Deliver();
            _ledger.Commit();
            _ledger.StepJobs();
            Pass(1);
            _service.Read(int.MaxValue);
            if (!_service.IsIdle || !_ledger.IsSettled || _ledger.IsBusyNow)
                continue;
            long next = _service.DeadlineNs;
            if (_ledger.NextDueNs is { } dueNs)
                next = Math.Min(next, dueNs);
            bool isOver = next == long.MaxValue
                || (next - World.MonotonicNs > QuietMaxNs && !_conditions.LeasesWork && !_conditions.ProcTells);
            if (isOver)
                return;
            Pass(Math.Max(1, next - World.MonotonicNs));
        }

        throw new ViolationException("the service never comes to rest");
    }

    private void Pass(long ns) => World.Pass(ns);

    private ServiceModel NewService() => new(World, _ledger, _rule, _conditions);
}
