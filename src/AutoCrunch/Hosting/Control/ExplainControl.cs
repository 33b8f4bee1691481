using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;
using AutoCrunch.Watching;

namespace AutoCrunch.Hosting;

/// <summary>
/// What only the running service knows of one file (<c>file</c>) of a rule, or of all that is in flight below a
/// directory (<c>directory</c>), and how directories are watched (<c>covered</c>): the facts for <c>explain</c>.
/// </summary>
internal sealed class ExplainControl(
    CompiledConfiguration configuration, WatchService watch, RsyncCompletionTracker tracker, JobLedger ledger)
    : IControlVerb
{
    /// <summary>So many directories can be asked about at once.</summary>
    public const int CoveredMax = 1000;

    /// <summary>So many files in flight are told at once.</summary>
    public const int InFlightMax = 10_000;

    /// <inheritdoc/>
    public string Verb => "explain";

    /// <inheritdoc/>
    public async Task AnswerAsync(ControlRequest request, ControlAnswer answer, CancellationToken stopping)
    {
        string name = request.RequiredText("rule");
        WatchRule? rule = configuration.Rules.FirstOrDefault(each => each.Rule.Name == name)?.Rule;
        bool isSame = rule is not null && request.Path("root") == rule.Path
            && request.Text("patterns") == RuleRecord.PatternsOf(rule);
        if (rule is null)
        {
            answer.Result(json => json.WriteBoolean("hasRule", false));
            return;
        }

        bool isAboutDirectory = request.Flag("below");
        BytePath path = request.Path("path") ?? BytePath.Empty;
        Coverage coverage = await watch.AskAsync(
            () => watch.CoverageOf(name, isAboutDirectory ? path : path.Directory), stopping).ConfigureAwait(false);
        await TellCoveredAsync(name, request.Paths("covered"), answer, stopping).ConfigureAwait(false);
        InFlight? found = null;
        if (isAboutDirectory)
            await TellInFlightAsync(name, path, answer, stopping).ConfigureAwait(false);
        else
            found = await watch.AskAsync(() => tracker.Find(name, path, Clock.Now()), stopping).ConfigureAwait(false);
        bool isScanning = watch.Scans.Any(scan => scan.Rule == name);
        answer.Result(json =>
        {
            json.WriteBoolean("hasRule", isSame);
            json.WriteString("coverage", coverage.ToString());
            json.WriteString("coverageProblem", ProblemOf(coverage, rule.Path.Join(path).Directory));
            json.WriteBoolean("scanning", isScanning);
            json.WriteString("ledgerPaused", ledger.PausedBecause);
            if (found is not null)
                InFlightJson.Write(json, found);
        });
    }

    // One question each: events come first.
    private async Task TellCoveredAsync(
        string rule, IReadOnlyList<BytePath> directories, ControlAnswer answer, CancellationToken stopping)
    {
        foreach (BytePath directory in directories.Take(CoveredMax))
        {
            Coverage coverage = await watch.AskAsync(() => watch.CoverageOf(rule, directory), stopping)
                .ConfigureAwait(false);
            await answer.LineAsync(json =>
            {
                json.WriteBase64String("directory", directory.Span);
                json.WriteString("coverage", coverage.ToString());
            }).ConfigureAwait(false);
        }
    }

    private async Task TellInFlightAsync(
        string rule, BytePath directory, ControlAnswer answer, CancellationToken stopping)
    {
        IReadOnlyList<InFlight> files = await watch.AskAsync(
            () => tracker.InFlight(rule, directory, InFlightMax, Clock.Now()), stopping).ConfigureAwait(false);
        foreach (InFlight file in files)
            await answer.LineAsync(json => InFlightJson.Write(json, file)).ConfigureAwait(false);
    }

    private static string ProblemOf(Coverage coverage, BytePath directory) => coverage switch
    {
        Coverage.NotWatched => LinuxException.Explain(Inotify.AddWatchOperation, BytePath.Empty, Errno.ENOSPC),
        Coverage.Unreadable => LinuxException.Explain("open", directory, Errno.EACCES),
        _ => "",
    };
}
