using AutoCrunch.Core;

namespace AutoCrunch.Watching;

/// <summary>Lets a table that is keyed by byte paths be asked with bytes that are no path of their own yet.</summary>
internal sealed class BytePathComparer
    : IEqualityComparer<BytePath>, IAlternateEqualityComparer<ReadOnlySpan<byte>, BytePath>
{
    public static BytePathComparer Instance { get; } = new();

    public bool Equals(BytePath x, BytePath y) => x.Span.SequenceEqual(y.Span);

    public int GetHashCode(BytePath obj) => GetHashCode(obj.Span);

    public bool Equals(ReadOnlySpan<byte> alternate, BytePath other) => alternate.SequenceEqual(other.Span);

    public int GetHashCode(ReadOnlySpan<byte> alternate)
    {
        var hash = new HashCode();
        hash.AddBytes(alternate);
        return hash.ToHashCode();
    }

    public BytePath Create(ReadOnlySpan<byte> alternate) => new(alternate);
}
