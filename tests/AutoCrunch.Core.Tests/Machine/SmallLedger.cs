namespace AutoCrunch.Core.Tests.Machine;

/// <summary>
/// What the ledger makes of the machine's effects, in memory: <see cref="ArrivalDecision"/> decides, and every change
/// is a line such as "f.raw: job MtimeSet".
/// </summary>
/// <param name="rule">The rule whose files it knows.</param>
/// <param name="isGone">Looks whether a path is gone.</param>
internal sealed class SmallLedger(WatchRule rule, Predicate<BytePath> isGone)
{
    private readonly Dictionary<BytePath, KnownEntry> _entries = [];

    /// <summary>The verdicts so far, as (path, text).</summary>
    public List<(BytePath Path, string Text)> Verdicts { get; } = [];

    /// <summary>The completions that became jobs.</summary>
    public List<Completion> Jobs { get; } = [];

    public IEnumerable<BytePath> PresentPaths =>
        _entries.Where(entry => entry.Value.State != EntryState.Gone).Select(entry => entry.Key);

    /// <summary>True when the path's version is recorded as completed.</summary>
    public bool IsCompleted(BytePath path, FileVersion version) =>
        Find(path) is { State: EntryState.Present } known && known.Version == version;

    public HoldReason? HoldOf(BytePath path, FileVersion version) =>
        Find(path) is { State: EntryState.Held } known && known.Version == version ? known.Held : null;

    public KnownEntry? Find(BytePath path) =>
        _entries.TryGetValue(path, out KnownEntry known) ? known : null;

    /// <summary>The file was processed before the story begins.</summary>
    public void Seed(BytePath path, FileStat stat) =>
        _entries[path] = new KnownEntry(stat.Version, EntryState.Present, stat.CtimeNs, JobState.Succeeded, null);

    public void Apply(in Effect effect)
    {
        BytePath path = effect.Directory.PathOf(effect.Name);
        switch (effect.Kind)
        {
            case EffectKind.Complete:
                Complete(effect.Completion!);
                break;
            case EffectKind.Hold:
                Hold(path, effect.Stat.Version, effect.Reason);
                break;
            case EffectKind.Gone:
                Gone(path);
                break;
            case EffectKind.MetadataChanged:
                MetadataChanged(path, effect.Stat.Version);
                break;
            default:
                throw new InvalidOperationException($"{effect.Kind} is not for the ledger");
        }
    }

    private void Complete(Completion completion)
    {
        BytePath? sourcePath = completion.RenamedFrom ?? LeftPathOf(completion);
        KnownEntry? source = sourcePath is { } from ? Find(from) : null;
        switch (ArrivalDecision.Of(
            completion, rule.Completion, rule.ExistingFiles, Find(completion.Path), source))
        {
            case ArrivalAction.Nothing:
                return;
            case ArrivalAction.MoveEntry:
                _entries.Remove(sourcePath!.Value);
                _entries[completion.Path] = source!.Value with
                {
                    State = source.Value.Held is null ? EntryState.Present : EntryState.Held,
                };
                Verdicts.Add((completion.Path, $"renamed from {sourcePath}"));
                return;
            case ArrivalAction.ReviveEntry:
                KnownEntry back = Find(completion.Path)!.Value;
                _entries[completion.Path] = back with
                {
                    State = back.Held is null ? EntryState.Present : EntryState.Held,
                };
                Verdicts.Add((completion.Path, "back"));
                return;
            case ArrivalAction.Job:
                Jobs.Add(completion);
                Verdicts.Add((completion.Path, $"job {completion.Evidence}"));
                break;
            default:
                Verdicts.Add((completion.Path, "recorded"));
                break;
        }

        _entries[completion.Path] = new KnownEntry(
            completion.Version, EntryState.Present, completion.Stat.BirthNs, JobState.Succeeded, null);
    }

    private BytePath? LeftPathOf(Completion completion)
    {
        if (completion.Evidence == Evidence.RenamedFromTemporary || IsCompleted(completion.Path, completion.Version))
            return null;
        foreach ((BytePath path, KnownEntry entry) in _entries)
            if (entry.Version == completion.Version && path != completion.Path && isGone(path))
                return path;
        return null;
    }

    private void Hold(BytePath path, FileVersion version, HoldReason reason)
    {
        if (IsCompleted(path, version) || HoldOf(path, version) == reason)
            return;
        _entries[path] = new KnownEntry(version, EntryState.Held, 0, null, null) { Held = reason };
        Verdicts.Add((path, $"hold {reason}"));
    }

    private void Gone(BytePath path)
    {
        if (Find(path) is not { State: not EntryState.Gone } known)
            return;
        _entries[path] = known with { State = EntryState.Gone };
        Verdicts.Add((path, "gone"));
    }

    private void MetadataChanged(BytePath path, FileVersion version)
    {
        if (Find(path) is not { State: EntryState.Present or EntryState.Held } known || known.Version == version
            || known.Version.Inode != version.Inode || known.Version.SizeBytes != version.SizeBytes)
            return;
        _entries[path] = known with { Version = version };
        Verdicts.Add((path, "metadata"));
    }
}
