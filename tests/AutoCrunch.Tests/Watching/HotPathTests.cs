using AutoCrunch.Core;
using AutoCrunch.Linux;
using AutoCrunch.Watching;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Tests.Watching;

/// <summary>What an event costs.</summary>
public sealed class HotPathTests
{
    [Fact]
    public void Events_of_known_names_allocate_nothing_on_the_watch_thread()
    {
        const int Rounds = 2000;
        using var temp = new TempDirectory();
        temp.Write("in/d/a.raw");
        var tracker = new CountingTracker();
        long allocated = 0;
        long countAt = 0;
        var options = new WatchOptions
        {
            OnTurn = _ =>
            {
                Volatile.Write(ref allocated, GC.GetAllocatedBytesForCurrentThread());
                Volatile.Write(ref countAt, tracker.Count);
            },
        };
        using var rig = new WatchRig([WatchRig.Rule(temp["in"])], tracker, options: options);
        using SafeFileHandle file = temp.Open("in/d/a.raw", OpenMode.ReadWrite);
        Churn(temp, file, 100);
        Wait.Until(() => Volatile.Read(ref countAt) >= 100);
        long before = Volatile.Read(ref allocated);
        long countBefore = Volatile.Read(ref countAt);
        Churn(temp, file, Rounds);
        Wait.Until(() => Volatile.Read(ref countAt) >= countBefore + Rounds);
        Assert.Equal(0, Volatile.Read(ref allocated) - before);
    }

    private static void Churn(TempDirectory temp, SafeFileHandle file, int rounds)
    {
        for (int i = 0; i < rounds; i++)
        {
            RandomAccess.Write(file, "x"u8, 0);
            temp.Rename("in/d/a.raw", "in/d/b.raw");
            temp.Rename("in/d/b.raw", "in/d/a.raw");
        }
    }

    private sealed class CountingTracker : IRsyncCompletionTracker
    {
        public long Count { get; private set; }

        public void Publish(FileEvent fileEvent) => Count++;

        public void Probed(
            TrackedDirectory directory, ReadOnlySpan<byte> name, ProbeDepth depth, ProbeAnswer answer, Moment now)
        {
        }

        public void Forget(TrackedDirectory directory)
        {
        }

        public long Advance(Moment now, Moment? queueEmptySince) => long.MaxValue;

        public TrackedDirectory? TakeRescan() => null;
    }
}
