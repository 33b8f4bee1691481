using System;
using System.Collections.Generic;

namespace AutoCrunch.Core;

/// <summary>
/// A wildcard pattern for one component of a path, compiled: <c>*</c> any run of bytes, <c>?</c> any one byte,
/// <c>[abc]</c>, <c>[a-z]</c>, <c>[!x]</c> one byte of (not of) a set. Never given a slash to match.
/// </summary>
internal sealed class NamePattern
{
    private const int AnyByte = 256;
    private const int AnyRun = 257;
    private const int FirstSet = 258;

    private readonly ushort[] _tokens;
    private readonly UInt128[][] _sets;
    private readonly byte[] _literalStart;
    private readonly byte[] _literalEnd;
    private readonly bool _isOneRun;

    private NamePattern(List<ushort> tokens, List<UInt128[]> sets)
    {
        _tokens = [.. tokens];
        _sets = [.. sets];
        _literalStart = LiteralRun(_tokens.AsSpan());
        int first = _tokens.Length;
        while (first > 0 && _tokens[first - 1] < AnyByte)
            first -= 1;
        _literalEnd = LiteralRun(_tokens.AsSpan(first));
        int wildcards = _tokens.Length - _literalStart.Length - (IsLiteral ? 0 : _literalEnd.Length);
        _isOneRun = wildcards == 1 && _tokens[_literalStart.Length] == AnyRun;
    }

    /// <summary>
    /// The pattern <c>**</c>: zero or more whole directories. Not matched by itself, see <see cref="PathPattern"/>.
    /// </summary>
    public static NamePattern AnyDirectories { get; } = new([AnyRun], []);

    /// <summary>The pattern <c>*</c>.</summary>
    public static NamePattern AnyName { get; } = new([AnyRun], []);

    /// <summary>The bytes every match begins with.</summary>
    public ReadOnlySpan<byte> LiteralStart => _literalStart;

    /// <summary>The bytes every match ends with.</summary>
    public ReadOnlySpan<byte> LiteralEnd => _literalEnd;

    private bool IsLiteral => _literalStart.Length == _tokens.Length;

    /// <summary>Compiles one component.</summary>
    /// <param name="text">The component as bytes, escapes not yet resolved.</param>
    /// <exception cref="FormatException">The message says what is wrong with it, without naming the
    /// pattern.</exception>
    public static NamePattern Compile(ReadOnlySpan<byte> text)
    {
        var tokens = new List<ushort>(text.Length);
        var sets = new List<UInt128[]>();
        int i = 0;
        while (i < text.Length)
        {
            switch (text[i])
            {
                case (byte)'*':
                    if (tokens.Count > 0 && tokens[^1] == AnyRun)
                        throw new FormatException("'**' must be a whole component, as in '**/*.raw'");
                    tokens.Add(AnyRun);
                    i += 1;
                    break;
                case (byte)'?':
                    tokens.Add(AnyByte);
                    i += 1;
                    break;
                case (byte)'[':
                    tokens.Add((ushort)(FirstSet + sets.Count));
                    sets.Add(CompileSet(text, ref i));
                    break;
                case (byte)'{' or (byte)'}':
                    throw new FormatException("braces are not supported; list the patterns one by one");
                default:
                    tokens.Add(TakeByte(text, ref i, out _));
                    break;
            }
        }

        return new NamePattern(tokens, sets);
    }

    /// <summary>
    /// True when the whole <paramref name="name"/> fits. Time is at most length of pattern times length of name.
    /// </summary>
    public bool Matches(ReadOnlySpan<byte> name)
    {
        if (IsLiteral)
            return name.SequenceEqual(_literalStart);
        if (name.Length < _literalStart.Length + _literalEnd.Length
            || !name.EndsWith(_literalEnd) || !name.StartsWith(_literalStart))
            return false;
        return _isOneRun || MatchesTokens(name);
    }

    // When a token does not fit, only the last '*' needs to take one byte more: whatever an earlier '*' could take as
    // well is already in that one's reach. So there is no recursion and no exponential time.
    private bool MatchesTokens(ReadOnlySpan<byte> name)
    {
        int token = 0, at = 0, retryToken = -1, retryAt = 0;
        while (at < name.Length)
        {
            if (token < _tokens.Length && _tokens[token] == AnyRun)
            {
                retryToken = ++token;
                retryAt = at;
            }
            else if (token < _tokens.Length && Fits(_tokens[token], name[at]))
            {
                token += 1;
                at += 1;
            }
            else if (retryToken >= 0)
            {
                token = retryToken;
                at = ++retryAt;
            }
            else
            {
                return false;
            }
        }

        while (token < _tokens.Length && _tokens[token] == AnyRun)
            token += 1;
        return token == _tokens.Length;
    }

    private bool Fits(ushort token, byte value) => token switch
    {
        < AnyByte => token == value,
        AnyByte => true,
        AnyRun => false,
        _ => (_sets[token - FirstSet][value >> 7] >> (value & 127) & 1) != 0,
    };

    private static UInt128[] CompileSet(ReadOnlySpan<byte> text, ref int i)
    {
        var set = new UInt128[2];
        i += 1;
        bool negated = i < text.Length && text[i] is (byte)'!' or (byte)'^';
        if (negated)
            i += 1;
        bool first = true;
        while (i < text.Length && (first || text[i] != ']'))
        {
            if (text[i] == '[' && i + 1 < text.Length && text[i + 1] == ':')
                throw new FormatException("classes like '[:digit:]' are not supported; write '[0-9]'");
            byte from = TakeSetByte(text, ref i);
            byte to = from;
            if (i + 1 < text.Length && text[i] == '-' && text[i + 1] != ']')
            {
                i += 1;
                to = TakeSetByte(text, ref i);
            }

            if (to < from)
                throw new FormatException($"the range '{(char)from}-{(char)to}' runs backwards");
            for (int value = from; value <= to; value++)
                set[value >> 7] |= UInt128.One << (value & 127);
            first = false;
        }

        if (i >= text.Length)
            throw new FormatException("'[' is not closed by ']' (for a real bracket write '[[]')");
        i += 1;
        if (negated)
        {
            set[0] = ~set[0];
            set[1] = ~set[1];
        }

        return set;
    }

    // A multi-byte UTF-8 character between brackets would match its single bytes: surely not what was meant.
    private static byte TakeSetByte(ReadOnlySpan<byte> text, ref int i)
    {
        byte value = TakeByte(text, ref i, out bool escaped);
        return value < 0x80 || escaped
            ? value
            : throw new FormatException("brackets hold single bytes; a character beyond ASCII is several");
    }

    private static byte TakeByte(ReadOnlySpan<byte> text, ref int i, out bool escaped)
    {
        escaped = text[i] == '\\';
        byte value = escaped ? Escapes.Take(text, ref i) : text[i++];
        return value != 0 ? value : throw new FormatException("a path cannot contain a NUL byte");
    }

    private static byte[] LiteralRun(ReadOnlySpan<ushort> tokens)
    {
        int length = 0;
        while (length < tokens.Length && tokens[length] < AnyByte)
            length += 1;
        var literal = new byte[length];
        for (int i = 0; i < length; i++)
            literal[i] = (byte)tokens[i];
        return literal;
    }
}
