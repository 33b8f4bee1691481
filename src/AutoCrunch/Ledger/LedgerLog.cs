using AutoCrunch.Core;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Ledger;

/// <summary>What the ledger has to say.</summary>
internal static partial class LedgerLog
{
    [LoggerMessage(2001, LogLevel.Warning, "Ledger {Ledger} was not closed cleanly; it is checked in the background")]
    public static partial void Unclean(ILogger logger, BytePath ledger);

    [LoggerMessage(2002, LogLevel.Information, "Ledger {Ledger} is sound (checked in {Seconds:F1} s)")]
    public static partial void Checked(ILogger logger, BytePath ledger, double seconds);

    [LoggerMessage(2003, LogLevel.Warning, "Ledger {Ledger} could not be checked: {Message}; {Advice}")]
    public static partial void CheckFailed(ILogger logger, BytePath ledger, string message, string advice);

    [LoggerMessage(2004, LogLevel.Error,
        "Ledger paused, no job starts: {Message}. To go on, {Advice}; everything is kept and it resumes by itself")]
    public static partial void Paused(ILogger logger, string message, string advice);

    [LoggerMessage(2005, LogLevel.Warning, "Ledger resumed; {Pending} entries were waiting")]
    public static partial void Resumed(ILogger logger, int pending);

    [LoggerMessage(2006, LogLevel.Error,
        "Service ends while the ledger is paused: {Pending} entries are lost; the next start scans for them")]
    public static partial void Abandoned(ILogger logger, int pending);

    [LoggerMessage(2007, LogLevel.Warning,
        "Rule {Rule}: more than {Most} entries waited for the ledger, the rest was dropped; its tree is scanned again")]
    public static partial void Dropped(ILogger logger, string rule, int most);

    [LoggerMessage(2008, LogLevel.Error, "Ledger failed")]
    public static partial void Failed(ILogger logger, Exception exception);

    [LoggerMessage(2009, LogLevel.Warning, "Ledger's write-ahead log cannot be moved into it: {Message}; {Advice}")]
    public static partial void CheckpointFailed(ILogger logger, string message, string advice);

    [LoggerMessage(2011, LogLevel.Warning, "Rule {Rule}: {What}")]
    public static partial void RuleChanged(ILogger logger, string rule, string what);

    [LoggerMessage(2012, LogLevel.Warning,
        "Rule {Rule} is configured no longer, and {Count} of its jobs wait; they start when there is a rule of that "
        + "name again")]
    public static partial void RuleMissing(ILogger logger, string rule, long count);

    [LoggerMessage(2017, LogLevel.Warning,
        "{Count} jobs of rule {Rule}, which is configured no longer, were left running in {Engine}: put the rule back "
        + "as it was until they have ended or are cancelled, else what becomes of them is never known")]
    public static partial void LeftInEngine(ILogger logger, string rule, long count, string engine);

    [LoggerMessage(2013, LogLevel.Warning,
        "Rule {Rule} is paused: the scan found {Files} files that are new to the ledger, more than MaxExistingFiles "
        + "({Most}). They and what arrives are recorded, but no job starts; {HowToResume}")]
    public static partial void TooManyFiles(
        ILogger logger, string rule, string files, string most, string howToResume);

    [LoggerMessage(2014, LogLevel.Warning,
        "Ledger cannot be read at present, a scan waits for it: {Message}. To go on, {Advice}; it goes on by itself")]
    public static partial void CannotRead(ILogger logger, string message, string advice);

    [LoggerMessage(2015, LogLevel.Information,
        "Rule {Rule}: {Count} files were found only by scanning: no event had told of them")]
    public static partial void FoundByScan(ILogger logger, string rule, long count);

    [LoggerMessage(2016, LogLevel.Information,
        "Stopping: {Count} arrivals and changes of files were not recorded any more. Nothing is lost: the next start "
        + "scans and finds them")]
    public static partial void LeftToNextStart(ILogger logger, int count);

    [LoggerMessage(2050, LogLevel.Error,
        "Paused: {Path} (rule {Rule}) has completed more than {Most} times within ten minutes; most likely its own job "
        + "rewrites it. What arrives there is recorded, but its job does not start: have the job write elsewhere, and "
        + "{HowToResume}. If files are meant to be replaced that often, raise PauseAfterRepeats, or set it to 0")]
    public static partial void PathPaused(ILogger logger, BytePath path, string rule, int most, string howToResume);

    [LoggerMessage(2051, LogLevel.Error,
        "Rule {Rule} is paused: its last {Count} jobs all failed (PauseAfterFailures). What arrives is recorded, but "
        + "no job starts: mend the cause, and {HowToResume}")]
    public static partial void PausedAfterFailures(ILogger logger, string rule, int count, string howToResume);

    [LoggerMessage(2010, LogLevel.Warning, "A forgotten job's log stays: {Message}")]
    public static partial void LogNotRemoved(ILogger logger, string message);
}
