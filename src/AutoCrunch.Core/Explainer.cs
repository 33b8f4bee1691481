using System.Collections.Generic;
using System.Linq;

namespace AutoCrunch.Core;

/// <summary>
/// Why a file was, or was not, processed: from what is known to one finding, a sentence, and what would make it run.
/// </summary>
internal static partial class Explainer
{
    private const string Restart = "restart the service (systemctl restart autocrunch)";
    private const string SendAgain = "Send it again: it runs when it has finished arriving";

    /// <summary>The finding that decides about one file of one rule.</summary>
    public static Explanation Of(ExplanationFacts facts)
    {
        Job? job = facts.Ledger.Jobs.Count > 0 ? facts.Ledger.Jobs[0] : null;
        Job? own = facts.Ledger.IsJobOfOther ? null : job;
        bool isActive = own is { State: JobState.Queued or JobState.Running };
        if (!isActive && OfScope(facts) is { } name)
            return name;
        if (OfDisk(facts) is { } place)
            return place;
        if (facts.Service.InFlight is { } inFlight)
            return OfInFlight(facts, inFlight, own);
        if (IsAbsent(facts))
            return OfAbsent(facts, own);
        if (own is { State: JobState.Running })
            return OfRunning(facts, own);
        if (own is { State: JobState.Queued } && !IsChanged(facts))
            return OfQueued(facts, own);
        return facts.Ledger.Entry is { } entry ? OfEntry(facts, entry, job) : OfUnknown(facts);
    }

    /// <summary>Why no rule has anything to do with a path.</summary>
    /// <param name="rules">All rules.</param>
    public static Explanation OfOutside(IEnumerable<WatchRule> rules)
    {
        const int most = 5;
        WatchRule[] all = [.. rules];
        string roots = string.Join(", ", all.Take(most).Select(rule => $"{rule.Path} ({rule.Name})"));
        string more = all.Length > most ? $" and {all.Length - most} more" : "";
        return new Explanation(
            ExplanationReason.NotUnderAnyRoot,
            $"It is under no rule's Path; watched are {roots}{more}.",
            $"Put it below one of these, or add a rule for its directory and {Restart}.");
    }

    /// <summary>What the name itself says against a file, or the directory against all in it; null: nothing.</summary>
    public static Explanation? OfScope(WatchRule rule, PathScope scope)
    {
        (ExplanationReason reason, string sentence, string remedy)? found = scope.Scope switch
        {
            Scope.Taken => null,
            Scope.NotRecursive => (
                ExplanationReason.NotRecursive,
                $"Rule {rule.Name} watches only {rule.Path} itself, not the directories in it (Recursive: false).",
                $"Move it up to {rule.Path}, or set Recursive to true and {Restart}."),
            Scope.IgnoredDirectory => (
                ExplanationReason.IgnoredDirectory,
                $"It is in the directory '{scope.Directory}', which rule {rule.Name} does not enter "
                    + $"(IgnoredDirectories: '{scope.Pattern}').",
                $"Move it out of that directory, or change IgnoredDirectories and {Restart}."),
            Scope.Excluded => (
                ExplanationReason.Excluded,
                $"Rule {rule.Name} leaves such names out (Exclude: '{scope.Pattern}').",
                $"Rename it, or change Exclude and {Restart}."),
            Scope.NotIncluded => (
                ExplanationReason.NotIncluded,
                $"Rule {rule.Name} takes only {Patterns(rule)}, and this name does not match.",
                $"Rename it, or add a pattern to Include and {Restart}."),
            Scope.PartName => (
                ExplanationReason.PartName,
                $"'{scope.Pattern}' is how other tools mark what is not finished: rule {rule.Name} waits for the final "
                    + "name.",
                $"Let the tool rename it; if it is a final name, add '{scope.Pattern}' to Include and {Restart}."),
            Scope.TemporaryName => (
                ExplanationReason.TemporaryName,
                $"The name has the shape of rsync's temporary names: rule {rule.Name} judges the file when it is "
                    + "renamed into place.",
                "Wait for the transfer to end; if it is a leftover, delete it; if it is a real file, rename it."),
            Scope.PathTooLong => (
                ExplanationReason.PathTooLong,
                "Its path is longer than any program can open (4095 bytes).",
                "Move it further up."),
            _ => throw new InvariantException($"Unknown scope {scope.Scope}"),
        };
        return found is { } finding ? new Explanation(finding.reason, finding.sentence, finding.remedy) : null;
    }

    // A name that was taken before it was judged by its shape alone has a story of its own.
    private static Explanation? OfScope(ExplanationFacts facts)
    {
        PathScope scope = PathScope.Of(facts.Rule, facts.Path);
        bool isKnown = facts.Ledger.Entry is not null || facts.Service.InFlight is not null;
        if (scope.Scope == Scope.TemporaryName && isKnown)
            return null;
        if (OfScope(facts.Rule, scope) is not { } explanation || facts.Disk.Writers.Count == 0)
            return OfScope(facts.Rule, scope);
        return explanation with { Sentence = $"{explanation.Sentence} It is open for writing{ByWhom(facts)}." };
    }

    private static Explanation? OfDisk(ExplanationFacts facts)
    {
        string rule = facts.Rule.Name;
        if (!facts.Disk.IsRootThere || facts.Service.Coverage == Coverage.RootMissing)
            return new Explanation(
                ExplanationReason.RootMissing,
                $"The Path of rule {rule}, {facts.Rule.Path}, is not there: none of its files is taken for gone, and "
                    + "they are looked for when it is back.",
                "Mount it, or make it again: its return is noticed within two seconds.");
        if (facts.Disk.Link is { } link)
            return new Explanation(
                ExplanationReason.SymlinkOnTheWay,
                $"The directory '{link}' is a symbolic link, and rule {rule} follows none below its Path.",
                Elsewhere(facts, "Put the file itself below Path, or add a rule for where the link leads"));
        return facts.Disk.Stat?.Type switch
        {
            null or FileType.Regular => null,
            FileType.Symlink => new Explanation(
                ExplanationReason.Symlink,
                "It is a symbolic link, and only regular files are processed.",
                Elsewhere(facts, "Put the file itself, or a hard link to it, here")),
            _ => new Explanation(
                ExplanationReason.NotAFile,
                "It is no regular file, and only those are processed.",
                "Put a regular file in its place."),
        };
    }

    private static string Elsewhere(ExplanationFacts facts, string remedy) => facts.Disk.RealPath is { } real
        ? $"{remedy}; what is said of the file itself: autocrunch explain {ShellWord.Of(real)}."
        : remedy + ".";

    private static Explanation OfInFlight(ExplanationFacts facts, InFlight inFlight, Job? job)
    {
        string until = inFlight.UntilNs is { } untilNs ? Ages.Until(untilNs, facts.NowNs) : "at its next event";
        (ExplanationReason reason, string sentence, string remedy) = inFlight.State switch
        {
            InFlightState.Held => (ReasonOf(inFlight.Hold!.Value), HeldSentence(inFlight.Hold.Value),
                HeldRemedy(facts, inFlight.Hold.Value)),
            InFlightState.BeingWritten => (
                ExplanationReason.BeingWritten,
                $"It is still being written{ByWhom(facts)}; last sign of life "
                    + $"{Ages.Ago(inFlight.LastSignNs, facts.NowNs)}.",
                WaitForWriter(facts)),
            InFlightState.WaitsForQuiet => (
                ExplanationReason.WaitsForQuiet,
                $"It is closed and its quiet period runs: if nothing more happens to it, it counts as finished "
                    + $"{until}.",
                "Wait; what is sent with its modification time (rsync -t) needs no quiet period."),
            InFlightState.WaitsForWriter => (
                ExplanationReason.WaitsForWriter,
                $"It was not seen closed, and the service cannot tell whether anybody has it open; it looks again "
                    + $"{until}.",
                "Wait for the writer to close it; with AmbientCapabilities=CAP_LEASE in its unit the service could "
                    + "tell."),
            InFlightState.Unreadable => (
                ExplanationReason.Unreadable,
                $"The service cannot look at it; it tries again {until}.",
                AccessRemedy(facts)),
            InFlightState.WaitsForScan => (
                ExplanationReason.WaitsForScan,
                "Events were lost, so the scan that is under way decides.",
                "Wait for the scan (autocrunch sync)."),
            InFlightState.Asked => (
                ExplanationReason.BeingLookedAt,
                "It is being looked at just now.",
                "Ask again in a second."),
            _ => throw new InvariantException($"Unknown state {inFlight.State}"),
        };
        string note = job is { State: JobState.Running } ? $" Job {job.Id} runs for what was there before."
            : job is { State: JobState.Queued } ? $" Job {job.Id} waits for what was there before." : "";
        return new Explanation(reason, sentence + note, remedy);
    }

    private static string WaitForWriter(ExplanationFacts facts) => facts.Disk.Writers.Count > 0
        ? $"Wait until it is closed; if its writer hangs, end it (kill {facts.Disk.Writers[0].Pid}) and send the file "
            + "again."
        : "Wait until it is closed; if its writer hangs, end it (fuser -v "
            + $"{ShellWord.Of(facts.AbsolutePath)} tells its pid) and send the file again.";

    private static string ByWhom(ExplanationFacts facts) => facts.Disk.Writers.Count == 0 ? ""
        : ", by " + string.Join(
            " and ", facts.Disk.Writers.Take(3).Select(writer => $"{writer.Program} (pid {writer.Pid})"))
            + (facts.Disk.Writers.Count > 3 ? " and others" : "");

    private static string HeldSentence(HoldReason reason) => $"Held: {HoldText.Why(reason)}.";

    private static string HeldRemedy(ExplanationFacts facts, HoldReason reason)
    {
        string remedy = HoldText.Remedy(reason);
        string first = remedy.Length > 0 ? char.ToUpperInvariant(remedy[0]) + remedy[1..]
            : $"Send it by rename, as rsync does without --inplace, or set Arrivals to RenameAndInPlace and {Restart}";
        return $"{first}; to run it as it is: {Submit(facts)}.";
    }

    private static string Submit(ExplanationFacts facts) =>
        $"autocrunch submit --rule {facts.Rule.Name} {ShellWord.Of(facts.AbsolutePath)}";

    private static string AccessRemedy(ExplanationFacts facts) =>
        "Give the service's user access to it and to every directory above it (namei -l "
        + $"{ShellWord.Of(facts.AbsolutePath)} shows them).";

    private static string Patterns(WatchRule rule)
    {
        string[] patterns = [.. rule.Include.Patterns.Take(5).Select(pattern => $"'{pattern}'")];
        string more = rule.Include.Patterns.Count > patterns.Length ? " and others" : "";
        return string.Join(", ", patterns) + more;
    }

    private static ExplanationReason ReasonOf(HoldReason reason) => reason switch
    {
        HoldReason.ZeroMtime => ExplanationReason.HeldZeroMtime,
        HoldReason.OwnerOnly => ExplanationReason.HeldOwnerOnly,
        HoldReason.Unproven => ExplanationReason.HeldUnproven,
        HoldReason.TemporaryName => ExplanationReason.HeldTemporaryName,
        HoldReason.WrittenInPlace => ExplanationReason.HeldWrittenInPlace,
        _ => throw new InvariantException($"Unknown hold reason {reason}"),
    };
}
