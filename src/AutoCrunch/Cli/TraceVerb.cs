using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.InteropServices;
using AutoCrunch.Core;
using AutoCrunch.Linux;
using AutoCrunch.Watching;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoCrunch.Cli;

/// <summary>
/// <c>autocrunch trace DIR</c>: what happens in a directory, live, and what a rule would make of it. Runs the service's
/// own watch loop and tracker; needs no configuration, starts nothing, writes nothing.
/// </summary>
internal static class TraceVerb
{
    private const uint ReadingEvents = InotifyMask.IN_OPEN | InotifyMask.IN_ACCESS | InotifyMask.IN_CLOSE_NOWRITE;

    public static Command Create(Terminal terminal)
    {
        Argument<string> directory = new("DIR") { Description = "The directory to watch." };
        Option<string[]> include = new("--include")
        {
            Description = "Judge only files that fit the pattern, as a rule's Include. May be repeated.",
            HelpName = "PATTERN",
            DefaultValueFactory = _ => ["*"],
        };
        Option<TimeSpan> quiet = new("--quiet")
        {
            Description = "The quiet period after which a file written in place counts as complete. Default: 10s.",
            HelpName = "TIME",
            CustomParser = ParseQuiet,
            DefaultValueFactory = _ => new CompletionPolicy().QuietPeriod,
        };
        Option<bool> all = new("--all") { Description = "Opens, reads and closes without writing too." };
        Option<bool> flat = new("--no-recursion") { Description = "DIR alone, not the directories in it." };
        Option<bool> json = new("--json") { Description = "One JSON object a line." };
        var trace = new Command("trace", "Shows live what arrives in a directory, and the verdict on each file.")
        {
            directory, include, quiet, all, flat, json,
        };
        trace.SetAction(parsed =>
        {
            BytePath path = RawArguments.PathOf(parsed.GetRequiredValue(directory));
            if (!TryReadPatterns(parsed.GetRequiredValue(include), terminal, out PathPatterns? patterns))
                return ExitCodes.Usage;
            if (!TryFindDirectory(path, terminal, out BytePath real))
                return ExitCodes.Failure;
            var rule = new WatchRule
            {
                Name = "trace",
                Path = real,
                Recursive = !parsed.GetValue(flat),
                Include = patterns,
                RescanInterval = TimeSpan.Zero,
                ExistingFiles = ProcessPolicy.Ignore,
                Completion = new CompletionPolicy { QuietPeriod = parsed.GetValue(quiet) },
            };
            return Run(rule, parsed.GetValue(all), new TraceReport(terminal, parsed.GetValue(json)), terminal);
        });
        return trace;
    }

    /// <summary>"10s", "500ms", "2m", or .NET's "00:00:10"; null when it is none of them.</summary>
    internal static TimeSpan? ReadTime(string text)
    {
        (string Suffix, double Seconds)[] units = [("ms", 0.001), ("s", 1), ("m", 60)];
        foreach ((string suffix, double seconds) in units)
            if (text.EndsWith(suffix, StringComparison.Ordinal))
                return double.TryParse(
                    text.AsSpan(0, text.Length - suffix.Length), NumberStyles.AllowDecimalPoint,
                    CultureInfo.InvariantCulture, out double number) && number <= TimeSpan.SecondsPerDay
                    ? TimeSpan.FromSeconds(number * seconds)
                    : null;
        bool isTime = TimeSpan.TryParseExact(text, "c", CultureInfo.InvariantCulture, out TimeSpan time);
        return isTime && time >= TimeSpan.Zero && text.Contains(':', StringComparison.Ordinal) ? time : null;
    }

    private static int Run(WatchRule rule, bool all, TraceReport report, Terminal terminal)
    {
        var tracker = new TraceTracker(rule, report, new FileProber(), NullLogger<RsyncCompletionTracker>.Instance);
        using var loop = new WatchLoop([rule], tracker, tracker, new TraceLogger(terminal), new WatchOptions
        {
            MaskExtra = InotifyMask.IN_MODIFY | (all ? ReadingEvents : 0),
            Observer = tracker.Observe,
        });
        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            loop.Stop();
        }

        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        long startNs = Clock.MonotonicNs();
        _ = loop.Ready.ContinueWith(
            _ => terminal.Error.WriteLine($"Watching {rule.Path}. Ctrl-C ends it with a summary."),
            CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
        loop.Run();
        report.Summarize(TimeSpan.FromMicroseconds((Clock.MonotonicNs() - startNs) / 1000.0));
        return ExitCodes.Success;
    }

    private static bool TryFindDirectory(BytePath path, Terminal terminal, out BytePath real)
    {
        int errno = PathOps.TryRealPath(path, out real);
        if (errno == 0)
            errno = FileStatReader.TryReadTarget(real, out FileStat stat) is var error and not 0
                ? error
                : stat.Type == FileType.Directory ? 0 : Errno.ENOTDIR;
        if (errno == 0)
            errno = PathOps.TryAccess(real, AccessMode.Read | AccessMode.Execute);
        if (errno != 0)
            terminal.Error.WriteLine("cannot " + LinuxException.Explain("watch", path, errno));
        return errno == 0;
    }

    private static bool TryReadPatterns(
        string[] texts, Terminal terminal, [NotNullWhen(true)] out PathPatterns? patterns)
    {
        try
        {
            patterns = new PathPatterns(texts);
            return true;
        }
        catch (FormatException error)
        {
            terminal.Error.WriteLine($"--include: {error.Message}");
            patterns = null;
            return false;
        }
    }

    private static TimeSpan ParseQuiet(ArgumentResult result)
    {
        string text = result.Tokens[0].Value;
        if (ReadTime(text) is { } time)
            return time;
        result.AddError($"--quiet {text}: a time is expected, such as 10s, 500ms or 00:00:10");
        return default;
    }
}
