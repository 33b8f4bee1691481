using System.Runtime.InteropServices;

namespace AutoCrunch.Linux;

/// <summary>Constants of the C headers, under their own names; a test compiles each against the headers.</summary>
internal static unsafe partial class Libc
{
    public const int AT_FDCWD = -100;
    public const int AT_SYMLINK_NOFOLLOW = 0x100;
    public const int AT_REMOVEDIR = 0x200;
    public const int AT_EACCESS = 0x200;
    public const int AT_NO_AUTOMOUNT = 0x800;
    public const int AT_EMPTY_PATH = 0x1000;
    public const int AT_STATX_DONT_SYNC = 0x4000;

    public const int O_RDONLY = 0;
    public const int O_WRONLY = 1;
    public const int O_RDWR = 2;
    public const int O_ACCMODE = 3;
    public const int O_CREAT = 0x40;
    public const int O_EXCL = 0x80;
    public const int O_NOCTTY = 0x100;
    public const int O_TRUNC = 0x200;
    public const int O_APPEND = 0x400;
    public const int O_NONBLOCK = 0x800;
    public const int O_CLOEXEC = 0x80000;
    public const int O_PATH = 0x200000;

    public const int SEEK_CUR = 1;

    public const uint RENAME_NOREPLACE = 1;

    public const int F_SETSIG = 10;
    public const int F_SETLEASE = 1024;
    public const int F_RDLCK = 0;
    public const int F_UNLCK = 2;

    public const int LOCK_EX = 2;
    public const int LOCK_NB = 4;
    public const int LOCK_UN = 8;

    public const int FALLOC_FL_KEEP_SIZE = 1;
    public const int FALLOC_FL_PUNCH_HOLE = 2;

    public const int IN_CLOEXEC = O_CLOEXEC;
    public const int IN_NONBLOCK = O_NONBLOCK;
    public const int FIONREAD = 0x541B;

    public const short POLLIN = 1;
    public const short POLLPRI = 2;
    public const short POLLNVAL = 0x20;

    public const int CLOCK_REALTIME = 0;
    public const int CLOCK_MONOTONIC = 1;

    public const uint STATX_BASIC_STATS = 0x7FF;
    public const uint STATX_TYPE = 1;
    public const uint STATX_INO = 0x100;
    public const uint STATX_SIZE = 0x200;
    public const uint STATX_BTIME = 0x800;
    public const uint STATX_MNT_ID = 0x1000;

    public const int S_IFMT = 0xF000;
    public const int S_IFREG = 0x8000;
    public const int S_IFDIR = 0x4000;
    public const int S_IFLNK = 0xA000;

    public const byte DT_UNKNOWN = 0;
    public const byte DT_DIR = 4;
    public const byte DT_REG = 8;
    public const byte DT_LNK = 10;

    public const long ST_RDONLY = 1;

    public const int PATH_MAX = 4096;

    // The two that differ between the architectures (arm64 has 32-bit ARM's values).
    public static readonly int O_DIRECTORY = OpenFlagsOf(RuntimeInformation.ProcessArchitecture).Directory;
    public static readonly int O_NOFOLLOW = OpenFlagsOf(RuntimeInformation.ProcessArchitecture).NoFollow;

    internal static (int Directory, int NoFollow) OpenFlagsOf(Architecture architecture) =>
        architecture == Architecture.Arm64 ? (0x4000, 0x8000) : (0x10000, 0x20000);
}
