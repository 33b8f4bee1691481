namespace AutoCrunch.Core.Tests.Machine;

/// <summary>
/// Drives the real machine as the tracker does, over a <see cref="ModelTree"/> instead of a disk, with a clock that
/// only moves when told to. Invariants are checked after every step.
/// </summary>
internal sealed class MachineDriver
{
    private const long TickNs = 1000;

    private readonly List<Effect> _effects = [];
    private readonly Dictionary<string, TrackedDirectory> _directories = new(StringComparer.Ordinal);
    private bool _isOverflowUnread;

    public MachineDriver(WatchRule rule, ModelTree tree, long monotonicNs, long wallNs, int trackedMax = 1000)
    {
        Rule = rule;
        Tree = tree;
        Machine = new CompletionMachine(rule, trackedMax);
        Ledger = new SmallLedger(rule, path => !Tree.Exists(ModelTree.TextOf(path.Span)));
        Root = new TrackedDirectory(rule, null, [], isIgnored: false) { IsUncertain = false };
        _directories[""] = Root;
        Now = QueueEmpty = new Moment(monotonicNs, wallNs);
        Answer = AnswerFromTree;
    }

    public WatchRule Rule { get; }

    public ModelTree Tree { get; }

    public CompletionMachine Machine { get; private set; }

    public SmallLedger Ledger { get; }

    public TrackedDirectory Root { get; }

    /// <summary>The present.</summary>
    public Moment Now { get; private set; }

    /// <summary>When the queue was last seen empty.</summary>
    public Moment QueueEmpty { get; private set; }

    /// <summary>Answers probes; null leaves one unanswered for now.</summary>
    public Func<string, ProbeDepth, ProbeAnswer?> Answer { get; set; }

    /// <summary>Every effect but probes, in order.</summary>
    public List<Effect> Effects { get; } = [];

    /// <summary>Every probe asked, in order.</summary>
    public List<(string Path, ProbeDepth Depth)> Probes { get; } = [];

    /// <summary>The ledger's verdicts and the rescans wanted, with their times.</summary>
    public List<(Moment Time, string Text)> Log { get; } = [];

    /// <summary>A restart: another machine on the same ledger and tree.</summary>
    public void Restart(int trackedMax = 1000) => Machine = new CompletionMachine(Rule, trackedMax);

    public ProbeAnswer? AnswerFromTree(string path, ProbeDepth depth)
    {
        if (Tree.Find(path) is not { } inode)
            return ProbeAnswer.Gone;
        WriterState writer = depth == ProbeDepth.Stat ? WriterState.NotAsked
            : inode.Type != FileType.Regular ? WriterState.Unknown
            : inode.Writers > 0 ? WriterState.Writing : WriterState.None;
        return new ProbeAnswer(ProbeStatus.Present, inode.Stat, writer);
    }

    /// <summary>The directory at a path, made when it is asked for first.</summary>
    public TrackedDirectory Directory(string path)
    {
        if (_directories.TryGetValue(path, out TrackedDirectory? known))
            return known;
        return NewDirectory(path, isUncertain: false);
    }

    public TrackedDirectory NewDirectory(string path, bool isUncertain)
    {
        TrackedDirectory parent = Directory(ModelTree.DirectoryOf(path));
        byte[] name = ModelTree.BytesOf(ModelTree.NameOf(path));
        bool isIgnored = parent.IsIgnored || Rule.Completion.IgnoredDirectories.Matches(name);
        return _directories[path] = new TrackedDirectory(Rule, parent, name, isIgnored) { IsUncertain = isUncertain };
    }

    /// <summary>The directory has another path from now on; so has everything below it.</summary>
    public void MoveDirectory(TrackedDirectory directory, string from, string to)
    {
        directory.Parent = Directory(ModelTree.DirectoryOf(to));
        directory.Name = ModelTree.BytesOf(ModelTree.NameOf(to));
        foreach (string path in _directories.Keys.Where(path => IsAtOrBelow(path, from)).ToArray())
        {
            _directories.Remove(path, out TrackedDirectory? moved);
            _directories[to + path[from.Length..]] = moved!;
        }
    }

    public void ForgetDirectory(string path)
    {
        if (_directories.TryGetValue(path, out TrackedDirectory? directory))
            Machine.Forget(directory);
    }

    /// <summary>The queue had room for so many; what came after them is lost.</summary>
    public void Overflow(int kept)
    {
        Tree.Events.RemoveRange(kept, Tree.Events.Count - kept);
        if (kept == 0)
            BeUncertain();
        else
            _isOverflowUnread = true;
    }

    // Events were lost: nothing is certain until a scan has been here.
    private void BeUncertain()
    {
        foreach (TrackedDirectory directory in _directories.Values)
            directory.IsUncertain = true;
    }

    public void Publish(FileEventKind kind, string path, uint cookie = 0) =>
        Publish(new FileEvent(
            Directory(ModelTree.DirectoryOf(path)), ModelTree.BytesOf(ModelTree.NameOf(path)), kind, cookie, Now,
            QueueEmpty));

    public void Publish(in FileEvent fileEvent)
    {
        Machine.Observe(fileEvent, _effects);
        CarryOut();
    }

    /// <summary>Everything in the tree's queue is read and published at once; then the queue is empty.</summary>
    /// <param name="isPause">Where the reader lets deadlines pass before it reads on, by the index of the
    /// event.</param>
    public void ReadQueue(Predicate<int>? isPause = null)
    {
        ModelEvent[] batch = [.. Tree.Events];
        Tree.Events.Clear();
        for (int i = 0; i < batch.Length; i++)
        {
            if (isPause?.Invoke(i) ?? false)
                Advance();
            Publish(batch[i].Kind, batch[i].Path, batch[i].Cookie);
        }

        if (_isOverflowUnread)
            BeUncertain();
        _isOverflowUnread = false;
        QueueSeenEmpty();
        Advance();
    }

    /// <summary>The oldest so many events are read; the queue is not empty then.</summary>
    public void ReadSome(int count)
    {
        ModelEvent[] batch = [.. Tree.Events.Take(count)];
        Tree.Events.RemoveRange(0, count);
        foreach (ModelEvent each in batch)
            Publish(each.Kind, each.Path, each.Cookie);
        Advance();
    }

    public void QueueSeenEmpty() => QueueEmpty = Now;

    public void Probed(string path, ProbeDepth depth, ProbeAnswer answer)
    {
        byte[] name = ModelTree.BytesOf(ModelTree.NameOf(path));
        Machine.Probed(Directory(ModelTree.DirectoryOf(path)), name, depth, answer, Now, _effects);
        CarryOut();
    }

    /// <summary>Sets the wall clock forward, or back.</summary>
    public void StepClock(long ns) => Now = Now with { WallNs = Now.WallNs + ns };

    /// <summary>The present becomes later without anything being looked at.</summary>
    public void Elapse(long monotonicNs)
    {
        long ns = Math.Max(0, monotonicNs - Now.MonotonicNs);
        Now = new Moment(Now.MonotonicNs + ns, Now.WallNs + ns);
    }

    public long Advance()
    {
        long next;
        bool isSettled;
        do
        {
            next = Machine.Advance(Now, QueueEmpty, _effects);
            isSettled = _effects.Count == 0;
            CarryOut();
        }
        while (!isSettled);

        Assert.Equal(next, Machine.Advance(Now, QueueEmpty, _effects));   // twice is as good as once
        Assert.Empty(_effects);
        return next;
    }

    /// <summary>Lets time pass with an idle queue, stopping at every deadline.</summary>
    public void RunUntil(long monotonicNs)
    {
        for (; ; )
        {
            QueueSeenEmpty();
            long next = Advance();
            if (next > monotonicNs || Now.MonotonicNs >= monotonicNs)
                break;
            Elapse(Math.Max(next, Now.MonotonicNs + TickNs));
        }

        Elapse(monotonicNs);
        QueueSeenEmpty();
        Advance();
    }

    /// <summary>
    /// Compares the tree at and below a directory with the ledger, as a scan does, and publishes what differs.
    /// </summary>
    public void Scan(string directory = "", bool isFirstScan = false)
    {
        foreach (string path in Tree.Paths.Where(path => IsAtOrBelow(path, directory)).ToArray())
            if (Tree.Get(path) is { Type: FileType.Regular } inode)
                PublishFound(path, inode, isFirstScan);
        foreach (BytePath known in Ledger.PresentPaths.ToArray())
        {
            string path = ModelTree.TextOf(known.Span);
            if (IsAtOrBelow(path, directory) && Tree.Find(path) is not { Type: FileType.Regular })
                Publish(FileEventKind.Missing, path);
        }

        foreach ((string path, TrackedDirectory scanned) in _directories)
            if (IsAtOrBelow(path, directory))
                scanned.IsUncertain = false;
        Advance();
    }

    private static bool IsAtOrBelow(string path, string directory) =>
        directory.Length == 0 || path == directory || path.StartsWith(directory + "/", StringComparison.Ordinal);

    private void PublishFound(string path, ModelInode inode, bool isFirstScan)
    {
        var key = new BytePath(ModelTree.BytesOf(path));
        TrackedDirectory parent = Directory(ModelTree.DirectoryOf(path));
        FileVersion version = inode.Stat.Version;
        if (parent.IsIgnored || !Rule.Takes(key.Span) || Ledger.IsCompleted(key, version))
            return;
        Publish(new FileEvent(
            parent, key.Name.Memory, FileEventKind.Found, 0, Now, QueueEmpty)
        {
            HeldBefore = Ledger.HoldOf(key, version),
            HeldVersion = version,
            IsFirstScan = isFirstScan,
            IsUpdateInPlace = Ledger.Find(key) is { State: EntryState.Present } known
                && known.Version != version && known.Version.Inode == version.Inode,
            ListedNs = Now.MonotonicNs,
        });
    }

    private void CarryOut()
    {
        for (int i = 0; i < _effects.Count; i++)
        {
            Effect effect = _effects[i];
            if (effect.Kind == EffectKind.Probe)
            {
                string path = ModelTree.TextOf(effect.Directory.PathOf(effect.Name).Span);
                Probes.Add((path, effect.Depth));
                if (Answer(path, effect.Depth) is { } answer)
                    Machine.Probed(effect.Directory, effect.Name, effect.Depth, answer, Now, _effects);
                continue;
            }

            int said = Ledger.Verdicts.Count;
            Effects.Add(effect);
            if (effect.Kind == EffectKind.Rescan)
                Log.Add((Now, $"rescan {effect.Directory.RelativePath}".TrimEnd()));
            else
                Ledger.Apply(effect);
            foreach ((BytePath path, string text) in Ledger.Verdicts.Skip(said))
                Log.Add((Now, $"{path}: {text}"));
        }

        _effects.Clear();
        Machine.CheckInvariants();
    }
}
