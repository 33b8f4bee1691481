using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Watching;

// The walk over a tree. Every directory is opened relative to the one it is in, and watched through its descriptor
// (/proc/self/fd): a directory that is renamed in mid-scan is scanned to its end as what it was, and never mixed up
// with
// another that took its name.
internal sealed partial class Scanner
{
    private const int PathMax = 4096;

    private volatile Scan? _whole;

    // The ledger is told of the end of the first scan later than it ends: what arrives between is not of the first.
    private bool _hasScannedAll;

    private void ScanWhole(ScanReason reason)
    {
        int errno = OpenRoot(out DirectoryReader? reader);
        if (IsEpochOver)
            return;
        if (reader is null)
        {
            // It is there, as IsRootTheSame has found, and cannot be read just now.
            Scan failed = BeginScan(reason, request: null, isFirst: false);
            Post(Report(ReportKind.DirectoryFailed, TopNode(failed), errno));
            EndScan(failed, isComplete: false);
            return;
        }

        using (reader)
            ScanWhole(reason, reader);
    }

    private void ScanWhole(ScanReason reason, DirectoryReader reader)
    {
        bool isFirst = !_hasScannedAll && _knownFiles.IsFirstScan(_rule.Name);
        Scan scan = BeginScan(reason, request: null, isFirst);
        ScanNode top = TopNode(scan);
        top.Device = _rootDevice;
        top.FileSystem = _rootFacts;
        top.Identity = _identity;
        EndScan(scan, Walk(top, reader, BytePath.Empty));
    }

    private void ScanSubtree(ScanRequest request)
    {
        Scan scan = BeginScan(request.Reason, request, isFirst: false);
        ScanNode top = TopNode(scan);
        int errno = DirectoryReader.TryOpen(_rule.Path.Join(request.RelativePath), out DirectoryReader? reader);
        if (reader is null)
        {
            Post(Report(ReportKind.DirectoryFailed, top, errno));
            EndScan(scan, isComplete: false);
            return;
        }

        using (reader)
        {
            LearnFileSystem(top, reader, _rootDevice, _rootFacts);
            EndScan(scan, Walk(top, reader, request.RelativePath));
        }
    }

    private Scan BeginScan(ScanReason reason, ScanRequest? request, bool isFirst)
    {
        long now = Clock.MonotonicNs();
        _renumbered.Clear();
        if (request is null)
            _nextProgressNs = now + ((long)_options.ProgressReport.TotalMilliseconds * 1_000_000);
        var scan = new Scan(_root, _progress.ScanBegins(), _epoch, reason, request, now) { IsFirst = isFirst };
        if (scan.IsWhole)
            _whole = scan;
        return scan;
    }

    private void EndScan(Scan scan, bool isComplete)
    {
        scan.IsComplete = isComplete;
        if (scan.IsWhole)
            _whole = null;
        _hasScannedAll |= isComplete && scan.IsWhole;
        scan.EndNs = Clock.MonotonicNs();
        Post(new ScanReport(ReportKind.ScanFinished, _root) { Payload = scan });
        Wake();
    }

    // The counters are read before the directory is watched: what happens from then on is reported, or counted later.
    private ScanNode TopNode(Scan scan) =>
        new(scan, null, [])
        {
            Batch = _progress.Batch,
            ListedNs = Clock.MonotonicNs(),
            Doubts = _progress.Doubts,
        };

    /// <summary>False when it was broken off.</summary>
    private bool Walk(ScanNode top, DirectoryReader reader, BytePath relativePath)
    {
        var known = new Dictionary<BytePath, ulong>();
        foreach (KnownDirectory directory in _knownFiles.ReadDirectories(_rule.Name, relativePath))
            known[directory.Path] = directory.Device;
        var frames = new Stack<Frame>();
        try
        {
            frames.Push(new Frame(top, reader, relativePath));
            if (!Enter(frames.Peek(), known))
                return false;
            while (frames.TryPeek(out Frame? frame))
            {
                if (!Interlude(top.Scan))
                    return false;
                if (frame.TryNextDirectory(out byte[]? name))
                {
                    if (Descend(frame, name) is not { } below)
                        continue;
                    frames.Push(below);
                    if (!Enter(below, known))
                        return false;
                }
                else
                {
                    if (frame.IsListed)
                        Post(Report(ReportKind.DirectoriesListed, frame.Node));
                    frames.Pop().Dispose();
                }
            }
        }
        finally
        {
            foreach (Frame frame in frames)
                frame.Dispose();
        }

        ReportMissingDirectories(top.Scan, known);
        return true;
    }

    /// <summary>What has its turn between two directories. False when the scan is to be broken off.</summary>
    private bool Interlude(Scan scan)
    {
        SignOfLife();
        ReportProgress(scan);
        AnswerProbes();
        if (!IsRootTheSame())
            return false;
        if (scan.IsWhole)
            RunRequests();
        return !_isStopping && !IsEpochOver;
    }

    /// <summary>Watches a directory, tells of it, and lists it. False when the scan is to be broken off.</summary>
    private bool Enter(Frame frame, Dictionary<BytePath, ulong> known)
    {
        ScanNode node = frame.Node;
        int errno = 0;
        if (!node.FileSystem.IsNetwork)
        {
            int wd = _inotify.AddWatch(DescriptorPath(frame.Reader), _mask);
            node.Wd = Math.Max(0, wd);
            errno = Math.Max(0, -wd);
        }

        Post(Report(ReportKind.DirectoryFound, node, errno));
        if (node.Parent is null)
            Wake(); // from now on, until the scan is merged, the watch thread looks by itself
        node.Scan.Directories++;
        return List(frame, known.Remove(frame.RelativePath));
    }

    private Frame? Descend(Frame frame, byte[] name)
    {
        ScanNode parent = frame.Node;
        BytePath relativePath = frame.RelativePath.Join(name);
        var node = new ScanNode(parent.Scan, parent, name)
        {
            Batch = _progress.Batch,
            ListedNs = Clock.MonotonicNs(),
            Doubts = _progress.Doubts,
        };
        DirectoryReader? reader = null;
        int errno = _rule.Path.Length + 1 + relativePath.Length < PathMax
            ? DirectoryReader.TryOpenAt(frame.Reader, name, out reader)
            : Errno.ENAMETOOLONG;
        if (reader is not null)
        {
            LearnFileSystem(node, reader, parent.Device, parent.FileSystem);
            return new Frame(node, reader, relativePath);
        }

        // Gone meanwhile, or no directory any more: the watch thread is told by an event, or by the end of the listing.
        if (errno is not (Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP))
            Post(Report(ReportKind.DirectoryFailed, node, errno));
        return null;
    }

    // Another file system may be mounted in the tree, and be a network one. Below a network file system everything
    // counts
    // as one: whoever looks must pass through it.
    private void LearnFileSystem(
        ScanNode node, DirectoryReader reader, ulong deviceAbove, FileSystemFacts factsAbove)
    {
        node.Device = deviceAbove;
        node.FileSystem = factsAbove;
        if (!_mountsBelow.Any)
            return;
        if (FileStatReader.TryReadAt(reader.FileDescriptor, "."u8, out FileStat stat) != 0
            || stat.Device == deviceAbove)
            return;
        node.Device = stat.Device;
        if (_options.FileSystemOf(DescriptorPath(reader), out FileSystemFacts facts) == 0)
            node.FileSystem = facts with { IsNetwork = facts.IsNetwork || factsAbove.IsNetwork };
    }

    private void ReportMissingDirectories(Scan scan, Dictionary<BytePath, ulong> unseen)
    {
        var missing = new List<KnownDirectory>();
        foreach ((BytePath directory, ulong device) in unseen.OrderBy(known => known.Key))
        {
            if (_isStopping)
                return;
            if (missing.Count > 0 && directory.IsAtOrBelow(missing[^1].Path) && device == missing[^1].Device)
                continue;
            int errno = FileStatReader.TryRead(_rule.Path.Join(directory), out FileStat stat);
            if (!FileProber.IsAbsence(errno) && (errno != 0 || stat.Type == FileType.Directory))
                continue;
            ulong place = FileStatReader.DeviceAbove(_rule.Path, directory);
            if (device != 0 && device != place)
                scan.Away++;
            else if (place != 0)
                missing.Add(new KnownDirectory(directory, place));
        }

        if (missing.Count == 0 || !IsRootTheSame(now: true))
            return;
        foreach (KnownDirectory directory in missing)
            Post(new ScanReport(ReportKind.DirectoryMissing, _root) { Payload = directory, Epoch = _epoch });
    }

    private ScanReport Report(ReportKind kind, ScanNode node, int value = 0) =>
        new(kind, _root) { Node = node, Value = value };

    private static BytePath DescriptorPath(DirectoryReader reader) => new(Encoding.ASCII.GetBytes(
        string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{reader.FileDescriptor}")));

    /// <summary>A directory whose own directories have not all been entered yet.</summary>
    private sealed class Frame(ScanNode node, DirectoryReader reader, BytePath relativePath) : IDisposable
    {
        private List<byte[]>? _directories;
        private int _next;

        public ScanNode Node { get; } = node;

        public DirectoryReader Reader { get; } = reader;

        public BytePath RelativePath { get; } = relativePath;

        /// <summary>True when the listing came to its end.</summary>
        public bool IsListed { get; set; }

        public void AddDirectory(ReadOnlySpan<byte> name) => (_directories ??= []).Add(name.ToArray());

        public bool TryNextDirectory([NotNullWhen(true)] out byte[]? name)
        {
            name = _directories is not null && _next < _directories.Count ? _directories[_next++] : null;
            return name is not null;
        }

        public void Dispose() => Reader.Dispose();
    }
}
