namespace AutoCrunch.Core.Tests.Simulation;

/// <summary>Scans: watch first, then list, and merge what was seen one by one.</summary>
internal sealed partial class ServiceModel
{
    private readonly Queue<ScanNews> _inbox = new();
    private readonly Queue<Node> _todo = new();
    private readonly List<Node> _wanted = [];
    private bool _isWholeWanted = true;
    private bool _isScanning;
    private bool _isWhole;
    private bool _isMidTurn;
    private HashSet<string> _listed = [];

    public void WantWholeScan() => _isWholeWanted = true;

    /// <summary>Merges one thing that was seen, lists one directory, or begins or ends a scan.</summary>
    /// <param name="endsTurn">
    /// False when the watch thread goes on merging: scans go on beside it, so what they see meanwhile is merged in the
    /// same turn, before another event is read or a deadline passes.
    /// </param>
    public void StepScan(bool endsTurn = true)
    {
        if (_inbox.TryDequeue(out ScanNews? news))
        {
            // As in the watch loop (which reads some 8,000 events at a time): what a listing saw is merged after what
            // led to it has been read, and before deadlines pass.
            if (!_isMidTurn)
                TakeEvents(int.MaxValue);
            Merge(news);
        }
        else if (_todo.TryDequeue(out Node? node))
            List(node);
        else if (_isScanning)
            EndScan();
        else if (_isWholeWanted)
        {
            (_isWholeWanted, _isScanning, _isWhole) = (false, true, true);
            _wanted.Clear();
            _listed = [];
            _todo.Enqueue(_root);
        }
        else if (_wanted.Count > 0)
        {
            (_isScanning, _isWhole) = (true, false);
            _todo.Enqueue(_wanted[0]);
            _wanted.RemoveAt(0);
        }

        _isMidTurn = !endsTurn;
        if (endsTurn)
            Advance();
    }

    private void WantScan(Node node)
    {
        if (node.Above is null)
            _isWholeWanted = true;
        else if (!node.IsDetached && !_wanted.Contains(node))
            _wanted.Add(node);
    }

    private void EndScan()
    {
        _isScanning = false;
        if (!_isWhole)
            return;
        _ledger.Tell(_ledger.FirstScanFinished);
        foreach (string directory in _ledger.Directories().Where(path => !_listed.Contains(path)).ToArray())
            _suspects.Add(new Suspect(null, null, directory, _world.MonotonicNs));
    }

    private void List(Node node)
    {
        if (node.IsAdrift)
            return;
        string path = node.Text;
        if (_world.FindFolder(path) is not { } folder)
        {
            Suspected(node);
            return;
        }

        if (node.Folder is not null && node.Folder != folder)
            ForgetBelow(node);
        if (node.Folder is null)
        {
            node.IsUncertain = true;
            if (_byFolder.TryGetValue(folder, out List<Node>? others))
            {
                // It may be what this one was called before.
                foreach (Node other in others)
                    if (!other.IsAdrift && IsFolderGone(other.Text))
                        Suspected(other);
            }

            Watch(node, folder);
        }

        _world.Note($"  list {path}/");
        _listed.Add(path);
        ListFiles(node, folder, path);
        ListFolders(node, folder);
        _inbox.Enqueue(new ScanNews(node, null, false, null, false, folder, _doubts));
    }

    // One of several links, whose rename to this name is not read yet, looks like a new one.
    private void Sees(Entry entry) => entry.Inode.WasMovedUnread |=
        entry.Inode.Links > 1 && _world.Queue.HoldsMove(entry.Folder, entry.Name);

    private void ListFiles(Node node, Folder folder, string path)
    {
        var known = _ledger.FilesIn(path).ToDictionary(file => file.Name, file => file.Row);
        foreach ((string name, Entry entry) in folder.Files)
        {
            Sees(entry);
            bool isKnown = known.Remove(name, out LedgerModel.Row row);
            if (!_rule.Takes(node.PathOf(World.Bytes(name)).Span))
                continue;
            Inode inode = entry.Inode;
            bool isEqual = isKnown && row.Version == inode.Stat.Version;
            HoldReason? held = isKnown && row.State != EntryState.Present ? row.Held : null;
            if (isEqual && (held is null || !_isWhole))
                continue;
            bool isUpdate = isKnown && new KnownFile(row.Version, held) { BirthNs = row.BirthNs }
                .IsUpdatedBy(inode.Stat);

            // Within one tick of the clock, nothing tells it from its predecessor with the same number.
            if (isUpdate && inode.Mark == Mark.OwnerOnly && inode.BirthNs == row.BirthNs)
                inode.Mark = Mark.None;
            _inbox.Enqueue(new ScanNews(node, name, false, isEqual ? held : null, isUpdate, folder, 0)
            {
                Version = inode.Stat.Version,
                ListedNs = _world.MonotonicNs,
            });
        }

        foreach (string name in known.Keys)
            _inbox.Enqueue(new ScanNews(node, name, true, null, false, folder, 0));
    }

    private void ListFolders(Node node, Folder folder)
    {
        foreach (string name in folder.Folders.Keys)
        {
            if (!name.StartsWith('.'))
                _todo.Enqueue(node.Children.GetValueOrDefault(name) ?? AddNode(node, name));
        }

        foreach (Node child in node.Children.Values)
        {
            if (!folder.Folders.ContainsKey(child.NameText) && IsFolderGone(child.Text))
                Suspected(child);
        }
    }

    private void Merge(ScanNews news)
    {
        Node node = news.Node;
        if (node.IsDetached)
            return;
        if (news.Name is null)
        {
            if (news.Doubts == _doubts && node.Folder == news.Folder)
                node.IsUncertain = false;
        }
        else if (news.IsMissing)
            Suspected(node, news.Name);
        else
        {
            // Found before its event was read: by definition a new version.
            if (node.Folder?.Files.GetValueOrDefault(news.Name) is { } entry
                && _world.Queue.HoldsTouch(node.Folder, news.Name))
                entry.Inode.WasTouchedUnseen = true;
            Publish(node, FileEventKind.Found, news.Name, 0, news);
        }
    }
}
