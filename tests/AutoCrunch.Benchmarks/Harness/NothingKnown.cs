using AutoCrunch.Core;

namespace AutoCrunch.Benchmarks;

/// <summary>A ledger that knows nothing and forgets what it is told.</summary>
internal sealed class NothingKnown : IKnownFiles
{
    public void ReadDirectory(string rule, BytePath directory, Dictionary<BytePath, KnownFile> files)
    {
    }

    public IReadOnlyCollection<KnownDirectory> ReadDirectories(string rule, BytePath directory) => [];

    public long CountFiles(string rule) => 0;

    public bool IsFirstScan(string rule) => false;

    public void WholeScanFinished(string rule, long found)
    {
    }

    public void MetadataChanged(string rule, BytePath path, FileStat stat)
    {
    }

    public void Held(string rule, BytePath path, FileStat stat, HoldReason reason, bool isMoved)
    {
    }

    public void Gone(string rule, BytePath path)
    {
    }

    public void DirectoryGone(string rule, BytePath directory, ulong device)
    {
    }

    public void DeviceRenumbered(string rule, ulong from, ulong to)
    {
    }

    public void DirectoryMoved(string rule, BytePath from, BytePath to)
    {
    }
}
