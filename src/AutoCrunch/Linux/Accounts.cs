using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using AutoCrunch.Core;

namespace AutoCrunch.Linux;

/// <summary>The process at the other end of a socket, as it was when it connected (unix(7), SO_PEERCRED).</summary>
internal readonly record struct Peer(int Pid, uint UserId, uint GroupId);

/// <summary>Users and groups.</summary>
internal static unsafe class Accounts
{
    private const int NameBytes = 4096;

    /// <summary>True for root, who may do everything.</summary>
    public static bool IsRoot => Libc.geteuid() == 0;

    /// <summary>The user as whom this process acts.</summary>
    public static uint UserId => Libc.geteuid();

    /// <summary>The name of a group; its number when it has none.</summary>
    [SkipLocalsInit]
    public static string GroupName(uint groupId)
    {
        byte* buffer = stackalloc byte[NameBytes];
        Group group;
        Group* found = null;
        int errno = Libc.getgrgid_r(groupId, &group, buffer, NameBytes, &found);
        return errno == 0 && found is not null
            ? BytePath.Escape(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(found->gr_name))
            : $"{groupId}";
    }

    /// <summary>Who owns a name (a symlink itself, not its target). Returns 0 or the errno.</summary>
    [SkipLocalsInit]
    public static int TryReadOwner(BytePath path, out (uint User, uint Group) owner)
    {
        Statx statx;
        int errno;
        fixed (byte* pointer = PathBuffer.Terminate(path.Span, stackalloc byte[PathBuffer.Size]))
            errno = Libc.statx(
                Libc.AT_FDCWD, pointer, Libc.AT_SYMLINK_NOFOLLOW, Libc.STATX_BASIC_STATS, &statx) == 0
                ? 0
                : Libc.LastError;
        owner = errno == 0 ? (statx.stx_uid, statx.stx_gid) : default;
        return errno;
    }

    /// <summary>Gives a name to somebody else. Returns 0 or the errno.</summary>
    [SkipLocalsInit]
    public static int TrySetOwner(BytePath path, (uint User, uint Group) owner)
    {
        fixed (byte* pointer = PathBuffer.Terminate(path.Span, stackalloc byte[PathBuffer.Size]))
            return Libc.fchownat(Libc.AT_FDCWD, pointer, owner.User, owner.Group, Libc.AT_SYMLINK_NOFOLLOW) == 0
                ? 0
                : Libc.LastError;
    }

    /// <summary>Who connected; null when the kernel does not tell.</summary>
    public static Peer? PeerOf(Socket socket)
    {
        UCred credentials;
        var bytes = new Span<byte>(&credentials, sizeof(UCred));
        try
        {
            return socket.GetRawSocketOption(Libc.SOL_SOCKET, Libc.SO_PEERCRED, bytes) == sizeof(UCred)
                ? new Peer(credentials.pid, credentials.uid, credentials.gid)
                : null;
        }
        catch (SocketException)
        {
            return null;
        }
    }
}
