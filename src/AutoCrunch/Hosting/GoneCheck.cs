using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Hosting;

/// <summary>
/// Tells the ledger whether a file is certainly not there any more. Never asks a network file system, which could keep
/// the ledger waiting, wherever in a tree it is mounted: of files there nothing is certain. Ledger thread.
/// </summary>
internal sealed class GoneCheck
{
    // For so long the mount table counts as it was: thousands of files may be asked for, one after the other.
    private const long TableNs = 1_000_000_000;

    private static readonly HashSet<string> s_localTypes = new(
        ["ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "tmpfs", "ramfs", "vfat", "exfat", "overlay"],
        StringComparer.Ordinal);

    private readonly Dictionary<string, BytePath?> _roots = new(StringComparer.Ordinal);
    private byte[] _table = [];
    private long _tableUntilNs;

    /// <summary>
    /// True when the rule's directory is there, the path in it is on a local file system and not there, and the device
    /// that it was seen on (0: not known) is not unmounted.
    /// </summary>
    public bool IsGone(WatchRule rule, BytePath path, ulong device) =>
        IsLocal(rule, path)
        && FileStatReader.TryRead(rule.Path.Join(path), out _) is Errno.ENOENT or Errno.ENOTDIR
        && FileStatReader.TryReadTarget(rule.Path, out _) == 0
        && (device == 0 || FileStatReader.DeviceAbove(rule.Path, path) == device);

    /// <summary>True when what is mounted there last, as the table has it, is a local file system.</summary>
    internal static bool IsLocal(ReadOnlySpan<byte> table, BytePath path)
    {
        int longest = -1;
        bool isLocal = false;
        var mounts = new MountInfoReader(table);
        while (mounts.MoveNext())
        {
            // Later lines may be mounted over earlier ones.
            if (mounts.Point is not { } point || point.Length < longest || !path.IsAtOrBelow(point))
                continue;
            longest = point.Length;
            isLocal = s_localTypes.Contains(Encoding.ASCII.GetString(mounts.Type));
        }

        return isLocal;
    }

    private bool IsLocal(WatchRule rule, BytePath path)
    {
        long now = Clock.MonotonicNs();
        if (now >= _tableUntilNs)
        {
            _roots.Clear();
            if (MountInfoReader.TryReadTable(out _table) != 0)
                return false;
            _tableUntilNs = now + TableNs;
        }

        if (!_roots.TryGetValue(rule.Name, out BytePath? root))
        {
            root = IsLocal(_table, rule.Path) && PathOps.TryRealPath(rule.Path, out BytePath real) == 0 ? real : null;
            _roots[rule.Name] = root;
        }

        return root is { } there && IsLocal(_table, there.Join(path));
    }
}
