using System.CommandLine;

namespace AutoCrunch.Cli;

/// <summary><c>autocrunch show ID</c>: the whole story of a job, or what its program wrote.</summary>
internal static class ShowVerb
{
    public static Command Create(Option<string?> config, Terminal terminal)
    {
        Argument<long> id = new("ID") { Description = "The job's number." };
        Option<bool> log = new("--log") { Description = "What the program of its last attempt wrote." };
        Option<bool> follow = new("--follow") { Description = "With --log: goes on until the attempt ends." };
        Option<int?> attempt = new("--attempt")
        {
            Description = "This attempt, not the last one.",
            HelpName = "NUMBER",
        };
        Option<bool> json = new("--json") { Description = "One JSON object." };
        var show = new Command("show", "Shows the whole story of a job, or its log.")
        {
            id, log, follow, attempt, json,
        };
        show.Validators.Add(result =>
        {
            if (result.GetValue(follow) && !result.GetValue(log))
                result.AddError("--follow goes with --log.");
            if (result.GetValue(json) && result.GetValue(log))
                result.AddError("--json and --log exclude each other.");
        });
        show.SetAction(parsed => ReadingVerb.Run(parsed.GetValue(config), terminal, (configuration, ledger) =>
        {
            long jobId = parsed.GetRequiredValue(id);
            if (ledger?.Find(jobId) is not { } job)
            {
                terminal.Error.WriteLine(
                    $"There is no job {jobId} in the ledger, or no longer: finished jobs are forgotten after "
                    + $"{Relative.Span(configuration.KeepHistory)} (KeepHistory). See: autocrunch jobs");
                return ExitCodes.Failure;
            }

            int? number = parsed.GetValue(attempt);
            if (number is { } wanted && (wanted < 1 || wanted > job.Attempts))
            {
                terminal.Error.WriteLine(job.Attempts == 0
                    ? $"Job {jobId} has no attempt yet; it is {JobText.Of(job.State)}."
                    : $"Job {jobId} has no attempt {wanted}, only 1 to {job.Attempts}.");
                return ExitCodes.Failure;
            }

            if (parsed.GetValue(log))
                return new JobLog(configuration, terminal).Show(job, number, parsed.GetValue(follow));
            var story = new JobStory(configuration, ledger, terminal, job, number);
            if (parsed.GetValue(json))
                story.WriteJson();
            else
                story.Write();
            return ExitCodes.Success;
        }));
        return show;
    }
}
