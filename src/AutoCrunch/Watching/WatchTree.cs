using System.Runtime.CompilerServices;
using AutoCrunch.Core;

namespace AutoCrunch.Watching;

/// <summary>
/// All rules' directories: by watch descriptor, and by (parent, name). One descriptor may lead to several directories,
/// because the kernel watches an inode and not a path: rules may overlap, and a directory may be mounted twice.
/// </summary>
/// <remarks>Watch thread only. Finding allocates nothing.</remarks>
internal sealed class WatchTree
{
    private readonly DirectoryBuckets<ByWd> _byWd = new();
    private readonly DirectoryBuckets<ByName> _byName = new();

    /// <summary>Watch descriptors in use.</summary>
    public int WatchCount { get; private set; }

    /// <summary>Directories in all trees, roots not counted.</summary>
    public int Count { get; private set; }

    /// <summary>The first of the directories on this watch descriptor; null when there is none.</summary>
    public WatchedDirectory? OnWd(int wd) => FirstOn(wd, _byWd.First(wd));

    /// <summary>The next directory on the same watch descriptor; null at the end.</summary>
    public static WatchedDirectory? NextOnWd(WatchedDirectory directory) =>
        FirstOn(directory.Wd, directory.NextInWdBucket);

    public WatchedDirectory? FindChild(WatchedDirectory parent, ReadOnlySpan<byte> name)
    {
        int hash = HashOf(parent, name);
        WatchedDirectory? directory = _byName.First(hash);
        while (directory is not null
            && (directory.NameHash != hash || directory.Parent != parent || !name.SequenceEqual(directory.Name)))
        {
            directory = directory.NextInBucket;
        }

        return directory;
    }

    /// <summary>Puts a directory into the place that its Parent and Name say.</summary>
    public void Attach(WatchedDirectory directory)
    {
        WatchedDirectory parent = directory.ParentDirectory!;
        Count++;
        _byName.EnsureCapacity(Count);
        directory.NameHash = HashOf(parent, directory.Name);
        _byName.Add(directory);

        directory.PreviousSibling = null;
        directory.NextSibling = parent.FirstChild;
        if (parent.FirstChild is { } sibling)
            sibling.PreviousSibling = directory;
        parent.FirstChild = directory;
    }

    /// <summary>Takes a directory, with all below it, out of its place. Parent and Name stay as they were.</summary>
    public void Detach(WatchedDirectory directory)
    {
        _byName.Remove(directory);
        Count--;

        if (directory.PreviousSibling is { } before)
            before.NextSibling = directory.NextSibling;
        else
            directory.ParentDirectory!.FirstChild = directory.NextSibling;
        if (directory.NextSibling is { } after)
            after.PreviousSibling = directory.PreviousSibling;
        directory.NextSibling = null;
        directory.PreviousSibling = null;
    }

    /// <summary>The directory is watched by <paramref name="wd"/> from now on.</summary>
    public void Link(WatchedDirectory directory, int wd)
    {
        Invariant.That(wd > 0);
        Invariant.That(directory.Wd == 0);
        if (OnWd(wd) is null)
        {
            WatchCount++;
            _byWd.EnsureCapacity(WatchCount);
        }

        directory.Wd = wd;
        directory.Root.Watched++;
        _byWd.Add(directory);
    }

    /// <summary>
    /// The directory is no longer watched. Returns its watch descriptor if no other directory is on it, else 0.
    /// </summary>
    public int Unlink(WatchedDirectory directory)
    {
        int wd = directory.Wd;
        if (wd == 0)
            return 0;
        _byWd.Remove(directory);
        directory.Wd = 0;
        directory.Root.Watched--;
        if (OnWd(wd) is not null)
            return 0;
        WatchCount--;
        return wd;
    }

    /// <summary>
    /// The directory that follows in a walk from <paramref name="top"/> over all below it, parents first; null at the
    /// end. Start with <paramref name="top"/> itself. Needs no memory however deep the tree is.
    /// </summary>
    public static WatchedDirectory? Next(WatchedDirectory current, WatchedDirectory top)
    {
        if (current.FirstChild is { } child)
            return child;
        WatchedDirectory directory = current;
        while (directory != top)
        {
            if (directory.NextSibling is { } sibling)
                return sibling;
            directory = directory.ParentDirectory!;
        }

        return null;
    }

    private static WatchedDirectory? FirstOn(int wd, WatchedDirectory? directory)
    {
        while (directory is not null && directory.Wd != wd)
            directory = directory.NextInWdBucket;
        return directory;
    }

    private static int HashOf(WatchedDirectory parent, ReadOnlySpan<byte> name)
    {
        // The parent counts by identity: a directory that is renamed takes its children along untouched.
        var hash = new HashCode();
        hash.Add(RuntimeHelpers.GetHashCode(parent));
        hash.AddBytes(name);
        return hash.ToHashCode();
    }

    // The kernel gives watch descriptors out in ascending order: taken as they are they fill the buckets evenly.
    private readonly struct ByWd : IDirectoryChain
    {
        public static int HashOf(WatchedDirectory directory) => directory.Wd;

        public static WatchedDirectory? Next(WatchedDirectory directory) => directory.NextInWdBucket;

        public static void SetNext(WatchedDirectory directory, WatchedDirectory? next) =>
            directory.NextInWdBucket = next;
    }

    private readonly struct ByName : IDirectoryChain
    {
        public static int HashOf(WatchedDirectory directory) => directory.NameHash;

        public static WatchedDirectory? Next(WatchedDirectory directory) => directory.NextInBucket;

        public static void SetNext(WatchedDirectory directory, WatchedDirectory? next) => directory.NextInBucket = next;
    }
}
