using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.Recovery;

/// <summary>More happens than the kernel keeps for a service that does not read.</summary>
public sealed partial class OverflowTests
{
    private const int Directories = 6;
    private const int FilesPerDirectory = 10_000;
    private const int Files = Directories * FilesPerDirectory;

    // inotify(7): fs.inotify.max_queued_events. A file is created, written, closed, and renamed from one name to
    // another.
    private const int QueuedEvents = 16_384;
    private const int EventsPerFile = 5;

    private const int Stop = 19;
    private const int Continue = 18;

    [Fact]
    public void Sixty_thousand_files_that_arrive_while_it_is_stopped_run_once_each()
    {
        using var service = ServiceUnderTest.InMemory(
            """
            { "Default": "Warning",
              "Override": { "AutoCrunch.Watching": "Information", "AutoCrunch.Ledger": "Information" } }
            """,
            new RuleText { Concurrency = 4, Command = [HelperPrograms.Nothing] });
        service.Start();
        var arena = new Arena(service);
        arena.Script($$"""for d in {1..{{Directories}}}; do mkdir $D/d$d; done""");
        int watched = 2 + Directories; // with the arena's and the root
        service.Until(() => Watches(service.Pid) == watched, () => "watches of all directories");
        Kill.Send(service.Pid, Stop);
        arena.Script($$"""for d in {1..{{Directories}}}; do $TOOL burst $D/d$d f {{FilesPerDirectory}}; done""");
        Kill.Send(service.Pid, Continue);
        using var ledger = new LedgerView(service.Base);
        UntilDone(service, ledger);
        IReadOnlyList<LedgerJob> jobs = ledger.Jobs();
        Assert.Equal(Files, jobs.Select(job => job.Path).Distinct().Count());
        Assert.All(jobs, job => Assert.Equal((LedgerView.Succeeded, 1), (job.State, job.Attempts)));
        Assert.Equal(Files, jobs.Count);
        service.UntilLogged("event queue overflowed", "are scanned");
        Match scanned = Scanned().Match(service.UntilLogged("scanned after the overflow"));
        Assert.Equal(watched, Number(scanned, "directories"));
        Assert.Equal(Files, Number(scanned, "files"));
        int found = Number(Found().Match(service.UntilLogged("no event had told of them")), "found");
        Assert.Equal(Files - (QueuedEvents / EventsPerFile), found);
        Console.WriteLine($"{Files} files while it was stopped: {found} were found by the rescan only");
        service.Stop();
    }

    private static void UntilDone(ServiceUnderTest service, LedgerView ledger)
    {
        long progressAt = Stopwatch.GetTimestamp(), done = 0;
        service.Until(
            () =>
            {
                long now = ledger.JobsIn(LedgerView.Succeeded);
                if (now > done)
                    (done, progressAt) = (now, Stopwatch.GetTimestamp());
                return done >= Files && ledger.UnfinishedJobs() == 0;
            },
            () => Stopwatch.GetElapsedTime(progressAt) > TimeSpan.FromMinutes(1),
            () => $"{done} of {Files} files ran");
    }

    // One line for each watch in the fdinfo of an inotify descriptor (proc(5)).
    private static int Watches(int pid) => Directory.EnumerateFiles($"/proc/{pid}/fdinfo")
        .Max(file => File.ReadLines(file).Count(line => line.StartsWith("inotify wd:", StringComparison.Ordinal)));

    private static int Number(Match match, string group) =>
        int.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex("(?<directories>[0-9]+) directories, (?<files>[0-9]+) files")]
    private static partial Regex Scanned();

    [GeneratedRegex("(?<found>[0-9]+) files were found only by scanning")]
    private static partial Regex Found();
}
