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
    // The kernel gives watch descriptors out in ascending order: taken as they are they fill the buckets evenly.
    private WatchedDirectory?[] _byWd = new WatchedDirectory?[256];
    private WatchedDirectory?[] _buckets = new WatchedDirectory?[256];
    private int _named;

    /// <summary>Watch descriptors in use.</summary>
    public int WatchCount { get; private set; }

    /// <summary>Directories in all trees, roots not counted.</summary>
    public int Count => _named;

    /// <summary>The first of the directories on this watch descriptor; null when there is none.</summary>
    public WatchedDirectory? OnWd(int wd) => FirstOn(wd, _byWd[wd & (_byWd.Length - 1)]);

    /// <summary>The next directory on the same watch descriptor; null at the end.</summary>
    public static WatchedDirectory? NextOnWd(WatchedDirectory directory) =>
        FirstOn(directory.Wd, directory.NextInWdBucket);

    public WatchedDirectory? FindChild(WatchedDirectory parent, ReadOnlySpan<byte> name)
    {
        int hash = HashOf(parent, name);
        WatchedDirectory? directory = _buckets[hash & (_buckets.Length - 1)];
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
        if (_named >= _buckets.Length)
            Grow();
        directory.NameHash = HashOf(parent, directory.Name);
        AddToBucket(directory);
        _named++;

        directory.PreviousSibling = null;
        directory.NextSibling = parent.FirstChild;
        if (parent.FirstChild is { } sibling)
            sibling.PreviousSibling = directory;
        parent.FirstChild = directory;
    }

    /// <summary>Takes a directory, with all below it, out of its place. Parent and Name stay as they were.</summary>
    public void Detach(WatchedDirectory directory)
    {
        ref WatchedDirectory? bucket = ref _buckets[directory.NameHash & (_buckets.Length - 1)];
        if (bucket == directory)
        {
            bucket = directory.NextInBucket;
        }
        else
        {
            WatchedDirectory previous = bucket!;
            while (previous.NextInBucket != directory)
                previous = previous.NextInBucket!;
            previous.NextInBucket = directory.NextInBucket;
        }

        directory.NextInBucket = null;
        _named--;

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
            if (WatchCount > _byWd.Length)
                GrowByWd();
        }

        directory.Wd = wd;
        directory.Root.Watched++;
        AddToWdBucket(directory);
    }

    /// <summary>
    /// The directory is no longer watched. Returns its watch descriptor if no other directory is on it, else 0.
    /// </summary>
    public int Unlink(WatchedDirectory directory)
    {
        int wd = directory.Wd;
        if (wd == 0)
            return 0;
        ref WatchedDirectory? bucket = ref _byWd[wd & (_byWd.Length - 1)];
        if (bucket == directory)
        {
            bucket = directory.NextInWdBucket;
        }
        else
        {
            WatchedDirectory previous = bucket!;
            while (previous.NextInWdBucket != directory)
                previous = previous.NextInWdBucket!;
            previous.NextInWdBucket = directory.NextInWdBucket;
        }

        directory.Wd = 0;
        directory.Root.Watched--;
        directory.NextInWdBucket = null;
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

    private void AddToWdBucket(WatchedDirectory directory)
    {
        ref WatchedDirectory? bucket = ref _byWd[directory.Wd & (_byWd.Length - 1)];
        directory.NextInWdBucket = bucket;
        bucket = directory;
    }

    private void GrowByWd()
    {
        WatchedDirectory?[] old = _byWd;
        _byWd = new WatchedDirectory?[old.Length * 2];
        foreach (WatchedDirectory? first in old)
        {
            for (WatchedDirectory? directory = first; directory is not null;)
            {
                WatchedDirectory? next = directory.NextInWdBucket;
                AddToWdBucket(directory);
                directory = next;
            }
        }
    }

    private static int HashOf(WatchedDirectory parent, ReadOnlySpan<byte> name)
    {
        // The parent counts by identity: a directory that is renamed takes its children along untouched.
        var hash = new HashCode();
        hash.Add(RuntimeHelpers.GetHashCode(parent));
        hash.AddBytes(name);
        return hash.ToHashCode();
    }

    private void AddToBucket(WatchedDirectory directory)
    {
        ref WatchedDirectory? bucket = ref _buckets[directory.NameHash & (_buckets.Length - 1)];
        directory.NextInBucket = bucket;
        bucket = directory;
    }

    private void Grow()
    {
        WatchedDirectory?[] old = _buckets;
        _buckets = new WatchedDirectory?[old.Length * 2];
        foreach (WatchedDirectory? first in old)
        {
            for (WatchedDirectory? directory = first; directory is not null;)
            {
                WatchedDirectory? next = directory.NextInBucket;
                AddToBucket(directory);
                directory = next;
            }
        }
    }
}
