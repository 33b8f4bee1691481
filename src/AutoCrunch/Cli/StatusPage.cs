namespace AutoCrunch.Cli;

/// <summary>The state of everything as lines for people: what asks for attention first.</summary>
internal static class StatusPage
{
    /// <summary>All lines.</summary>
    public static IEnumerable<string> Lines(StatusFacts facts, Terminal terminal) =>
    [
        Heading(facts, terminal), .. Problems(facts, terminal), "", .. Rules(facts, terminal),
        .. Events(facts, terminal),
    ];

    /// <summary>"autocrunch is running (pid 4711), up 3 d 4 h".</summary>
    public static string Heading(StatusFacts facts, Terminal terminal)
    {
        string state = facts.State switch
        {
            "running" => terminal.Green("running"),
            "starting" => terminal.Yellow("starting, its first scans are under way"),
            "stopped" => terminal.Red("stopped"),
            _ => terminal.Yellow("in a state that cannot be told"),
        };
        return facts.Live is { } live
            ? $"autocrunch is {state} (pid {live.Pid}), up {Relative.Span(live.StartedNs, facts.NowNs)}"
            : $"autocrunch is {state}; this is what the ledger says";
    }

    /// <summary>Each problem with the command that mends it.</summary>
    public static IEnumerable<string> Problems(StatusFacts facts, Terminal terminal)
    {
        foreach (Problem problem in facts.Problems)
        {
            string rule = problem.Rule is { } name ? $"rule {name}: " : "";
            yield return $"{terminal.Red("!")} {rule}{problem.Text}";
            yield return $"    {terminal.Yellow(problem.Command)}";
        }
    }

    /// <summary>A line for each rule.</summary>
    /// <param name="facts">What is shown.</param>
    /// <param name="terminal">Where.</param>
    /// <param name="columnsMax">If not null, no line is wider.</param>
    public static IEnumerable<string> Rules(StatusFacts facts, Terminal terminal, int? columnsMax = null)
    {
        var table = new Table(
            new Column("RULE"), new Column("DIRS", IsNumber: true), new Column("ARRIVING", true),
            new Column("HELD", true), new Column("QUEUED", true), new Column("RUNNING", true),
            new Column("FAILED", true), new Column("1 MIN", true), new Column("1 H", true),
            new Column("WAITS", true), new Column("ARRIVED", true), new Column("PATH"));
        var none = new Cell("-", terminal.Grey);
        foreach (RuleFacts rule in facts.Rules)
        {
            Cell Number(long? number) => number is { } value ? Colors.Number(value, terminal) : none;
            Cell Alarm(long? number) => number is { } value ? Colors.Alarm(value, terminal) : none;
            table.Add(
                rule.Rule.Name, Number(rule.Live?.Watched), Number(rule.Live?.Arriving),
                Alarm(rule.Ledger?.Counts.Held), Number(rule.Ledger?.Counts.Queued),
                Number(rule.Ledger?.Counts.Running), Alarm(rule.Ledger?.Counts.Failed),
                Number(rule.Ledger?.LastMinute), Number(rule.Ledger?.LastHour),
                rule.OldestNs is { } oldest ? Relative.Span(oldest, facts.NowNs) : "",
                Relative.Ago(rule.Ledger?.LastArrivalNs, facts.NowNs, never: "-"),
                rule.Rule.Path.ToString());
        }

        return table.Lines(terminal, columnsMax: columnsMax);
    }

    /// <summary>What events missed, and scans that are under way.</summary>
    public static IEnumerable<string> Events(StatusFacts facts, Terminal terminal)
    {
        if (facts.Live is not { } live)
            yield break;
        yield return "";
        yield return terminal.Grey("Overflows: ") + (live.LastOverflowNs is { } last
            ? $"{Counts.Of(live.Overflows)} since the start, the last one {Relative.Ago(last, facts.NowNs)}"
            : "none since the start");
        foreach (RuleFacts rule in facts.Rules)
        {
            if (rule.Live is not { } seen)
                continue;
            string scan = seen.Scanning is { } progress
                ? $"under way, {progress}"
                : seen.LastScanNs is { } scanned
                    ? $"{Relative.Ago(scanned, facts.NowNs)}, {Counts.Of(seen.LastScanFiles, "file")}, "
                        + $"{Counts.Of(seen.LastScanFound)} new or changed"
                    : "none yet";
            yield return $"{terminal.Grey($"Last scan of {rule.Rule.Name}: ")}{scan}; "
                + $"rescans since the start came by {Counts.Of(seen.FoundByRescans, "such file")}";
        }
    }
}
