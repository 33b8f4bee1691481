namespace AutoCrunch.Core.Tests.Simulation;

/// <summary>
/// One life of the service: the real machine, read by a reader that may be slow, with scans that list at one moment and
/// are merged later, in pieces, and with answers that come late. A crash is a new one of these over the same ledger.
/// It follows the watch loop: the same tree, the same order of things, no disk.
/// </summary>
internal sealed partial class ServiceModel
{
    private readonly World _world;
    private readonly LedgerModel _ledger;
    private readonly WatchRule _rule;
    private readonly Conditions _conditions;
    private readonly CompletionMachine _machine;
    private readonly List<Effect> _effects = [];
    private readonly Queue<LateAnswer> _late = new();
    private Moment _queueEmpty;

    public ServiceModel(World world, LedgerModel ledger, WatchRule rule, Conditions conditions)
    {
        _world = world;
        _ledger = ledger;
        _rule = rule;
        _conditions = conditions;
        _machine = new CompletionMachine(rule, conditions.TrackedMax);
        _root = new Node(rule, null, "");
        foreach (Folder folder in world.Root.Tree.Concat(world.Outside.Tree))
            folder.IsWatched = false;
        world.Queue.Drop();
        world.Note($"service starts");
        _queueEmpty = world.Now;
        Advance();
    }

    /// <summary>Monotonic time of the next deadline.</summary>
    public long DeadlineNs => Math.Min(
        _deadlineNs, _moves.Count == 0 ? long.MaxValue : _moves[0].ReadNs + MoveDelayNs + 1);

    public bool IsIdle => _world.Queue.IsEmpty && _inbox.Count == 0 && _todo.Count == 0 && !_isScanning
        && !_isWholeWanted && _wanted.Count == 0 && _late.Count == 0 && (_suspects.Count == 0 || _moves.Count > 0);

    /// <summary>Where a file stands without a verdict; null when it has one.</summary>
    public Phase? PhaseOf(Entry entry) => _byFolder.TryGetValue(entry.Folder, out List<Node>? nodes)
        ? _machine.Describe(nodes[0], World.Bytes(entry.Name))?.Phase : null;

    public bool IsAsked(Folder folder, string name) => _late.Any(
        late => late.Node.Folder == folder && late.Name.AsSpan().SequenceEqual(World.Bytes(name)));

    public bool IsAdrift(Folder folder) =>
        _byFolder.TryGetValue(folder, out List<Node>? nodes) && nodes.Exists(node => node.IsAdrift);

    /// <summary>Reads up to so many events, then lets deadlines pass.</summary>
    public void Read(int events)
    {
        EndTurn();
        TakeEvents(events);
        Advance();
    }

    private void EndTurn()
    {
        if (!_isMidTurn)
            return;
        _isMidTurn = false;
        Advance();
    }

    private void TakeEvents(int events)
    {
        for (int i = 0; i < events && !_world.Queue.IsEmpty; i++)
            Observe(_world.Queue.Take());
        if (_world.Queue.IsEmpty)
        {
            _queueEmpty = _world.Now;
            SettleSuspects();
        }
    }

    /// <summary>One answer of another thread comes in.</summary>
    public void Deliver()
    {
        if (!_late.TryDequeue(out LateAnswer? late) || late.Node.IsDetached)
            return;

        // The look was at another path, if its directory was renamed since.
        bool isInPlace = !late.Node.IsAdrift && late.Node.Text == late.Path;
        ProbeAnswer answer = isInPlace ? late.Answer : ProbeAnswer.Unreadable with { LookedNs = late.Answer.LookedNs };
        _world.Note($"  answer {late.Path}/{new BytePath(late.Name)} {late.Depth} {answer.Status} {answer.Writer}");
        _machine.Probed(late.Node, late.Name, late.Depth, answer, _world.Now, _effects);
        CarryOut();
        Advance();
    }

    private long _deadlineNs;

    private void Publish(
        Node node, FileEventKind kind, string name, uint cookie = 0, ScanNews? found = null, Inode? inode = null)
    {
        _world.Note($"  read {kind} {node.RelativePath}/{name}{(node.IsUncertain ? ", in doubt" : "")}");
        var fileEvent = new FileEvent(node, World.Bytes(name), kind, cookie, _world.Now, _queueEmpty)
        {
            HeldBefore = found?.Held,
            HeldVersion = found?.Version ?? default,
            IsUpdateInPlace = found is { IsUpdate: true },
            ListedNs = found?.ListedNs ?? 0,
            IsFirstScan = kind == FileEventKind.Found && _ledger.IsFirstScan,
        };
        bool isFound = _machine.Describe(node, World.Bytes(name)) is { Phase: Phase.Found or Phase.Closed };
        _machine.Observe(fileEvent, _effects);

        // Part of what was found, and so of a new version, where a scan was here and it has no verdict yet. Of a file
        // that was renamed on before the touch is read, too: then the scan that would tell more sees it elsewhere, or
        // nowhere. That it had its verdict since events were lost, nobody remembers: what has one is forgotten.
        if (kind == FileEventKind.AttributesChanged && (node.IsUncertain || isFound) && inode is not null)
            inode.WasTouchedUnseen = true;
        CarryOut();
    }

    private void Advance()
    {
        ExpireMoves();
        bool isSettled;
        do
        {
            _deadlineNs = _machine.Advance(_world.Now, _queueEmpty, _effects);
            isSettled = _effects.Count == 0;
            CarryOut();
        }
        while (!isSettled);
        _machine.CheckInvariants();

        // What is asked to be confirmed waits for the queue to be seen empty again, which takes time.
        if (_deadlineNs <= _world.MonotonicNs)
            _world.Pass(1);
    }

    private void CarryOut()
    {
        for (int i = 0; i < _effects.Count; i++)
        {
            Effect effect = _effects[i];
            var node = (Node)effect.Directory;
            string path = node.PathOf(effect.Name).ToString();
            if (effect.Kind == EffectKind.Probe)
                Probe(node, path, effect);
            else
                Tell(effect, path);
        }

        _effects.Clear();
        Simulation.Check(
            _machine.TrackedCount <= _conditions.TrackedMax + RenamesMax, "too many names are tracked");
    }

    // Renames are taken even when the table is full: their verdicts come with the next look at the queue.
    private const int RenamesMax = 100;

    private void Tell(in Effect effect, string path)
    {
        string why = effect.Kind == EffectKind.Hold ? effect.Reason.ToString() : $"{effect.Completion?.Evidence}";
        _world.Note($"    {effect.Kind} {path} {why}");
        FileStat stat = effect.Stat;
        HoldReason reason = effect.Reason;
        switch (effect.Kind)
        {
            case EffectKind.Complete:
                Completion completion = effect.Completion!;
                Simulation.Check(
                    !RsyncNames.IsTemporaryShape(completion.Path.Name.Span) || completion.Evidence
                        is Evidence.Renamed or Evidence.RenamedFromTemporary, $"{path} is a temporary");
                _ledger.TellArrival(completion);
                break;
            case EffectKind.Hold:
                _ledger.TellHold(path, stat, reason, effect.IsMoved);
                break;
            case EffectKind.Gone:
                _ledger.Tell(() => _ledger.Gone(path));
                break;
            case EffectKind.MetadataChanged:
                _ledger.Tell(() => _ledger.MetadataChanged(path, stat));
                break;
            default:
                BeInDoubt();
                _isWholeWanted = true;
                break;
        }
    }

    private void Probe(Node node, string path, in Effect effect)
    {
        ProbeAnswer answer = Look(node, path, effect.Depth);
        if (_conditions.AnswersAreLate || effect.Depth == ProbeDepth.WritersByProc)
            _late.Enqueue(new LateAnswer(
                node, node.Text, effect.Name, effect.Depth, answer with { LookedNs = _world.MonotonicNs }));
        else
            _machine.Probed(node, effect.Name, effect.Depth, answer, _world.Now, _effects);
    }

    private ProbeAnswer Look(Node node, string path, ProbeDepth depth)
    {
        if (node.IsAdrift || _world.FindFolder(node.Text) is null)
            return ProbeAnswer.Unreadable;
        if (_world.Find(path) is not { } entry)
            return ProbeAnswer.Gone;
        Sees(entry);
        Inode inode = entry.Inode;
        WriterState writer = depth == ProbeDepth.Stat ? WriterState.NotAsked
            : !_conditions.LeasesWork && (depth == ProbeDepth.Writers || !_conditions.ProcTells) ? WriterState.Unknown
            : inode.Writers > 0 ? WriterState.Writing : WriterState.None;
        return new ProbeAnswer(ProbeStatus.Present, inode.Stat, writer);
    }
}

/// <summary>What is different from one schedule to the next, for the service.</summary>
/// <param name="LeasesWork">A lease tells whether somebody writes a file.</param>
/// <param name="ProcTells">Else /proc does.</param>
/// <param name="AnswersAreLate">
/// Every look is made by another thread, as on a network file system, where nothing tells of writers elsewhere.
/// </param>
/// <param name="TrackedMax">Most names without a verdict.</param>
internal sealed record Conditions(bool LeasesWork, bool ProcTells, bool AnswersAreLate, int TrackedMax);
