using AutoCrunch.Configuration;
using AutoCrunch.Core;
using AutoCrunch.Hosting;
using AutoCrunch.Ledger;
using AutoCrunch.Linux;

namespace AutoCrunch.Cli;

/// <summary>Something that asks for the operator's attention.</summary>
/// <param name="Rule">The rule concerned; null for the service itself.</param>
/// <param name="Text">What is wrong.</param>
/// <param name="Command">What mends it, or tells more.</param>
internal sealed record Problem(string? Rule, string Text, string Command);

/// <summary>One rule: configured, as the ledger knows it, and as the service sees it.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="Ledger">Null when the ledger has no record of it, or cannot be read.</param>
/// <param name="Live">Null when the service does not run or may not be asked.</param>
internal sealed record RuleFacts(WatchRule Rule, RuleOverview? Ledger, LiveRule? Live)
{
    /// <summary>Since when the oldest file or job waits; null when none does.</summary>
    public long? OldestNs => (Live?.OldestNs, Ledger?.OldestQueuedNs) switch
    {
        ({ } file, { } job) => Math.Min(file, job),
        var (file, job) => file ?? job,
    };
}

/// <summary>The state of everything at one moment: what <c>status</c> shows in one form or another.</summary>
internal sealed record StatusFacts
{
    private const int PathsShown = 5;
    private const long DisposalPatienceNs = 60L * 1_000_000_000;
    private const long RecentlyNs = 3600L * 1_000_000_000;

    /// <summary>When it was asked for, nanoseconds since 1970.</summary>
    public required long NowNs { get; init; }

    /// <summary>What the service says; null when it does not run or may not be asked.</summary>
    public LiveStatus? Live { get; init; }

    /// <summary>Why the service could not be asked; null when it could, or does not run.</summary>
    public string? Refusal { get; init; }

    /// <summary>The configured rules, by name.</summary>
    public required IReadOnlyList<RuleFacts> Rules { get; init; }

    /// <summary>The gravest first.</summary>
    public required IReadOnlyList<Problem> Problems { get; init; }

    /// <summary>"running", "starting", "stopped" or "unknown".</summary>
    public string State => this switch
    {
        { Live.IsReady: true } => "running",
        { Live: not null } => "starting",
        { Refusal: not null } => "unknown",
        _ => "stopped",
    };

    /// <summary>Asks the service, and reads the ledger.</summary>
    /// <param name="configuration">Which.</param>
    /// <param name="files">How many files in flight are wanted.</param>
    /// <param name="more">Reads more from the ledger, if it can be read.</param>
    public static StatusFacts Read(CompiledConfiguration configuration, int files, Action<LedgerReader>? more = null)
    {
        LiveStatus? live = null;
        string? refusal = null;
        try
        {
            live = LiveStatus.TryAsk(configuration, files);
        }
        catch (ControlRefusedException refused)
        {
            refusal = refused.Message;
        }

        long nowNs = Clock.WallNs();
        var problems = new List<Problem>();
        Dictionary<string, RuleOverview> overviews = ReadLedger(configuration, nowNs, problems, more);
        RuleFacts[] rules =
        [
            .. configuration.Rules.Select(rule => new RuleFacts(
                rule.Rule, overviews.GetValueOrDefault(rule.Rule.Name), live?.Rules.GetValueOrDefault(rule.Rule.Name))),
        ];
        return new StatusFacts
        {
            NowNs = nowNs,
            Live = live,
            Refusal = refusal,
            Rules = rules,
            Problems =
            [
                .. OfService(configuration, live, refusal, nowNs), .. problems, .. rules.SelectMany(OfRule),
            ],
        };
    }

    private static Dictionary<string, RuleOverview> ReadLedger(
        CompiledConfiguration configuration, long nowNs, List<Problem> problems, Action<LedgerReader>? more)
    {
        LedgerReader? ledger = null;
        try
        {
            ledger = ReadingVerb.Open(configuration);
            if (ledger is null)
                return [];
            AddPausedPaths(configuration, ledger, problems);
            foreach (CompiledRule rule in configuration.Rules)
                AddDisposals(rule.Rule, ledger, nowNs, problems);
            string[] names = [.. configuration.Rules.Select(rule => rule.Rule.Name)];
            foreach ((string rule, long waiting) in ledger.WaitingOfOthers(names))
                problems.Add(new Problem(
                    null, $"{Counts.Of(waiting)} waiting jobs are of rule '{rule}', which is configured no longer; "
                    + "they start when there is a rule of that name again",
                    $"autocrunch jobs --rule {rule} --state queued"));
            foreach ((string rule, long running, string engine) in ledger.RunningInEngines())
                if (!names.Contains(rule))
                    problems.Add(new Problem(
                        null, $"{Counts.Of(running, "job")} of rule '{rule}', which is configured no longer, left "
                        + $"running in {engine}: put the rule back as it was until they have ended or are cancelled",
                        $"autocrunch jobs --rule {rule} --state running"));
            more?.Invoke(ledger);
            return ledger.Overview(nowNs).ToDictionary(rule => rule.Counts.Rule, StringComparer.Ordinal);
        }
        catch (Exception error) when (error is LedgerUnusableException or SqliteException)
        {
            problems.Add(ledger?.IsOvertaken == true
                ? new Problem(null, "the service was started while its ledger was read", "autocrunch status")
                : new Problem(null, error.Message, "autocrunch check"));
            return [];
        }
        finally
        {
            ledger?.Dispose();
        }
    }

    private static void AddPausedPaths(
        CompiledConfiguration configuration, LedgerReader ledger, List<Problem> problems)
    {
        IReadOnlyList<PausedPath> paths = ledger.PausedPaths(null, PathsShown + 1);
        foreach (PausedPath path in paths.Take(PathsShown))
        {
            BytePath shown = ReadingVerb.RootOf(configuration, ledger, path.Rule)?.Join(path.Path) ?? path.Path;
            problems.Add(new Problem(
                path.Rule, $"{shown} is paused: it completed too often in a short time, most likely by its own job",
                $"autocrunch resume {path.Rule} --path {ShellWord.Of(path.Path)}"));
        }

        if (paths.Count > PathsShown)
            problems.Add(new Problem(null, "further paths are paused too", "autocrunch jobs --state queued"));
    }

    // A few seconds are nothing to speak of: a copy takes its time.
    private static void AddDisposals(WatchRule rule, LedgerReader ledger, long nowNs, List<Problem> problems)
    {
        (long count, long oldestNs) = ledger.DisposalsWaiting(rule.Name);
        if (count == 0 || nowNs - oldestNs < DisposalPatienceNs)
            return;
        string files = count == 1 ? "1 file that was processed waits" : $"{Counts.Of(count)} processed files wait";
        problems.Add(new Problem(
            rule.Name, $"{files} to be moved or deleted, the first one's job ended {Relative.Ago(oldestNs, nowNs)}: "
            + "the service's log says why, most likely the destination is full, not there or may not be written",
            $"journalctl -u autocrunch -p warning --grep {ShellWord.Of(new BytePath("moved or deleted"u8))}"));
    }

    private static IEnumerable<Problem> OfService(
        CompiledConfiguration configuration, LiveStatus? live, string? refusal, long nowNs)
    {
        if (live is null)
        {
            yield return refusal is null
                ? new Problem(null, "the service does not run", "systemctl start autocrunch")
                : new Problem(null, refusal, "systemctl status autocrunch");
            yield break;
        }

        if (live.PausedBecause is { } why)
            yield return new Problem(
                null, $"the ledger cannot be written: {why}",
                $"df -h {ShellWord.Of(configuration.StateDirectory)}");
        if (live.LastOverflowNs is { } overflow && nowNs - overflow < RecentlyNs)
            yield return new Problem(
                null, $"the kernel's queue overflowed {Relative.Ago(overflow, nowNs)}; everything is scanned again, "
                + "nothing is lost", "sysctl fs.inotify.max_queued_events");
    }

    private static IEnumerable<Problem> OfRule(RuleFacts facts)
    {
        string name = facts.Rule.Name;
        if (facts.Live is { IsRootThere: false })
            yield return new Problem(
                name, $"its directory {facts.Rule.Path} is not there, or cannot be read",
                $"ls -ld {ShellWord.Of(facts.Rule.Path)}");
        if (facts.Ledger is { Paused: { } paused } && facts.Ledger.Counts is { } waiting)
            yield return new Problem(
                name, $"it is paused, {WhyPaused(paused)}; jobs that wait: {Counts.Of(waiting.Queued)}",
                $"autocrunch resume {name}");
        if (facts.Live is { Unwatched: > 0 and var unwatched })
            yield return new Problem(
                name, $"{unwatched:N0} of its directories cannot be watched and are scanned again and again instead",
                "autocrunch check");
        if (facts.Ledger is { Counts.Failed: > 0 and var failed })
            yield return new Problem(
                name, $"{Counts.Of(failed, "job")} failed", $"autocrunch jobs --state failed --rule {name}");
        if (facts.Ledger is { Counts.Held: > 0 and var held })
            yield return new Problem(
                name, held == 1
                    ? "1 file is held back, as it does not look finished"
                    : $"{Counts.Of(held)} files are held back, as they do not look finished",
                $"autocrunch explain {ShellWord.Of(facts.Rule.Path)}");
    }

    private static string WhyPaused(PauseReason reason) => reason switch
    {
        PauseReason.ByHand => "by hand",
        PauseReason.ManyFiles => "as a scan found more files than MaxExistingFiles",
        PauseReason.Failures => "as its last jobs all failed (PauseAfterFailures)",
        _ => throw new InvariantException($"Unknown pause {reason}"),
    };
}
