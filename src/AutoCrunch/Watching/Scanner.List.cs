using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Watching;

// The listing of one directory: each file that the rule takes is compared with what the ledger knows.
internal sealed partial class Scanner
{
    private const int EntriesPerPause = 256;
    private const int NameMax = 255;

    private readonly byte[] _path = new byte[PathMax + 1 + NameMax];
    private readonly Dictionary<BytePath, KnownFile> _known = new(BytePathComparer.Instance);
    private readonly HashSet<(ulong Before, ulong Now)> _renumbered = [];
    private long _nextProgressNs;

    /// <summary>False when the scan is to be broken off.</summary>
    private bool List(Frame frame, bool hasKnownFiles)
    {
        ScanNode node = frame.Node;
        _known.Clear();
        if (hasKnownFiles)
            _knownFiles.ReadDirectory(_rule.Name, frame.RelativePath, _known);
        int prefix = WritePrefix(frame.RelativePath);
        int errno = 0;
        try
        {
            int entries = 0;
            while (frame.Reader.Read(out ReadOnlySpan<byte> name, out FileType type))
            {
                if (++entries % EntriesPerPause == 0 && !Pause(node.Scan))
                    return false;
                int failed = Take(frame, name, type, prefix);
                errno = errno == 0 ? failed : errno;
            }
        }
        catch (LinuxException failure)
        {
            errno = failure.ErrorNumber;
        }

        frame.IsListed = errno == 0;
        if (frame.IsListed)
            ReportMissingFiles(frame);
        Post(Report(ReportKind.DirectoryListed, node, errno));
        return !_isStopping;
    }

    /// <summary>Looks at one entry. Returns 0, or the errno that kept it from being seen.</summary>
    private int Take(Frame frame, ReadOnlySpan<byte> name, FileType type, int prefix)
    {
        FileStat stat = default;
        if (type == FileType.Unknown)
        {
            int errno = FileStatReader.TryReadAt(frame.Reader.FileDescriptor, name, out stat);
            if (errno != 0)
                return errno == Errno.ENOENT ? 0 : errno;
            type = stat.Type;
        }

        name.CopyTo(_path.AsSpan(prefix));
        ReadOnlySpan<byte> path = _path.AsSpan(0, prefix + name.Length);
        if (type == FileType.Directory && _rule.Recursive && !_rule.Completion.IgnoredDirectories.Matches(path))
            frame.AddDirectory(name);
        if (type != FileType.Regular)
            return 0;
        if (_rule.Takes(path))
            return Compare(frame, name);
        _known.GetAlternateLookup<ReadOnlySpan<byte>>().Remove(name); // there, whatever the rule says of it now
        return 0;
    }

    private int Compare(Frame frame, ReadOnlySpan<byte> name)
    {
        ScanNode node = frame.Node;
        int errno = FileStatReader.TryReadAt(frame.Reader.FileDescriptor, name, out FileStat stat);
        if (errno != 0)
            return errno == Errno.ENOENT ? 0 : errno;
        if (stat.Type != FileType.Regular)
            return 0;
        node.Scan.Files++;
        stat = FileProber.Stabilise(stat, TraitsOf(node));
        FileVersion version = stat.Version;
        bool isKnown = _known.GetAlternateLookup<ReadOnlySpan<byte>>().Remove(name, out _, out KnownFile known);
        if (isKnown && known.Version == version && known.Device != stat.Device)
            Renumbered(known.Device, stat.Device);

        // A held file is told again by scans of the whole root: the rule may hold it no longer.
        if (isKnown && known.Version == version && (known.Held is null || !node.Scan.IsWhole))
            return 0;
        if (!isKnown || known.Version != version)
            node.Scan.Found++;
        Post(new ScanReport(ReportKind.FileFound, _root)
        {
            Node = node,
            Name = name.ToArray(),
            Held = isKnown && known.Version == version ? known.Held : null,
            HeldVersion = version,
            IsUpdateInPlace = isKnown && known.IsUpdatedBy(stat),
        });
        return 0;
    }

    // The same file with another device number: the machine was started, or the file system mounted, anew.
    private void Renumbered(ulong before, ulong now)
    {
        if (before == 0 || now == 0 || !_renumbered.Add((before, now)))
            return;
        _knownFiles.DeviceRenumbered(_rule.Name, before, now);
    }

    private void ReportMissingFiles(Frame frame)
    {
        foreach ((BytePath name, KnownFile known) in _known)
        {
            bool isAway = known.Device != 0 && known.Device != frame.Node.Device
                && !frame.Node.FileSystem.HasSeveralDevices && !_renumbered.Contains((known.Device, frame.Node.Device));
            if (isAway)
            {
                frame.Node.Scan.Away++;
                continue;
            }

            int errno = FileStatReader.TryReadAt(frame.Reader.FileDescriptor, name.Span, out FileStat stat);
            if (errno == Errno.ENOENT || (errno == 0 && stat.Type != FileType.Regular))
            {
                Post(new ScanReport(ReportKind.FileMissing, _root) { Node = frame.Node, Name = name.Span.ToArray() });
            }
        }
    }

    // In a directory of a million files. Only probes: the buffers of this listing are in use.
    private bool Pause(Scan scan)
    {
        SignOfLife();
        Wake();
        ReportProgress(scan);
        AnswerProbes();
        return !_isStopping && !IsEpochOver;
    }

    private void ReportProgress(Scan scan)
    {
        long now = Clock.MonotonicNs();
        long intervalNs = (long)_options.ProgressReport.TotalNanoseconds;
        if (now < _nextProgressNs || now - scan.StartNs < intervalNs)
            return;
        _nextProgressNs = now + intervalNs;
        if (scan.IsWhole)
            scan.KnownFiles ??= _knownFiles.CountFiles(_rule.Name);
        _log.ScanGoesOn(_rule.Name, _rule.Path, scan.Status(now));
    }

    private int WritePrefix(BytePath relativePath)
    {
        relativePath.Span.CopyTo(_path);
        if (relativePath.IsEmpty)
            return 0;
        _path[relativePath.Length] = (byte)'/';
        return relativePath.Length + 1;
    }

    private static DirectoryTraits TraitsOf(ScanNode node) =>
        (node.FileSystem.HasStableInodes ? DirectoryTraits.None : DirectoryTraits.UnstableInodes)
        | (node.FileSystem.HasSeveralDevices ? DirectoryTraits.SeveralDevices : DirectoryTraits.None);
}
