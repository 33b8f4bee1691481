using System;
using System.Collections.Generic;

namespace AutoCrunch.Core;

/// <summary>
/// Files that were renamed from an ordinary name and have no verdict under their new one yet, by their old names. What
/// comes to the old name next must not have its verdict first: it would take the place of what the ledger knows there,
/// and the renamed file would look like an arrival.
/// </summary>
internal sealed class LeavingFiles
{
    // How many files that have changed places in a ring are told from a row.
    private const int WaitsMax = 8;

    private readonly Dictionary<FileKey, List<TrackedFile>> _byOldName = new(new FileKeyComparer());

    public int Count { get; private set; }

    /// <summary>The file came from <paramref name="oldName"/>, as far as the kernel tells.</summary>
    public void Add(TrackedFile file, (TrackedDirectory Directory, byte[] Name) oldName)
    {
        Invariant.That(file.RenamedFrom is null);
        file.RenamedFrom = oldName;
        var key = new FileKey(oldName.Directory, oldName.Name);
        if (!_byOldName.TryGetValue(key, out List<TrackedFile>? files))
            _byOldName.Add(key, files = []);
        files.Add(file);
        Count++;
    }

    /// <summary>It has its verdict, or gets none.</summary>
    public void Remove(TrackedFile file)
    {
        if (file.RenamedFrom is not { } oldName)
            return;
        file.RenamedFrom = null;
        var key = new FileKey(oldName.Directory, oldName.Name);
        List<TrackedFile> files = _byOldName[key];
        Invariant.That(files.Remove(file));
        if (files.Count == 0)
            _byOldName.Remove(key);
        Count--;
    }

    /// <summary>
    /// True while a file that had this one's name before it is about to get its verdict. One that is written on is not
    /// waited for: that is another version.
    /// </summary>
    public bool IsBefore(TrackedFile file) => IsBefore(file, waiting: null, WaitsMax);

    /// <summary>True while a file that had this name is about to get its verdict under another.</summary>
    public bool IsAwaited(TrackedDirectory directory, ReadOnlySpan<byte> name) => Count > 0
        && _byOldName.GetAlternateLookup<FileKeyRef>().TryGetValue(new FileKeyRef(directory, name), out var files)
        && files.Exists(IsUnwritten);

    // Files that have changed places wait for each other: then none waits. Not one that waits for the very file that
    // asks, by however many others.
    private bool IsBefore(TrackedFile file, TrackedFile? waiting, int waitsMax)
    {
        if (Count == 0 || !_byOldName.TryGetValue(new FileKey(file.Directory, file.Name), out var files))
            return false;
        foreach (TrackedFile earlier in files)
        {
            if (earlier.LeftOrder >= file.Order || !IsUnwritten(earlier))
                continue;
            if (waiting is null ? !IsBefore(earlier, file, WaitsMax)
                : earlier == waiting || (waitsMax > 0 && IsBefore(earlier, waiting, waitsMax - 1)))
                return true;
        }

        return false;
    }

    private static bool IsUnwritten(TrackedFile file) => file.Phase is Phase.Renamed or Phase.Found
        || (file.Phase == Phase.Closed && (file.MayBeKnown || file.WindowStartNs == TrackedFile.NoTime));
}
