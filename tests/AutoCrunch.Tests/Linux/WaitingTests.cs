using AutoCrunch.Core;
using AutoCrunch.Linux;
using FileSystemInfo = AutoCrunch.Linux.FileSystemInfo;

namespace AutoCrunch.Tests.Linux;

/// <summary>The clock, poll, the wake event and the mount table.</summary>
public sealed class WaitingTests
{
    private const long ForeverNs = -1;

    [Fact]
    public void The_clocks_are_those_of_the_runtime()
    {
        long wall = (DateTime.UtcNow - DateTime.UnixEpoch).Ticks * 100;
        long monotonic = System.Diagnostics.Stopwatch.GetTimestamp(); // nanoseconds of CLOCK_MONOTONIC
        Moment now = Clock.Now();

        Assert.InRange(now.WallNs, wall, wall + 30_000_000_000);
        Assert.InRange(now.MonotonicNs, monotonic, monotonic + 30_000_000_000);
        Assert.True(Clock.MonotonicNs() >= now.MonotonicNs);
    }

    [Fact]
    public void A_wake_event_set_from_another_thread_ends_the_wait()
    {
        using var wake = new WakeEvent();
        var other = new Thread(wake.Set);
        other.Start();

        PollFd[] fds = [PollFd.ForRead(wake.FileDescriptor)];
        Assert.Equal(1, Poller.Poll(fds, ForeverNs));

        Assert.True(fds[0].IsReady);
        other.Join();
    }

    [Fact]
    public void A_wake_event_set_often_is_cleared_once()
    {
        using var wake = new WakeEvent();
        PollFd[] fds = [PollFd.ForRead(wake.FileDescriptor)];
        Assert.Equal(0, Poller.Poll(fds, 0));
        Assert.False(fds[0].IsReady);

        wake.Set();
        wake.Set();
        Assert.Equal(1, Poller.Poll(fds, 0));
        wake.Clear();
        wake.Clear();

        Assert.Equal(0, Poller.Poll(fds, 0));
        Assert.False(fds[0].IsReady);
    }

    [Fact]
    public void Setting_a_disposed_wake_event_does_nothing()
    {
        var wake = new WakeEvent();
        wake.Dispose();
        wake.Set();
    }

    [Fact]
    public void A_wake_up_that_finds_the_pipe_full_or_nobody_left_is_none()
    {
        using var pipe = new BytePipe(Libc.O_NONBLOCK);
        while (pipe.TryWrite())
        {
        }

        Assert.Equal(1, pipe.Read(new byte[1]));
        Assert.False(pipe.TryWrite()); // a page is free when it was read to its end
        pipe.ReadEnd.Dispose();
        Assert.False(pipe.TryWrite());
        pipe.Dispose();
        Assert.False(pipe.TryWrite());
    }

    [Fact]
    public void A_wait_for_nothing_lasts_its_time()
    {
        using var wake = new WakeEvent();
        PollFd[] fds = [PollFd.ForRead(wake.FileDescriptor)];
        long start = Clock.MonotonicNs();
        long end = start + 20_000_000;
        for (long now = start; now < end; now = Clock.MonotonicNs())
            Assert.Equal(0, Poller.Poll(fds, end - now));

        Assert.Equal(0, Poller.Poll([], 1_000));
    }

    [Fact]
    public void A_closed_descriptor_is_a_bug_not_a_busy_loop()
    {
        const int NeverOpen = 1_000_000_000;
        PollFd[] fds = [PollFd.ForRead(NeverOpen)];

        Assert.Throws<InvariantException>(() => Poller.Poll(fds, 0));
    }

    [RequiresFact(RequiresFactAttribute.Root)]
    public void A_mount_and_an_unmount_are_noticed_once_each()
    {
        using var directory = new TempDirectory();
        using var mounts = new MountTable();
        PollFd[] fds = [PollFd.ForChange(mounts.FileDescriptor)];
        mounts.Acknowledge();

        Tool.Run("mount", "-t", "tmpfs", "-o", "ro,size=64k", "tmpfs", directory.Text);
        try
        {
            Assert.Equal(1, Poller.Poll(fds, 30_000_000_000));
            mounts.Acknowledge();
            Assert.Equal(0, FileSystemInfo.TryRead(directory.Path, out FileSystemFacts facts));
            Assert.Equal("tmpfs", facts.Name);
            Assert.True(facts.IsReadOnly);
            Assert.Equal(65536, facts.FreeBytes);
        }
        finally
        {
            Tool.Run("umount", directory.Text);
        }

        Assert.Equal(1, Poller.Poll(fds, 30_000_000_000));
    }
}
