using AutoCrunch.Core;
using AutoCrunch.Linux;
using FileSystemInfo = AutoCrunch.Linux.FileSystemInfo;

namespace AutoCrunch.Hosting;

/// <summary>
/// Tells the ledger whether a file is certainly not there any more. Never asks a network file system, which could keep
/// the ledger waiting: of files there nothing is certain. Ledger thread.
/// </summary>
internal sealed class GoneCheck
{
    private readonly Dictionary<string, (ulong Device, bool IsNetwork)> _roots = new(StringComparer.Ordinal);

    /// <summary>
    /// True when the rule's directory is there, on a local file system, and the path in it is not; nor is the device
    /// that it was seen on (0: not known) unmounted.
    /// </summary>
    public bool IsGone(WatchRule rule, BytePath path, ulong device) =>
        IsRootLocal(rule)
        && FileStatReader.TryRead(rule.Path.Join(path), out _) is Errno.ENOENT or Errno.ENOTDIR
        && (device == 0 || FileStatReader.DeviceAbove(rule.Path, path) == device);

    private bool IsRootLocal(WatchRule rule)
    {
        bool isSeen = _roots.TryGetValue(rule.Name, out (ulong Device, bool IsNetwork) seen);
        if (isSeen && seen.IsNetwork)
            return false;
        if (FileStatReader.TryReadTarget(rule.Path, out FileStat root) != 0)
            return false;
        if (isSeen && seen.Device == root.Device)
            return true;
        if (FileSystemInfo.TryRead(rule.Path, out FileSystemFacts facts) != 0)
            return false;
        _roots[rule.Name] = (root.Device, facts.IsNetwork);
        return !facts.IsNetwork;
    }
}
