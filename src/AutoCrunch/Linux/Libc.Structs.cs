using System.Runtime.InteropServices;

namespace AutoCrunch.Linux;

/// <summary>
/// Names the C type that a struct mirrors. The fields have C's names; only those in use are declared.
/// </summary>
[AttributeUsage(AttributeTargets.Struct)]
internal sealed class CTypeAttribute(string name) : Attribute
{
    /// <summary>The type as it is written in C.</summary>
    public string Name { get; } = name;
}

[CType("struct timespec")]
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct Timespec
{
    [FieldOffset(0)] public long tv_sec;
    [FieldOffset(8)] public long tv_nsec;
}

[CType("struct statx_timestamp")]
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct StatxTimestamp
{
    [FieldOffset(0)] public long tv_sec;
    [FieldOffset(8)] public uint tv_nsec;
}

[CType("struct statx")]
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct Statx
{
    [FieldOffset(0)] public uint stx_mask;
    [FieldOffset(4)] public uint stx_blksize;
    [FieldOffset(16)] public uint stx_nlink;
    [FieldOffset(20)] public uint stx_uid;
    [FieldOffset(24)] public uint stx_gid;
    [FieldOffset(28)] public ushort stx_mode;
    [FieldOffset(32)] public ulong stx_ino;
    [FieldOffset(40)] public ulong stx_size;
    [FieldOffset(64)] public StatxTimestamp stx_atime;
    [FieldOffset(80)] public StatxTimestamp stx_btime;
    [FieldOffset(96)] public StatxTimestamp stx_ctime;
    [FieldOffset(112)] public StatxTimestamp stx_mtime;
    [FieldOffset(136)] public uint stx_dev_major;
    [FieldOffset(140)] public uint stx_dev_minor;
    [FieldOffset(144)] public ulong stx_mnt_id;
}

[CType("struct statfs")]
[StructLayout(LayoutKind.Explicit, Size = 120)]
internal struct Statfs
{
    [FieldOffset(0)] public long f_type;
    [FieldOffset(8)] public long f_bsize;
    [FieldOffset(32)] public ulong f_bavail;
    [FieldOffset(72)] public long f_frsize;
    [FieldOffset(80)] public long f_flags;
}

[CType("struct inotify_event")]
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct InotifyEvent
{
    [FieldOffset(0)] public int wd;
    [FieldOffset(4)] public uint mask;
    [FieldOffset(8)] public uint cookie;
    [FieldOffset(12)] public uint len;
}

[CType("siginfo_t")]
[StructLayout(LayoutKind.Explicit, Size = 128)]
internal struct SigInfo
{
    [FieldOffset(8)] public int si_code;
    [FieldOffset(16)] public int si_pid;
    [FieldOffset(24)] public int si_status;
}
