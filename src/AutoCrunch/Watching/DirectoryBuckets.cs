namespace AutoCrunch.Watching;

/// <summary>
/// A hash table whose chains run through the directories themselves: one of a hundred thousand costs two references.
/// </summary>
/// <typeparam name="TChain">By what they are hashed, and where the chain goes on.</typeparam>
/// <remarks>Watch thread only. Finding allocates nothing.</remarks>
internal sealed class DirectoryBuckets<TChain>
    where TChain : struct, IDirectoryChain
{
    private WatchedDirectory?[] _buckets = new WatchedDirectory?[256];

    /// <summary>The first of the chain that has all directories of this hash, and others.</summary>
    public WatchedDirectory? First(int hash) => BucketOf(hash);

    public void Add(WatchedDirectory directory)
    {
        ref WatchedDirectory? bucket = ref BucketOf(TChain.HashOf(directory));
        TChain.SetNext(directory, bucket);
        bucket = directory;
    }

    public void Remove(WatchedDirectory directory)
    {
        ref WatchedDirectory? bucket = ref BucketOf(TChain.HashOf(directory));
        if (bucket == directory)
        {
            bucket = TChain.Next(directory);
        }
        else
        {
            WatchedDirectory previous = bucket!;
            while (TChain.Next(previous) != directory)
                previous = TChain.Next(previous)!;
            TChain.SetNext(previous, TChain.Next(directory));
        }

        TChain.SetNext(directory, null);
    }

    /// <summary>Makes room, so that a chain has one directory on the average when there are this many.</summary>
    public void EnsureCapacity(int count)
    {
        if (count <= _buckets.Length)
            return;
        WatchedDirectory?[] old = _buckets;
        _buckets = new WatchedDirectory?[old.Length * 2];
        foreach (WatchedDirectory? first in old)
        {
            for (WatchedDirectory? directory = first; directory is not null;)
            {
                WatchedDirectory? next = TChain.Next(directory);
                Add(directory);
                directory = next;
            }
        }
    }

    private ref WatchedDirectory? BucketOf(int hash) => ref _buckets[hash & (_buckets.Length - 1)];
}

/// <summary>One of the chains that a directory may be in.</summary>
internal interface IDirectoryChain
{
    public static abstract int HashOf(WatchedDirectory directory);

    public static abstract WatchedDirectory? Next(WatchedDirectory directory);

    public static abstract void SetNext(WatchedDirectory directory, WatchedDirectory? next);
}
