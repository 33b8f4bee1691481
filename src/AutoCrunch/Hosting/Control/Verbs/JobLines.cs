using AutoCrunch.Configuration;
using AutoCrunch.Core;

namespace AutoCrunch.Hosting;

/// <summary>What the verbs about jobs answer: a line for each, and how many could not be done.</summary>
/// <param name="configuration">Says where rules' directories are.</param>
/// <param name="answer">Takes the lines.</param>
internal sealed class JobLines(CompiledConfiguration configuration, ControlAnswer answer)
{
    /// <summary>How many were done.</summary>
    public long Done { get; private set; }

    /// <summary>How many were not.</summary>
    public long Refused { get; private set; }

    /// <summary>The rule of this name.</summary>
    /// <exception cref="ControlRefusedException">There is none.</exception>
    public static CompiledRule RuleOf(CompiledConfiguration configuration, string name) =>
        configuration.Rules.FirstOrDefault(rule => rule.Rule.Name == name)
            ?? throw new ControlRefusedException(
                $"There is no rule '{name}', only {Names(configuration)}: nothing was done.") { IsUsage = true };

    /// <summary>The rules that are meant: the one that is named, or all.</summary>
    public static IEnumerable<string> RulesOf(CompiledConfiguration configuration, string? name) => name is null
        ? configuration.Rules.Select(rule => rule.Rule.Name)
        : [RuleOf(configuration, name).Rule.Name];

    /// <summary>"raw, other".</summary>
    public static string Names(CompiledConfiguration configuration) =>
        string.Join(", ", configuration.Rules.Select(rule => rule.Rule.Name));

    /// <summary>The file of a job, absolute; relative where its rule is configured no longer.</summary>
    public BytePath PathOf(Job job) =>
        configuration.Rules.FirstOrDefault(rule => rule.Rule.Name == job.Rule) is { } rule
            ? rule.Rule.Path.Join(job.Path)
            : job.Path;

    /// <summary>A job: done, and what that means; or not, and why.</summary>
    public Task TellAsync(Job job, bool isDone, string text)
    {
        BytePath path = PathOf(job);
        return TellAsync(job.Id, path, job.Rule, isDone, $"Job {job.Id}, {path}: {text}");
    }

    /// <summary>The same where there is no job.</summary>
    public Task TellAsync(long? jobId, BytePath? path, string? rule, bool isDone, string message)
    {
        if (isDone)
            Done += 1;
        else
            Refused += 1;
        return answer.LineAsync(json =>
        {
            if (jobId is { } id)
                json.WriteNumber("id", id);
            if (!string.IsNullOrEmpty(rule))
                json.WriteString("rule", rule);
            if (path is { } file)
            {
                json.WriteString("path", file.ToString());
                json.WriteBase64String("pathBase64", file.Span);
            }

            json.WriteBoolean("done", isDone);
            json.WriteString("message", message);
        });
    }

    /// <summary>The last line.</summary>
    /// <param name="message">One sentence for people; null when the lines have said all.</param>
    /// <param name="isFailure">What could not be done is the caller's mistake.</param>
    public void Conclude(string? message, bool isFailure) => answer.Result(json =>
    {
        json.WriteNumber("done", Done);
        json.WriteNumber("refused", isFailure ? Refused : 0);
        json.WriteNumber("left", isFailure ? 0 : Refused);
        if (message is not null)
            json.WriteString("message", message);
    });
}
