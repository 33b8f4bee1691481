using System.Globalization;

namespace AutoCrunch.Benchmarks;

/// <summary>What the jobs (Native/job.c) of one round have written: one line each, the time and the path.</summary>
internal sealed class JobRecord(string file)
{
    private const int LookMs = 10;

    public void Clear() => File.Delete(file);

    /// <summary>
    /// Waits until there are so many lines, or until no more come. Whether there are is for <see cref="Check"/> to say.
    /// </summary>
    public void Await(int lines, TimeSpan stall)
    {
        (long Position, int Lines) read = default;
        while (read.Lines < lines)
        {
            (long Position, int Lines) before = read;
            if (!Patience.Until(() => (read = ReadOn(before)).Lines > before.Lines, stall, LookMs))
                return;
        }
    }

    /// <summary>Compares the record with the files that were delivered.</summary>
    public Tally Check(IReadOnlyCollection<string> delivered)
    {
        var starts = new Dictionary<string, long>(delivered.Count, StringComparer.Ordinal);
        int twice = 0;
        int notDelivered = 0;
        var known = new HashSet<string>(delivered, StringComparer.Ordinal);
        foreach ((long ns, string path) in File.Exists(file) ? Read(file) : [])
        {
            if (!known.Contains(path))
                notDelivered++;
            else if (!starts.TryAdd(path, ns))
                twice++;
        }

        return new Tally(starts, delivered.Count - starts.Count, twice, notDelivered);
    }

    /// <summary>The lines of a record: CLOCK_MONOTONIC in nanoseconds, a blank, the path.</summary>
    public static IEnumerable<(long Ns, string Path)> Read(string file) => Parse(File.ReadLines(file));

    public static IEnumerable<(long Ns, string Path)> Parse(IEnumerable<string> lines)
    {
        foreach (string line in lines)
        {
            int blank = line.IndexOf(' ', StringComparison.Ordinal);
            yield return (long.Parse(line.AsSpan(0, blank), CultureInfo.InvariantCulture), line[(blank + 1)..]);
        }
    }

    private (long Position, int Lines) ReadOn((long Position, int Lines) before)
    {
        if (!File.Exists(file))
            return before;
        using FileStream stream = File.OpenRead(file);
        stream.Position = before.Position;
        byte[] buffer = new byte[1 << 16];
        while (stream.Read(buffer) is > 0 and var length)
            before = (before.Position + length, before.Lines + buffer.AsSpan(0, length).Count((byte)'\n'));
        return before;
    }
}

/// <summary>What became of the files of one round.</summary>
/// <param name="Starts">When each job started, the first one for each file.</param>
/// <param name="Missed">Files without a job.</param>
/// <param name="Twice">Jobs beyond the first of a file.</param>
/// <param name="NotDelivered">Jobs for paths that nobody delivered.</param>
internal sealed record Tally(IReadOnlyDictionary<string, long> Starts, int Missed, int Twice, int NotDelivered)
{
    public bool IsExact => Missed + Twice + NotDelivered == 0;

    public long LastNs => Starts.Count == 0 ? 0 : Starts.Values.Max();

    public override string ToString() => $"{Missed} missed, {Twice} twice, {NotDelivered} false";
}
