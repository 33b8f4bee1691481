using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Watching;

/// <summary>What is mounted inside a watched tree: mounts hide directories, or show others in their place.</summary>
/// <param name="Any">False when the tree is on one file system, or that cannot be told.</param>
/// <param name="Signature">Changes when what is mounted does.</param>
internal readonly record struct MountsBelow(bool Any, ulong Signature)
{
    private const ulong FnvOffset = 14695981039346656037;
    private const ulong FnvPrime = 1099511628211;
    private const int ReadsMax = 5;

    private static readonly BytePath s_mountInfo = new("/proc/self/mountinfo"u8);

    /// <summary>Looks into the mount table; without one, as if nothing were mounted.</summary>
    public static MountsBelow Read(BytePath root) =>
        PathOps.TryRealPath(root, out BytePath real) == 0
        && TryReadTable(out byte[] table)
            ? Of(table, real)
            : default;

    // It is read piece by piece: one that changes meanwhile may lack lines that were there all the time.
    private static bool TryReadTable(out byte[] table)
    {
        bool isRead = PathOps.TryReadSmallFile(s_mountInfo, out table) == 0;
        for (int i = 0; i < ReadsMax && isRead; i++)
        {
            byte[] before = table;
            isRead = PathOps.TryReadSmallFile(s_mountInfo, out table) == 0;
            if (table.AsSpan().SequenceEqual(before))
                break;
        }

        return isRead;
    }

    /// <summary>What <paramref name="table"/>, a /proc/self/mountinfo, has below a directory.</summary>
    internal static MountsBelow Of(ReadOnlySpan<byte> table, BytePath directory)
    {
        bool any = false;
        ulong signature = FnvOffset;
        while (!table.IsEmpty)
        {
            int end = table.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? table : table[..end];
            table = end < 0 ? default : table[(end + 1)..];
            if (MountPoint(line) is not { } point || !point.IsAtOrBelow(directory) || point == directory)
                continue;
            any = true;
            signature = Mix(signature, line);
        }

        return new MountsBelow(any, signature);
    }

    // proc(5): number, parent, device, root, mount point, ...; blanks, tabs, newlines and backslashes as \NNN (octal).
    private static BytePath? MountPoint(ReadOnlySpan<byte> line)
    {
        for (int field = 0; field < 4; field++)
        {
            int blank = line.IndexOf((byte)' ');
            if (blank < 0)
                return null;
            line = line[(blank + 1)..];
        }

        int end = line.IndexOf((byte)' ');
        return end < 0 ? null : new BytePath(Unescape(line[..end]));
    }

    private static byte[] Unescape(ReadOnlySpan<byte> text)
    {
        byte[] bytes = new byte[text.Length];
        int length = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 3 < text.Length)
            {
                bytes[length++] = (byte)(((text[i + 1] - '0') << 6) | ((text[i + 2] - '0') << 3) | (text[i + 3] - '0'));
                i += 3;
            }
            else
            {
                bytes[length++] = text[i];
            }
        }

        return bytes[..length];
    }

    private static ulong Mix(ulong signature, ReadOnlySpan<byte> line)
    {
        foreach (byte value in line)
            signature = unchecked((signature ^ value) * FnvPrime);
        return signature;
    }
}
