using System.Diagnostics;
using System.Globalization;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.Recovery;

/// <summary>
/// Days of work in short: what grows a little with each file would end a service that runs for years.
/// </summary>
public sealed class SoakTests
{
    private const string MinutesVariable = "AUTOCRUNCH_TESTS_SOAK_MINUTES";

    // Until the file "stop" is there: arrivals, renames of files and directories, updates, deletions, and files that
    // are gone before their job starts. Every job fails once.
    private const string Work = """
        n=0
        while [ ! -e $B/stop ]; do
            n=$((n + 1))
            rm -rf $S; mkdir -p $S/b$n
            for i in 1 2 3 4 5 6 7 8; do head -c 2000 /dev/urandom >$S/b$n/f$i.raw; done
            touch -d 2020-01-01 $S/b$n/*.raw
            rsync -a $S/ $D/
            if [ $((n % 4)) = 0 ]; then rsync -r --inplace $S/b$n/ $D/inplace/; fi
            mv $D/b$n/f1.raw $D/b$n/renamed.raw
            rm $D/b$n/f2.raw
            if [ $((n % 3)) = 0 ]; then mv $D/b$n $D/moved$n; fi
            if [ $n -gt 20 ]; then rm -rf $D/b$((n - 20)) $D/moved$((n - 20)); fi
            sleep 0.05
        done
        """;

    [Fact]
    public void Threads_and_descriptors_do_not_grow_in_half_a_minute_of_work()
    {
        List<Sample> samples = Soak(TimeSpan.FromSeconds(30));
        AssertFlat(samples, samples.Count / 3);
    }

    [LongFact]
    [Trait(LongRun.Category, LongRun.Name)]
    public void Memory_and_descriptors_are_flat_after_the_first_minute_of_ten()
    {
        double minutes = double.Parse(
            Environment.GetEnvironmentVariable(MinutesVariable) ?? "10", CultureInfo.InvariantCulture);
        List<Sample> samples = Soak(TimeSpan.FromMinutes(minutes));
        int perMinute = (int)(samples.Count / minutes);
        AssertFlat(samples, perMinute);

        // The ledger's page cache (16 MB) goes on filling for the first 60,000 jobs or so, and then no more.
        long second = Median(samples.Skip(perMinute).Take(perMinute));
        long last = Median(samples.TakeLast(perMinute));
        Assert.InRange(last, 0, (second * 115 / 100) + (10 * 1024 * 1024));
    }

    // Compared with the same time after the first one: what is started when it is first needed has been started then.
    private static void AssertFlat(List<Sample> samples, int warmUp)
    {
        Sample[] early = [.. samples.Skip(warmUp).Take(warmUp)], late = [.. samples.TakeLast(warmUp)];
        const int Spare = 8; // a job's start or a scan under way
        Assert.InRange(late.Max(sample => sample.Descriptors), 1, early.Max(sample => sample.Descriptors) + Spare);
        Assert.InRange(late.Max(sample => sample.Threads), 1, early.Max(sample => sample.Threads) + Spare);
    }

    private static List<Sample> Soak(TimeSpan time)
    {
        // A file that is renamed after the last look at it cannot be read: a later attempt follows it.
        using var service = new ServiceUnderTest(new RuleText
        {
            Concurrency = 4,
            Job = ["must-read=", "fail-first=1"],
            Retry = """{ "MaxAttempts": 10, "Delay": "00:00:00.100" }""",
        })
        {
            MinimumLevel = "\"Error\"",
        };
        service.Start();
        var arena = new Arena(service);
        arena.Script("mkdir $D/inplace");
        Task work = arena.ScriptBeside(Work);
        var samples = new List<Sample>();
        long startTime = Stopwatch.GetTimestamp();
        for (var next = TimeSpan.FromSeconds(1); next <= time; next += TimeSpan.FromSeconds(1))
        {
            service.Until(() => Stopwatch.GetElapsedTime(startTime) >= next, () => "the next second");
            Assert.True(service.IsRunning && !work.IsCompleted);
            samples.Add(Sample.Of(service.Pid));
        }

        File.WriteAllText(Path.Combine(arena.Base, "stop"), "");
        work.GetAwaiter().GetResult();
        service.Quiesce();
        AssertAllRan(service, arena);
        service.Stop();
        Print(samples, service.Records.Read().Count);
        return samples;
    }

    // Renames keep the job that ran under the earlier name, so content tells what ran.
    private static void AssertAllRan(ServiceUnderTest service, Arena arena)
    {
        var ran = arena.Started().Where(record => record.End is { ExitCode: 0 })
            .Select(record => record.Hash).ToHashSet();
        Assert.DoesNotContain(Arena.FilesIn(arena.Destination), file => !ran.Contains(file.Value.Hash));
        service.Records.AssertNoOverlap();
        using var ledger = new LedgerView(service.Base);
        Assert.Equal(0, ledger.JobsIn(LedgerView.Failed));
    }

    private static void Print(List<Sample> samples, int attempts)
    {
        static string Line(string name, Sample sample) => string.Create(
            CultureInfo.InvariantCulture,
            $"{name}: {sample.ResidentBytes >> 20} MB, {sample.Descriptors} descriptors, {sample.Threads} threads");
        int step = Math.Max(1, samples.Count / 10);
        Console.WriteLine($"soak of {samples.Count} s, {attempts} attempts");
        for (int i = step - 1; i < samples.Count; i += step)
            Console.WriteLine(Line($"  after {i + 1} s", samples[i]));
    }

    private static long Median(IEnumerable<Sample> samples)
    {
        long[] sorted = [.. samples.Select(sample => sample.ResidentBytes).Order()];
        return sorted[sorted.Length / 2];
    }

    private sealed record Sample(long ResidentBytes, int Descriptors, int Threads)
    {
        public static Sample Of(int pid)
        {
            using Process process = Process.GetProcessById(pid);
            return new Sample(
                process.WorkingSet64, Directory.GetFiles($"/proc/{pid}/fd").Length, process.Threads.Count);
        }
    }
}
