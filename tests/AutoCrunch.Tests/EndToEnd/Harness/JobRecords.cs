using System.Globalization;
using System.Text;
using AutoCrunch.Core;

namespace AutoCrunch.Tests.EndToEnd.Harness;

/// <summary>A start of a job, as the job itself recorded it; <see cref="End"/> once it ended by itself.</summary>
internal sealed record JobRecord(
    BytePath Path,
    long SizeBytes,
    string Hash,
    long MtimeNs,
    ulong Inode,
    int Attempt,
    string JobId,
    string Rule,
    int Pid,
    long StartNs)
{
    public JobEnd? End { get; init; }

    public override string ToString() =>
        $"{Path} ({SizeBytes} bytes, job {JobId}, attempt {Attempt}, {End?.ToString() ?? "no end"})";
}

/// <summary>The end of a job.</summary>
internal sealed record JobEnd(int ExitCode, long EndNs);

/// <summary>Reads the file that the jobs under test append their records to (Programs/job.c).</summary>
internal sealed class JobRecords(string file)
{
    private readonly List<JobRecord> _records = [];
    private readonly Lock _lock = new();
    private long _readBytes;

    /// <summary>The file.</summary>
    public string File { get; } = file;

    /// <summary>All starts so far, in order.</summary>
    public IReadOnlyList<JobRecord> Read()
    {
        lock (_lock)
        {
            ReadMore();
            return [.. _records];
        }
    }

    /// <summary>Forgets what was read: the file was removed, and begins anew.</summary>
    public void Forget()
    {
        lock (_lock)
        {
            _records.Clear();
            _readBytes = 0;
        }
    }

    /// <summary>Asserts that no two jobs of one rule and path ran at the same time.</summary>
    public void AssertNoOverlap()
    {
        foreach (IGrouping<(string, BytePath), JobRecord> group in Read().GroupBy(r => (r.Rule, r.Path)))
            foreach ((JobRecord first, JobRecord second) in group.Zip(group.Skip(1)))
                Assert.True(
                    first.End is null || first.End.EndNs <= second.StartNs,
                        $"{first} and {second} ran at the same time");
    }

    private void ReadMore()
    {
        if (!System.IO.File.Exists(File))
            return;
        using var stream = new FileStream(File, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        if (stream.Length == _readBytes)
            return;
        stream.Position = _readBytes;
        byte[] bytes = new byte[stream.Length - _readBytes];
        stream.ReadExactly(bytes);
        int whole = Array.LastIndexOf(bytes, (byte)'\n') + 1;
        _readBytes += whole;
        foreach (string line in Encoding.ASCII.GetString(bytes, 0, whole).Split('\n',
            StringSplitOptions.RemoveEmptyEntries))
            Take(line.Split(' '));
    }

    private void Take(string[] fields)
    {
        var path = new BytePath(Convert.FromHexString(fields[1]));
        if (fields[0] == "S")
        {
            _records.Add(new JobRecord(path, Number(fields[2]), fields[3], Number(fields[4]), (ulong)Number(fields[5]),
                fields[6] == "-" ? 0 : (int)Number(fields[6]), fields[7], fields[8], (int)Number(fields[9]),
                Number(fields[10])));
            return;
        }

        int pid = (int)Number(fields[6]);
        int started = _records.FindLastIndex(record => record.Pid == pid && record.Path == path && record.End is null);
        _records[started] = _records[started] with { End = new JobEnd((int)Number(fields[2]), Number(fields[7])) };
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
