using System.CommandLine;
using AutoCrunch.Hosting;

namespace AutoCrunch.Cli;

/// <summary><c>autocrunch retry</c>: jobs run again, under their ids.</summary>
internal static class RetryVerb
{
    public static Command Create(Option<string?> config, Terminal terminal)
    {
        Option<bool> failed = new("--failed") { Description = "All jobs that have failed for good." };
        return JobChoice.Create(
            "retry", "Runs jobs again, now, under their ids, however often they were tried.", failed, config, terminal,
            new WritingVerb(
                "retry", (configuration, ledger) => new RetryControl(configuration, ledger, isLive: false)));
    }
}

/// <summary><c>autocrunch cancel</c>: jobs do not run, or not any longer.</summary>
internal static class CancelVerb
{
    public static Command Create(Option<string?> config, Terminal terminal)
    {
        Option<bool> queued = new("--queued") { Description = "All jobs that wait." };
        return JobChoice.Create(
            "cancel", "Cancels jobs that wait, and ends those that run: SIGTERM, KillGrace, SIGKILL.", queued, config,
            terminal, new WritingVerb("cancel", (configuration, ledger) => new CancelControl(configuration, ledger)));
    }
}

/// <summary>Which jobs a verb is about: ids, or all in a state.</summary>
internal static class JobChoice
{
    public static Command Create(
        string name, string description, Option<bool> all, Option<string?> config, Terminal terminal,
        WritingVerb verb)
    {
        Argument<long[]> ids = new("ID")
        {
            Description = "A job's id, as 'autocrunch jobs' shows it.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        Option<string?> rule = new("--rule")
        {
            Description = $"With {all.Name}: only jobs of this rule.",
            HelpName = "RULE",
        };
        Option<bool> json = new("--json") { Description = "One JSON object a line." };
        var command = new Command(name, description) { ids, all, rule, json };
        command.Validators.Add(result =>
        {
            bool hasIds = result.GetResult(ids) is { Tokens.Count: > 0 };
            if (hasIds == result.GetValue(all))
                result.AddError($"Name jobs by their ids, or all with {all.Name}.");
            if (hasIds && result.GetValue(rule) is not null)
                result.AddError($"--rule goes with {all.Name}.");
        });
        command.SetAction(parsed => verb.Run(parsed.GetValue(config), parsed.GetValue(json), terminal, request =>
        {
            if (parsed.GetValue(all))
                request.WriteBoolean(all.Name.TrimStart('-'), true);
            if (parsed.GetValue(rule) is { } ruleName)
                request.WriteString("rule", ruleName);
            request.WriteStartArray("ids");
            foreach (long id in parsed.GetValue(ids) ?? [])
                request.WriteNumberValue(id);
            request.WriteEndArray();
        }));
        return command;
    }
}
