using AutoCrunch.Core;

namespace AutoCrunch.Watching;

/// <summary>A name that rsync writes to at present.</summary>
/// <param name="Rule">The rule whose tree it is in.</param>
/// <param name="Path">Relative to the rule's directory.</param>
/// <param name="SinceNs">When it appeared, wall clock.</param>
internal sealed record Transfer(WatchRule Rule, BytePath Path, long SinceNs);

/// <summary>
/// Temporary names that have appeared and not yet gone: what is on its way, for people to see. No verdict depends on
/// it, so it is small: when there is no room, the oldest is forgotten. Watch thread only; allocates nothing once full.
/// </summary>
internal sealed class Transfers
{
    /// <summary>So many are remembered.</summary>
    public const int Most = 128;

    private readonly Slot[] _slots = new Slot[Most];
    private int _count;

    /// <summary>Takes an event; of most kinds and names there is nothing to learn.</summary>
    public void Observe(in FileEvent fileEvent)
    {
        if (fileEvent.Kind is not (FileEventKind.Created or FileEventKind.MovedOut or FileEventKind.Deleted))
            return;
        if (fileEvent.Kind != FileEventKind.Created && _count == 0)
            return;
        ReadOnlySpan<byte> name = fileEvent.Name.Span;
        if (!RsyncNames.IsTemporaryShape(name))
            return;
        int index = Find(fileEvent.Directory, name);
        if (fileEvent.Kind == FileEventKind.Created)
            Put(index >= 0 ? index : Free(), fileEvent);
        else if (index >= 0)
            Remove(index);
    }

    /// <summary>The directory is known no longer.</summary>
    public void Forget(TrackedDirectory directory)
    {
        for (int i = _count - 1; i >= 0; i--)
            if (_slots[i].Directory == directory)
                Remove(i);
    }

    /// <summary>What is remembered, the oldest first.</summary>
    public IReadOnlyList<Transfer> List() =>
    [
        .. _slots.Take(_count).OrderBy(slot => slot.SinceNs).Select(slot => new Transfer(
            slot.Directory!.Rule, slot.Directory.PathOf(slot.Name.AsSpan(0, slot.Length)), slot.SinceNs)),
    ];

    private int Find(TrackedDirectory directory, ReadOnlySpan<byte> name)
    {
        for (int i = 0; i < _count; i++)
            if (_slots[i].Directory == directory && name.SequenceEqual(_slots[i].Name.AsSpan(0, _slots[i].Length)))
                return i;
        return -1;
    }

    private int Free()
    {
        if (_count < Most)
            return _count++;
        int oldest = 0;
        for (int i = 1; i < Most; i++)
            if (_slots[i].SinceNs < _slots[oldest].SinceNs)
                oldest = i;
        return oldest;
    }

    private void Put(int index, in FileEvent fileEvent)
    {
        ref Slot slot = ref _slots[index];
        slot.Name ??= new byte[256]; // NAME_MAX is 255
        slot.Length = Math.Min(fileEvent.Name.Length, slot.Name.Length);
        fileEvent.Name.Span[..slot.Length].CopyTo(slot.Name);
        slot.Directory = fileEvent.Directory;
        slot.SinceNs = fileEvent.Time.WallNs;
    }

    private void Remove(int index)
    {
        _count -= 1;
        (_slots[index], _slots[_count]) = (_slots[_count], _slots[index]);
        _slots[_count].Directory = null;
    }

    private struct Slot
    {
        public TrackedDirectory? Directory;
        public byte[] Name;
        public int Length;
        public long SinceNs;
    }
}
