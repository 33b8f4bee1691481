using AutoCrunch.Core;

namespace AutoCrunch.Watching;

/// <summary>
/// A look at a file that may take long: asked for by the watch thread, done by the root's scan thread.
/// </summary>
internal sealed class LateProbe(WatchedDirectory directory, byte[] name, ProbeDepth depth)
{
    public WatchedDirectory Directory { get; } = directory;

    public byte[] Name { get; } = name;

    public ProbeDepth Depth { get; } = depth;

    // What the scan thread needs, as it is now: it must not look into the tree.
    public BytePath DirectoryPath { get; } = directory.AbsolutePath;

    public DirectoryTraits Traits { get; } = directory.Traits;

    public bool IsInRoot { get; } = directory.Parent is null;
}
