using System.Globalization;
using System.Runtime.InteropServices;
using AutoCrunch.Core;
using AutoCrunch.Linux;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.Linux;

public sealed class ThreadSliceTests : IDisposable
{
    private const int SizeBytes = 48;
    private static readonly Version s_since = new(6, 12); // of Linux

    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_thread_gets_short_slices_and_what_it_starts_gets_the_usual_ones_and_the_same_nice_value()
    {
        // Slices belong to threads: this one ends with the test.
        (ulong Own, ulong Child, int Nice, int ChildNice) seen = OnAThread(() =>
        {
            ThreadSlice.Shorten();
            var start = new ChildStart(
                new BytePath("/bin/sleep"u8), ["sleep"u8.ToArray(), "60"u8.ToArray()], [], _directory.Path,
                _directory["log"]);
            Assert.Equal(0, ChildProcess.TryStart(start, out ChildProcess? child));
            (ulong slice, int nice) = Of(child!.Pid);
            (ulong own, int ownNice) = Of(0);
            child.Signal(Signals.SIGKILL);
            child.Wait();
            return (own, slice, ownNice, nice);
        });

        (ulong usual, int usualNice) = OnAThread(() => Of(0));
        Assert.Equal((usual, usualNice, usualNice), (seen.Child, seen.Nice, seen.ChildNice));
        Assert.Equal(IsHeeded ? 100_000 : usual, seen.Own);
    }

    [Fact]
    public void The_threads_between_a_file_and_its_job_ask_for_short_slices()
    {
        using var service = new ServiceUnderTest(new RuleText { Concurrency = 2 });
        service.Start();
        (ulong usual, _) = OnAThread(() => Of(0));
        string[] expected = ["ledger", "slot 1 of raw", "slot 2 of raw", "watch"];
        string[] Found() =>
        [
            .. Directory.GetDirectories($"/proc/{service.Pid}/task")
                .Where(task => Of(int.Parse(Path.GetFileName(task), CultureInfo.InvariantCulture)).SliceNs
                    == (IsHeeded ? 100_000 : usual))
                .Select(task => File.ReadAllText(Path.Combine(task, "comm")).TrimEnd('\n')).Intersect(expected).Order(),
        ];

        service.Until(() => Found().SequenceEqual(expected), () => string.Join(", ", Found()));
        service.Stop();
    }

    private static bool IsHeeded => Environment.OSVersion.Version >= s_since
        && RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.Arm64;

    private static T OnAThread<T>(Func<T> act)
    {
        T? result = default;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                result = act();
            }
            catch (Exception caught)
            {
                failure = caught;
            }
        });
        thread.Start();
        thread.Join();
        Assert.Null(failure);
        return result!;
    }

    // sched_getattr(2): struct sched_attr has the nice value at 16 and the slice at 24.
    private static unsafe (ulong SliceNs, int Nice) Of(int thread)
    {
        byte* attributes = stackalloc byte[SizeBytes];
        int call = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 315 : 275;
        Assert.Equal(0, Libc.syscall(call, thread, (nint)attributes, SizeBytes, 0));
        return (*(ulong*)(attributes + 24), *(int*)(attributes + 16));
    }
}
