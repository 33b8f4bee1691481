using System.Globalization;
using System.Text.Json;
using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;

namespace AutoCrunch.Cli;

/// <summary>All that the ledger knows of one job.</summary>
internal sealed class JobStory
{
    private readonly Terminal _terminal;
    private readonly JobList _list;
    private readonly StateLayout _layout;
    private readonly Job _job;
    private readonly AttemptRecord[] _attempts;
    private readonly Disposal? _disposal;
    private readonly bool _showsRunning;
    private readonly long _nowNs = Clock.WallNs();

    /// <param name="configuration">Where the rule's directory and the logs are.</param>
    /// <param name="ledger">What is told is read from it.</param>
    /// <param name="terminal">Where it is told.</param>
    /// <param name="job">The job.</param>
    /// <param name="attempt">Only this attempt; null for all.</param>
    public JobStory(
        CompiledConfiguration configuration, LedgerReader ledger, Terminal terminal, Job job, int? attempt)
    {
        _terminal = terminal;
        _list = new JobList(configuration, ledger, terminal);
        _layout = new StateLayout(configuration.StateDirectory);
        _job = job;
        _attempts = [.. ledger.Attempts(job.Id).Where(ended => attempt is null || ended.Number == attempt)];
        _disposal = ledger.FindDisposal(job.Id);
        _showsRunning = job.State == JobState.Running && (attempt is null || attempt == job.Attempts);
    }

    public void Write()
    {
        string state = JobText.Of(_job.State);
        string attempts = _job.Attempts > 0 ? $", {Counts.Of(_job.Attempts, "attempt")}" : "";
        Line($"Job {_job.Id}: {(Colors.Of(_job.State, _terminal) is { } colour ? colour(state) : state)}{attempts}");
        Field("Path", _list.PathOf(_job).ToString());
        Field("Rule", _job.Rule);
        Field("Version", string.Create(
            CultureInfo.InvariantCulture,
            $"{Sizes.Of(_job.Version.SizeBytes)} ({Counts.Of(_job.Version.SizeBytes, "byte")}), modified "
            + $"{Relative.Local(_job.Version.MtimeNs)}, inode {_job.Version.Inode}"));
        Field("Arrived", Moment(_job.ArrivedNs));
        Field("Completed", $"{Moment(_job.CompletedNs)}: {JobText.SentenceOf(_job.Evidence)}");
        if (_job.FinishedNs is { } finished)
            Field("Finished", Moment(finished));
        if (_job.PreviousId is { } previous)
            Field("Before it", $"job {previous} of the same file");
        Field("State", StateSentence());
        if (_disposal is not null)
            Field("File", DisposalSentence(_disposal));
        WriteAttempts();
        WriteAdvice();
        _terminal.Out.Flush();
    }

    public void WriteJson() => _terminal.WriteJson(json =>
    {
        _list.WriteJob(json, _job);
        json.WriteNumber("inode", _job.Version.Inode);
        json.WriteTime("modified", _job.Version.MtimeNs);
        json.WriteNumber("crashes", _job.Crashes);
        if (_disposal is { } disposal)
            WriteDisposal(json, disposal);
        json.WriteStartArray("history");
        foreach (AttemptRecord attempt in _attempts)
            WriteAttempt(
                json, attempt.Number, attempt.StartedNs, attempt.FinishedNs, JobText.Of(attempt.Result), attempt);
        if (_showsRunning)
            WriteAttempt(json, _job.Attempts, _job.StartedNs!.Value, null, JobText.Of(JobState.Running), null);
        json.WriteEndArray();
    });

    // What OnSuccess or OnFailure asked for.
    private static string DisposalSentence(Disposal disposal)
    {
        string what = disposal.Kind == DisposalKind.Move ? $"moved to {disposal.Destination}" : "deleted";
        return disposal.State switch
        {
            DisposalState.Intended => $"is still to be {what}",
            DisposalState.Left => $"was not {what}: {disposal.Reason}",
            _ => $"was {what}",
        };
    }

    private static void WriteDisposal(Utf8JsonWriter json, Disposal disposal)
    {
        json.WriteStartObject("disposal");
        json.WriteString("action", disposal.Kind == DisposalKind.Move ? "move" : "delete");
        if (disposal.Destination is { } destination)
            json.WritePath(destination, "destination");
        json.WriteString("state", disposal.State switch
        {
            DisposalState.Intended => "intended",
            DisposalState.Left => "left",
            _ => "done",
        });
        json.WriteString("reason", disposal.Reason);
        json.WriteTime("intended", disposal.IntendedNs);
        json.WriteTime("ended", disposal.EndedNs);
        json.WriteEndObject();
    }

    private string StateSentence() => _job switch
    {
        { IsPathPaused: true } => "does not start: its path is paused, as it has completed too often in a short time",
        { State: JobState.Queued, DueNs: var due } when due > _nowNs =>
            $"its next attempt is due {Relative.Ago(due, _nowNs)}",
        { State: JobState.Queued } => "due; waits for a free slot, for the job that runs for its path, or for its rule",
        { State: JobState.Running, StartedNs: { } started } =>
            $"attempt {_job.Attempts} runs since {Relative.Span(started, _nowNs)}",
        { Reason: { } reason } => JobText.SentenceOf(reason),
        { State: JobState.Failed } => _attempts.LastOrDefault()?.Reason ?? "failed",
        _ => "done",
    };

    private void WriteAttempts()
    {
        var table = new Table(
            new Column("ATTEMPT", IsNumber: true), new Column("STARTED"), new Column("TOOK", true),
            new Column("RESULT"), new Column("END"), new Column("LOG"));
        foreach (AttemptRecord attempt in _attempts)
        {
            bool isGood = attempt.Result == AttemptResult.Succeeded;
            table.Add(
                $"{attempt.Number}", Relative.Local(attempt.StartedNs),
                Relative.Span(attempt.StartedNs, attempt.FinishedNs),
                new Cell(JobText.Of(attempt.Result), isGood ? _terminal.Green : _terminal.Red),
                JobText.EndOf(attempt), LogOf(attempt.Number).ToString());
        }

        if (_showsRunning)
            table.Add(
                $"{_job.Attempts}", Relative.Local(_job.StartedNs!.Value), Relative.Span(_job.StartedNs.Value, _nowNs),
                Colors.Cell(JobState.Running, _terminal), "", LogOf(_job.Attempts).ToString());
        if (table.Count == 0)
            return;
        Line("");
        foreach (string line in table.Lines(_terminal))
            Line(line);
        foreach (AttemptRecord attempt in _attempts)
            if (attempt.Reason is { } reason)
                Line($"Attempt {attempt.Number}: {reason}");
    }

    private void WriteAdvice()
    {
        List<(string Command, string Meaning)> advice = [];
        if (_job.Attempts > 0)
            advice.Add(($"autocrunch show {_job.Id} --log", "what its program wrote"));
        if (_job.IsPathPaused)
            advice.Add(($"autocrunch explain {ShellWord.Of(_list.PathOf(_job))}", "why, and how it goes on"));
        if (_job.State is JobState.Failed or JobState.Cancelled)
            advice.Add(($"autocrunch retry {_job.Id}", "runs it again"));
        if (advice.Count == 0)
            return;
        Line("");
        foreach ((string command, string meaning) in advice)
            Line($"{command,-32} {_terminal.Grey(meaning)}");
    }

    private BytePath LogOf(int attempt) => _layout.LogFile(_job.Id, attempt);

    private string Moment(long ns) => $"{Relative.Local(ns)} ({Relative.Ago(ns, _nowNs)})";

    private void Field(string name, string value) => Line($"  {name,-10} {value}");

    private void Line(string text) => _terminal.Out.WriteLine(text);

    private void WriteAttempt(
        Utf8JsonWriter json, int number, long startedNs, long? finishedNs, string result, AttemptRecord? ended)
    {
        json.WriteStartObject();
        json.WriteNumber("number", number);
        json.WriteTime("started", startedNs);
        json.WriteTime("finished", finishedNs);
        json.WriteString("result", result);
        json.WriteOptional("exitCode", ended?.ExitCode);
        json.WriteOptional("signal", ended?.Signal);
        json.WriteString("reason", ended?.Reason);
        json.WriteString("log", LogOf(number).ToString());
        json.WriteEndObject();
    }
}
