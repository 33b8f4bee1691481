using System.Runtime.InteropServices;
using AutoCrunch.Core;

namespace AutoCrunch.Ledger;

/// <summary>A path as the tables have it: split at the last slash, so that a directory's files lie together.</summary>
internal readonly ref struct SplitPath
{
    public SplitPath(BytePath path)
    {
        int slash = path.Span.LastIndexOf((byte)'/');
        Directory = slash < 0 ? [] : path.Span[..slash];
        Name = path.Span[(slash + 1)..];
    }

    public ReadOnlySpan<byte> Directory { get; }

    public ReadOnlySpan<byte> Name { get; }

    /// <summary>The whole path again.</summary>
    public static BytePath Join(ReadOnlySpan<byte> directory, ReadOnlySpan<byte> name)
    {
        if (directory.IsEmpty)
            return new BytePath(name);
        byte[] path = new byte[directory.Length + 1 + name.Length];
        directory.CopyTo(path);
        path[directory.Length] = (byte)'/';
        name.CopyTo(path.AsSpan(directory.Length + 1));
        return new BytePath(path);
    }
}

/// <summary>Ranges of directories, as the primary key of <c>files</c> orders them.</summary>
internal static class PathRange
{
    // No path is longer than 4095 bytes, so this is above all of them.
    private static readonly byte[] s_aboveAll = Enumerable.Repeat((byte)0xFF, 4096).ToArray();

    /// <summary>The directory itself and what is below it: lower ends included, upper ends not.</summary>
    public static (byte[] Low, byte[] High)[] AtAndBelow(BytePath directory)
    {
        if (directory.IsEmpty)
            return [([], s_aboveAll)];
        byte[] self = directory.Span.ToArray();
        return [(self, Next(self)), ([.. self, (byte)'/'], [.. self, (byte)'/' + 1])];
    }

    /// <summary>The lowest bytes above these.</summary>
    public static byte[] Next(ReadOnlySpan<byte> bytes) => [.. bytes, 0];
}

/// <summary>A row of <c>files</c> with the state of its latest job.</summary>
/// <param name="Known">What is believed.</param>
/// <param name="JobId">Its latest job; null when it had none.</param>
/// <param name="DeviceId">The device it was seen on (<see cref="LedgerDevices"/>); null when not known.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct EntryRow(KnownEntry Known, long? JobId, long? DeviceId)
{
    /// <summary>When this version was recorded, by the wall clock.</summary>
    public long RecordedNs { get; init; }

    /// <summary>
    /// The latest job of the file that had this name before; null when it had none, or what is there now has one.
    /// </summary>
    public long? PreviousId { get; init; }

    /// <summary>The latest job of this name, whichever file it was made for.</summary>
    public long? LastJobId => JobId ?? PreviousId;
}

/// <summary>Rows to values: the columns and their order are here and nowhere else.</summary>
internal static class LedgerRows
{
    /// <summary>The columns that <see cref="ReadJob"/> reads, of the table under the name <c>j</c>.</summary>
    public const string JobColumns =
        "j.id, j.rule_id, j.directory, j.name, j.inode, j.size, j.mtime_ns, j.evidence, j.state, j.reason, j.due_ns, "
        + "j.attempts, j.failures, j.crashes, j.arrived_ns, j.completed_ns, j.started_ns, j.finished_ns, j.previous_id";

    /// <summary>The columns that <see cref="ReadEntry"/> reads, of a table of files with its jobs.</summary>
    public const string EntryColumns =
        "f.inode, f.size, f.mtime_ns, f.state, f.birth_ns, f.job_id, j.state, j.reason, f.hold, f.device_id, f.linked, "
        + "f.recorded_ns, f.previous_id, p.state, p.reason";

    /// <summary>How many columns that is.</summary>
    public const int EntryColumnCount = 15;

    /// <summary>Where they come from: <c>files</c> with its jobs.</summary>
    public const string Entries = "files" + EntryJobs;

    /// <summary>The same of <c>displaced</c>.</summary>
    public const string DisplacedEntries = "displaced" + EntryJobs;

    private const string EntryJobs = " f LEFT JOIN jobs j ON j.id = f.job_id LEFT JOIN jobs p ON p.id = f.previous_id";

    /// <summary>The columns that <see cref="ReadAttempt"/> reads.</summary>
    public const string AttemptColumns = "number, started_ns, finished_ns, result, exit_code, signal, reason";

    /// <summary>The columns that <see cref="ReadDisposal"/> reads.</summary>
    public const string DisposalColumns = "id, job_id, kind, source, destination, inode, size, mtime_ns, copy_inode, "
        + "state, reason, intended_ns, ended_ns, begun, device_id";

    /// <summary>The rule a job row belongs to.</summary>
    public static int RuleId(SqliteStatement row) => row.Int(1);

    public static Job ReadJob(SqliteStatement row, string rule) => new()
    {
        Id = row.Number(0),
        Rule = rule,
        Path = SplitPath.Join(row.Blob(2), row.Blob(3)),
        Version = ReadVersion(row, 4),
        Evidence = (Evidence)row.Int(7),
        State = (JobState)row.Int(8),
        Reason = (JobReason?)row.OptionalInt(9),
        DueNs = row.Number(10),
        Attempts = row.Int(11),
        Failures = row.Int(12),
        Crashes = row.Int(13),
        ArrivedNs = row.Number(14),
        CompletedNs = row.Number(15),
        StartedNs = row.OptionalNumber(16),
        FinishedNs = row.OptionalNumber(17),
        PreviousId = row.OptionalNumber(18),
    };

    public static EntryRow ReadEntry(SqliteStatement row) => new(
        new KnownEntry(
            ReadVersion(row, 0),
            (EntryState)row.Int(3),
            row.Number(4),
            (JobState?)row.OptionalInt(6),
            (JobReason?)row.OptionalInt(7))
        {
            Held = (HoldReason?)row.OptionalInt(8),
            WasLinked = row.Int(10) != 0,
            IsUpdate = row.IsNull(13)
                ? null : KnownEntry.IsProcessed((JobState)row.Int(13), (JobReason?)row.OptionalInt(14)),
        },
        row.OptionalNumber(5),
        row.OptionalNumber(9))
    {
        RecordedNs = row.Number(11),
        PreviousId = row.OptionalNumber(12),
    };

    /// <summary>The same with the path, where <c>f.directory, f.name</c> follow these columns.</summary>
    public static (BytePath Path, EntryRow Row) ReadEntryAt(SqliteStatement row) =>
        (SplitPath.Join(row.Blob(EntryColumnCount), row.Blob(EntryColumnCount + 1)), ReadEntry(row));

    public static AttemptRecord ReadAttempt(SqliteStatement row) => new(
        row.Int(0),
        row.Number(1),
        row.Number(2),
        (AttemptResult)row.Int(3),
        row.OptionalInt(4),
        row.OptionalInt(5),
        row.Text(6));

    /// <summary>The row of the device that the file of a disposal was on.</summary>
    public static long? DisposalDeviceId(SqliteStatement row) => row.OptionalNumber(14);

    public static Disposal ReadDisposal(SqliteStatement row) => new()
    {
        Id = row.Number(0),
        JobId = row.Number(1),
        Kind = (DisposalKind)row.Int(2),
        Source = new BytePath(row.Blob(3)),
        Destination = row.IsNull(4) ? null : new BytePath(row.Blob(4)),
        Version = ReadVersion(row, 5),
        CopyInode = (ulong?)row.OptionalNumber(8),
        State = (DisposalState)row.Int(9),
        Reason = row.Text(10),
        IntendedNs = row.Number(11),
        EndedNs = row.OptionalNumber(12),
        IsBegun = row.Int(13) != 0,
    };

    public static FileVersion ReadVersion(SqliteStatement row, int column) =>
        new((ulong)row.Number(column), row.Number(column + 1), row.Number(column + 2));

    /// <summary>Binds three parameters in the order of the columns inode, size, mtime_ns.</summary>
    public static SqliteStatement Bind(this SqliteStatement statement, int parameter, FileVersion version) => statement
        .Bind(parameter, (long)version.Inode)
        .Bind(parameter + 1, version.SizeBytes)
        .Bind(parameter + 2, version.MtimeNs);
}
