using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using AutoCrunch.Core;

namespace AutoCrunch.Linux;

/// <summary>What AutoCrunch must know of a mounted file system.</summary>
/// <param name="Name">Its type for people: "ext4", "nfs", "fuse.sshfs".</param>
/// <param name="IsNetwork">Others than this machine's processes may change files on it, and the kernel will not say so:
/// no events, no leases, and any call may wait for a server.</param>
/// <param name="HasStableInodes">An unchanged file keeps its inode number over a remount.</param>
/// <param name="FreeBytes">Bytes that an unprivileged process may still write.</param>
/// <param name="IsReadOnly">Mounted read-only.</param>
internal readonly record struct FileSystemFacts(
    string Name, bool IsNetwork, bool HasStableInodes, long FreeBytes, bool IsReadOnly)
{
    /// <summary>
    /// A granted lease says that there is no writer; on an overlay there may be one in a layer below.
    /// </summary>
    public bool HasReliableLeases { get; init; }

    /// <summary>
    /// Files may show another device than their directories: on an overlay, that of the layer they are in
    /// (Documentation/filesystems/overlayfs.rst, "Inode properties").
    /// </summary>
    public bool HasSeveralDevices { get; init; }
}

/// <summary>Tells file systems apart.</summary>
internal static unsafe class FileSystemInfo
{
    private enum Kind
    {
        Local,
        LocalUnstableInodes,
        Overlay,
        Network,
        NetworkUnstableInodes,
    }

    /// <summary>
    /// The facts of the file system that a path (its symlinks followed) is on. Returns 0 or the errno.
    /// </summary>
    [SkipLocalsInit]
    public static int TryRead(BytePath path, out FileSystemFacts facts)
    {
        facts = default;
        Statfs statfs;
        Statx statx;
        int errno;
        fixed (byte* pointer = PathBuffer.Terminate(path.Span, stackalloc byte[PathBuffer.Size]))
        {
            do
                errno = Libc.statfs(pointer, &statfs) == 0 ? 0 : Libc.LastError;
            while (errno == Errno.EINTR);
            if (errno != 0)
                return errno;
            ulong? mountId = Libc.statx(Libc.AT_FDCWD, pointer, 0, Libc.STATX_MNT_ID, &statx) == 0
                && (statx.stx_mask & Libc.STATX_MNT_ID) != 0 ? statx.stx_mnt_id : null;
            facts = Classify(statfs.f_type, mountId is { } id ? MountedType(id) : null);
        }

        long unit = statfs.f_frsize > 0 ? statfs.f_frsize : statfs.f_bsize;
        facts = facts with
        {
            FreeBytes = (long)UInt128.Min((UInt128)statfs.f_bavail * (ulong)unit, long.MaxValue),
            IsReadOnly = (statfs.f_flags & Libc.ST_RDONLY) != 0,
        };
        return 0;
    }

    /// <summary>
    /// Judges by the magic number of statfs(2) and, where the mount table tells it, the type by name.
    /// </summary>
    internal static FileSystemFacts Classify(long magic, string? mountedType)
    {
        (string name, Kind kind) = (FileSystemMagic)(uint)magic switch
        {
            FileSystemMagic.EXT4_SUPER_MAGIC => ("ext4", Kind.Local),
            FileSystemMagic.XFS_SUPER_MAGIC => ("xfs", Kind.Local),
            FileSystemMagic.BTRFS_SUPER_MAGIC => ("btrfs", Kind.Local),
            FileSystemMagic.ZFS_SUPER_MAGIC => ("zfs", Kind.Local),
            FileSystemMagic.F2FS_SUPER_MAGIC => ("f2fs", Kind.Local),
            FileSystemMagic.TMPFS_MAGIC => ("tmpfs", Kind.Local),
            FileSystemMagic.MSDOS_SUPER_MAGIC => ("vfat", Kind.LocalUnstableInodes),
            FileSystemMagic.EXFAT_SUPER_MAGIC => ("exfat", Kind.LocalUnstableInodes),
            FileSystemMagic.OVERLAYFS_SUPER_MAGIC => ("overlay", Kind.Overlay),
            FileSystemMagic.NFS_SUPER_MAGIC => ("nfs", Kind.Network),
            FileSystemMagic.CEPH_SUPER_MAGIC => ("ceph", Kind.Network),
            FileSystemMagic.LUSTRE_SUPER_MAGIC => ("lustre", Kind.Network),
            FileSystemMagic.GPFS_SUPER_MAGIC => ("gpfs", Kind.Network),
            FileSystemMagic.BEEGFS_SUPER_MAGIC => ("beegfs", Kind.Network),
            FileSystemMagic.AFS_SUPER_MAGIC or FileSystemMagic.AFS_FS_MAGIC => ("afs", Kind.Network),
            FileSystemMagic.CODA_SUPER_MAGIC => ("coda", Kind.Network),
            FileSystemMagic.OCFS2_SUPER_MAGIC => ("ocfs2", Kind.Network),
            FileSystemMagic.GFS2_MAGIC => ("gfs2", Kind.Network),
            FileSystemMagic.ORANGEFS_SUPER_MAGIC => ("orangefs", Kind.Network),
            FileSystemMagic.PANFS_SUPER_MAGIC => ("panfs", Kind.Network),
            FileSystemMagic.ACFS_SUPER_MAGIC => ("acfs", Kind.Network),
            FileSystemMagic.SMB_SUPER_MAGIC => ("smbfs", Kind.NetworkUnstableInodes),
            FileSystemMagic.CIFS_SUPER_MAGIC => ("cifs", Kind.NetworkUnstableInodes),
            FileSystemMagic.SMB2_SUPER_MAGIC => ("smb3", Kind.NetworkUnstableInodes),
            FileSystemMagic.NCP_SUPER_MAGIC => ("ncpfs", Kind.NetworkUnstableInodes),
            FileSystemMagic.V9FS_MAGIC => ("9p", Kind.NetworkUnstableInodes),
            FileSystemMagic.VBOXSF_SUPER_MAGIC => ("vboxsf", Kind.NetworkUnstableInodes),
            FileSystemMagic.VMHGFS_SUPER_MAGIC => ("vmhgfs", Kind.NetworkUnstableInodes),
            FileSystemMagic.FUSE_SUPER_MAGIC => ("fuse", FuseKind(mountedType)),
            _ => ($"type 0x{(uint)magic:x}", UnknownKind(mountedType)),
        };
        bool isNetwork = kind is Kind.Network or Kind.NetworkUnstableInodes;
        bool isStable = kind is Kind.Local or Kind.Overlay or Kind.Network;
        return new FileSystemFacts(mountedType ?? name, isNetwork, isStable, 0, false)
        {
            HasReliableLeases = !isNetwork && kind != Kind.Overlay,
            HasSeveralDevices = kind == Kind.Overlay,
        };
    }

    /// <summary>The type of the mount with this number in /proc/self/mountinfo; null when it cannot be told.</summary>
    internal static string? MountedType(ulong mountId)
    {
        if (MountInfoReader.TryReadTable(out byte[] table) != 0)
            return null;
        byte[] prefix = Encoding.ASCII.GetBytes(mountId.ToString(CultureInfo.InvariantCulture) + " ");
        var mounts = new MountInfoReader(table);
        while (mounts.MoveNext())
        {
            if (mounts.Line.StartsWith(prefix) && !mounts.Type.IsEmpty)
                return BytePath.Escape(mounts.Type);
        }

        return null;
    }

    // A FUSE server may be anything, sshfs included: only those that are known to serve this machine's disks, and
    // through which all changes go, are local. The inode numbers are made up at mount time by most of them.
    private static Kind FuseKind(string? mountedType) => mountedType switch
    {
        "fuseblk" or "fuse.ntfs-3g" or "fuse.exfat" or "fuse.fuse-overlayfs" => Kind.LocalUnstableInodes,
        _ => Kind.NetworkUnstableInodes,
    };

    // Cluster file systems whose magic number is not published.
    private static Kind UnknownKind(string? mountedType) => mountedType switch
    {
        "wekafs" or "quobyte" or "pvfs2" or "dvs" or "yrfs" or "mfs" or "glusterfs" => Kind.Network,
        _ => Kind.Local,
    };
}

/// <summary>
/// f_type of statfs(2). The first part is in linux/magic.h; the others are in the projects' own sources.
/// </summary>
internal enum FileSystemMagic : uint
{
    EXT4_SUPER_MAGIC = 0xEF53,
    XFS_SUPER_MAGIC = 0x58465342,
    BTRFS_SUPER_MAGIC = 0x9123683E,
    F2FS_SUPER_MAGIC = 0xF2F52010,
    TMPFS_MAGIC = 0x01021994,
    MSDOS_SUPER_MAGIC = 0x4D44,
    EXFAT_SUPER_MAGIC = 0x2011BAB0,
    OVERLAYFS_SUPER_MAGIC = 0x794C7630,
    NFS_SUPER_MAGIC = 0x6969,
    CEPH_SUPER_MAGIC = 0x00C36400,
    AFS_SUPER_MAGIC = 0x5346414F,
    AFS_FS_MAGIC = 0x6B414653,
    CODA_SUPER_MAGIC = 0x73757245,
    OCFS2_SUPER_MAGIC = 0x7461636F,
    SMB_SUPER_MAGIC = 0x517B,
    CIFS_SUPER_MAGIC = 0xFF534D42,
    SMB2_SUPER_MAGIC = 0xFE534D42,
    NCP_SUPER_MAGIC = 0x564C,
    V9FS_MAGIC = 0x01021997,
    FUSE_SUPER_MAGIC = 0x65735546,

    // Not in linux/magic.h.
    ZFS_SUPER_MAGIC = 0x2FC12FC1,
    LUSTRE_SUPER_MAGIC = 0x0BD00BD0,
    GPFS_SUPER_MAGIC = 0x47504653,
    BEEGFS_SUPER_MAGIC = 0x19830326,
    GFS2_MAGIC = 0x01161970,
    ORANGEFS_SUPER_MAGIC = 0x20030528,
    PANFS_SUPER_MAGIC = 0xAAD7AAEA,
    ACFS_SUPER_MAGIC = 0x61636673,
    VBOXSF_SUPER_MAGIC = 0x786F4256,
    VMHGFS_SUPER_MAGIC = 0xBACBACBC,
}
