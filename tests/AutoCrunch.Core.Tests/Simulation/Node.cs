namespace AutoCrunch.Core.Tests.Simulation;

/// <summary>A directory as the simulated service knows it.</summary>
internal sealed class Node(WatchRule rule, Node? parent, string name)
    : TrackedDirectory(rule, parent, World.Bytes(name), isIgnored: false)
{
    /// <summary>The directory its watch is on; null while it has none.</summary>
    public Folder? Folder { get; set; }

    public Dictionary<string, Node> Children { get; } = new(StringComparer.Ordinal);

    public bool IsDetached { get; set; }

    /// <summary>Renamed away; where to is not known yet.</summary>
    public bool IsMoving { get; set; }

    public string Text => RelativePath.ToString();

    public string NameText => new BytePath(Name).ToString();

    public Node? Above => (Node?)Parent;

    /// <summary>Neither it nor what is above it has a place in the tree.</summary>
    public bool IsAdrift => IsDetached || IsMoving || (Above is { } above && above.IsAdrift);

    /// <summary>Itself and everything below it, itself first.</summary>
    public IEnumerable<Node> Tree => Children.Values.SelectMany(node => node.Tree).Prepend(this);
}

/// <summary>Something a scan saw that waits to be merged.</summary>
/// <param name="Node">The directory it is about.</param>
/// <param name="Name">The file; null at the end of the directory's listing.</param>
/// <param name="IsMissing">Known, and not there.</param>
/// <param name="Held">Why this very version is held.</param>
/// <param name="IsUpdate">A completed version is known on the same inode.</param>
/// <param name="Folder">What was listed.</param>
/// <param name="Doubts">How often everything had come into doubt when the listing began.</param>
internal sealed record ScanNews(
    Node Node, string? Name, bool IsMissing, HoldReason? Held, bool IsUpdate, Folder Folder, int Doubts)
{
    public FileVersion Version { get; init; }

    public long ListedNs { get; init; }
}

/// <summary>What a scan did not find, until the queue was seen empty after the look.</summary>
internal sealed record Suspect(Node? Node, string? Name, string Path, long SinceNs);

/// <summary>The answer to a probe that was asked of another thread.</summary>
internal sealed record LateAnswer(Node Node, string Path, byte[] Name, ProbeDepth Depth, ProbeAnswer Answer);
