using AutoCrunch.Core;

namespace AutoCrunch.Watching;

/// <summary>What is special about a watched directory.</summary>
[Flags]
internal enum DirectoryTraits : byte
{
    None = 0,

    /// <summary>Forgotten: no longer in any tree. Whatever still refers to it is late and is dropped.</summary>
    Detached = 1,

    /// <summary>
    /// Renamed away, and the other half of the rename has not been read yet: its path is not known just now.
    /// </summary>
    Moving = 2,

    /// <summary>On a network file system: never looked at by the watch thread.</summary>
    Remote = 4,

    /// <summary>Its file system has no stable inode numbers: they are not part of a version there.</summary>
    UnstableInodes = 8,

    /// <summary>Not watched, or not completely listed: covered by rescans until it is.</summary>
    Uncovered = 16,

    /// <summary>The operator has been told that it cannot be read.</summary>
    Reported = 32,

    /// <summary>Files in it may show other devices than the directory's: theirs mean nothing.</summary>
    SeveralDevices = 64,
}

/// <summary>
/// One directory of one rule's tree as the watch thread keeps it. A hundred thousand of these must be cheap: the
/// links to
/// other directories are part of the object, there is no collection per directory.
/// </summary>
/// <remarks>Owned by the watch thread. Scan threads hold references, and hand them back, without looking
/// inside.</remarks>
internal sealed class WatchedDirectory(WatchedRoot root, WatchedDirectory? parent, byte[] name)
    : TrackedDirectory(root.Rule, parent, name, isIgnored: false)
{
    /// <summary>The rule's root this directory belongs to.</summary>
    public WatchedRoot Root { get; } = root;

    /// <summary>The kernel's watch descriptor; 0 when not watched.</summary>
    public int Wd { get; set; }

    /// <summary>The next in the same bucket of the tree's table of watch descriptors.</summary>
    public WatchedDirectory? NextInWdBucket { get; set; }

    public WatchedDirectory? FirstChild { get; set; }

    public WatchedDirectory? NextSibling { get; set; }

    public WatchedDirectory? PreviousSibling { get; set; }

    /// <summary>The next in the same bucket of the tree's table of names.</summary>
    public WatchedDirectory? NextInBucket { get; set; }

    /// <summary>Hash of parent and name; kept because the table grows.</summary>
    public int NameHash { get; set; }

    /// <summary>The last scan that saw this directory.</summary>
    public int SeenByScan { get; set; }

    /// <summary>The batch in which the last event of this directory was read.</summary>
    public int LastEventBatch { get; set; }

    public DirectoryTraits Traits { get; set; }

    /// <summary>The directory this one is in; null for a rule's root.</summary>
    public WatchedDirectory? ParentDirectory => (WatchedDirectory?)Parent;

    /// <summary>The absolute path as configured for the rule, with this directory's place in it.</summary>
    public BytePath AbsolutePath => Rule.Path.Join(RelativePath);

    public bool Has(DirectoryTraits traits) => (Traits & traits) != 0;

    public void Set(DirectoryTraits traits, bool on) => Traits = on ? Traits | traits : Traits & ~traits;

    /// <summary>True for <paramref name="ancestor"/> itself and everything below it.</summary>
    public bool IsAtOrBelow(WatchedDirectory ancestor)
    {
        for (WatchedDirectory? directory = this; directory is not null; directory = directory.ParentDirectory)
        {
            if (directory == ancestor)
                return true;
        }

        return false;
    }

    /// <summary>
    /// True while the path of this directory cannot be trusted: it, or one above it, is being renamed or is
    /// forgotten.
    /// </summary>
    public bool IsAdrift
    {
        get
        {
            for (WatchedDirectory? directory = this; directory is not null; directory = directory.ParentDirectory)
            {
                if (directory.Has(DirectoryTraits.Moving | DirectoryTraits.Detached))
                    return true;
            }

            return false;
        }
    }
}
