using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Watching;

/// <summary>Notices mounts inside a watched tree: they hide directories, or show others in their place.</summary>
internal static class MountsBelow
{
    private const ulong FnvOffset = 14695981039346656037;
    private const ulong FnvPrime = 1099511628211;

    private static readonly BytePath s_mountInfo = new("/proc/self/mountinfo"u8);

    /// <summary>
    /// A number that changes when what is mounted below the directory does; 0 when that cannot be told.
    /// </summary>
    public static ulong Signature(BytePath root)
    {
        if (PathOps.TryRealPath(root, out BytePath real) != 0
            || PathOps.TryReadSmallFile(s_mountInfo, out byte[] table) != 0)
            return 0;
        ulong signature = FnvOffset;
        ReadOnlySpan<byte> rest = table;
        while (!rest.IsEmpty)
        {
            int end = rest.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? rest : rest[..end];
            rest = end < 0 ? default : rest[(end + 1)..];
            if (MountPoint(line) is { } point && point.IsAtOrBelow(real) && point != real)
                signature = Mix(signature, line);
        }

        return signature;
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
