using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics.CodeAnalysis;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;

namespace AutoCrunch.Cli;

/// <summary><c>autocrunch jobs</c>: which jobs there are, newest first.</summary>
internal static class JobsVerb
{
    private const int LimitDefault = 50;

    // Beyond it the rest is not counted: counting costs what is counted.
    private const int RestMax = 10_000;

    // So many are read at once: a long list is written while it is read, and holds up no checkpoint.
    private const int PageJobs = 1000;

    public static Command Create(Option<string?> config, Terminal terminal)
    {
        Option<string?> rule = new("--rule") { Description = "Jobs of this rule.", HelpName = "RULE" };
        Option<JobState?> state = new("--state")
        {
            Description = "Jobs in this state: queued, running, succeeded, failed or cancelled.",
            HelpName = "STATE",
            CustomParser = ParseState,
        };
        Option<long?> since = new("--since")
        {
            Description = "Jobs whose file completed since then: 10m, 2h, 7d, 2026-11-22 or 2026-11-22T13:50.",
            HelpName = "TIME",
            CustomParser = ParseSince,
        };
        Option<string?> path = new("--path")
        {
            Description = "Jobs of such files: a pattern as in Include, or a path; a directory stands for all in it.",
            HelpName = "GLOB",
        };
        Option<int> limit = new("--limit")
        {
            Description = $"No more jobs than this; 0: all. Default: {LimitDefault}.",
            HelpName = "NUMBER",
            DefaultValueFactory = _ => LimitDefault,
        };
        limit.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && (!int.TryParse(result.Tokens[0].Value, out int number) || number < 0))
                result.AddError($"--limit takes a number, 0 or more, not '{result.Tokens[0].Value}'.");
        });
        Option<bool> json = new("--json") { Description = "One JSON object a line." };
        Option<bool> nul = new("--null") { Description = "Only the paths, their very bytes, each ended by NUL." };
        var jobs = new Command("jobs", "Lists jobs, newest first.") { rule, state, since, path, limit, json, nul };
        jobs.Validators.Add(result =>
        {
            if (result.GetValue(json) && result.GetValue(nul))
                result.AddError("--json and --null exclude each other.");
        });
        jobs.SetAction(parsed => ReadingVerb.Run(parsed.GetValue(config), terminal, (configuration, ledger) =>
        {
            var list = new JobList(configuration, ledger, terminal);
            if (parsed.GetValue(rule) is { } name
                && ReadingVerb.IsUnknownRule(configuration, ledger, name, terminal))
                return ExitCodes.Usage;
            JobPaths? paths = null;
            if (parsed.GetValue(path) is { } text && !TryReadPaths(text, list, terminal, out paths))
                return ExitCodes.Usage;
            var query = new JobQuery
            {
                Rule = parsed.GetValue(rule),
                State = parsed.GetValue(state),
                SinceNs = parsed.GetValue(since),
                Paths = paths,
            };
            Run(query, parsed.GetValue(limit), list, (parsed.GetValue(json), parsed.GetValue(nul)));
            return ExitCodes.Success;
        }));
        return jobs;
    }

    private static void Run(JobQuery query, int limit, JobList list, (bool AsJson, bool AsNull) form)
    {
        long left = limit == 0 ? long.MaxValue : limit;
        bool isFirst = true;
        while (left > 0)
        {
            int most = (int)Math.Min(PageJobs, left);
            IReadOnlyList<Job> page = list.Read(query with { Limit = most });
            if (form.AsNull)
                list.WritePaths(page);
            else if (form.AsJson)
                list.WriteJson(page);
            else
                list.WriteTable(page, isFirst);
            if (page.Count < most)
                return; // there were no more
            isFirst = false;
            left -= page.Count;
            query = query with { BeforeId = page[^1].Id };
        }

        long rest = list.Count(query with { Limit = RestMax + 1 });
        if (rest > 0)
            list.TellRest(
                rest > RestMax ? $"more than {Counts.Of(RestMax)}" : Counts.Of(rest), form.AsJson || form.AsNull);
    }

    private static bool TryReadPaths(
        string text, JobList list, Terminal terminal, [NotNullWhen(true)] out JobPaths? paths)
    {
        paths = null;
        try
        {
            paths = new JobPaths(RawArguments.TextOf(text), list.RootOf);
            return true;
        }
        catch (Exception error) when (error is FormatException or ArgumentException)
        {
            terminal.Error.WriteLine($"--path: {error.Message}.");
            return false;
        }
    }

    private static JobState? ParseState(ArgumentResult result)
    {
        string text = result.Tokens[0].Value;
        foreach (JobState state in Enum.GetValues<JobState>())
            if (JobText.Of(state) == text)
                return state;
        IEnumerable<string> words = Enum.GetValues<JobState>().Select(JobText.Of);
        result.AddError($"--state: '{text}' is none of {string.Join(", ", words)}.");
        return null;
    }

    private static long? ParseSince(ArgumentResult result)
    {
        long? moment = Relative.Read(result.Tokens[0].Value, Clock.WallNs());
        if (moment is null)
            result.AddError(
                $"--since: '{result.Tokens[0].Value}' is no time: give an age (90s, 10m, 2h, 7d) or a date "
                + "(2026-11-22, 2026-11-22T13:50, 2026-11-22T13:50Z).");
        return moment;
    }
}
