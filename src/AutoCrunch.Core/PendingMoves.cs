using System;

namespace AutoCrunch.Core;

/// <summary>One IN_MOVED_FROM whose partner has not been seen. The name's buffer is reused.</summary>
internal sealed class PendingMove
{
    // NAME_MAX of Linux. VFAT, exFAT, NTFS and CIFS allow 255 UTF-16 units, which are up to 765 bytes.
    private byte[] _name = new byte[255];
    private int _length;

    public uint Cookie { get; private set; }

    public TrackedDirectory? Directory { get; private set; }

    /// <summary>The entry the name had; it moves along.</summary>
    public TrackedFile? File { get; private set; }

    /// <summary>The rule takes the name: a known file may have been there.</summary>
    public bool IsTaken { get; private set; }

    /// <summary>The name it had before, if it had no verdict under this one.</summary>
    public (TrackedDirectory Directory, byte[] Name)? Origin { get; set; }

    public long ReadNs { get; private set; }

    public ReadOnlySpan<byte> Name => _name.AsSpan(0, _length);

    public bool IsUsed => Directory is not null;

    public void Set(in FileEvent fileEvent, TrackedFile? file, bool isTaken)
    {
        ReadOnlySpan<byte> name = fileEvent.Name.Span;
        if (name.Length > _name.Length)
            _name = new byte[name.Length];
        name.CopyTo(_name);
        _length = name.Length;
        Cookie = fileEvent.Cookie;
        Directory = fileEvent.Directory;
        File = file;
        IsTaken = isTaken;
        ReadNs = fileEvent.Time.MonotonicNs;
    }

    public void Clear()
    {
        Directory = null;
        File = null;
        Origin = null;
    }
}

/// <summary>
/// The renames away that wait for their partner: a small ring, because the kernel queues both halves of a rename one
/// right after the other, but for what other threads put in between (inotify(7), "Dealing with rename() events").
/// </summary>
internal sealed class PendingMoves
{
    /// <summary>How many unpaired halves are remembered; the oldest gives way.</summary>
    public const int Max = 32;

    private readonly PendingMove[] _ring = new PendingMove[Max];
    private int _next;

    /// <summary>Number of slots in use; makes the common case (none) free.</summary>
    public int Count { get; private set; }

    /// <summary>The slot to fill next. When it is still in use, the caller settles it first.</summary>
    public PendingMove Oldest => _ring[_next] ??= new PendingMove();

    public PendingMove Add(in FileEvent fileEvent, TrackedFile? file, bool isTaken)
    {
        PendingMove slot = Oldest;
        Invariant.That(!slot.IsUsed);
        slot.Set(fileEvent, file, isTaken);
        _next = (_next + 1) % Max;
        Count++;
        return slot;
    }

    public PendingMove? Find(uint cookie)
    {
        for (int i = 0; Count > 0 && i < Max; i++)
        {
            PendingMove? move = _ring[(_next + Max - 1 - i) % Max];
            if (move is { IsUsed: true } && move.Cookie == cookie)
                return move;
        }

        return null;
    }

    /// <summary>The first slot in use, oldest first, that fits; null when there is none.</summary>
    public PendingMove? First(Func<PendingMove, bool> fits)
    {
        for (int i = 0; Count > 0 && i < Max; i++)
        {
            PendingMove? move = _ring[(_next + i) % Max];
            if (move is { IsUsed: true } && fits(move))
                return move;
        }

        return null;
    }

    /// <summary>The oldest slot in use; null when there is none.</summary>
    public PendingMove? First()
    {
        for (int i = 0; Count > 0 && i < Max; i++)
        {
            PendingMove? move = _ring[(_next + i) % Max];
            if (move is { IsUsed: true })
                return move;
        }

        return null;
    }

    public void Release(PendingMove move)
    {
        Invariant.That(move.IsUsed);
        move.Clear();
        Count--;
    }
}
