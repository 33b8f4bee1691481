using System.Globalization;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.Recovery;

/// <summary>
/// Trees as big as they come. How long a start takes beside the least that must be done is measured by the benchmarks.
/// </summary>
public sealed class BigTreeTests
{
    private const long Megabyte = 1024 * 1024;

    [LongFact]
    [Trait(LongRun.Category, LongRun.Name)]
    public void A_million_known_files_are_no_work_and_little_memory_at_the_next_start()
    {
        const int Files = 1_000_000, PerDirectory = 1000;
        using var service = ServiceUnderTest.InMemory("\"Information\"", new RuleText
        {
            Command = ["/bin/false"],
            Further = """{ "ExistingFiles": "Ignore" }""",
        });
        var arena = new Arena(service);
        arena.ScriptBeside($$"""
            for d in $(seq {{Files / PerDirectory}}); do mkdir $D/$d; $TOOL burst $D/$d f {{PerDirectory}}; done
            """).GetAwaiter().GetResult();
        service.Launch();
        service.Until(() => service.IsReady, () => !service.IsRunning, () => "READY=1");
        using (var ledger = new LedgerView(service.Base))
        {
            // Progress is the fact that is waited for: a slow machine may take as long as it needs.
            long known = 0;
            while (known < Files)
            {
                long before = known;
                service.Until(() => (known = ledger.PresentFiles()) > before, () => $"more than {before} known files");
            }

            Assert.Equal(Files, known);
        }

        service.Stop();
        TimeSpan taken = service.Start();
        long peakBytes = PeakBytes(service.Pid);
        service.UntilLogged($"{Files} files, 0 of them new or changed");
        service.UntilIdle();
        using (var ledger = new LedgerView(service.Base))
            Assert.Empty(ledger.Jobs());
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Files} known files: READY after {taken.TotalSeconds:0.00} s, peak memory {peakBytes / Megabyte} MB"));
        Assert.InRange(peakBytes, 1, 400 * Megabyte);
        service.Stop();
    }

    [LongFact]
    [Trait(LongRun.Category, LongRun.Name)]
    public void A_hundred_thousand_directories_are_all_watched()
    {
        const int Directories = 100_000;
        using var service = ServiceUnderTest.InMemory("\"Information\"", new RuleText());
        var arena = new Arena(service);
        arena.Script($$"""cd $D; seq -f 'd%06.0f' {{Directories}} | xargs mkdir""");
        TimeSpan taken = service.Start();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Directories} directories: READY after {taken.TotalSeconds:0.00} s, "
            + $"peak memory {PeakBytes(service.Pid) / Megabyte} MB"));
        service.UntilLogged($"{Directories + 2} directories"); // with the root and the arena's
        arena.Runs("new $S/f.raw; for d in d000001 d050000 d100000; do rsync -a $S/f.raw $D/$d/; done",
            "d000001/f.raw", "d050000/f.raw", "d100000/f.raw");
        arena.Nothing();
        service.Stop();
    }

    // proc(5): the most it has held so far.
    private static long PeakBytes(int pid) => 1024 * long.Parse(
        File.ReadLines($"/proc/{pid}/status").Single(line => line.StartsWith("VmHWM:", StringComparison.Ordinal))
            .AsSpan(6).Trim("\t kB"), CultureInfo.InvariantCulture);
}
