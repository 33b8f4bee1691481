using AutoCrunch.Core;
using SQLitePCL;

namespace AutoCrunch.Ledger;

/// <summary>
/// A compiled statement: bind (parameters from 1), step, read columns (from 0), and <see cref="Reset"/> before the next
/// use. Used by its connection's thread.
/// </summary>
internal sealed class SqliteStatement(SqliteDatabase database, sqlite3_stmt handle) : IDisposable
{
    public SqliteStatement Bind(int parameter, long value)
    {
        database.Check(raw.sqlite3_bind_int64(handle, parameter, value));
        return this;
    }

    public SqliteStatement Bind(int parameter, long? value)
    {
        if (value is { } number)
            return Bind(parameter, number);
        database.Check(raw.sqlite3_bind_null(handle, parameter));
        return this;
    }

    /// <summary>Binds a BLOB, also the empty one (which SQLite's own function would take for NULL).</summary>
    public SqliteStatement Bind(int parameter, ReadOnlySpan<byte> value)
    {
        database.Check(value.IsEmpty
            ? raw.sqlite3_bind_zeroblob(handle, parameter, 0)
            : raw.sqlite3_bind_blob(handle, parameter, value));
        return this;
    }

    public SqliteStatement Bind(int parameter, string? value)
    {
        database.Check(value is null
            ? raw.sqlite3_bind_null(handle, parameter)
            : raw.sqlite3_bind_text(handle, parameter, value));
        return this;
    }

    /// <summary>
    /// Goes to the next row; false when there is none, and the statement is then ready to be used again.
    /// </summary>
    /// <exception cref="SqliteException">SQLite refuses; the statement is ready to be used again.</exception>
    public bool Step()
    {
        int code = raw.sqlite3_step(handle);
        if (code == raw.SQLITE_ROW)
            return true;
        if (code == raw.SQLITE_DONE)
        {
            Reset();
            return false;
        }

        try
        {
            database.Check(code);
            throw new InvariantException($"step returned {code}");
        }
        finally
        {
            Reset();
        }
    }

    /// <summary>Runs a statement that returns no row.</summary>
    public void Run() => Invariant.That(!Step());

    /// <summary>Ends the reading of rows. The bindings stay.</summary>
    public void Reset() => raw.sqlite3_reset(handle);

    public long Number(int column) => raw.sqlite3_column_int64(handle, column);

    public int Int(int column) => checked((int)Number(column));

    public long? OptionalNumber(int column) => IsNull(column) ? null : Number(column);

    public int? OptionalInt(int column) => IsNull(column) ? null : Int(column);

    /// <summary>Valid until the next step or reset.</summary>
    public ReadOnlySpan<byte> Blob(int column) => raw.sqlite3_column_blob(handle, column);

    public string? Text(int column) => IsNull(column) ? null : raw.sqlite3_column_text(handle, column).utf8_to_string();

    public bool IsNull(int column) => raw.sqlite3_column_type(handle, column) == raw.SQLITE_NULL;

    public void Dispose()
    {
        database.Forget(this, raw.sqlite3_stmt_status(handle, raw.SQLITE_STMTSTATUS_VM_STEP, 0));
        handle.Dispose();
    }
}
