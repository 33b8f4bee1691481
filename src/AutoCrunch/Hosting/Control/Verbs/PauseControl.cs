using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Ledger;

namespace AutoCrunch.Hosting;

/// <summary>
/// <c>pause</c>: no job of the <c>rule</c> starts any more; its files are recorded as ever, and what runs goes on.
/// </summary>
internal sealed class PauseControl(CompiledConfiguration configuration, JobLedger ledger) : IControlVerb
{
    /// <inheritdoc/>
    public string Verb => "pause";

    /// <inheritdoc/>
    public bool IsWriting => true;

    /// <inheritdoc/>
    public async Task AnswerAsync(ControlRequest request, ControlAnswer answer, CancellationToken stopping)
    {
        string rule = request.RequiredText("rule");
        RulePause before = await ledger.SetPausedAsync(rule, PauseReason.ByHand).ByAsync(ledger, stopping)
            .ConfigureAwait(false)
            ?? throw Unknown(rule, configuration);
        string state = before.Before is null ? "is paused" : "was paused already, and is so by hand now";
        Conclude(
            answer, before,
            $"Rule {rule} {state}; {Waiting(before)}. Files go on being recorded; no job starts until 'autocrunch "
            + $"resume {rule}'.");
    }

    /// <summary>The refusal for a name that is no rule's.</summary>
    public static ControlRefusedException Unknown(string rule, CompiledConfiguration configuration) =>
        new($"The ledger knows no rule '{rule}', only {JobLines.Names(configuration)}: nothing was changed.")
        {
            IsUsage = true,
        };

    /// <summary>"1,234 of its jobs wait".</summary>
    public static string Waiting(RulePause before) => before.Waiting switch
    {
        0 => "none of its jobs waits",
        1 => "1 of its jobs waits",
        _ => FormattableString.Invariant($"{before.Waiting:N0} of its jobs wait"),
    };

    /// <summary>The last line.</summary>
    public static void Conclude(ControlAnswer answer, RulePause before, string message) => answer.Result(json =>
    {
        json.WriteBoolean("wasPaused", before.Before is not null);
        json.WriteNumber("waiting", before.Waiting);
        json.WriteString("message", message);
    });
}

/// <summary>
/// <c>resume</c>: the jobs of a paused <c>rule</c> start again, whoever paused it; or those of one <c>path</c> of the
/// rule, which had completed too often.
/// </summary>
/// <param name="configuration">The rules.</param>
/// <param name="ledger">The ledger.</param>
/// <param name="isLive">A service runs: jobs start now, and not at its next start.</param>
internal sealed class ResumeControl(CompiledConfiguration configuration, JobLedger ledger, bool isLive = true)
    : IControlVerb
{
    /// <inheritdoc/>
    public string Verb => "resume";

    /// <inheritdoc/>
    public bool IsWriting => true;

    /// <inheritdoc/>
    public async Task AnswerAsync(ControlRequest request, ControlAnswer answer, CancellationToken stopping)
    {
        string rule = request.RequiredText("rule");
        string when = isLive ? "now" : "when the service is started";
        if (request.Path("path") is { } path)
        {
            WatchRule settings = JobLines.RuleOf(configuration, rule).Rule;
            BytePath relative = RulePath.Relative(settings, path);
            if (!await ledger.ResumePathAsync(rule, relative).ByAsync(ledger, stopping).ConfigureAwait(false))
                throw new ControlRefusedException(
                    $"'{relative}' is no paused path of rule {rule}: nothing was changed.");
            answer.Result(json => json.WriteString("message", $"The jobs of '{relative}' start again {when}."));
            return;
        }

        RulePause before = await ledger.SetPausedAsync(rule, null).ByAsync(ledger, stopping).ConfigureAwait(false)
            ?? throw PauseControl.Unknown(rule, configuration);
        PauseControl.Conclude(
            answer, before,
            before.Before is null
                ? $"Rule {rule} was not paused; {PauseControl.Waiting(before)}."
                : $"Rule {rule} goes on {when}; {PauseControl.Waiting(before)}.");
    }
}
