using System.Globalization;
using AutoCrunch.Core;
using Microsoft.Data.Sqlite;

namespace AutoCrunch.Tests.EndToEnd.Harness;

/// <summary>A job as the ledger has it; states: 0 queued, 1 running, 2 succeeded, 3 failed, 4 cancelled.</summary>
internal sealed record LedgerJob(long Id, BytePath Path, int State, int Attempts, int Failures, long MtimeNs);

/// <summary>Looks into the ledger of a running service.</summary>
internal sealed class LedgerView : IDisposable
{
    public const int Succeeded = 2;
    public const int Failed = 3;

    private readonly SqliteConnection _connection;

    public LedgerView(string directory)
    {
        _connection = new SqliteConnection(
            $"Data Source={Path.Combine(directory, "state", "ledger.db")};Mode=ReadOnly;Pooling=False");
        _connection.Open();
    }

    /// <summary>How many jobs are queued or running, but for those that wait until their path is resumed.</summary>
    public long UnfinishedJobs() => (long)Scalar(string.Create(
        CultureInfo.InvariantCulture, $"SELECT count(*) FROM jobs WHERE state < 2 AND due_ns < {long.MaxValue}"));

    /// <summary>How many jobs are in a state.</summary>
    public long JobsIn(int state) =>
        (long)Scalar(string.Create(CultureInfo.InvariantCulture, $"SELECT count(*) FROM jobs WHERE state = {state}"));

    /// <summary>All jobs, by id.</summary>
    public IReadOnlyList<LedgerJob> Jobs()
    {
        using SqliteCommand command = _connection.CreateCommand();
        command.CommandText = "SELECT id, directory, name, state, attempts, failures, mtime_ns FROM jobs ORDER BY id";
        using SqliteDataReader rows = command.ExecuteReader();
        var jobs = new List<LedgerJob>();
        while (rows.Read())
        {
            BytePath path = new BytePath(rows.GetFieldValue<byte[]>(1)).Join(rows.GetFieldValue<byte[]>(2));
            jobs.Add(new LedgerJob(
                rows.GetInt64(0), path, rows.GetInt32(3), rows.GetInt32(4), rows.GetInt32(5), rows.GetInt64(6)));
        }

        return jobs;
    }

    /// <summary>How many files are recorded as there, and not held.</summary>
    public long PresentFiles() => (long)Scalar("SELECT count(*) FROM files WHERE state = 0");

    /// <summary>How many files are held.</summary>
    public long HeldFiles() => (long)Scalar("SELECT count(*) FROM files WHERE state = 1");

    /// <summary>How many known files count as gone.</summary>
    public long GoneFiles() => (long)Scalar("SELECT count(*) FROM files WHERE state = 2");

    public void Dispose() => _connection.Dispose();

    private object Scalar(string sql)
    {
        using SqliteCommand command = _connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar()!;
    }
}
