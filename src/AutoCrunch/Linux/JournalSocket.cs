using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using AutoCrunch.Core;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Linux;

/// <summary>
/// Sends entries to systemd-journald in its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): one datagram an
/// entry; one that is too large for that lies in a sealed memory file whose descriptor is sent. Any thread.
/// </summary>
internal sealed unsafe class JournalSocket : IDisposable
{
    /// <summary>Where journald listens (systemd-journald.service(8)).</summary>
    public static readonly BytePath DefaultPath = new("/run/systemd/journal/socket"u8);

    private readonly SafeFileHandle _socket;
    private readonly byte[] _path;

    private JournalSocket(SafeFileHandle socket, byte[] path) => (_socket, _path) = (socket, path);

    /// <summary>
    /// True when a stream of this process leads to the journal: $JOURNAL_STREAM has its device and inode
    /// (systemd.exec(5), "Environment Variables Set or Propagated"). A variable that was only inherited does not fit.
    /// </summary>
    /// <param name="journalStream">The value of $JOURNAL_STREAM.</param>
    /// <param name="fd">The stream's descriptor.</param>
    public static bool IsStream(string? journalStream, int fd)
    {
        string[] parts = (journalStream ?? "").Split(':');
        var path = BytePath.Parse(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{fd}"));
        return parts.Length == 2
            && ulong.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out ulong device)
            && ulong.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out ulong inode)
            && FileStatReader.TryReadTarget(path, out FileStat stat) == 0
            && stat.Device == device && stat.Inode == inode;
    }

    /// <summary>Prepares to send; whether anybody listens shows at the first entry. Returns 0 or the errno.</summary>
    public static int TryOpen(BytePath path, out JournalSocket? journal)
    {
        journal = null;
        if (path.Length >= sizeof(SockAddrUn) - sizeof(ushort))
            return Errno.ENAMETOOLONG;
        int fd = Libc.socket(Libc.AF_UNIX, Libc.SOCK_DGRAM | Libc.SOCK_CLOEXEC, 0);
        if (fd < 0)
            return Libc.LastError;
        journal = new JournalSocket(new SafeFileHandle(fd, ownsHandle: true), path.Span.ToArray());
        return 0;
    }

    /// <summary>
    /// Appends a field to an entry: NAME=value, or, because a value may have any bytes, NAME, the length in 64 bits,
    /// little-endian, and the value.
    /// </summary>
    public static void Append(IBufferWriter<byte> entry, string name, ReadOnlySpan<char> value)
    {
        Encoding.ASCII.GetBytes(name, entry);
        if (!value.Contains('\n'))
        {
            entry.Write("="u8);
        }
        else
        {
            Span<byte> length = stackalloc byte[sizeof(ulong)];
            BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)Encoding.UTF8.GetByteCount(value));
            entry.Write("\n"u8);
            entry.Write(length);
        }

        Encoding.UTF8.GetBytes(value, entry);
        entry.Write("\n"u8);
    }

    /// <summary>Sends one entry. Returns 0 or the errno: ENOENT, ECONNREFUSED while nobody listens.</summary>
    public int TrySend(ReadOnlySpan<byte> entry)
    {
        int errno = Send(entry, fd: -1);
        return errno is Errno.EMSGSIZE or Errno.ENOBUFS ? SendFile(entry) : errno;
    }

    public void Dispose() => _socket.Dispose();

    private int SendFile(ReadOnlySpan<byte> entry)
    {
        int fd;
        fixed (byte* name = "autocrunch-journal\0"u8)
            fd = Libc.memfd_create(name, Libc.MFD_CLOEXEC | Libc.MFD_ALLOW_SEALING);
        if (fd < 0)
            return Libc.LastError;
        using var file = new SafeFileHandle(fd, ownsHandle: true);
        RandomAccess.Write(file, entry, 0);

        // journald maps the file: it takes it only if it can change no more.
        const int Seals = Libc.F_SEAL_SEAL | Libc.F_SEAL_SHRINK | Libc.F_SEAL_GROW | Libc.F_SEAL_WRITE;
        return Libc.fcntl(fd, Libc.F_ADD_SEALS, Seals) == 0 ? Send(default, fd) : Libc.LastError;
    }

    // cmsg(3): the header, and the descriptor behind it, in a buffer aligned like size_t.
    [SkipLocalsInit]
    private int Send(ReadOnlySpan<byte> entry, int fd)
    {
        SockAddrUn address = default;
        address.sun_family = Libc.AF_UNIX;
        _path.CopyTo(new Span<byte>(address.sun_path, _path.Length));
        ulong* control = stackalloc ulong[(sizeof(CMsgHdr) / sizeof(ulong)) + 1];
        fixed (byte* data = entry)
        {
            var part = new IoVec { iov_base = data, iov_len = (nuint)entry.Length };
            var message = new MsgHdr
            {
                msg_name = &address,
                msg_namelen = (uint)(sizeof(ushort) + _path.Length + 1),
                msg_iov = &part,
                msg_iovlen = fd < 0 ? 1u : 0u,
            };
            if (fd >= 0)
            {
                var header = (CMsgHdr*)control;
                header->cmsg_len = (nuint)(sizeof(CMsgHdr) + sizeof(int));
                header->cmsg_level = Libc.SOL_SOCKET;
                header->cmsg_type = Libc.SCM_RIGHTS;
                *(ulong*)(header + 1) = 0;
                *(int*)(header + 1) = fd;
                message.msg_control = control;
                message.msg_controllen = (nuint)(sizeof(CMsgHdr) + sizeof(ulong));
            }

            int errno;
            do
                errno = Libc.sendmsg(_socket, &message, Libc.MSG_NOSIGNAL) >= 0 ? 0 : Libc.LastError;
            while (errno == Errno.EINTR);
            return errno;
        }
    }
}
