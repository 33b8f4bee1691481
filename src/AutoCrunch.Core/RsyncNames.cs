using System;
using System.Buffers;

namespace AutoCrunch.Core;

/// <summary>
/// What temporary names look like: rsync's (receiver.c get_tmpname, syscall.c do_mkstemp, generator.c atomic_create)
/// and the part names of other tools. A temporary name does not tell its final name (many to one); the final name tells
/// the temporary's prefix exactly. So it is always asked forwards. Allocates nothing.
/// </summary>
public static class RsyncNames
{
    /// <summary>Longest prefix <see cref="TemporaryPrefix"/> writes, in bytes.</summary>
    public const int MaxPrefixLength = 1 + MaxCopied;

    // NAME_MAX (255) less the suffix of 7, the leading dot and the NUL that rsync counts.
    private const int MaxCopied = 246;

    private const int SuffixLength = 7;
    private const int MaxPidDigits = 6;
    private const byte Dot = (byte)'.';

    private static readonly SearchValues<byte> s_alphanumerics =
        SearchValues.Create("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    private static readonly SearchValues<byte> s_digits = SearchValues.Create("0123456789"u8);

    // By convention unfinished: WinSCP; Firefox, KDE, yt-dlp; rclone; Chrome, Safari and Opera; qBittorrent; and
    // Syncthing and the many programs that write NAME.tmp and rename it.
    private static readonly byte[][] s_partSuffixes =
    [
        ".filepart"u8.ToArray(), ".part"u8.ToArray(), ".partial"u8.ToArray(), ".crdownload"u8.ToArray(),
        ".download"u8.ToArray(), ".opdownload"u8.ToArray(), ".!qB"u8.ToArray(), ".tmp"u8.ToArray(),
    ];

    // lftp (xfer:use-temp-file), GLib's g_file_replace, and what NFS and FUSE clients call a deleted file still open.
    private static readonly byte[][] s_partPrefixes =
    [
        ".in."u8.ToArray(), ".goutputstream-"u8.ToArray(), ".nfs0000"u8.ToArray(), ".fuse_hidden"u8.ToArray(),
    ];

    /// <summary>
    /// Writes what rsync puts in front of the dot and the random suffix of the temporary for <paramref name="final"/>.
    /// </summary>
    /// <param name="final">The final name, without directory.</param>
    /// <param name="buffer">At least <see cref="MaxPrefixLength"/> bytes.</param>
    /// <param name="withTempDir">True for <c>--temp-dir</c>: no leading dot (since rsync 3.1.1).</param>
    /// <returns>The length of the prefix; 0 for a long name without a single ASCII byte to keep.</returns>
    public static int TemporaryPrefix(ReadOnlySpan<byte> final, Span<byte> buffer, bool withTempDir)
    {
        if (!withTempDir && final.StartsWith(Dot))
            final = final[1..];
        int length = CopyCut(final, buffer, withTempDir);
        return length > 0 && buffer[length - 1] == Dot ? length - 1 : length;
    }

    /// <summary>
    /// True when <paramref name="temporary"/> is a name rsync may have used while it made <paramref name="final"/>:
    /// with or without <c>--temp-dir</c>, of any version, or the counted name (".f.raw.31020") of a link or special
    /// file that replaces another. Both without directory. It says nothing of what the file is: a person may have
    /// chosen such a name.
    /// </summary>
    public static bool IsTemporaryOf(ReadOnlySpan<byte> temporary, ReadOnlySpan<byte> final)
    {
        int dot = temporary.LastIndexOf(Dot);
        if (dot < 0)
            return false;
        ReadOnlySpan<byte> stem = temporary[..dot];
        ReadOnlySpan<byte> suffix = temporary[(dot + 1)..];
        bool isRandom = suffix.Length == SuffixLength - 1 && !suffix.ContainsAnyExcept(s_alphanumerics);
        bool isCount = suffix.Length is >= 1 and <= MaxPidDigits && !suffix.ContainsAnyExcept(s_digits);
        if (!isRandom && !isCount)
            return false;
        Span<byte> buffer = stackalloc byte[MaxPrefixLength];
        if (stem.SequenceEqual(buffer[..TemporaryPrefix(final, buffer, withTempDir: false)]))
            return true;

        // rsync before 3.1.0 always adds a dot and trims nothing: "..f.raw.XXXXXX" for ".f.raw".
        return isRandom && (stem.SequenceEqual(buffer[..TemporaryPrefix(final, buffer, withTempDir: true)])
            || stem.SequenceEqual(buffer[..CopyCut(final, buffer, withTempDir: false)]));
    }

    /// <summary>
    /// True when the name could be one of rsync's temporaries: a leading dot, and a dot and six alphanumerics at the
    /// end, which may be the same dot. Real files may be called so (".config", ".app.sqlite"): a guess, never a
    /// verdict.
    /// </summary>
    public static bool IsTemporaryShape(ReadOnlySpan<byte> name) =>
        name.Length >= SuffixLength && name[0] == Dot && name[^SuffixLength] == Dot
        && !name[^(SuffixLength - 1)..].ContainsAnyExcept(s_alphanumerics);

    /// <summary>
    /// The ending by which other tools mark the name (the last component) as unfinished; empty when it has none.
    /// </summary>
    public static ReadOnlySpan<byte> PartSuffixOf(ReadOnlySpan<byte> path)
    {
        ReadOnlySpan<byte> name = NameOf(path);
        foreach (byte[] suffix in s_partSuffixes)
        {
            if (name.Length > suffix.Length && name.EndsWith(suffix))
                return suffix;
        }

        return [];
    }

    /// <summary>The beginning by which other tools mark the name as unfinished; empty when it has none.</summary>
    public static ReadOnlySpan<byte> PartPrefixOf(ReadOnlySpan<byte> path)
    {
        ReadOnlySpan<byte> name = NameOf(path);
        if (!name.StartsWith(Dot))
            return [];
        foreach (byte[] prefix in s_partPrefixes)
        {
            if (name.Length > prefix.Length && name.StartsWith(prefix))
                return prefix;
        }

        return [];
    }

    private static ReadOnlySpan<byte> NameOf(ReadOnlySpan<byte> path) => path[(path.LastIndexOf((byte)'/') + 1)..];

    // rsync cuts after 246 bytes, and when that fell within bytes above 0x7F it drops the whole run of them.
    private static int CopyCut(ReadOnlySpan<byte> name, Span<byte> buffer, bool withTempDir)
    {
        int kept = Math.Min(name.Length, MaxCopied);
        if (name.Length > kept && name[kept] >= 0x80)
            kept = name[..kept].LastIndexOfAnyInRange((byte)0, (byte)0x7F) + 1;
        int start = 0;
        if (!withTempDir)
            buffer[start++] = Dot;
        name[..kept].CopyTo(buffer[start..]);
        return start + kept;
    }
}
