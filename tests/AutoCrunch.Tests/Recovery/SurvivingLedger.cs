using Microsoft.Data.Sqlite;

namespace AutoCrunch.Tests.Recovery;

/// <summary>
/// A ledger as a killed service has left it, looked at in a copy: what recovers it is the service alone.
/// </summary>
internal sealed class SurvivingLedger : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly SqliteConnection _connection;

    /// <param name="stateDirectory">The state directory; nobody may have the ledger open.</param>
    public SurvivingLedger(string stateDirectory)
    {
        if (!Directory.Exists(stateDirectory))
            Directory.CreateDirectory(stateDirectory); // killed before it was made
        foreach (string file in Directory.EnumerateFiles(stateDirectory, "ledger.db*"))
            if (!file.EndsWith("-shm", StringComparison.Ordinal)) // rebuilt by whoever opens it first
                File.Copy(file, Path.Combine(_directory.Text, Path.GetFileName(file)));
        _connection = new SqliteConnection(
            $"Data Source={Path.Combine(_directory.Text, "ledger.db")};Mode=ReadWriteCreate;Pooling=False");
        _connection.Open();
    }

    /// <summary>Asserts that SQLite finds nothing wrong with it, and that its rows agree with each other.</summary>
    public void AssertSound()
    {
        Assert.Equal("ok", Rows("PRAGMA integrity_check", row => row.GetString(0)).Single());
        if (Number("SELECT count(*) FROM sqlite_schema") == 0)
            return; // killed before there was one
        Assert.Equal(0, Number("""
            SELECT count(*) FROM jobs j WHERE state = 1 AND EXISTS (
                SELECT 1 FROM jobs o WHERE o.state = 1 AND o.id <> j.id
                    AND (o.rule_id, o.directory, o.name) = (j.rule_id, j.directory, j.name))
            """));
        Assert.Equal(0, Number("""
            SELECT count(*) FROM attempts a LEFT JOIN jobs j ON j.id = a.job_id
            WHERE j.id IS NULL OR a.number > j.attempts OR (a.number = j.attempts AND j.state = 1)
            """));
    }

    public long Number(string sql) => Rows(sql, row => row.GetInt64(0)).Single();

    public List<T> Rows<T>(string sql, Func<SqliteDataReader, T> read)
    {
        using SqliteCommand command = _connection.CreateCommand();
        command.CommandText = sql;
        using SqliteDataReader rows = command.ExecuteReader();
        var found = new List<T>();
        while (rows.Read())
            found.Add(read(rows));
        return found;
    }

    public void Dispose()
    {
        _connection.Dispose();
        _directory.Dispose();
    }
}
