using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Linux;

/// <summary>
/// What .NET's sockets cannot: datagrams that carry an open file along, and whom one is connected to.
/// </summary>
internal static unsafe partial class Libc
{
    public const int AF_UNIX = 1;
    public const int SOCK_DGRAM = 2;
    public const int SOCK_CLOEXEC = O_CLOEXEC;
    public const int SOL_SOCKET = 1;
    public const int SCM_RIGHTS = 1;
    public const int SO_PEERCRED = 17;
    public const int MSG_NOSIGNAL = 0x4000;

    public const uint MFD_CLOEXEC = 1;
    public const uint MFD_ALLOW_SEALING = 2;
    public const int F_ADD_SEALS = 1033;
    public const int F_SEAL_SEAL = 1;
    public const int F_SEAL_SHRINK = 2;
    public const int F_SEAL_GROW = 4;
    public const int F_SEAL_WRITE = 8;

    [LibraryImport(Library, SetLastError = true)]
    public static partial int socket(int domain, int type, int protocol);

    [LibraryImport(Library, SetLastError = true)]
    public static partial nint sendmsg(SafeFileHandle socket, MsgHdr* message, int flags);

    [LibraryImport(Library)]
    public static partial int getgrgid_r(uint gid, Group* group, byte* buffer, nuint length, Group** found);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int fchownat(int directory, byte* path, uint owner, uint group, int flags);

    [LibraryImport(Library)]
    public static partial uint geteuid();

    [LibraryImport(Library, SetLastError = true)]
    public static partial int memfd_create(byte* name, uint flags);
}

[CType("struct sockaddr_un")]
[StructLayout(LayoutKind.Explicit, Size = 110)]
internal unsafe struct SockAddrUn
{
    [FieldOffset(0)] public ushort sun_family;
    [FieldOffset(2)] public fixed byte sun_path[108];
}

[CType("struct iovec")]
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal unsafe struct IoVec
{
    [FieldOffset(0)] public void* iov_base;
    [FieldOffset(8)] public nuint iov_len;
}

[CType("struct msghdr")]
[StructLayout(LayoutKind.Explicit, Size = 56)]
internal unsafe struct MsgHdr
{
    [FieldOffset(0)] public void* msg_name;
    [FieldOffset(8)] public uint msg_namelen;
    [FieldOffset(16)] public IoVec* msg_iov;
    [FieldOffset(24)] public nuint msg_iovlen;
    [FieldOffset(32)] public void* msg_control;
    [FieldOffset(40)] public nuint msg_controllen;
    [FieldOffset(48)] public int msg_flags;
}

[CType("struct cmsghdr")]
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct CMsgHdr
{
    [FieldOffset(0)] public nuint cmsg_len;
    [FieldOffset(8)] public int cmsg_level;
    [FieldOffset(12)] public int cmsg_type;
}

[CType("struct ucred")]
[StructLayout(LayoutKind.Explicit, Size = 12)]
internal struct UCred
{
    [FieldOffset(0)] public int pid;
    [FieldOffset(4)] public uint uid;
    [FieldOffset(8)] public uint gid;
}

[CType("struct group")]
[StructLayout(LayoutKind.Explicit, Size = 32)]
internal unsafe struct Group
{
    [FieldOffset(0)] public byte* gr_name;
    [FieldOffset(16)] public uint gr_gid;
}
