using System;

namespace AutoCrunch.Core;

/// <summary>Which ways of arriving a rule takes.</summary>
public enum Arrivals : byte { RenameAndInPlace, Rename }

/// <summary>What speaks for a file that was written in place.</summary>
public enum InPlace : byte { Quiet, Proven }

/// <summary>What to do with files a hold reason speaks against.</summary>
public enum HoldPolicy : byte { Hold, Process }

/// <summary>Whether something makes a job.</summary>
public enum ProcessPolicy : byte { Process, Ignore }

/// <summary>A rule's <c>Completion</c> section.</summary>
public sealed record CompletionPolicy
{
    public Arrivals Arrivals { get; init; } = Arrivals.RenameAndInPlace;

    public InPlace InPlace { get; init; } = InPlace.Quiet;

    public TimeSpan QuietPeriod { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Names of directories that are not entered (no slash in the pattern: at any depth).</summary>
    public PathPatterns IgnoredDirectories { get; init; } = new([".*"]);

    public HoldPolicy ZeroMtime { get; init; } = HoldPolicy.Hold;

    public HoldPolicy OwnerOnly { get; init; } = HoldPolicy.Hold;

    public ProcessPolicy Renames { get; init; } = ProcessPolicy.Ignore;

    public ProcessPolicy Updates { get; init; } = ProcessPolicy.Process;

    /// <summary>
    /// Whether a version that was held for this reason is held still, now that the settings may have changed.
    /// </summary>
    public bool Holds(HoldReason reason) => reason switch
    {
        HoldReason.ZeroMtime => ZeroMtime == HoldPolicy.Hold,
        HoldReason.OwnerOnly => OwnerOnly == HoldPolicy.Hold,
        HoldReason.Unproven => InPlace == InPlace.Proven,
        HoldReason.WrittenInPlace => Arrivals == Arrivals.Rename,
        HoldReason.TemporaryName => true,
        _ => throw new InvariantException($"Unknown hold reason {reason}"),
    };
}

/// <summary>A rule's <c>Retry</c> section.</summary>
/// <param name="MaxAttempts">How often a job is tried, at least 1.</param>
/// <param name="Delay">Delay before the second attempt; doubled before each further one.</param>
/// <param name="MaxDelay">No delay is longer.</param>
/// <param name="PermanentExitCodes">Exit codes after which a job is not tried again.</param>
public sealed record RetryPolicy(int MaxAttempts, TimeSpan Delay, TimeSpan MaxDelay, int[] PermanentExitCodes);

/// <summary>One watch rule, compiled: every value valid, every path absolute.</summary>
public sealed record WatchRule
{
    /// <summary>The rule's name: [A-Za-z0-9_-]+.</summary>
    public required string Name { get; init; }

    /// <summary>The watched directory, absolute.</summary>
    public required BytePath Path { get; init; }

    public bool Recursive { get; init; } = true;

    public PathPatterns Include { get; init; } = new(["*"]);

    public PathPatterns Exclude { get; init; } = new(["*~"]);

    public CompletionPolicy Completion { get; init; } = new();

    /// <summary>Time between two safety rescans; zero = off.</summary>
    public TimeSpan RescanInterval { get; init; } = TimeSpan.FromMinutes(5);

    public ProcessPolicy ExistingFiles { get; init; } = ProcessPolicy.Process;

    /// <summary>
    /// More files than this, found by a first scan or after the patterns were changed, pause the rule; 0 = no limit.
    /// </summary>
    public int MaxExistingFiles { get; init; }

    /// <summary>So many jobs that failed for good one after the other pause the rule; 0 = never.</summary>
    public int PauseAfterFailures { get; init; }

    /// <summary>A path that completes more often than this within ten minutes is paused; 0 = never.</summary>
    public int PauseAfterRepeats { get; init; }

    /// <summary>What is done with the file when its job has succeeded.</summary>
    public DisposalPolicy OnSuccess { get; init; } = DisposalPolicy.Keep;

    /// <summary>What is done with the file when its job has failed for good; never deleted.</summary>
    public DisposalPolicy OnFailure { get; init; } = DisposalPolicy.Keep;

    /// <summary>Run once for each job that has failed for good and each file held for long; null: none.</summary>
    public FailureCommand? OnFailureCommand { get; init; }

    /// <summary>A file that is held for longer than this is told of; zero = never.</summary>
    public TimeSpan HeldWarning { get; init; }

    public RetryPolicy Retry { get; init; } = new(3, TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(10), []);

    /// <summary>
    /// True when files in the directory of <paramref name="relativePath"/>, relative to <see cref="Path"/>, are
    /// watched.
    /// </summary>
    public bool Reaches(BytePath relativePath)
    {
        for (BytePath above = relativePath.Directory; !above.IsEmpty; above = above.Directory)
            if (!Recursive || Completion.IgnoredDirectories.Matches(above.Span))
                return false;
        return true;
    }

    /// <summary>True when the final name <paramref name="relativePath"/> is one this rule takes.</summary>
    public bool Takes(ReadOnlySpan<byte> relativePath) => Include.Matches(relativePath)
        && !Exclude.Matches(relativePath) && !IsPartName(relativePath);

    // A part name of another tool is never final, unless a pattern asks for that very ending or beginning.
    private bool IsPartName(ReadOnlySpan<byte> relativePath)
    {
        ReadOnlySpan<byte> suffix = RsyncNames.PartSuffixOf(relativePath);
        if (!suffix.IsEmpty)
            return !Include.AnyEndsWith(suffix);
        ReadOnlySpan<byte> prefix = RsyncNames.PartPrefixOf(relativePath);
        return !prefix.IsEmpty && !Include.AnyStartsWith(prefix);
    }
}
