namespace AutoCrunch.Watching;

/// <summary>
/// Drops repeats of "written" for one name within one batch of events: the kernel merges only direct neighbours, so two
/// files that are written at the same time fill the queue with them. Any other event of the name ends the repetition.
/// Forgetting too early is harmless, so a small table that overwrites itself will do.
/// </summary>
/// <remarks>Allocates nothing. Names are compared in the batch's own buffer, which does not change before the next
/// batch.</remarks>
internal sealed class RepeatFilter
{
    private const int Slots = 256; // a power of two

    private readonly Entry[] _entries = new Entry[Slots];

    /// <summary>True when the last event of this name in this batch was a write too.</summary>
    public bool IsRepeatedWrite(int batch, int wd, ReadOnlyMemory<byte> name)
    {
        ref Entry entry = ref Slot(wd, name.Span);
        if (entry.Batch == batch && entry.Wd == wd && entry.Name.Span.SequenceEqual(name.Span))
            return true;
        entry = new Entry(batch, wd, name);
        return false;
    }

    /// <summary>Something else happened to the name.</summary>
    public void EndRepetition(int wd, ReadOnlySpan<byte> name) => Slot(wd, name) = default;

    private ref Entry Slot(int wd, ReadOnlySpan<byte> name)
    {
        var hash = new HashCode();
        hash.Add(wd);
        hash.AddBytes(name);
        return ref _entries[hash.ToHashCode() & (Slots - 1)];
    }

    private readonly record struct Entry(int Batch, int Wd, ReadOnlyMemory<byte> Name);
}
