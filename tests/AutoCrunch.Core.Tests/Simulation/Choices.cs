namespace AutoCrunch.Core.Tests.Simulation;

/// <summary>
/// Where every decision of a simulated schedule comes from: a seed at first, the recorded list when a failing schedule
/// is replayed or shrunk. A shorter or smaller list is a simpler schedule, because past its end every choice is 0.
/// </summary>
internal sealed class Choices
{
    private readonly ulong[]? _replayed;
    private readonly List<ulong> _made = [];
    private ulong _state;

    public Choices(ulong seed) => _state = seed;

    public Choices(ulong[] replayed) => _replayed = replayed;

    /// <summary>What has been chosen so far.</summary>
    public IReadOnlyList<ulong> Made => _made;

    /// <summary>A number in [0, <paramref name="below"/>); 0 is the simplest.</summary>
    public int Next(int below)
    {
        ulong value = _replayed is null ? SplitMix() : _made.Count < _replayed.Length ? _replayed[_made.Count] : 0;
        value %= (ulong)below;
        _made.Add(value);
        return (int)value;
    }

    /// <summary>True with probability 1 in <paramref name="oneIn"/>; false is the simplest.</summary>
    public bool Chance(int oneIn) => oneIn > 0 && Next(oneIn) == oneIn - 1;

    public T Of<T>(IReadOnlyList<T> items) => items[Next(items.Count)];

    // SplitMix64 (Steele, Lea, Flood 2014): the same numbers for the same seed on every runtime.
    private ulong SplitMix()
    {
        ulong z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
