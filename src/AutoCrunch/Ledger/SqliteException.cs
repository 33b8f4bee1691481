using SQLitePCL;

namespace AutoCrunch.Ledger;

/// <summary>SQLite refused something.</summary>
/// <param name="code">SQLite's extended result code.</param>
/// <param name="message">SQLite's own sentence.</param>
internal sealed class SqliteException(int code, string message) : Exception($"SQLite: {message} (code {code})")
{
    /// <summary>SQLite's extended result code.</summary>
    public int Code { get; } = code;

    private int Primary => Code & 0xFF;

    /// <summary>
    /// True when it may succeed later without anybody changing the database: the disk is full or was made read-only, an
    /// I/O error, out of memory, a lock that somebody holds.
    /// </summary>
    public bool IsTransient => Primary is raw.SQLITE_FULL or raw.SQLITE_IOERR or raw.SQLITE_READONLY
        or raw.SQLITE_CANTOPEN or raw.SQLITE_BUSY or raw.SQLITE_LOCKED or raw.SQLITE_NOMEM or raw.SQLITE_PERM
        or raw.SQLITE_PROTOCOL;

    /// <summary>True when there is no room on the disk.</summary>
    public bool IsFull => Primary is raw.SQLITE_FULL || Code == raw.SQLITE_IOERR_SHMSIZE;

    /// <summary>True when the file is no (sound) SQLite database.</summary>
    public bool IsCorrupt => Primary is raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB;

    /// <summary>True when the file, or a file beside it, may not be opened or written.</summary>
    public bool IsAccess => Primary is raw.SQLITE_CANTOPEN or raw.SQLITE_PERM or raw.SQLITE_READONLY or raw.SQLITE_AUTH;

    /// <summary>What the operator can do about a transient failure.</summary>
    public string Advice => Primary switch
    {
        _ when IsFull => "make room on the state directory's file system",
        raw.SQLITE_READONLY => "make the state directory's file system writable again (mount -o remount,rw)",
        raw.SQLITE_IOERR => "see the kernel's log (dmesg) for the disk's errors, and check free space and quotas",
        raw.SQLITE_CANTOPEN or raw.SQLITE_PERM => "let the service's user own the state directory and all in it",
        raw.SQLITE_NOMEM => "give the machine or the service's memory limit more room",
        _ => "see what else has the ledger open (fuser)",
    };
}
