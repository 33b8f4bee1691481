using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using AutoCrunch.Core;

namespace AutoCrunch.Linux;

/// <summary>
/// Walks the events of one <see cref="Inotify.Read"/>. Allocates nothing; keep it in a local variable, a copy walks on
/// its own.
/// </summary>
internal struct InotifyEventReader(ReadOnlyMemory<byte> batch)
{
    private readonly ReadOnlyMemory<byte> _batch = batch;
    private int _next;
    private InotifyEvent _event;

    /// <summary>The watch descriptor; -1 for an overflow.</summary>
    public readonly int Wd => _event.wd;

    /// <summary>The event's bits (<see cref="InotifyMask"/>).</summary>
    public readonly uint Mask => _event.mask;

    /// <summary>Pairs IN_MOVED_FROM with IN_MOVED_TO; else 0.</summary>
    public readonly uint Cookie => _event.cookie;

    /// <summary>The name in the watched directory; empty for the directory itself. Valid until the next read.</summary>
    public ReadOnlyMemory<byte> Name { get; private set; }

    /// <summary>Goes to the next event; false after the last.</summary>
    /// <exception cref="InvariantException">The bytes are not what inotify(7) describes.</exception>
    public bool MoveNext()
    {
        ReadOnlySpan<byte> rest = _batch.Span[_next..];
        if (rest.IsEmpty)
            return false;
        Invariant.That(rest.Length >= Unsafe.SizeOf<InotifyEvent>());
        _event = MemoryMarshal.Read<InotifyEvent>(rest);
        Invariant.That(_event.len <= rest.Length - Unsafe.SizeOf<InotifyEvent>());
        Invariant.That((_event.mask & InotifyMask.IN_Q_OVERFLOW) != 0 || _event.wd >= 1);

        // len counts the NULs that end and pad the name; without a name it is 0.
        int start = _next + Unsafe.SizeOf<InotifyEvent>();
        ReadOnlySpan<byte> padded = rest.Slice(Unsafe.SizeOf<InotifyEvent>(), (int)_event.len);
        int length = padded.IndexOf((byte)0);
        Invariant.That(padded.IsEmpty || length > 0);
        Name = padded.IsEmpty ? default : _batch.Slice(start, length);
        _next = start + padded.Length;
        return true;
    }
}
