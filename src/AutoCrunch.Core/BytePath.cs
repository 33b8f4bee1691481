using System;
using System.Globalization;
using System.Text;

namespace AutoCrunch.Core;

/// <summary>
/// A Linux path or name: bytes, in no particular encoding, never containing NUL. There is no conversion from or to
/// <see cref="string"/> but the explicit <see cref="Parse"/> and <see cref="ToString"/>, so mixing the two up does not
/// compile. Immutable: whoever hands over an array gives it up.
/// </summary>
public readonly struct BytePath : IEquatable<BytePath>, IComparable<BytePath>
{
    private const byte Slash = (byte)'/';

    private readonly byte[]? _bytes;

    /// <summary>Takes ownership of <paramref name="bytes"/>, which must not change afterwards.</summary>
    public BytePath(byte[] bytes) => _bytes = bytes;

    /// <summary>Copies <paramref name="bytes"/>.</summary>
    public BytePath(ReadOnlySpan<byte> bytes) => _bytes = bytes.ToArray();

    /// <summary>The empty path: the watched directory itself, where a path is relative to one.</summary>
    public static BytePath Empty { get; } = new(Array.Empty<byte>());

    /// <summary>The bytes, without a terminating NUL.</summary>
    public ReadOnlySpan<byte> Span => _bytes;

    /// <summary>The bytes as memory, without a terminating NUL.</summary>
    public ReadOnlyMemory<byte> Memory => _bytes;

    /// <summary>Length in bytes.</summary>
    public int Length => _bytes?.Length ?? 0;

    /// <summary>True for the empty path.</summary>
    public bool IsEmpty => Length == 0;

    /// <summary>What follows the last slash; the whole path when there is none.</summary>
    public BytePath Name => new(Span[(Span.LastIndexOf(Slash) + 1)..]);

    /// <summary>
    /// What precedes the last slash; empty when there is none; "/" for an entry of the root directory.
    /// </summary>
    public BytePath Directory
    {
        get
        {
            int slash = Span.LastIndexOf(Slash);
            return slash < 0 ? Empty : new BytePath(Span[..Math.Max(slash, Length == 1 ? 0 : slash == 0 ? 1 : slash)]);
        }
    }

    /// <summary>
    /// Reads text as <see cref="ToString"/> writes it: UTF-8, with <c>\xNN</c> for a byte and <c>\\</c> for a
    /// backslash.
    /// </summary>
    /// <exception cref="FormatException">A backslash is followed by something else, or a NUL is in the
    /// text.</exception>
    public static BytePath Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        int length = 0;
        try
        {
            for (int i = 0; i < utf8.Length;)
            {
                byte value = utf8[i] == '\\' ? Escapes.Take(utf8, ref i) : utf8[i++];
                utf8[length++] = value != 0 ? value : throw new FormatException("a path cannot contain a NUL byte");
            }
        }
        catch (FormatException e)
        {
            throw new FormatException($"'{text}': {e.Message}", e);
        }

        return new BytePath(utf8.AsSpan(0, length));
    }

    /// <summary>This path, a slash and <paramref name="name"/>; just the name when this path is empty.</summary>
    public BytePath Join(ReadOnlySpan<byte> name)
    {
        if (IsEmpty)
            return new BytePath(name);
        if (name.IsEmpty)
            return this;
        bool slash = Span[^1] != Slash;
        byte[] joined = new byte[Length + (slash ? 1 : 0) + name.Length];
        Span.CopyTo(joined);
        if (slash)
            joined[Length] = Slash;
        name.CopyTo(joined.AsSpan(joined.Length - name.Length));
        return new BytePath(joined);
    }

    /// <inheritdoc cref="Join(ReadOnlySpan{byte})"/>
    public BytePath Join(BytePath name) => Join(name.Span);

    /// <summary>This absolute path without needless slashes and ".".</summary>
    public BytePath Normalise()
    {
        var normal = new BytePath("/"u8);
        foreach (Range range in Span.Split(Slash))
        {
            ReadOnlySpan<byte> component = Span[range];
            if (!component.IsEmpty && !component.SequenceEqual("."u8))
                normal = normal.Join(component);
        }

        return normal;
    }

    /// <summary>
    /// True for <paramref name="directory"/> itself and everything below it; everything is below the empty path.
    /// </summary>
    public bool IsAtOrBelow(BytePath directory)
    {
        if (directory.IsEmpty || !Span.StartsWith(directory.Span))
            return directory.IsEmpty;
        return Length == directory.Length || directory.Span[^1] == Slash || Span[directory.Length] == Slash;
    }

    /// <summary>
    /// Text for people, which <see cref="Parse"/> reads back: valid UTF-8 as it is, every other byte, control
    /// characters and separators that would break a line as <c>\xNN</c>, a backslash doubled.
    /// </summary>
    public override string ToString() => Escape(Span);

    /// <summary><see cref="ToString"/> for bytes that are not (yet) a path.</summary>
    public static string Escape(ReadOnlySpan<byte> bytes)
    {
        // Nearly every path: it need not be looked at letter by letter.
        if (!bytes.ContainsAnyExceptInRange((byte)' ', (byte)'~') && !bytes.Contains((byte)'\\'))
            return Encoding.ASCII.GetString(bytes);
        var text = new StringBuilder(bytes.Length);
        Span<char> chars = stackalloc char[2];
        while (!bytes.IsEmpty)
        {
            bool valid = Rune.DecodeFromUtf8(bytes, out Rune rune, out int used) == System.Buffers.OperationStatus.Done;
            if (valid && rune.Value == '\\')
                text.Append(@"\\");
            else if (valid && IsPrintable(rune))
                text.Append(chars[..rune.EncodeToUtf16(chars)]);
            else
                foreach (byte value in bytes[..used])
                    text.Append(CultureInfo.InvariantCulture, $"\\x{value:X2}");
            bytes = bytes[used..];
        }

        return text.ToString();
    }

    /// <summary>Compares bytes.</summary>
    public bool Equals(BytePath other) => Span.SequenceEqual(other.Span);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is BytePath other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Span);
        return hash.ToHashCode();
    }

    /// <summary>Orders by bytes.</summary>
    public int CompareTo(BytePath other) => Span.SequenceCompareTo(other.Span);

    public static bool operator ==(BytePath left, BytePath right) => left.Equals(right);

    public static bool operator !=(BytePath left, BytePath right) => !left.Equals(right);

    public static bool operator <(BytePath left, BytePath right) => left.CompareTo(right) < 0;

    public static bool operator >(BytePath left, BytePath right) => left.CompareTo(right) > 0;

    public static bool operator <=(BytePath left, BytePath right) => left.CompareTo(right) <= 0;

    public static bool operator >=(BytePath left, BytePath right) => left.CompareTo(right) >= 0;

    // Format characters (bidirectional overrides and the like) could make a log line lie about the name.
    private static bool IsPrintable(Rune rune) => Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
        or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Surrogate or UnicodeCategory.OtherNotAssigned);
}
