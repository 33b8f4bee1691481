using System.Globalization;
using System.Text.Json;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Cli;

/// <summary>What a file has come to in a trace.</summary>
/// <param name="Kind">One word: complete, held, waiting, temporary, ignored, gone.</param>
/// <param name="Reason">Why; may be empty.</param>
internal readonly record struct TraceVerdict(string Kind, string Reason)
{
    /// <summary>"complete: renamed from rsync's temporary .a.raw.x2Kd9q"</summary>
    public override string ToString() => Reason.Length == 0 ? Kind : $"{Kind}: {Reason}";
}

/// <summary>
/// The lines of a trace and its summary. An event's line is kept back until the tracker has taken the event, so that
/// the verdict stands on the line of the event that brought it. Watch thread only, but for the summary at the end.
/// </summary>
internal sealed class TraceReport(Terminal terminal, bool asJson)
{
    private const long NsPerMs = 1_000_000;

    private readonly Dictionary<BytePath, TracedFile> _files = [];
    private Line? _pending;

    /// <summary>An event of the kernel was read; its verdict may follow.</summary>
    /// <param name="time">When it was read.</param>
    /// <param name="mask">The event's bits.</param>
    /// <param name="path">What it is about, relative to the traced directory.</param>
    /// <param name="isFile">False for a directory: it gets no line in the summary.</param>
    public void Event(Moment time, uint mask, BytePath path, bool isFile)
    {
        Flush();
        _pending = new Line(time.WallNs, InotifyMask.Describe(mask), path, null);
        if (isFile)
            FileOf(path, time.WallNs).Events++;
    }

    /// <summary>
    /// What became of a file: on the line of its event if that is the last one, else on a line of its own.
    /// </summary>
    public void Verdict(long wallNs, BytePath path, TraceVerdict verdict, long? sizeBytes)
    {
        FileOf(path, wallNs).Take(verdict, wallNs, sizeBytes);
        if (_pending is { } line && line.Path == path && line.Verdict is null)
        {
            _pending = line with { Verdict = verdict };
            return;
        }

        Flush();
        Print(new Line(wallNs, "", path, verdict));
    }

    /// <summary>True while the last event's line waits for a verdict on this name.</summary>
    public bool AwaitsVerdict(BytePath path) => _pending is { Verdict: null } line && line.Path == path;

    /// <summary>Prints the line that was kept back.</summary>
    public void Flush()
    {
        if (_pending is not { } line)
            return;
        _pending = null;
        Print(line);
    }

    /// <summary>One line per file, in the order in which they were first seen.</summary>
    public void Summarize(TimeSpan duration)
    {
        Flush();
        TracedFile[] files = [.. _files.Values.Where(file => file.Verdict?.Kind is not ("temporary" or "ignored"))];
        if (asJson)
        {
            foreach (TracedFile file in files)
                terminal.WriteJson(json => WriteSummary(json, file));
            return;
        }

        int complete = files.Count(file => file.Completions > 0);
        int held = files.Count(file => file.Verdict?.Kind == "held");
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{files.Length} files in {duration.TotalSeconds:0.0} s: {complete} complete, {held} held, "
            + $"{files.Length - complete - held} without a verdict or gone"));
        int width = Math.Min(60, files.Select(file => file.Path.ToString().Length).DefaultIfEmpty(0).Max());
        foreach (TracedFile file in files)
            terminal.Out.WriteLine("  " + SummaryLine(file, width));
    }

    private static string SummaryLine(TracedFile file, int width)
    {
        string size = file.SizeBytes is { } bytes ? Sizes.Of(bytes) : "";
        double took = (file.VerdictNs - file.FirstNs) / NsPerMs / 1000.0;
        string seconds = file.VerdictNs == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"{took:0.000} s");
        string before = (file.Verdict?.Kind, file.Completions) switch
        {
            (_, 0) or ("complete", 1) => "",
            ("complete", int times) => string.Create(CultureInfo.InvariantCulture, $" ({times} versions)"),
            _ => " (was complete)",
        };
        string verdict = (file.Verdict?.ToString() ?? "no verdict") + before;
        return string.Create(CultureInfo.InvariantCulture,
            $"{file.Path.ToString().PadRight(width)}  {file.Events,5} events  {size,10}  {seconds,10}  {verdict}");
    }

    private static DateTimeOffset Time(long wallNs) => DateTimeOffset.UnixEpoch.AddTicks(wallNs / 100);

    private TracedFile FileOf(BytePath path, long wallNs)
    {
        if (!_files.TryGetValue(path, out TracedFile? file))
            _files.Add(path, file = new TracedFile(path, wallNs));
        return file;
    }

    private void Print(Line line)
    {
        if (asJson)
        {
            terminal.WriteJson(json => WriteEvent(json, line));
            return;
        }

        string verdict = line.Verdict is { } known ? "  " + Colour(known) : "";
        string path = line.Path.IsEmpty ? "." : line.Path.ToString();
        if (verdict.Length > 0)
            path = path.PadRight(24);
        string start = string.Create(CultureInfo.InvariantCulture,
            $"{Time(line.WallNs).ToLocalTime():HH:mm:ss.fff}  {line.Events,-13}  ");
        terminal.Out.WriteLine(start + path + verdict);
        terminal.Out.Flush();
    }

    private string Colour(TraceVerdict verdict) => verdict.Kind switch
    {
        "complete" => terminal.Green(verdict.ToString()),
        "held" => terminal.Red(verdict.ToString()),
        "waiting" => terminal.Yellow(verdict.ToString()),
        _ => terminal.Grey(verdict.ToString()),
    };

    private static void WriteEvent(Utf8JsonWriter json, Line line)
    {
        json.WriteString("time", Time(line.WallNs).UtcDateTime.ToString("O", CultureInfo.InvariantCulture));
        json.WriteStartArray("events");
        foreach (string name in line.Events.Split('|', StringSplitOptions.RemoveEmptyEntries))
            json.WriteStringValue(name);
        json.WriteEndArray();
        WritePath(json, line.Path);
        WriteVerdict(json, line.Verdict);
    }

    private static void WriteSummary(Utf8JsonWriter json, TracedFile file)
    {
        json.WriteString("summary", "file");
        WritePath(json, file.Path);
        json.WriteString("firstSeen", Time(file.FirstNs).UtcDateTime.ToString("O", CultureInfo.InvariantCulture));
        json.WriteNumber("eventCount", file.Events);
        json.WriteNumber("completions", file.Completions);
        if (file.SizeBytes is { } size)
            json.WriteNumber("size", size);
        WriteVerdict(json, file.Verdict);
    }

    private static void WritePath(Utf8JsonWriter json, BytePath path)
    {
        json.WriteString("path", path.ToString());
        json.WriteString("pathBase64", Convert.ToBase64String(path.Span));
    }

    private static void WriteVerdict(Utf8JsonWriter json, TraceVerdict? verdict)
    {
        if (verdict is not { } known)
            return;
        json.WriteString("verdict", known.Kind);
        json.WriteString("reason", known.Reason);
    }

    private sealed record Line(long WallNs, string Events, BytePath Path, TraceVerdict? Verdict);

    private sealed class TracedFile(BytePath path, long firstNs)
    {
        public BytePath Path { get; } = path;
        public long FirstNs { get; } = firstNs;
        public int Events { get; set; }
        public long VerdictNs { get; private set; }
        public int Completions { get; private set; }
        public long? SizeBytes { get; private set; }

        // What is waited for hides what was settled before, until it turns out to be nothing new.
        private TraceVerdict? _settled;
        private TraceVerdict? _waiting;

        public TraceVerdict? Verdict => _waiting ?? _settled;

        public void Take(TraceVerdict verdict, long wallNs, long? sizeBytes)
        {
            SizeBytes = sizeBytes ?? SizeBytes;
            _waiting = verdict.Kind == "waiting" ? verdict : null;
            if (verdict.Kind is "waiting" or "unchanged")
                return;
            _settled = verdict;
            VerdictNs = wallNs;
            Completions += verdict.Kind == "complete" ? 1 : 0;
        }
    }
}
