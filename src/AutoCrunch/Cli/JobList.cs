using System.Text.Json;
using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;

namespace AutoCrunch.Cli;

/// <summary>Jobs as they are listed: a table, JSON objects, or bare paths.</summary>
/// <param name="configuration">Where the rules' directories are.</param>
/// <param name="ledger">Null when the service has never run: there are no jobs.</param>
/// <param name="terminal">Where they are written.</param>
internal sealed class JobList(CompiledConfiguration configuration, LedgerReader? ledger, Terminal terminal)
{
    private readonly long _nowNs = Clock.WallNs();

    public BytePath? RootOf(string rule) => ReadingVerb.RootOf(configuration, ledger, rule);

    public IReadOnlyList<Job> Read(JobQuery query) => ledger?.List(query) ?? [];

    public long Count(JobQuery query) => ledger?.Count(query) ?? 0;

    /// <summary>One page of the table; what comes on other pages may need other widths.</summary>
    public void WriteTable(IReadOnlyList<Job> jobs, bool isFirst)
    {
        if (isFirst && jobs.Count == 0)
            terminal.Out.WriteLine(ledger is null ? "No jobs: the service has not run yet." : "No such jobs.");
        var table = new Table(
            new Column("ID", IsNumber: true), new Column("STATE"), new Column("RULE"), new Column("SIZE", true),
            new Column("COMPLETED", true), new Column("TOOK", true), new Column("NOTE"), new Column("PATH"));
        foreach (Job job in jobs)
            table.Add(
                $"{job.Id}", Colors.Cell(job.State, terminal), job.Rule, Sizes.Of(job.Version.SizeBytes),
                Relative.Ago(job.CompletedNs, _nowNs), TookOf(job), NoteOf(job),
                PathOf(job).ToString());
        foreach (string line in table.Lines(terminal).Skip(isFirst ? 0 : 1))
            terminal.Out.WriteLine(line);
        terminal.Out.Flush();
    }

    public void WriteJson(IReadOnlyList<Job> jobs)
    {
        foreach (Job job in jobs)
            terminal.WriteJson(json => WriteJob(json, job));
    }

    public void WritePaths(IReadOnlyList<Job> jobs)
    {
        foreach (Job job in jobs)
        {
            terminal.Raw.Write(PathOf(job).Span);
            terminal.Raw.WriteByte(0);
        }

        terminal.Raw.Flush();
    }

    /// <summary>Says how many were left out.</summary>
    /// <param name="number">As text.</param>
    /// <param name="toError">Standard output holds nothing but what was asked for.</param>
    public void TellRest(string number, bool toError)
    {
        string text = $"... {number} more: --limit 0 shows all";
        if (toError)
            terminal.Error.WriteLine(text);
        else
            terminal.Out.WriteLine(terminal.Grey(text));
    }

    /// <summary>The fields of a job, the same in every verb.</summary>
    public void WriteJob(Utf8JsonWriter json, Job job)
    {
        AttemptRecord? last = job.Attempts > 0 ? ledger?.LastAttempt(job.Id) : null;
        json.WriteNumber("id", job.Id);
        json.WriteString("rule", job.Rule);
        json.WritePath(PathOf(job));
        json.WriteNumber("size", job.Version.SizeBytes);
        json.WriteString("state", JobText.Of(job.State));
        json.WriteString("reason", ReasonOf(job, last));
        json.WriteNumber("attempts", job.Attempts);
        json.WriteNumber("failures", job.Failures);
        json.WriteString("evidence", JobText.Of(job.Evidence));
        json.WriteTime("arrived", job.ArrivedNs);
        json.WriteTime("completed", job.CompletedNs);
        json.WriteTime("started", job.StartedNs);
        json.WriteTime("finished", job.FinishedNs);
        json.WriteTime("due", job.State == JobState.Queued && !job.IsPathPaused ? job.DueNs : null);
        json.WriteOptional("exitCode", last?.ExitCode);
        json.WriteOptional("signal", last?.Signal);
        json.WriteOptional("previousId", job.PreviousId);
    }

    /// <summary>The absolute path.</summary>
    public BytePath PathOf(Job job) => ReadingVerb.PathOf(configuration, ledger, job);

    // The state's own reason, else what the last attempt says: null for what never failed.
    private static string? ReasonOf(Job job, AttemptRecord? last) => job switch
    {
        { Reason: { } reason } => JobText.Of(reason),
        { IsPathPaused: true } => "path paused",
        { State: JobState.Succeeded } => null,
        _ => last?.Reason,
    };

    private string TookOf(Job job) => job switch
    {
        { State: JobState.Running, StartedNs: { } started } => Relative.Span(started, _nowNs),
        { StartedNs: { } started, FinishedNs: { } finished } => Relative.Span(started, finished),
        _ => "",
    };

    private string NoteOf(Job job)
    {
        if (job.Reason is { } reason)
            return JobText.Of(reason);
        if (job.IsPathPaused)
            return "path paused";
        AttemptRecord? last = job.State is JobState.Failed || (job.State is JobState.Queued && job.Attempts > 0)
            ? ledger?.LastAttempt(job.Id)
            : null;
        string end = last is null ? "" : JobText.EndOf(last) is { Length: > 0 } how ? how : JobText.Of(last.Result);
        string attempt = job.Attempts > 1 ? $"attempt {job.Attempts}" : "";
        string due = job.State == JobState.Queued && job.DueNs > _nowNs
            ? $"next attempt {Relative.Ago(job.DueNs, _nowNs)}"
            : "";
        return string.Join(", ", new[] { attempt, end, due }.Where(part => part.Length > 0));
    }
}
