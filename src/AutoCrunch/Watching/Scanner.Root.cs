using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Watching;

// Whether the root is there, and whether it still is the directory that is watched.
internal sealed partial class Scanner
{
    private bool _isRootFound;
    private bool _isLossReported;
    private int _reportedAbsence;
    private RootIdentity _identity;
    private ulong _rootDevice;
    private FileSystemFacts _rootFacts;
    private long _nextRootCheckNs;
    private bool _isPathCovered;
    private MountsBelow _mountsBelow;

    // True when what a scan sees no longer counts.
    private bool IsEpochOver => _isLossReported || Volatile.Read(ref _wantedEpoch) != _epoch;

    private void FollowEpoch()
    {
        int wanted = Volatile.Read(ref _wantedEpoch);
        if (wanted == _epoch)
            return;
        _epoch = wanted;
        _isRootFound = false;
        _isLossReported = false;
        _reportedAbsence = 0;
        _nextRootCheckNs = 0;
    }

    private bool IsRootCheckDue() => _isCheckWanted || Clock.MonotonicNs() >= _nextRootCheckNs;

    private void RootIsChecked()
    {
        bool isRemote = _isRootFound && _rootFacts.IsNetwork;
        TimeSpan interval = isRemote ? _options.RemoteRootCheck
            : _isRootFound && _isPathCovered ? _options.CoveredRootCheck : _options.RootCheck;
        _nextRootCheckNs = Clock.MonotonicNs() + ((long)interval.TotalMilliseconds * 1_000_000);
        SignOfLife();
    }

    private void FindRoot()
    {
        _isCheckWanted = false;
        _isPathCovered = _paths.Cover(_rule.Path); // first: what changes from now on is told
        int errno = OpenRoot(out DirectoryReader? reader);
        if (reader is null)
        {
            RootIsChecked();
            if (errno == _reportedAbsence)
                return;
            _reportedAbsence = errno;
            Post(new ScanReport(ReportKind.RootAbsent, _root) { Value = errno, Epoch = _epoch });
            return;
        }

        using (reader)
        {
            _isRootFound = true;
            _mountsBelow = MountsBelow.Read(_rule.Path);
            _isMountCheckWanted = false;
            RootIsChecked();
            TakeWhole();
            ScanWhole(ScanReason.RootFound, reader);
        }
    }

    // Sets what is known of the root when it was not known before.
    private int OpenRoot(out DirectoryReader? reader)
    {
        int errno = DirectoryReader.TryOpenTarget(_rule.Path, out reader);
        if (reader is null)
            return errno;
        BytePath opened = DescriptorPath(reader);
        errno = FileStatReader.TryReadTarget(opened, out FileStat stat);
        if (errno == 0)
            errno = _options.FileSystemOf(opened, out _rootFacts);
        if (errno != 0)
        {
            reader.Dispose();
            reader = null;
            return errno;
        }

        RootIdentity identity = RootIdentity.Of(stat, _rootFacts.HasStableInodes);
        if (_isRootFound && identity != _identity)
        {
            reader.Dispose();
            reader = null;
            ReportLoss(0);
            return Errno.ESTALE;
        }

        _identity = identity;
        _rootDevice = stat.Device;
        return 0;
    }

    /// <summary>
    /// False when the path leads to another directory, or nowhere: that is reported, and nothing is scanned until the
    /// watch thread has taken note of it.
    /// </summary>
    private bool IsRootTheSame(bool now = false)
    {
        if (!_isRootFound || _isLossReported)
            return false;
        if (!now && !IsRootCheckDue())
            return true;
        _isCheckWanted = false;
        _isPathCovered = _paths.Cover(_rule.Path); // first, as above; it may lead here by another way now
        int errno = FileStatReader.TryReadTarget(_rule.Path, out FileStat stat);
        RootIsChecked();
        if (errno != 0 || RootIdentity.Of(stat, _rootFacts.HasStableInodes) != _identity)
        {
            ReportLoss(errno);
            return false;
        }

        LookForMounts();
        return true;
    }

    private void ReportLoss(int errno)
    {
        _isLossReported = true;
        Post(new ScanReport(ReportKind.RootLost, _root) { Value = errno, Epoch = _epoch });
    }

    private void LookForMounts()
    {
        if (!_isMountCheckWanted)
            return;
        _isMountCheckWanted = false;
        MountsBelow mounts = MountsBelow.Read(_rule.Path);
        if (mounts == _mountsBelow)
            return;
        _mountsBelow = mounts;
        Post(new ScanReport(ReportKind.MountsChanged, _root) { Epoch = _epoch });
    }
}
