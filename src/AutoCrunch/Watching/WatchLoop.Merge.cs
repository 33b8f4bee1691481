using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Watching;

// What the scan threads report becomes part of the tree here, or is dropped because events have overtaken it.
internal sealed partial class WatchLoop
{
    /// <summary>Merges some reports. False when there was none.</summary>
    private bool MergeReports()
    {
        int merged = 0;
        while (merged < ReportsPerTurn && _suspects.Count < SuspectsMax && _inbox.TryTake(out ScanReport report))
        {
            merged++;
            Merge(report);
        }

        return merged > 0;
    }

    private void Merge(in ScanReport report)
    {
        switch (report.Kind)
        {
            case ReportKind.DirectoryFound:
                MergeDirectory(report.Node!, report.Value);
                break;
            case ReportKind.FileFound:
            case ReportKind.FileMissing:
                MergeFile(report);
                break;
            case ReportKind.DirectoryListed:
                MergeListing(report.Node!, report.Value);
                break;
            case ReportKind.DirectoriesListed:
                ForgetUnseen(report.Node!);
                break;
            case ReportKind.DirectoryFailed:
                MergeFailure(report.Node!, report.Value);
                break;
            case ReportKind.DirectoryMissing:
                Suspect(report.Root, (KnownDirectory)report.Payload!, report.Epoch);
                break;
            case ReportKind.ScanFinished:
                _progress.ScanIsMerged();
                ScanFinished(report.Root, (Scan)report.Payload!);
                DropStash();
                break;
            case ReportKind.Probed:
                MergeAnswer((LateAnswer)report.Payload!);
                break;
            case ReportKind.RootLost when report.Epoch == report.Root.Epoch:
                LoseRoot(report.Root, report.Value);
                break;
            case ReportKind.RootAbsent when report.Epoch == report.Root.Epoch:
                RootIsAbsent(report.Root, report.Value);
                break;
            case ReportKind.MountsChanged when report.Epoch == report.Root.Epoch:
                _log.MountsChanged(report.Root.Rule.Name, report.Root.Rule.Path);
                RequestWhole(report.Root, ScanReason.Mounts);
                break;
            default:
                break; // of an earlier life of the root
        }
    }

    private void MergeDirectory(ScanNode node, int watchErrno)
    {
        if (Place(node) is not { } directory)
        {
            // Watched in a place that is no longer its place. Whoever has it now asks for its own scan.
            if (node.Wd > 0 && _tree.OnWd(node.Wd) is null)
            {
                _stash.Take(node.Wd, out _);
                EndWatch(node.Wd);
            }

            return;
        }

        node.Directory = directory;
        directory.SeenByScan = node.Scan.Id;
        bool wasRemote = directory.Has(DirectoryTraits.Remote);
        directory.Set(DirectoryTraits.Remote, node.FileSystem.IsNetwork);
        directory.Set(DirectoryTraits.UnstableInodes, !node.FileSystem.HasStableInodes);
        directory.Set(DirectoryTraits.SeveralDevices, node.FileSystem.HasSeveralDevices);
        if (node.FileSystem.IsNetwork && !wasRemote && directory.Parent is not null)
            BecameRemote(directory, node.FileSystem.Name);
        else if (!node.FileSystem.IsNetwork)
            _remoteMounts.Remove(directory);
        if (node.Wd > 0)
            Watched(directory, node);
        else if (watchErrno != 0)
            NotWatched(directory, watchErrno);
    }

    // A network file system is mounted here. Without safety rescans nothing would ever tell of its changes.
    private void BecameRemote(WatchedDirectory directory, string fileSystem)
    {
        _remoteMounts.Add(directory);
        SetUncovered(directory, LacksRescans(directory));
        _log.RemoteDirectory(
            directory.Rule.Name, directory.AbsolutePath, fileSystem,
            directory.Rule.RescanInterval > TimeSpan.Zero ? directory.Rule.RescanInterval : _options.UncoveredRescan);
    }

    // A root on a network file system is scanned again whatever its rule says.
    private static bool LacksRescans(WatchedDirectory directory) =>
        directory.Parent is not null && directory.Rule.RescanInterval <= TimeSpan.Zero;

    private WatchedDirectory? Place(ScanNode node)
    {
        if (node.Parent is { } above)
            return PlaceChild(node, above.Directory);
        return node.Scan.Request is { } request ? PlaceRequested(node, request) : PlaceRoot(node);
    }

    private WatchedDirectory? PlaceChild(ScanNode node, WatchedDirectory? parent)
    {
        if (parent is null || parent.Has(DirectoryTraits.Detached))
            return null;
        if (_tree.FindChild(parent, node.Name) is not { } directory)
            return AddDirectory(parent, node.Name);
        if (directory.Wd > 0 && node.Wd > 0 && directory.Wd != node.Wd)
            ForgetBelow(directory); // replaced by another directory of that name
        return directory;
    }

    private WatchedDirectory? PlaceRequested(ScanNode node, ScanRequest request)
    {
        WatchedDirectory directory = request.Directory;
        if (directory.IsAdrift)
            return null;
        bool isSame = node.Wd > 0 && node.Wd == directory.Wd;

        // Renamed since: the scan may have looked into another directory. The rename has asked for a scan of its own.
        if (!isSame && directory.RelativePath != request.RelativePath)
            return null;
        if (directory.Wd > 0 && node.Wd > 0 && !isSame)
            ForgetBelow(directory);
        return directory;
    }

    private WatchedDirectory? PlaceRoot(ScanNode node)
    {
        WatchedRoot root = node.Scan.Root;
        if (node.Scan.Epoch != root.Epoch)
            return null;
        if (root.Directory is not { } directory)
        {
            root.Identity = node.Identity;
            root.FileSystem = node.FileSystem;
            root.IsAbsenceReported = false;
            root.Directory = new WatchedDirectory(root, null, []);
            return root.Directory;
        }

        if (directory.Wd == 0 || node.Wd == 0 || directory.Wd == node.Wd)
            return directory;
        LoseRoot(root, 0);
        return null;
    }

    private void Watched(WatchedDirectory directory, ScanNode node)
    {
        SetUncovered(directory, false);
        if (_deadWds.Contains(node.Wd))
        {
            // Ended since the scan began: for another rule that shared the watch, or by the kernel.
            RequestScan(directory, ScanReason.DirectoryChanged);
            return;
        }

        if (directory.Wd == node.Wd)
            return;
        bool isLate = ForgetStale(directory, node);
        _tree.Link(directory, node.Wd);
        if (isLate)
            RequestScan(directory, ScanReason.DirectoryChanged);
        Replay(directory, node.Wd);
    }

    /// <summary>
    /// Looks at who else is on the watch. A directory of the same rule may be what this one was called before. True
    /// when
    /// another has had events since this one was listed: they were not for it then, so it must be listed again.
    /// </summary>
    private bool ForgetStale(WatchedDirectory directory, ScanNode node)
    {
        if (_tree.OnWd(node.Wd) is not { } first)
            return false;
        var others = new List<WatchedDirectory>();
        for (WatchedDirectory? other = first; other is not null; other = WatchTree.NextOnWd(other))
            others.Add(other);
        bool isLate = false;
        foreach (WatchedDirectory other in others)
        {
            isLate |= unchecked(other.LastEventBatch - node.Batch) >= 0;
            if (other.Root != directory.Root || other.IsAdrift || other.Parent is null
                || PresenceOf(other, other.RelativePath) != Presence.Gone)
                continue;
            SuspectGone(other);
        }

        return isLate;
    }

    private void MergeFile(in ScanReport report)
    {
        if (report.Node!.Directory is not { } directory || directory.Has(DirectoryTraits.Detached))
            return;
        if (report.Kind == ReportKind.FileMissing)
        {
            Suspect(directory, report.Name!);
            return;
        }

        _tracker.Publish(
            new FileEvent(directory, report.Name, FileEventKind.Found, 0, _now, _queueEmpty)
            {
                HeldBefore = report.Held,
                HeldVersion = report.HeldVersion,
                IsFirstScan = report.Node.Scan.IsFirst,
                IsUpdateInPlace = report.IsUpdateInPlace,
                ListedNs = report.Node.ListedNs,
            });
    }

    private void MergeListing(ScanNode node, int errno)
    {
        if (node.Directory is not { } directory || directory.Has(DirectoryTraits.Detached))
            return;
        if (errno != 0)
        {
            Unreadable(directory, errno);
            return;
        }

        if (node.Doubts == _progress.Doubts && directory.Wd == node.Wd)
            directory.IsUncertain = false;
        if (directory.Has(DirectoryTraits.Reported))
        {
            directory.Set(DirectoryTraits.Reported, false);
            if (directory.Has(DirectoryTraits.Remote))
                SetUncovered(directory, LacksRescans(directory)); // of others the watch tells
            _log.DirectoryReadable(directory.Rule.Name, directory.AbsolutePath);
        }
    }

    // Directories that we know and that the listing did not show: the events that told of it were lost.
    private void ForgetUnseen(ScanNode node)
    {
        if (node.Directory is not { } directory || directory.Has(DirectoryTraits.Detached))
            return;
        WatchedDirectory? next;
        for (WatchedDirectory? child = directory.FirstChild; child is not null; child = next)
        {
            next = child.NextSibling;
            if (child.SeenByScan == node.Scan.Id)
                continue;
            if (child.Has(DirectoryTraits.Remote))
                Forget(child);
            else if (PresenceOf(child, child.RelativePath) == Presence.Gone)
                SuspectGone(child);
        }
    }

    private void MergeFailure(ScanNode node, int errno)
    {
        if (Place(node) is not { } directory)
            return;
        directory.SeenByScan = node.Scan.Id;
        if (errno is not (Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP))
            Unreadable(directory, errno);
        else if (directory.Parent is not null && PresenceOf(directory, directory.RelativePath) == Presence.Gone)
            SuspectGone(directory);
    }

    private void MergeAnswer(LateAnswer late)
    {
        LateProbe probe = late.Probe;
        WatchedDirectory directory = probe.Directory;
        if (directory.Has(DirectoryTraits.Detached))
            return;
        bool isInPlace = !directory.IsAdrift && directory.AbsolutePath == probe.DirectoryPath;
        ProbeAnswer answer = isInPlace ? late.Answer : ProbeAnswer.Unreadable; // the look was at another path
        _tracker.Probed(directory, probe.Name, probe.Depth, answer, _now);
    }
}
