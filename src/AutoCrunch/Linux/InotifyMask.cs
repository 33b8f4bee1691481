using System.Text;

namespace AutoCrunch.Linux;

/// <summary>Event bits and watch flags of inotify(7).</summary>
internal static class InotifyMask
{
    public const uint IN_ACCESS = 0x1;
    public const uint IN_MODIFY = 0x2;
    public const uint IN_ATTRIB = 0x4;
    public const uint IN_CLOSE_WRITE = 0x8;
    public const uint IN_CLOSE_NOWRITE = 0x10;
    public const uint IN_OPEN = 0x20;
    public const uint IN_MOVED_FROM = 0x40;
    public const uint IN_MOVED_TO = 0x80;
    public const uint IN_CREATE = 0x100;
    public const uint IN_DELETE = 0x200;
    public const uint IN_DELETE_SELF = 0x400;
    public const uint IN_MOVE_SELF = 0x800;
    public const uint IN_UNMOUNT = 0x2000;
    public const uint IN_Q_OVERFLOW = 0x4000;
    public const uint IN_IGNORED = 0x8000;
    public const uint IN_ONLYDIR = 0x0100_0000;
    public const uint IN_DONT_FOLLOW = 0x0200_0000;
    public const uint IN_EXCL_UNLINK = 0x0400_0000;
    public const uint IN_MASK_ADD = 0x2000_0000;
    public const uint IN_ISDIR = 0x4000_0000;

    // In the order people read them: what happened, then what it happened to.
    private static readonly (uint Bit, string Name)[] s_names =
    [
        (IN_CREATE, "CREATE"), (IN_OPEN, "OPEN"), (IN_ACCESS, "ACCESS"), (IN_MODIFY, "MODIFY"), (IN_ATTRIB, "ATTRIB"),
        (IN_CLOSE_WRITE, "CLOSE_WRITE"), (IN_CLOSE_NOWRITE, "CLOSE_NOWRITE"), (IN_MOVED_FROM, "MOVED_FROM"),
        (IN_MOVED_TO, "MOVED_TO"), (IN_DELETE, "DELETE"), (IN_DELETE_SELF, "DELETE_SELF"),
        (IN_MOVE_SELF, "MOVE_SELF"), (IN_UNMOUNT, "UNMOUNT"), (IN_Q_OVERFLOW, "Q_OVERFLOW"), (IN_IGNORED, "IGNORED"),
        (IN_ONLYDIR, "ONLYDIR"), (IN_DONT_FOLLOW, "DONT_FOLLOW"), (IN_EXCL_UNLINK, "EXCL_UNLINK"),
        (IN_MASK_ADD, "MASK_ADD"), (IN_ISDIR, "ISDIR"),
    ];

    /// <summary>"CREATE|ISDIR"; bits without a name in hexadecimal, "0" for none.</summary>
    public static string Describe(uint mask)
    {
        var text = new StringBuilder();
        foreach ((uint bit, string name) in s_names)
        {
            if ((mask & bit) == 0)
                continue;
            text.Append(text.Length > 0 ? "|" : "").Append(name);
            mask &= ~bit;
        }

        if (mask != 0 || text.Length == 0)
            text.Append(text.Length > 0 ? "|" : "").Append(mask == 0 ? "0" : $"0x{mask:X}");
        return text.ToString();
    }
}
