using AutoCrunch.Core;

namespace AutoCrunch.Linux;

/// <summary>The lines of a mount table, /proc/self/mountinfo (proc_pid_mountinfo(5)), in their order.</summary>
internal ref struct MountInfoReader(ReadOnlySpan<byte> table)
{
    private static readonly BytePath s_file = new("/proc/self/mountinfo"u8);

    private ReadOnlySpan<byte> _rest = table;

    /// <summary>The line itself.</summary>
    public ReadOnlySpan<byte> Line { get; private set; }

    /// <summary>The mount point; null in a line that has none.</summary>
    public readonly BytePath? Point
    {
        get
        {
            ReadOnlySpan<byte> line = Line;
            for (int i = 0; i < 4; i++) // number, parent, device, root
            {
                int blank = line.IndexOf((byte)' ');
                if (blank < 0)
                    return null;
                line = line[(blank + 1)..];
            }

            int end = line.IndexOf((byte)' ');
            return end < 0 ? null : new BytePath(Unescape(line[..end]));
        }
    }

    /// <summary>The type of the file system: "nfs4"; empty in a line that has none.</summary>
    public readonly ReadOnlySpan<byte> Type
    {
        get
        {
            int dash = Line.IndexOf(" - "u8); // ends the optional fields; paths have their blanks escaped
            if (dash < 0)
                return default;
            ReadOnlySpan<byte> type = Line[(dash + 3)..];
            int blank = type.IndexOf((byte)' ');
            return blank < 0 ? type : type[..blank];
        }
    }

    /// <summary>The table as it is now. Asks no file system. Returns 0 or the errno.</summary>
    public static int TryReadTable(out byte[] table) => PathOps.TryReadSmallFile(s_file, out table);

    /// <summary>Goes to the next line.</summary>
    public bool MoveNext()
    {
        if (_rest.IsEmpty)
            return false;
        int end = _rest.IndexOf((byte)'\n');
        Line = end < 0 ? _rest : _rest[..end];
        _rest = end < 0 ? default : _rest[(end + 1)..];
        return true;
    }

    // Blanks, tabs, newlines and backslashes are \NNN (octal).
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
}
