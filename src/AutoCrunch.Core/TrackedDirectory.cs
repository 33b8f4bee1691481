using System;

namespace AutoCrunch.Core;

/// <summary>
/// One directory in the tree of one rule. Files are tracked by (directory, name bytes), never by base name or by text,
/// so a directory that is renamed takes its files along without any of them being touched. Owned by the watch thread.
/// </summary>
public class TrackedDirectory
{
    private TrackedDirectory? _parent;
    private byte[] _name;
    private long _renames;
    private bool _isUncertain = true;

    /// <summary>Creates a rule's root (no parent, empty name) or a directory below one.</summary>
    public TrackedDirectory(WatchRule rule, TrackedDirectory? parent, byte[] name, bool isIgnored)
    {
        ArgumentNullException.ThrowIfNull(rule);
        ArgumentNullException.ThrowIfNull(name);
        Rule = rule;
        _parent = parent;
        _name = name;
        IsIgnored = isIgnored;
    }

    /// <summary>The rule whose tree this directory belongs to.</summary>
    public WatchRule Rule { get; }

    /// <summary>The directory this one is in; null for the rule's root.</summary>
    public TrackedDirectory? Parent
    {
        get => _parent;
        set
        {
            _parent = value;
            Top._renames++;
        }
    }

    /// <summary>Name in the parent; empty for the root.</summary>
    public byte[] Name
    {
        get => _name;
        set
        {
            _name = value;
            Top._renames++;
        }
    }

    /// <summary>The rule's root.</summary>
    public TrackedDirectory Top
    {
        get
        {
            TrackedDirectory directory = this;
            while (directory._parent is { } parent)
                directory = parent;
            return directory;
        }
    }

    /// <summary>
    /// Counts the renames of directories in the rule's tree: while it is the same, every path in it is.
    /// </summary>
    public long RenamesInTree => Top._renames;

    /// <summary>
    /// True inside a directory that matches IgnoredDirectories: no file here is ever complete. Such a directory is not
    /// watched by us, but one that is watched for an overlapping rule still tells where a file comes from.
    /// </summary>
    public bool IsIgnored { get; set; }

    /// <summary>
    /// True while events of this directory may have been lost and its scan has not finished: an attribute change alone
    /// then proves nothing about the content.
    /// </summary>
    public bool IsUncertain
    {
        get => _isUncertain;
        set
        {
            Doubts += value && !_isUncertain ? 1 : 0;
            _isUncertain = value;
        }
    }

    /// <summary>Counts how often it has become uncertain. A number, so that whoever looks later knows.</summary>
    public int Doubts { get; private set; }

    /// <summary>The path relative to the rule's root; empty for the root itself.</summary>
    public BytePath RelativePath => Parent is null ? BytePath.Empty : PathOf(default);

    /// <summary>True for <paramref name="directory"/> itself and everything below it.</summary>
    public bool IsAtOrBelow(TrackedDirectory directory)
    {
        for (TrackedDirectory? at = this; at is not null; at = at.Parent)
        {
            if (ReferenceEquals(at, directory))
                return true;
        }

        return false;
    }

    /// <summary>The path of an entry of this directory, relative to the rule's root.</summary>
    public BytePath PathOf(ReadOnlySpan<byte> name)
    {
        int length = PathLength(name);
        byte[] path = new byte[length];
        WritePath(name, path);
        return new BytePath(path);
    }

    /// <summary>
    /// Writes what <see cref="PathOf"/> returns into a buffer; returns its length. Allocates nothing.
    /// </summary>
    public int WritePath(ReadOnlySpan<byte> name, Span<byte> buffer)
    {
        int length = PathLength(name);
        int end = length;
        if (!name.IsEmpty)
        {
            end -= name.Length;
            name.CopyTo(buffer[end..]);
        }

        for (TrackedDirectory directory = this; directory.Parent is not null; directory = directory.Parent)
        {
            if (end < length)
                buffer[--end] = (byte)'/';
            end -= directory.Name.Length;
            directory.Name.CopyTo(buffer[end..]);
        }

        return length;
    }

    /// <summary>Length in bytes of what <see cref="PathOf"/> returns.</summary>
    public int PathLength(ReadOnlySpan<byte> name)
    {
        int length = name.Length;
        for (TrackedDirectory directory = this; directory.Parent is not null; directory = directory.Parent)
            length += directory.Name.Length + (length > 0 ? 1 : 0);
        return length;
    }
}
