namespace AutoCrunch.Core.Tests.Exhaustive;

/// <summary>
/// Counts through all sequences of choices: each run asks for the same kind of choices and gets the next sequence,
/// until none is left. The last choice turns fastest, as the last digit of a counter.
/// </summary>
internal sealed class Choices
{
    private readonly List<(int Value, int Count)> _made = [];
    private int _next;

    /// <summary>What the current run has chosen so far.</summary>
    public IEnumerable<int> Made => _made.Take(_next).Select(choice => choice.Value);

    /// <summary>A number from 0 to <paramref name="count"/> - 1.</summary>
    public int Next(int count)
    {
        if (_next == _made.Count)
            _made.Add((0, count));
        return _made[_next++].Value;
    }

    /// <summary>Turns to the next sequence; false when all have been played.</summary>
    public bool Advance()
    {
        _made.RemoveRange(_next, _made.Count - _next);
        _next = 0;
        while (_made.Count > 0)
        {
            (int value, int count) = _made[^1];
            if (value + 1 < count)
            {
                _made[^1] = (value + 1, count);
                return true;
            }

            _made.RemoveAt(_made.Count - 1);
        }

        return false;
    }
}
