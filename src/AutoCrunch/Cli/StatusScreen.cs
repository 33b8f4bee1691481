using AutoCrunch.Core;

namespace AutoCrunch.Cli;

/// <summary>What the live screen shows beside the state of everything.</summary>
/// <param name="Running">Jobs that run, the longest first.</param>
/// <param name="Ended">Jobs that have ended lately, the latest first.</param>
/// <param name="Rates">Bytes a second of files in flight, by rule and path, where two looks tell it.</param>
/// <param name="PathOf">The absolute path of a job's file.</param>
internal sealed record Happenings(
    IReadOnlyList<Job> Running, IReadOnlyList<Job> Ended, IReadOnlyDictionary<(string, BytePath), double> Rates,
    Func<Job, BytePath> PathOf);

/// <summary>One picture of the live screen: lines that fit.</summary>
internal static class StatusScreen
{
    /// <summary>At most <paramref name="rows"/> lines of at most <paramref name="columns"/> columns.</summary>
    public static IReadOnlyList<string> Lines(
        StatusFacts facts, Happenings happenings, Terminal terminal, int columns, int rows)
    {
        string[] problems = [.. StatusPage.Problems(facts, terminal)];
        int problemRows = Math.Max(2, rows / 4);
        var lines = new List<string> { StatusPage.Heading(facts, terminal) };
        lines.AddRange(problems.Take(problemRows));
        if (problems.Length > problemRows)
            lines.Add(terminal.Grey($"  ... more to mend: autocrunch status"));
        lines.Add("");
        lines.AddRange(StatusPage.Rules(facts, terminal, columns));

        // What the rest has to say in so many rows; the last one tells how to leave.
        int left = Math.Max(0, rows - lines.Count - 1);
        string[][] parts =
        [
            [.. Running(facts, happenings, terminal, columns)], [.. InFlight(facts, happenings, terminal, columns)],
            [.. Ended(facts, happenings, terminal, columns)],
        ];
        int[] shares = Share(left, [.. parts.Select(part => part.Length + 1)]);
        for (int i = 0; i < parts.Length; i++)
            lines.AddRange(parts[i].Prepend("").Take(shares[i]));
        IEnumerable<string> shown = lines.Take(rows - 1);
        int missing = rows - 1 - Math.Min(lines.Count, rows - 1);
        return
        [
            .. shown.Concat(Enumerable.Repeat("", missing)).Append(terminal.Grey("q: leave"))
                .Select(line => TextWidth.Clip(line, columns)),
        ];
    }

    /// <summary>
    /// Divides rows among parts that want so many each: nobody gets more than wanted while another lacks some.
    /// </summary>
    internal static int[] Share(int rows, int[] wanted)
    {
        int[] shares = new int[wanted.Length];
        while (rows > 0)
        {
            int[] hungry = [.. Enumerable.Range(0, wanted.Length).Where(i => shares[i] < wanted[i])];
            if (hungry.Length == 0)
                break;
            foreach (int i in hungry.Take(rows))
                shares[i] += 1;
            rows -= Math.Min(rows, hungry.Length);
        }

        return shares;
    }

    private static IEnumerable<string> Running(
        StatusFacts facts, Happenings happenings, Terminal terminal, int columns)
    {
        var table = new Table(
            new Column("RUNNING", IsNumber: true), new Column("RULE"), new Column("SINCE", true),
            new Column("ATTEMPT", true), new Column("SIZE", true), new Column("PATH"));
        foreach (Job job in happenings.Running)
            table.Add(
                $"{job.Id}", job.Rule, Relative.Span(job.StartedNs ?? facts.NowNs, facts.NowNs), $"{job.Attempts}",
                Sizes.Of(job.Version.SizeBytes), happenings.PathOf(job).ToString());
        return table.Lines(terminal, columnsMax: columns);
    }

    private static IEnumerable<string> InFlight(
        StatusFacts facts, Happenings happenings, Terminal terminal, int columns)
    {
        var table = new Table(
            new Column("ARRIVING"), new Column("SINCE", IsNumber: true), new Column("SIZE", true),
            new Column("RATE", true), new Column("STATE"), new Column("PATH"));
        foreach (LiveFile file in facts.Live?.Files ?? [])
        {
            double? rate = happenings.Rates.TryGetValue((file.Rule, file.Path), out double known) ? known : null;
            table.Add(
                file.Rule, Relative.Span(file.ArrivedNs, facts.NowNs),
                file.SizeBytes is { } size ? Sizes.Of(size) : "", Sizes.Rate(rate), StateOf(file, facts.NowNs),
                PathOf(facts, file).ToString());
        }

        return table.Lines(terminal, columnsMax: columns);
    }

    private static IEnumerable<string> Ended(StatusFacts facts, Happenings happenings, Terminal terminal, int columns)
    {
        var table = new Table(
            new Column("ENDED", IsNumber: true), new Column("RULE"), new Column("STATE"), new Column("TOOK", true),
            new Column("WHEN", true), new Column("PATH"));
        foreach (Job job in happenings.Ended)
            table.Add(
                $"{job.Id}", job.Rule, Colors.Cell(job.State, terminal),
                job.StartedNs is { } started && job.FinishedNs is { } ended ? Relative.Span(started, ended) : "",
                Relative.Ago(job.FinishedNs, facts.NowNs, ""), happenings.PathOf(job).ToString());
        return table.Lines(terminal, columnsMax: columns);
    }

    private static BytePath PathOf(StatusFacts facts, LiveFile file) =>
        facts.Rules.FirstOrDefault(rule => rule.Rule.Name == file.Rule)?.Rule.Path.Join(file.Path) ?? file.Path;

    private static string StateOf(LiveFile file, long nowNs) => file.State switch
    {
        InFlightState.Asked => "looked at",
        InFlightState.BeingWritten => "being written",
        InFlightState.WaitsForQuiet when file.UntilNs is { } until => $"quiet, complete {Relative.Ago(until, nowNs)}",
        InFlightState.WaitsForQuiet => "quiet",
        InFlightState.WaitsForWriter => "maybe open",
        InFlightState.Unreadable => "unreadable",
        InFlightState.WaitsForScan => "waits for scan",
        InFlightState.Held => "held",
        _ => throw new InvariantException($"Unknown state {file.State}"),
    };
}
