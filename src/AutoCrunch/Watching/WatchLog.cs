using AutoCrunch.Core;
using Microsoft.Extensions.Logging;

namespace AutoCrunch.Watching;

/// <summary>What watching tells the operator. Event ids 1000 to 1999.</summary>
internal static partial class WatchLog
{
    [LoggerMessage(1001, LogLevel.Information, "Rule {Rule}: watching '{Path}': {Directories} directories, {Files} "
        + "files, {Found} of them new or changed; scanned in {Seconds:0.00} s")]
    public static partial void RootWatched(
        this ILogger log, string rule, BytePath path, long directories, long files, long found, double seconds);

    [LoggerMessage(1002, LogLevel.Warning, "Rule {Rule}: nothing to watch yet. {Problem}. It is watched as soon as "
        + "it is there: create the directory, or mount what belongs there")]
    public static partial void RootAbsent(this ILogger log, string rule, string problem);

    [LoggerMessage(1003, LogLevel.Warning, "Rule {Rule}: '{Path}' is lost: {Problem}. What the ledger knows of its "
        + "files is kept; it is watched and scanned again as soon as it is back: mount or restore it")]
    public static partial void RootLost(this ILogger log, string rule, BytePath path, string problem);

    [LoggerMessage(1004, LogLevel.Warning, "Rule {Rule}: '{Path}' leads to another directory now (replaced, mounted "
        + "over, or a link that was changed); that one is watched and scanned from now on")]
    public static partial void RootReplaced(this ILogger log, string rule, BytePath path);

    [LoggerMessage(1005, LogLevel.Warning, "Rule {Rule}: '{Path}' is on {FileSystem}, a network file system: "
        + "changes made on other machines are not reported by the kernel, so it is scanned every {Interval}. Files "
        + "are noticed sooner if AutoCrunch runs on the machine that has the disk")]
    public static partial void RemoteRoot(
        this ILogger log, string rule, BytePath path, string fileSystem, TimeSpan interval);

    [LoggerMessage(1006, LogLevel.Warning, "Rule {Rule}: '{Path}' is on {FileSystem}, a network file system mounted "
        + "in a local tree: changes made on other machines are not reported by the kernel, so it is scanned every "
        + "{Interval}")]
    public static partial void RemoteDirectory(
        this ILogger log, string rule, BytePath path, string fileSystem, TimeSpan interval);

    [LoggerMessage(1007, LogLevel.Error, "Rule {Rule}: not watched: {Problem}. This and all further directories "
        + "that cannot be watched are scanned every {Interval} instead")]
    public static partial void NotWatched(this ILogger log, string rule, string problem, TimeSpan interval);

    [LoggerMessage(1008, LogLevel.Information, "All directories are watched again")]
    public static partial void AllWatched(this ILogger log);

    [LoggerMessage(1009, LogLevel.Warning, "Rule {Rule}: {Problem}. It is tried again every {Interval}, and when "
        + "its permissions change; the rest of the tree is watched")]
    public static partial void DirectoryUnreadable(this ILogger log, string rule, string problem, TimeSpan interval);

    [LoggerMessage(1010, LogLevel.Warning, "Rule {Rule}: more than {Count} directories cannot be read; the others "
        + "are not named here (find -type d ! -readable lists them)")]
    public static partial void MoreUnreadable(this ILogger log, string rule, int count);

    [LoggerMessage(1011, LogLevel.Information, "Rule {Rule}: '{Path}' can be read again")]
    public static partial void DirectoryReadable(this ILogger log, string rule, BytePath path);

    [LoggerMessage(1012, LogLevel.Warning, "The kernel's event queue overflowed (number {Count} since the start): "
        + "events were lost, so the trees of all {Rules} rules are scanned. If this happens often, raise the sysctl "
        + "fs.inotify.max_queued_events")]
    public static partial void Overflowed(this ILogger log, int count, int rules);

    [LoggerMessage(1013, LogLevel.Information, "Rule {Rule}: '{Path}' scanned after the overflow: {Directories} "
        + "directories, {Files} files, {Found} of them new to the ledger; took {Seconds:0.00} s")]
    public static partial void OverflowRescanned(
        this ILogger log, string rule, BytePath path, long directories, long files, long found, double seconds);

    [LoggerMessage(1014, LogLevel.Information, "Rule {Rule}: scanning '{Path}': {Progress}")]
    public static partial void ScanGoesOn(this ILogger log, string rule, BytePath path, ScanStatus progress);

    [LoggerMessage(1015, LogLevel.Warning, "An event came for the watch {Wd} that nothing is known of ({Events}); "
        + "the trees of all rules are scanned, so no file is missed. Please report this: it should not happen")]
    public static partial void UnknownWatch(this ILogger log, int wd, string events);

    [LoggerMessage(1016, LogLevel.Error, "Rule {Rule}: the file system of '{Path}' has not answered for {Time}; the "
        + "other rules go on without it. Check the mount (and its server, if it has one)")]
    public static partial void RootDoesNotAnswer(this ILogger log, string rule, BytePath path, TimeSpan time);

    [LoggerMessage(1017, LogLevel.Information, "Rule {Rule}: something was mounted or unmounted below '{Path}': "
        + "scanning")]
    public static partial void MountsChanged(this ILogger log, string rule, BytePath path);

    [LoggerMessage(1019, LogLevel.Warning, "Rule {Rule}: {Count} known files (or directories of them) under '{Path}' "
        + "are on a file system that is not mounted there now. They are not taken for gone, and their jobs wait until "
        + "it is mounted again")]
    public static partial void FilesAway(this ILogger log, string rule, BytePath path, long count);

    [LoggerMessage(1020, LogLevel.Information, "Rule {Rule}: all file systems with known files are mounted under "
        + "'{Path}' again")]
    public static partial void NoFilesAway(this ILogger log, string rule, BytePath path);

    [LoggerMessage(1018, LogLevel.Information, "Rule {Rule}: '{Path}' scanned ({Reason}): {Found} of {Files} files "
        + "found that were not known")]
    public static partial void RescanFound(
        this ILogger log, string rule, BytePath path, ScanReason reason, long found, long files);

    [LoggerMessage(1021, LogLevel.Error, "The watchdog's own file cannot be written: {Problem}. If that lasts, the "
        + "service manager takes the service for dead and starts it again: mend the runtime directory")]
    public static partial void CanaryDumb(this ILogger log, string problem);
}
