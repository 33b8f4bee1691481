using AutoCrunch.Core;

namespace AutoCrunch.Watching;

/// <summary>One event of a watch that the watch thread has not been told of yet.</summary>
internal readonly record struct StashedEvent(
    uint Mask, uint Cookie, byte[] Name, Moment Time, Moment QueueEmpty);

/// <summary>
/// Keeps the events of directories that a scan thread has just watched until its report about them is merged: watching
/// comes first, so events may overtake the report. Bounded; what does not fit is remembered by its watch descriptor
/// alone, and that directory is scanned again.
/// </summary>
/// <remarks>Watch thread only.</remarks>
internal sealed class EventStash(int capacity)
{
    private readonly Dictionary<int, List<StashedEvent>?> _byWd = [];
    private int _count;

    public bool IsEmpty => _byWd.Count == 0;

    public IEnumerable<int> Wds => _byWd.Keys;

    public void Add(int wd, StashedEvent stashed)
    {
        bool isKnown = _byWd.TryGetValue(wd, out List<StashedEvent>? events);
        if (isKnown && events is null)
            return;
        if (_count >= capacity)
        {
            _count -= events?.Count ?? 0;
            _byWd[wd] = null;
            return;
        }

        if (events is null)
            _byWd[wd] = events = [];
        events.Add(stashed);
        _count++;
    }

    /// <summary>
    /// Takes what was kept for a watch descriptor. True when there was something; <paramref name="events"/> is then
    /// null
    /// if it was too much.
    /// </summary>
    public bool Take(int wd, out List<StashedEvent>? events)
    {
        if (!_byWd.Remove(wd, out events))
            return false;
        _count -= events?.Count ?? 0;
        return true;
    }

    /// <summary>Events were lost by the kernel: no watch descriptor's events are complete.</summary>
    public void LoseAll()
    {
        foreach (int wd in _byWd.Keys.ToArray())
            _byWd[wd] = null;
        _count = 0;
    }

    public void Clear()
    {
        _byWd.Clear();
        _count = 0;
    }
}
