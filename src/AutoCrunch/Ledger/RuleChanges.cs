using System.Globalization;
using AutoCrunch.Core;

namespace AutoCrunch.Ledger;

/// <summary>
/// What a changed configuration means for files that exist, in the operator's words: said by <c>check</c>, and in the
/// log before anything comes of it.
/// </summary>
internal static class RuleChanges
{
    /// <summary>What is to be said of a rule; nothing when it is as it was.</summary>
    /// <param name="rule">As it is configured.</param>
    /// <param name="configured">The names of all configured rules.</param>
    /// <param name="records">What the ledger has recorded of rules.</param>
    public static IEnumerable<string> Of(
        WatchRule rule, IReadOnlyCollection<string> configured, IReadOnlyDictionary<string, RuleRecord> records)
    {
        ArgumentNullException.ThrowIfNull(rule);
        if (records.GetValueOrDefault(rule.Name) is not { FirstScanDone: true } record)
            return OfNew(rule, configured, records);
        return OfKnown(rule, record);
    }

    /// <summary>How a rule that is paused goes on.</summary>
    public static string HowToResume(string rule) =>
        $"to let them run: autocrunch resume {rule}";

    /// <summary>How a path goes on that the loop guard has paused.</summary>
    public static string HowToResumePath(string rule, BytePath path) =>
        $"then let it run again: autocrunch resume {rule} --path {Quote(path)}";

    // For a shell, and for the verb, which reads the escapes.
    private static string Quote(BytePath path) =>
        $"'{path.ToString().Replace("'", "\\x27", StringComparison.Ordinal)}'";

    private static IEnumerable<string> OfNew(
        WatchRule rule, IReadOnlyCollection<string> configured, IReadOnlyDictionary<string, RuleRecord> records)
    {
        if (rule.ExistingFiles == ProcessPolicy.Ignore)
            yield break;
        foreach (RuleRecord record in records.Values)
        {
            if (record.FirstScanDone && record.Path == rule.Path && !configured.Contains(record.Name))
                yield return $"this rule is new to the ledger, so all files in its Path are; the ledger knows rule "
                    + $"'{record.Name}' with the same Path, which is configured no longer. If '{rule.Name}' is that "
                    + $"rule under a new name, its files would be processed again: name it '{record.Name}' again, or "
                    + "set ExistingFiles to Ignore for its first start";
        }
    }

    private static IEnumerable<string> OfKnown(WatchRule rule, RuleRecord record)
    {
        string limit = rule.MaxExistingFiles == 0 ? "" : string.Create(
            CultureInfo.InvariantCulture, $" (more than MaxExistingFiles, {rule.MaxExistingFiles:N0}, pause the rule)");
        if (record.Path is { } path && path != rule.Path)
            yield return $"its Path was '{path}' when it was scanned last. What the ledger knows of its files is now "
                + "compared with the new directory: files that moved along are known, others are processed when "
                + $"finished{limit}. If that is not meant, put Path back, or give the rule a new name and "
                + "ExistingFiles Ignore";
        string patterns = RuleRecord.PatternsOf(rule);
        if (record.Patterns is { } before && before != patterns)
            yield return $"it took {before} when it was scanned last, and takes {patterns} now: files that are there, "
                + $"match now and are not known to the ledger are processed when finished{limit}";
        if (record.Paused is { } paused)
            yield return WhyPaused(paused) + $": files are recorded, but no job starts; {HowToResume(rule.Name)}";
    }

    private static string WhyPaused(PauseReason paused) => paused switch
    {
        PauseReason.ByHand => "it is paused by hand",
        PauseReason.ManyFiles => "it is paused, as a scan found more files than MaxExistingFiles",
        PauseReason.Failures => "it is paused, as its last PauseAfterFailures jobs all failed",
        _ => throw new InvariantException($"Unknown pause {paused}"),
    };
}
