namespace AutoCrunch.Core.Tests.Simulation;

/// <summary>
/// One life of the service: the real machine, read by a reader that may be slow, with scans that list at one moment and
/// are merged later, in pieces. A crash is a new one of these over the same ledger.
/// </summary>
internal sealed class ServiceModel
{
    private readonly World _world;
    private readonly LedgerModel _ledger;
    private readonly WatchRule _rule;
    private readonly bool _leasesWork;
    private readonly CompletionMachine _machine;
    private readonly TrackedDirectory _root;
    private readonly List<Effect> _effects = [];
    private readonly Queue<(string Name, FileEventKind Kind, HoldReason? Held, bool IsUpdate)> _found = new();
    private Moment? _queueEmptySince;
    private bool _scanWanted = true;
    private bool _scanMerging;

    public ServiceModel(World world, LedgerModel ledger, WatchRule rule, bool leasesWork, int trackedMax)
    {
        _world = world;
        _ledger = ledger;
        _rule = rule;
        _leasesWork = leasesWork;
        _machine = new CompletionMachine(rule, trackedMax);
        _root = new TrackedDirectory(rule, parent: null, [], isIgnored: false);
        world.DropQueue();
        world.Log?.Add("service starts");
        _queueEmptySince = world.Now;
        TrackedMax = trackedMax;
    }

    public int TrackedMax { get; }

    public long DeadlineNs { get; private set; }

    /// <summary>
    /// An attribute change was read while events may have been lost: that it was no more than that cannot be known.
    /// </summary>
    public bool WasTouchedInDoubt { get; private set; }

    public bool IsIdle => _world.QueueIsEmpty && !_scanWanted && !_scanMerging && _found.Count == 0;

    public void WantScan() => _scanWanted = true;

    /// <summary>Reads up to so many events, then lets deadlines pass.</summary>
    public void Read(int events)
    {
        for (int i = 0; i < events && !_world.QueueIsEmpty; i++)
            Observe(_world.Dequeue());
        if (_world.QueueIsEmpty)
            _queueEmptySince = _world.Now;
        Advance();
    }

    /// <summary>Lists the directory, or merges one thing the last listing found.</summary>
    public void Scan()
    {
        // Events come first, as in the watch loop: what a listing saw is merged after what led to it has been read.
        if (!_world.QueueIsEmpty)
            Read(int.MaxValue);
        if (_found.TryDequeue(out var found))
        {
            Publish(found.Kind, found.Name, 0, found.Held, found.IsUpdate);
        }
        else if (_scanMerging)
        {
            _scanMerging = false;
            _root.IsUncertain = _scanWanted;
            _ledger.IsFirstScan = false;
        }
        else if (_scanWanted)
        {
            List();
        }

        Advance();
    }

    private void List()
    {
        _scanWanted = false;
        _scanMerging = true;
        foreach ((string name, Inode inode) in _world.Names)
        {
            if (name.StartsWith(World.Outside, StringComparison.Ordinal) || !_rule.Takes(World.Bytes(name)))
                continue;
            bool isKnown = _ledger.Rows.TryGetValue(name, out LedgerModel.Row row) && row.State != EntryState.Gone;
            bool isEqual = isKnown && row.Version == inode.Stat.Version;
            if (!isEqual || row.Held is not null)
                _found.Enqueue((name, FileEventKind.Found, isEqual ? row.Held : null,
                    isKnown && row.Held is null && row.Version.Inode == inode.Number));
        }

        foreach ((string name, LedgerModel.Row row) in _ledger.Rows)
        {
            if (row.State != EntryState.Gone && _world.Find(name) is null)
                _found.Enqueue((name, FileEventKind.Missing, null, false));
        }
    }

    private void Observe(QueuedEvent queued)
    {
        if (queued.IsOverflow)
        {
            _root.IsUncertain = true;
            _scanWanted = true;
            return;
        }

        Publish(queued.Kind, queued.Name, queued.Cookie, null, false);
    }

    private void Publish(FileEventKind kind, string name, uint cookie, HoldReason? held, bool isUpdate)
    {
        var fileEvent = new FileEvent(_root, World.Bytes(name), kind, cookie, _world.Now, _queueEmptySince!.Value)
        {
            HeldBefore = held,
            IsUpdateInPlace = isUpdate,
            IsFirstScan = _ledger.IsFirstScan,
        };
        WasTouchedInDoubt |= kind == FileEventKind.AttributesChanged && _root.IsUncertain;
        _world.Log?.Add($"  read {kind} {name} {(_root.IsUncertain ? "in doubt" : "")}");
        _machine.Observe(fileEvent, _effects);
        CarryOut();
    }

    private void Advance()
    {
        bool isSettled;
        do
        {
            DeadlineNs = _machine.Advance(_world.Now, _queueEmptySince, _effects);
            isSettled = _effects.Count == 0;
            CarryOut();
        }
        while (!isSettled);

        // What is asked to be confirmed waits for the queue to be seen empty again, which takes time.
        if (DeadlineNs <= _world.MonotonicNs)
            _world.Pass(1);
    }

    private void CarryOut()
    {
        for (int i = 0; i < _effects.Count; i++)
        {
            Effect effect = _effects[i];
            string path = effect.Directory.PathOf(effect.Name).ToString();
            _world.Log?.Add($"    effect {effect.Kind} {path} {effect.Reason} {effect.Completion?.Evidence}");
            switch (effect.Kind)
            {
                case EffectKind.Probe:
                    ProbeAnswer answer = Probe(path, effect.Depth);
                    _machine.Probed(_root, effect.Name, effect.Depth, answer, _world.Now, _effects);
                    break;
                case EffectKind.Complete:
                    CheckCompletion(effect.Completion!);
                    _ledger.Complete(effect.Completion!);
                    break;
                case EffectKind.Hold:
                    _ledger.Hold(path, effect.Stat, effect.Reason);
                    break;
                case EffectKind.Gone:
                    _ledger.Gone(path);
                    break;
                case EffectKind.MetadataChanged:
                    _ledger.MetadataChanged(path, effect.Stat);
                    break;
                default:
                    _root.IsUncertain = true;
                    _scanWanted = true;
                    break;
            }
        }

        _effects.Clear();
        _machine.CheckInvariants();
        Simulation.Check(_machine.TrackedCount <= TrackedMax + Senders.Finals.Length, "too many names are tracked");
    }

    private ProbeAnswer Probe(string path, ProbeDepth depth)
    {
        if (_world.Find(path) is not { } inode)
            return ProbeAnswer.Gone;
        WriterState writer = depth == ProbeDepth.Stat ? WriterState.NotAsked
            : !_leasesWork && depth == ProbeDepth.Writers ? WriterState.Unknown
            : inode.Writers > 0 ? WriterState.Writing : WriterState.None;
        return new ProbeAnswer(ProbeStatus.Present, inode.Stat, writer);
    }

    private void CheckCompletion(Completion completion)
    {
        string path = completion.Path.ToString();
        Inode? inode = _world.Find(path);
        bool isRename = completion.Evidence is Evidence.Renamed or Evidence.RenamedFromTemporary;
        if (inode is null || inode.Stat.Version != completion.Version)
            return; // it changed after the look; the look before the attempt will see it
        Simulation.Check(
            isRename || inode.Writers == 0, $"{path} completed ({completion.Evidence}) while it is written");
        Simulation.Check(!RsyncNames.IsTemporaryShape(World.Bytes(path)), $"{path} is a temporary");
    }
}
