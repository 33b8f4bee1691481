namespace AutoCrunch.Core.Tests.Simulation;

/// <summary>How the tree follows what happens to directories.</summary>
internal sealed partial class ServiceModel
{
    private const long MoveDelayNs = 50_000_000;

    private readonly Node _root;
    private readonly Dictionary<Folder, List<Node>> _byFolder = [];
    private readonly List<(Node Node, uint Cookie, long ReadNs)> _moves = [];
    private readonly List<Suspect> _suspects = [];
    private int _doubts;

    private void Observe(KernelEvent told)
    {
        if (told.News == KernelNews.Overflow)
        {
            _world.Note($"  read overflow");
            _isWholeWanted = true;
            BeInDoubt();
            return;
        }

        if (!_byFolder.TryGetValue(told.Folder!, out List<Node>? nodes))
            return;
        foreach (Node node in nodes.ToArray())
        {
            if (told.News == KernelNews.Name && !told.IsFolder)
                Publish(node, told.Kind, told.Name, told.Cookie, inode: told.Inode);
            else if (!node.IsDetached)
                ObserveFolder(node, told);
        }
    }

    private void ObserveFolder(Node node, in KernelEvent told)
    {
        string news = told.News == KernelNews.Name ? told.Kind.ToString() : told.News.ToString();
        _world.Note($"  read {news} {node.RelativePath}/{told.Name}/");
        switch (told.News)
        {
            case KernelNews.WatchEnded:
                WatchEnded(node);
                return;
            case KernelNews.MovedSelf:
                if (node.IsAdrift || _world.FindFolder(node.Text) == node.Folder)
                    return;
                if (IsFolderGone(node.Text))
                    Suspected(node);
                else
                    WantScan(node);
                return;
            default:
                break;
        }

        Node? child = node.Children.GetValueOrDefault(told.Name);
        switch (told.Kind)
        {
            case FileEventKind.Created:
                FolderCreated(node, told.Name);
                break;
            case FileEventKind.MovedOut when child is not null:
                node.Children.Remove(told.Name);
                child.IsMoving = true;
                _moves.Add((child, told.Cookie, _world.MonotonicNs));
                break;
            case FileEventKind.MovedIn:
                FolderMovedIn(node, told.Name, told.Cookie);
                break;
            case FileEventKind.Deleted when child is not null:
                bool isGone = IsFolderGone(child.Text);
                if (isGone)
                    Vanished(child);
                else
                {
                    Forget(child);
                    FolderCreated(node, told.Name);
                }

                break;
            default:
                break;
        }
    }

    private void FolderCreated(Node parent, string name)
    {
        if (name.StartsWith('.'))
            return;
        Node node = parent.Children.GetValueOrDefault(name) ?? AddNode(parent, name);
        if (node.Folder is null)
            WantScan(node);
    }

    private void FolderMovedIn(Node parent, string name, uint cookie)
    {
        int index = _moves.FindIndex(move => move.Cookie == cookie);
        bool isEntered = !name.StartsWith('.');
        if (index < 0)
        {
            if (isEntered)
                WantScan(parent.Children.GetValueOrDefault(name) ?? AddNode(parent, name));
            return;
        }

        Node node = _moves[index].Node;
        _moves.RemoveAt(index);
        if (!isEntered || parent.IsAtOrBelow(node))
        {
            MovedAway(node);
            return;
        }

        string from = node.Text;
        if (parent.Children.TryGetValue(name, out Node? overwritten))
            Forget(overwritten);
        node.IsMoving = false;
        (node.Parent, node.Name) = (parent, World.Bytes(name));
        parent.Children[name] = node;
        string to = node.Text;
        if (from != to)
            _ledger.Tell(() => _ledger.DirectoryMoved(from, to));
        WantScan(node);
    }

    private void WatchEnded(Node node)
    {
        Unwatch(node);
        if (node.Above is null || node.IsAdrift)
            return;
        if (IsFolderGone(node.Text))
        {
            Vanished(node);
            return;
        }

        ForgetBelow(node);
        WantScan(node);
    }

    private Node AddNode(Node parent, string name) => parent.Children[name] = new Node(_rule, parent, name);

    private void Watch(Node node, Folder folder)
    {
        node.Folder = folder;
        folder.IsWatched = true;
        if (!_byFolder.TryGetValue(folder, out List<Node>? nodes))
            _byFolder.Add(folder, nodes = []);
        nodes.Add(node);
    }

    private void Unwatch(Node node)
    {
        if (node.Folder is not { } folder)
            return;
        node.Folder = null;
        List<Node> nodes = _byFolder[folder];
        nodes.Remove(node);
        if (nodes.Count > 0)
            return;
        _byFolder.Remove(folder);
        folder.IsWatched = false;
    }

    private void Vanished(Node node)
    {
        string path = node.Text;
        Forget(node);
        _ledger.Tell(() => _ledger.DirectoryGone(path));
    }

    private void MovedAway(Node node)
    {
        string path = node.Text;
        bool hasPlace = node.Above is { IsAdrift: false };
        Forget(node);
        if (hasPlace && IsFolderGone(path))
            _ledger.Tell(() => _ledger.DirectoryGone(path));
    }

    // The directory, with all below it, is no longer watched in its place.
    private void Forget(Node node)
    {
        _machine.Forget(node);
        foreach (Node each in node.Tree.ToArray())
        {
            Unwatch(each);
            each.IsDetached = true;
            _wanted.Remove(each);
        }

        if (node.Above is { } above && !node.IsMoving)
            above.Children.Remove(node.NameText);
    }

    private void ForgetBelow(Node node)
    {
        _machine.Forget(node);
        foreach (Node child in node.Children.Values.ToArray())
            Forget(child);
        Unwatch(node);
        node.IsUncertain = true;
    }

    private bool IsFolderGone(string path) => _world.FindFolder(path) is null;

    private void BeInDoubt()
    {
        _doubts++;
        _ledger.EventsAreLost();
        foreach (Node node in _root.Tree)
            node.IsUncertain = true;
    }

    // A move without a second half was a move out: known once the queue was empty after the first half was read.
    private void ExpireMoves()
    {
        for (int i = _moves.Count - 1; i >= 0; i--)
        {
            (Node node, _, long readNs) = _moves[i];
            if (_world.MonotonicNs < readNs + MoveDelayNs || _queueEmpty.MonotonicNs <= readNs)
                continue;
            _moves.RemoveAt(i);
            MovedAway(node);
        }
    }

    private void Suspected(Node node, string? name = null) =>
        _suspects.Add(new Suspect(node, name, node.Text, _world.MonotonicNs));

    private void SettleSuspects()
    {
        if (_moves.Count > 0)
            return;
        while (_suspects.Count > 0 && _suspects[0].SinceNs < _queueEmpty.MonotonicNs)
        {
            Suspect suspect = _suspects[0];
            _suspects.RemoveAt(0);
            if (suspect.Node is not { } node)
            {
                if (IsFolderGone(suspect.Path))
                    _ledger.Tell(() => _ledger.DirectoryGone(suspect.Path));
            }
            else if (suspect.Name is { } name)
            {
                if (!node.IsDetached)
                    Publish(node, FileEventKind.Missing, name);
            }
            else if (!node.IsAdrift && node.Text == suspect.Path && IsFolderGone(suspect.Path))
            {
                Vanished(node);
            }
        }
    }
}
