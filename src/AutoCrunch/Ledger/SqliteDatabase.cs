using System.Text;
using AutoCrunch.Core;
using SQLitePCL;

namespace AutoCrunch.Ledger;

/// <summary>
/// One SQLite connection, used by one thread at a time. Over the C API itself, because paths are bytes (also that of
/// the database) and because a statement must cost what SQLite makes it cost: nothing is allocated per execution.
/// </summary>
internal sealed class SqliteDatabase : IDisposable
{
    // A reader that recovers the WAL after a crash holds the lock for a moment; nobody else ever writes.
    private const int BusyTimeoutMs = 10_000;

    private readonly List<SqliteStatement> _statements = [];
    private readonly sqlite3 _handle;

    static SqliteDatabase()
    {
        Batteries_V2.Init();

        // It counts its memory for nobody, and would take a lock for each piece (sqlite.org/c3ref, "Memory Allocator
        // Statistics").
        raw.sqlite3_config(raw.SQLITE_CONFIG_MEMSTATUS, 0);
    }

    private SqliteDatabase(sqlite3 handle) => _handle = handle;

    /// <summary>Rows changed by the last statement that changed any.</summary>
    public int Changes => raw.sqlite3_changes(_handle);

    /// <summary>The id of the row inserted last.</summary>
    public long LastInsertId => raw.sqlite3_last_insert_rowid(_handle);

    /// <summary>Opened by <see cref="OpenImmutable"/>: what is written meanwhile is not noticed.</summary>
    public bool IsImmutable { get; private set; }

    /// <summary>
    /// What the statements disposed of so far have cost, in steps of SQLite's machine: a few for each row looked at.
    /// </summary>
    public long StepsTaken { get; private set; }

    /// <summary>True between BEGIN and the end of the transaction, whoever ended it.</summary>
    public bool IsInTransaction => raw.sqlite3_get_autocommit(_handle) == 0;

    /// <summary>Opens for reading and writing, creating the file if there is none.</summary>
    /// <exception cref="SqliteException">SQLite refuses.</exception>
    public static SqliteDatabase OpenWriter(BytePath path) =>
        Open(path.Span, raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_CREATE);

    /// <summary>Opens an existing file for reading.</summary>
    /// <exception cref="SqliteException">SQLite refuses.</exception>
    public static SqliteDatabase OpenReader(BytePath path) => Open(path.Span, raw.SQLITE_OPEN_READONLY);

    /// <summary>
    /// Opens an existing file that nobody writes, neither locking it nor creating the files that WAL needs beside it.
    /// </summary>
    /// <exception cref="SqliteException">SQLite refuses.</exception>
    public static SqliteDatabase OpenImmutable(BytePath path)
    {
        var uri = new StringBuilder("file:");
        foreach (byte value in path.Span)
            uri.Append(value == '/' || char.IsAsciiLetterOrDigit((char)value) ? $"{(char)value}" : $"%{value:X2}");
        byte[] bytes = Encoding.ASCII.GetBytes(uri.Append("?immutable=1").ToString());
        SqliteDatabase db = Open(bytes, raw.SQLITE_OPEN_READONLY | raw.SQLITE_OPEN_URI);
        db.IsImmutable = true;
        return db;
    }

    /// <summary>Compiles a statement that lives as long as the connection.</summary>
    public SqliteStatement Prepare(string sql)
    {
        Check(raw.sqlite3_prepare_v3(_handle, sql, raw.SQLITE_PREPARE_PERSISTENT, out sqlite3_stmt statement));
        var prepared = new SqliteStatement(this, statement);
        _statements.Add(prepared);
        return prepared;
    }

    /// <summary>Runs statements that take and return nothing.</summary>
    public void Execute(string sql) => Check(raw.sqlite3_exec(_handle, sql));

    /// <summary>
    /// Runs one statement and returns the first column of its first row as a number; null when there is none.
    /// </summary>
    public long? QueryNumber(string sql)
    {
        using SqliteStatement statement = Prepare(sql);
        return statement.Step() && !statement.IsNull(0) ? statement.Number(0) : null;
    }

    /// <summary>
    /// Runs one statement and returns the first column of its first row as text; null when there is none.
    /// </summary>
    public string? QueryText(string sql)
    {
        using SqliteStatement statement = Prepare(sql);
        return statement.Step() ? statement.Text(0) : null;
    }

    /// <summary>Pages that this connection has written, into the WAL or the database, since the last call.</summary>
    public int TakePagesWritten()
    {
        Check(raw.sqlite3_db_status(_handle, raw.SQLITE_DBSTATUS_CACHE_WRITE, out int pages, out _, 1));
        return pages;
    }

    /// <summary>
    /// Copies what can be copied from the WAL into the database, and flushes both, without ever waiting for a reader or
    /// the writer. Returns true when the whole WAL is in the database, so that the next write starts it from its
    /// beginning.
    /// </summary>
    public bool Checkpoint()
    {
        int code = raw.sqlite3_wal_checkpoint_v2(
            _handle, "main", raw.SQLITE_CHECKPOINT_PASSIVE, out int log, out int done);
        if ((code & 0xFF) == raw.SQLITE_BUSY)
            return false;
        Check(code);
        return log == done;
    }

    /// <summary>When this connection closes as the last one, the WAL stays as it is.</summary>
    public void KeepLog() =>
        Check(raw.sqlite3_db_config(_handle, raw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, out _));

    /// <summary>
    /// Breaks off what another thread runs on this connection. The connection must not be closed meanwhile.
    /// </summary>
    public void Interrupt() => raw.sqlite3_interrupt(_handle);

    /// <summary>Throws for a result code that is none of success.</summary>
    internal void Check(int code)
    {
        if (code is not (raw.SQLITE_OK or raw.SQLITE_ROW or raw.SQLITE_DONE))
            throw new SqliteException(code, raw.sqlite3_errmsg(_handle).utf8_to_string());
    }

    internal void Forget(SqliteStatement statement, int steps)
    {
        _statements.Remove(statement);
        StepsTaken += steps;
    }

    /// <summary>Closes it. The last connection to close moves the WAL into the database and removes it.</summary>
    public void Dispose()
    {
        foreach (SqliteStatement statement in _statements.ToArray())
            statement.Dispose();
        _handle.Dispose();
    }

    private static SqliteDatabase Open(ReadOnlySpan<byte> name, int flags)
    {
        byte[] terminated = new byte[name.Length + 1];
        name.CopyTo(terminated);
        int code = raw.sqlite3_open_v2(
            utf8z.FromSpan(terminated), out sqlite3 handle, flags | raw.SQLITE_OPEN_NOMUTEX, utf8z.FromSpan([]));
        if (code != raw.SQLITE_OK)
        {
            string message = raw.sqlite3_errmsg(handle).utf8_to_string();
            int extended = raw.sqlite3_extended_errcode(handle);
            handle.Dispose();
            throw new SqliteException(extended, message);
        }

        raw.sqlite3_extended_result_codes(handle, 1);
        raw.sqlite3_busy_timeout(handle, BusyTimeoutMs);
        return new SqliteDatabase(handle);
    }
}
