using System;

namespace AutoCrunch.Core;

/// <content>What has a verdict: recorded files and their jobs, and what has none although nobody works on it.</content>
internal static partial class Explainer
{
    private const string StartService = "systemctl start autocrunch";

    private static bool IsAbsent(ExplanationFacts facts) => facts.Disk is { Stat: null, Problem: null };

    // What is there is not what was judged last. Inode numbers count only where they are stable.
    private static bool IsChanged(ExplanationFacts facts)
    {
        if (facts.Disk.Stat is not { } stat || facts.Ledger.Entry is not { } entry)
            return false;
        FileVersion known = entry.Version;
        return entry.State is EntryState.Changed or EntryState.Gone
            || stat.SizeBytes != known.SizeBytes || stat.MtimeNs != known.MtimeNs
            || (known.Inode != 0 && known.Inode != stat.Inode);
    }

    private static Explanation OfAbsent(ExplanationFacts facts, Job? job)
    {
        if (job is { State: JobState.Queued })
            return new Explanation(
                ExplanationReason.Gone,
                $"It is gone; job {job.Id}, which waits, is called off when its turn comes.",
                SendAgain + ".");
        if (job is { State: JobState.Running })
            return OfRunning(facts, job);
        if (job is not null)
            return OfEnded(facts, job) with { Remedy = ToHaveItBack(facts) + SendAgain + "." };
        return facts.Ledger.Entry is not null
            ? new Explanation(ExplanationReason.Gone, "It is gone, and had no job.", SendAgain + ".")
            : new Explanation(
                ExplanationReason.NeverSeen,
                $"There is no such file, and rule {facts.Rule.Name} has no record of it.",
                "Send it: it runs when it has finished arriving.");
    }

    // Not in flight, and the ledger knows nothing of it.
    private static Explanation OfUnknown(ExplanationFacts facts) => facts.Disk.Problem is { } problem
        ? new Explanation(
            ExplanationReason.NotLookedAt,
            $"The user who asks cannot look at it ({problem}), and rule {facts.Rule.Name} has no record of it.",
            $"Ask as root: sudo autocrunch explain {ShellWord.Of(facts.AbsolutePath)}.")
        : OfUnseen(facts, "It", ExplanationReason.NotSeenYet, "has not been judged yet");

    private static Explanation OfUnseen(ExplanationFacts facts, string what, ExplanationReason reason, string state)
    {
        ServiceFacts service = facts.Service;
        string writing = facts.Disk.Writers.Count > 0 ? $" It is open for writing{ByWhom(facts)}." : "";
        string rule = facts.Rule.Name;
        if (service.Answer == ServiceAnswer.Down)
            return new Explanation(
                ExplanationReason.ServiceDown,
                $"{what} {state}, and the service is not running.{writing}",
                $"Start the service, which scans first: {StartService}.");
        if (service.Answer == ServiceAnswer.NotAsked)
            return new Explanation(
                ExplanationReason.ServiceNotAsked,
                $"{what} {state}, as far as the ledger tells; what the service knows could not be asked: "
                    + $"{service.Problem}.{writing}",
                $"Ask as root: sudo autocrunch explain {ShellWord.Of(facts.AbsolutePath)}.");
        if (!service.HasRule)
            return new Explanation(
                ExplanationReason.RuleNotRunning,
                $"{what} {state}: the service runs without rule {rule} as it is configured now, as the configuration "
                    + "was changed after its start.",
                $"{char.ToUpperInvariant(Restart[0])}{Restart[1..]}.");
        if (facts.Service.Coverage is Coverage.NotWatched or Coverage.Unreadable)
            return OfUncovered(facts, what, state);
        if (service.IsScanning)
            return new Explanation(
                ExplanationReason.WaitsForScan,
                $"{what} {state}: a scan of rule {rule} is under way.{writing}",
                "Wait for the scan (autocrunch sync).");
        if (service.Coverage == Coverage.Remote)
            return new Explanation(
                reason,
                $"{what} {state}: it is on a network file system, where only rescans show what other machines do"
                    + $"{Rescans(facts.Rule)}.{writing}",
                "Wait for the next rescan.");
        return new Explanation(
            reason, $"{what} {state}; a rescan would find it{Rescans(facts.Rule)}.{writing}",
            "Wait for the next rescan, or have it processed now: autocrunch submit.");
    }

    private static Explanation OfUncovered(ExplanationFacts facts, string what, string state)
    {
        bool isUnreadable = facts.Service.Coverage == Coverage.Unreadable;
        string advice = facts.Service.CoverageProblem;
        string why = isUnreadable ? "the service may not read its directory" : "its directory is not watched";
        return new Explanation(
            isUnreadable ? ExplanationReason.Unreadable : ExplanationReason.NotWatched,
            $"{what} {state}: {why}, only rescans find what is in it. {advice}".TrimEnd(' '),
            isUnreadable ? AccessRemedy(facts)
                : "Raise the limit of watches (fs.inotify.max_user_watches); until then wait for the next rescan.");
    }

    private static string Rescans(WatchRule rule) => rule.RescanInterval > TimeSpan.Zero
        ? $", every {Ages.OneUnit(rule.RescanInterval)}" : "";

    private static Explanation OfEntry(ExplanationFacts facts, KnownEntry entry, Job? job)
    {
        if (entry is { State: EntryState.Held, Held: { } hold } && !IsChanged(facts))
            return new Explanation(ReasonOf(hold), HeldSentence(hold), HeldRemedy(facts, hold));
        if (IsChanged(facts))
        {
            string before = job switch
            {
                null => "",
                { Reason: JobReason.Superseded } => $" (job {job.Id} for that was called off)",
                _ => $" (job {job.Id}, {StateOf(job)})",
            };
            string what = entry.State == EntryState.Gone ? "It was gone, and what is there now"
                : $"It is not the version that was judged last{before}, and what is there now";
            return OfUnseen(facts, what, ExplanationReason.Changed, "has not been judged yet");
        }

        if (job is null)
            return LeftAlone(facts);
        bool isOther = facts.Ledger.IsJobOfOther
            || job.Version.Inode != entry.Version.Inode || job.Version.SizeBytes != entry.Version.SizeBytes;
        if (isOther && facts.Rule.Completion.Updates == ProcessPolicy.Ignore)
            return new Explanation(
                ExplanationReason.UpdateIgnored,
                $"It was replaced after job {job.Id} ({StateOf(job)}), and rule {facts.Rule.Name} processes only names "
                    + "it has never seen (Updates: Ignore).",
                $"To run it all the same: {Submit(facts)}.");
        if (facts.Ledger.IsJobOfOther)
            return LeftAlone(facts);
        if (job.Path != facts.Path)
            return new Explanation(
                ExplanationReason.RenameIgnored,
                $"It was processed as '{job.Path}' (job {job.Id}, {StateOf(job)}), and a rename makes no job "
                    + "(Renames: Ignore).",
                $"To run it under this name: {Submit(facts)}.");
        return OfEnded(facts, job);
    }

    private static Explanation LeftAlone(ExplanationFacts facts) => new(
        ExplanationReason.LeftAlone,
        facts.Rule.ExistingFiles == ProcessPolicy.Ignore
            ? $"It was there before rule {facts.Rule.Name} was first started, and such files are left alone "
                + "(ExistingFiles: Ignore)."
            : "It is recorded as done without a job: it was there when such files were to be left alone, it was "
                + "adopted, or its history was forgotten (KeepHistory).",
        $"To run it: {Submit(facts)}.");

    private static Explanation OfRunning(ExplanationFacts facts, Job job) => facts.Service.Answer == ServiceAnswer.Down
        ? new Explanation(
            ExplanationReason.Interrupted,
            $"Attempt {job.Attempts} of job {job.Id} was running when the service ended; it runs again.",
            $"Start the service: {StartService}.")
        : new Explanation(
            ExplanationReason.Running,
            $"Job {job.Id} runs (attempt {job.Attempts}, started {Ages.Ago(job.StartedNs ?? 0, facts.NowNs)})."
                + Superseded(facts),
            $"Wait for its end; see what it prints: autocrunch show {job.Id} --log --follow.");

    private static Explanation OfQueued(ExplanationFacts facts, Job job)
    {
        LedgerFacts ledger = facts.Ledger;
        string name = $"Job {job.Id}";
        if (facts.Service.Answer == ServiceAnswer.Down)
            return Because(ExplanationReason.ServiceDown, $"{name} waits, and the service is not running",
                $"Start the service: {StartService}");
        if (facts.Service.LedgerPaused is { } problem)
            return Because(ExplanationReason.LedgerPaused, $"{name} waits: the ledger cannot be written ({problem})",
                "Mend that: it goes on by itself");
        if (ledger.RulePaused is { } why)
            return Because(ExplanationReason.RulePaused,
                $"{name} waits: rule {facts.Rule.Name} is paused, {why}",
                $"Let the rule go on: autocrunch resume {facts.Rule.Name}");
        if (ledger.PathPaused is not null || job.IsPathPaused)
            return Because(ExplanationReason.PathPaused,
                $"{name} waits: this path is paused, {ledger.PathPaused ?? "as it completed again and again"}",
                $"Let the job write elsewhere, then: autocrunch resume {facts.Rule.Name} --path "
                    + ShellWord.Of(facts.AbsolutePath));
        if (job.DueNs > facts.NowNs)
            return OfNotDue(facts, job);
        if (!ledger.FirstScanDone)
            return Because(ExplanationReason.WaitsForFirstScan,
                $"{name} waits for the end of the first scan of rule {facts.Rule.Name}",
                "Wait for the scan (autocrunch sync)");
        if (ledger.RunningOfPath is { } other)
            return Because(ExplanationReason.QueuedBehindItself,
                $"{name} waits for job {other} of the same path, which runs", $"Wait for job {other}");
        bool isOfAll = facts.MaxRunning > 0 && ledger.RunningOfAll >= facts.MaxRunning;
        if (isOfAll)
            return Because(ExplanationReason.Queued,
                $"{name} waits for a free slot: {Before(ledger)}, and {ledger.RunningOfAll} of all rules run",
                $"Wait, or raise MaxRunning (now {facts.MaxRunning}) and {Restart}");
        if (ledger.Running >= facts.Concurrency || ledger.Ahead > 0)
            return Because(ExplanationReason.Queued,
                $"{name} waits for a free slot: {Before(ledger)}, and {ledger.Running} of the rule's run",
                $"Wait, or raise Concurrency (now {facts.Concurrency}) and {Restart}");
        return Because(ExplanationReason.Queued, $"{name} is about to start", "Ask again in a second");

        Explanation Because(ExplanationReason reason, string sentence, string remedy) =>
            new(reason, sentence + "." + Superseded(facts), remedy + ".");
    }

    private static Explanation OfNotDue(ExplanationFacts facts, Job job)
    {
        string when = Ages.Until(job.DueNs, facts.NowNs);
        string now = $"To run it at once: autocrunch retry {job.Id}.";
        if (facts.Ledger.LastAttempt is not { } last || job.Failures == 0)
            return new Explanation(
                ExplanationReason.PutOff,
                $"Job {job.Id} was put off, as its file could not be looked at; the next try is {when}."
                    + Superseded(facts),
                AccessRemedy(facts));
        return new Explanation(
            ExplanationReason.RetryWaits,
            $"Attempt {last.Number} of job {job.Id} failed ({EndOf(last)}); the next one of "
                + $"{facts.Rule.Retry.MaxAttempts} "
                + $"starts {when}." + Superseded(facts),
            now);
    }

    private static string ToHaveItBack(ExplanationFacts facts) =>
        facts.Ledger.Disposal is { State: DisposalState.Done, Destination: not null }
            ? $"Move it back, then: {Submit(facts)}. Or: " : "";

    private static Explanation OfEnded(ExplanationFacts facts, Job job)
    {
        bool isGone = IsAbsent(facts);
        string ago = Ages.Ago(job.FinishedNs ?? job.CompletedNs, facts.NowNs);
        string gone = !isGone ? "" : facts.Ledger.Disposal switch
        {
            { State: DisposalState.Done, Destination: { } moved } => $" Its file was then moved to {moved}.",
            { State: DisposalState.Done } => " Its file was then deleted, as the rule asks.",
            _ => " The file is gone by now.",
        };
        string retry = $"autocrunch retry {job.Id}";
        (ExplanationReason reason, string sentence, string remedy) = job switch
        {
            { State: JobState.Succeeded } => (
                ExplanationReason.Succeeded, $"Job {job.Id} succeeded {ago} (attempt {job.Attempts}).",
                $"To run it again: {retry}."),
            { State: JobState.Failed } => (
                ExplanationReason.Failed,
                $"Job {job.Id} failed {ago}, for good after {Attempts(job.Attempts)}"
                    + (facts.Ledger.LastAttempt is { } last ? $": {EndOf(last)}." : "."),
                $"See what it printed (autocrunch show {job.Id} --log), mend that, then: {retry}."),
            { Reason: JobReason.ByHand } => (
                ExplanationReason.CancelledByHand, $"Job {job.Id} was cancelled by hand {ago}.",
                $"To run it all the same: {retry}."),
            { Reason: JobReason.Gone } => (
                ExplanationReason.CancelledGone, $"The file was gone when job {job.Id} was to start, {ago}.",
                $"To run it now: {retry}."),
            _ => (
                ExplanationReason.Superseded,
                $"Job {job.Id} was called off {ago}: the file was replaced, or changed, before it started.",
                $"The new version runs when it has finished arriving; to run what is there now: {Submit(facts)}."),
        };
        return new Explanation(reason, sentence + gone, remedy);
    }

    // The reason is one sentence of the attempt's; it tells of exit code and signal itself.
    private static string EndOf(AttemptRecord attempt) => attempt.Reason?.TrimEnd('.') ?? "";

    private static string Attempts(int count) => count == 1 ? "1 attempt" : $"{count} attempts";

    private static string Before(LedgerFacts ledger) => ledger switch
    {
        { IsAheadCut: true } => $"more than {ledger.Ahead} jobs are before it",
        { Ahead: 0 } => "it is the next",
        { Ahead: 1 } => "1 job is before it",
        _ => $"{ledger.Ahead} jobs are before it",
    };

    // What became of the version before, if this one took its place.
    private static string Superseded(ExplanationFacts facts) =>
        facts.Ledger.Jobs is [_, { State: JobState.Cancelled, Reason: JobReason.Superseded } before, ..]
            ? $" It superseded job {before.Id}, whose version was replaced before its turn came." : "";

    private static string StateOf(Job job) => job.State switch
    {
        JobState.Queued => "queued",
        JobState.Running => "running",
        JobState.Succeeded => "succeeded",
        JobState.Failed => "failed",
        _ => "cancelled",
    };
}
