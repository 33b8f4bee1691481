using System.Globalization;
using System.Reflection;
using AutoCrunch.Core;
using AutoCrunch.Linux;
using FileSystemInfo = AutoCrunch.Linux.FileSystemInfo;

namespace AutoCrunch.Ledger;

/// <summary>Opens the file <c>ledger.db</c>: created, brought up to date, or refused with what mends it.</summary>
internal static class LedgerFile
{
    /// <summary>The schema this program writes: <c>user_version</c>.</summary>
    public const long SchemaVersion = 4;

    // "ACru": file(1) and we tell it from any other SQLite file.
    private const long ApplicationId = 0x41437275;

    // A WAL that grew beyond it (a long reader) is cut when it starts again.
    private const int WalKeptBytes = 64 * 1024 * 1024;

    private static readonly string[] s_migrations =
        ["Schema.sql", "Migration2.sql", "Migration3.sql", "Migration4.sql"];

    /// <summary>Opens for writing.</summary>
    /// <param name="layout">Where.</param>
    /// <param name="wasUnclean">The service that had it open was killed, or the machine was: worth a check.</param>
    /// <exception cref="LedgerUnusableException">No restart mends it.</exception>
    /// <exception cref="SqliteException">It may be better later: the disk is full, or failed.</exception>
    public static SqliteDatabase OpenWriter(StateLayout layout, out bool wasUnclean)
    {
        wasUnclean = FileStatReader.TryReadTarget(layout.Wal, out FileStat wal) == 0 && wal.SizeBytes > 0;
        SqliteDatabase? db = null;
        try
        {
            if (!IsThere(layout))
                Create(layout);
            db = SqliteDatabase.OpenWriter(layout.Ledger);
            CheckVersion(db, layout.Ledger);
            Configure(db);
            db.Execute($"PRAGMA cache_size = -16384; PRAGMA journal_size_limit = {WalKeptBytes}");
            Migrate(db);
            return db;
        }
        catch (Exception e)
        {
            db?.Dispose();
            if (Explain(e, layout.Ledger) is { } unusable)
                throw unusable;
            throw;
        }
    }

    /// <summary>Makes an empty ledger in memory.</summary>
    public static SqliteDatabase OpenInMemory()
    {
        SqliteDatabase db = SqliteDatabase.OpenWriter(new BytePath(":memory:"u8));
        try
        {
            Migrate(db);
            return db;
        }
        catch
        {
            db.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Opens for reading beside the writing connection of this process, which has found the ledger in order.
    /// </summary>
    /// <exception cref="SqliteException">SQLite refuses.</exception>
    public static SqliteDatabase OpenOwnReader(StateLayout layout)
    {
        SqliteDatabase db = SqliteDatabase.OpenReader(layout.Ledger);
        try
        {
            db.Execute("PRAGMA query_only = 1; PRAGMA temp_store = 2");
            return db;
        }
        catch
        {
            db.Dispose();
            throw;
        }
    }

    /// <summary>Opens a second connection of the service itself: for checkpoints and checks.</summary>
    public static SqliteDatabase OpenSecond(StateLayout layout)
    {
        SqliteDatabase db = SqliteDatabase.OpenWriter(layout.Ledger);
        Configure(db);
        db.Execute("PRAGMA cache_size = -256");
        return db;
    }

    /// <summary>
    /// Opens for reading, whether or not a service has it open, and also where the reader may not write in the
    /// directory.
    /// </summary>
    /// <exception cref="LedgerUnusableException">There is no ledger, or none this program can read.</exception>
    public static SqliteDatabase OpenReader(StateLayout layout)
    {
        CheckReadable(layout);
        SqliteDatabase? db = null;
        try
        {
            IsThere(layout);

            // Without a WAL it was closed cleanly: nobody writes, and no file must be left behind beside it that might
            // belong to another user than the service's.
            bool isClosed = FileStatReader.TryReadTarget(layout.Wal, out _) == Errno.ENOENT;
            db = isClosed ? SqliteDatabase.OpenImmutable(layout.Ledger) : SqliteDatabase.OpenReader(layout.Ledger);
            if (CheckVersion(db, layout.Ledger) != SchemaVersion)
                throw new LedgerUnusableException(
                    $"The ledger '{layout.Ledger}' is older than this program: start the service once to update it.")
                {
                    IsOutdated = true,
                };
            db.Execute("PRAGMA query_only = 1; PRAGMA temp_store = 2");
            return db;
        }
        catch (Exception e)
        {
            db?.Dispose();
            if (Explain(e, layout.Ledger) is not { } unusable)
                throw;
            bool hasWal = FileStatReader.TryReadTarget(layout.Wal, out _) == 0;
            throw hasWal && e is SqliteException { IsAccess: true } ? NotInOrder(layout, e) : unusable;
        }
    }

    /// <summary>What SQLite finds wrong with the file; null when it is sound. Reads all of it.</summary>
    public static string? QuickCheck(SqliteDatabase db)
    {
        string? finding = db.QueryText("PRAGMA quick_check(1)");
        return finding == "ok" ? null : finding ?? "no answer";
    }

    /// <summary>The message for a ledger that is damaged.</summary>
    public static LedgerUnusableException Corrupt(BytePath ledger, string finding, Exception? inner = null) => new(
        $"The ledger '{ledger}' is damaged ({finding}). Restore it from a backup; or, with the service stopped, move "
        + $"it, '{ledger}-wal' and '{ledger}-shm' away and start with an empty one: all files that are there then "
        + "count as found at the first start (ExistingFiles). sqlite3's .recover may save the old history.",
        inner);

    // False when there is none. What is left of one is never taken for none: SQLite would make an empty ledger of it.
    private static bool IsThere(StateLayout layout)
    {
        int errno = FileStatReader.TryReadTarget(layout.Ledger, out FileStat file);
        bool hasWal = FileStatReader.TryReadTarget(layout.Wal, out FileStat wal) == 0 && wal.SizeBytes > 0;
        if (errno == 0 && file.SizeBytes == 0)
            throw Corrupt(layout.Ledger, "it is empty, 0 bytes");

        // No page is smaller. Where there is a log, its moving may have been broken off: it is repeated.
        const int SmallestPageBytes = 512;
        if (errno == 0 && !hasWal && file.SizeBytes % SmallestPageBytes != 0)
            throw Corrupt(layout.Ledger, $"it was cut: {file.SizeBytes} bytes are no whole number of pages");
        if (errno == Errno.ENOENT && hasWal)
            throw Corrupt(layout.Ledger, $"it is missing, but '{layout.Wal}' is there");
        return errno != Errno.ENOENT;
    }

    private static void CheckReadable(StateLayout layout)
    {
        int errno = FileStatReader.TryReadTarget(layout.Ledger, out _);
        if (errno == 0)
            errno = PathOps.TryAccess(layout.Ledger, AccessMode.Read);
        if (errno == Errno.ENOENT)
            throw new LedgerUnusableException(
                $"There is no ledger '{layout.Ledger}': the service has not run yet with this StateDirectory.")
            {
                IsMissing = true,
            };
        if (errno == Errno.EACCES)
            throw new LedgerUnusableException(
                $"This user may not read the ledger '{layout.Ledger}' (EACCES): ask as root, as the service's user, or "
                + $"as a member of the group that '{layout.Root}' belongs to.");
    }

    // What is left of a service that was killed can be read once it has been brought in order, which is a write.
    private static LedgerUnusableException NotInOrder(StateLayout layout, Exception e) => new(
        $"The ledger '{layout.Ledger}' cannot be read by this user ({e.Message}): the service that wrote it was "
        + $"killed, and what it left, '{layout.Wal}', must be brought in order. Start the service, or ask as its user.",
        e);

    // Under another name until all is in it: a start that is broken off leaves no half of a ledger.
    private static void Create(StateLayout layout)
    {
        PathOps.TryUnlink(layout.NewLedger);
        PathOps.TryUnlink(layout.NewLedgerJournal);
        using (SqliteDatabase db = SqliteDatabase.OpenWriter(layout.NewLedger))
            Migrate(db);
        int errno = PathOps.TryRename(layout.NewLedger, layout.Ledger);
        if (errno != 0)
            throw new LinuxException("rename", layout.NewLedger, errno);
    }

    private static void Configure(SqliteDatabase db) => db.Execute("""
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = NORMAL;
        PRAGMA wal_autocheckpoint = 0;
        PRAGMA temp_store = 2;
        PRAGMA trusted_schema = 0;
        """);

    private static long CheckVersion(SqliteDatabase db, BytePath ledger)
    {
        long application = db.QueryNumber("PRAGMA application_id") ?? 0;
        long version = db.QueryNumber("PRAGMA user_version") ?? 0;
        bool isEmpty = db.QueryNumber("SELECT count(*) FROM sqlite_schema") == 0;
        if (application != ApplicationId && !isEmpty)
            throw new LedgerUnusableException(
                $"'{ledger}' is a SQLite database, but not AutoCrunch's: give AutoCrunch a StateDirectory of its own.");
        if (version > SchemaVersion)
            throw new LedgerUnusableException(
                $"The ledger '{ledger}' was written by a newer AutoCrunch (schema {version}; this one knows "
                + $"{SchemaVersion}). Install that version again; a ledger cannot go back.");
        return version;
    }

    private static void Migrate(SqliteDatabase db)
    {
        for (long version = db.QueryNumber("PRAGMA user_version") ?? 0; version < SchemaVersion; version++)
        {
            db.Execute("BEGIN IMMEDIATE");
            db.Execute(ReadScript(s_migrations[version]));
            if (version == 0)
                CreateIdentity(db);
            db.Execute(string.Create(
                CultureInfo.InvariantCulture,
                $"PRAGMA user_version = {version + 1}; PRAGMA application_id = {ApplicationId}; COMMIT"));
        }
    }

    private static void CreateIdentity(SqliteDatabase db)
    {
        using SqliteStatement insert = db.Prepare("INSERT INTO ledger (one, id, created_ns) VALUES (1, ?1, ?2)");

        // Random enough, and unlike RandomNumberGenerator it does not load OpenSSL: 6 MB for a few bytes.
        insert.Bind(1, Guid.NewGuid().ToString("N")).Bind(2, Clock.WallNs()).Run();
    }

    private static string ReadScript(string name)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"AutoCrunch.Ledger.{name}")
            ?? throw new InvariantException($"{name} is not embedded");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    /// <summary>What to tell the operator when the ledger is damaged; null when it is something else.</summary>
    public static LedgerUnusableException? ExplainDamage(Exception e, BytePath ledger) => e switch
    {
        LedgerUnusableException unusable => unusable,
        SqliteException { IsCorrupt: true } => Corrupt(ledger, e.Message, e),
        _ => null,
    };

    /// <summary>What to tell the operator when no restart mends it; null when it is of another kind.</summary>
    public static LedgerUnusableException? Explain(Exception e, BytePath ledger)
    {
        if (e is not SqliteException sqlite)
            return null;
        if (sqlite.IsCorrupt)
            return Corrupt(ledger, sqlite.Message, e);

        // A file system that is read-only may be made writable again.
        bool isReadOnly = FileSystemInfo.TryRead(ledger.Directory, out FileSystemFacts facts) == 0 && facts.IsReadOnly;
        return sqlite.IsAccess && !isReadOnly
            ? new LedgerUnusableException(
                $"The ledger '{ledger}' cannot be opened: {sqlite.Message}; {sqlite.Advice}.", e)
            : null;
    }
}
