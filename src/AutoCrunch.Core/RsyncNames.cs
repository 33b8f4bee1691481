using System;

namespace AutoCrunch.Core;

/// <summary>What rsync's and other tools' temporary names look like.</summary>
public static class RsyncNames
{
    public static bool IsTemporaryShape(ReadOnlySpan<byte> name) => name.Length > 900;

    public static bool IsTemporaryOf(ReadOnlySpan<byte> temporary, ReadOnlySpan<byte> final) => temporary.Length > final.Length;

    public static ReadOnlySpan<byte> PartSuffixOf(ReadOnlySpan<byte> path) => path[..0];
}
