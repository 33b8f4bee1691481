using System.IO.MemoryMappedFiles;
using AutoCrunch.Core;
using AutoCrunch.Linux;
using Microsoft.Win32.SafeHandles;

namespace AutoCrunch.Tests.Linux;

/// <summary>Every test also shows that the process survives what the kernel does to a lease holder.</summary>
public sealed class WriterProbeTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_lease_is_refused_while_somebody_writes_and_granted_afterwards()
    {
        _directory.Write("file");
        Assert.Equal(WriterState.None, ByLease("file"));

        using (_directory.Open("file", OpenMode.Append))
            Assert.Equal(WriterState.Writing, ByLease("file"));

        Assert.Equal(WriterState.None, ByLease("file"));
    }

    [Fact]
    public void A_reader_does_not_count_as_a_writer()
    {
        _directory.Write("file");
        using SafeFileHandle reader = _directory.Open("file", OpenMode.Read);

        Assert.Equal(WriterState.None, ByLease("file"));
    }

    [Fact]
    public void A_writer_through_another_link_and_one_with_a_mapping_only_are_seen()
    {
        _directory.Write("file");
        Tool.Run("ln", _directory["file"].ToString(), _directory.Text + "/other");
        using (_directory.Open("other", OpenMode.Append))
            Assert.Equal(WriterState.Writing, ByLease("file"));

        using (var mapping = MemoryMappedFile.CreateFromFile(_directory.Text + "/file", FileMode.Open))
        using (mapping.CreateViewAccessor())
            Assert.Equal(WriterState.Writing, ByLease("file"));

        // A process that another test starts just now has our descriptors until its exec.
        Wait.Until(() => ByLease("file") == WriterState.None);
    }

    [Fact]
    public void What_cannot_be_leased_is_unknown_and_never_waited_for()
    {
        Tool.Run("mkfifo", _directory.Text + "/fifo");
        _directory.Write("file");
        Tool.Run("ln", "-s", "file", _directory.Text + "/link");

        Assert.Equal(WriterState.Unknown, ByLease("fifo"));
        Assert.Equal(WriterState.Unknown, ByLease("link"));
        Assert.Equal(WriterState.Unknown, ByLease("nothing"));
        Assert.Equal(WriterState.Unknown, ByLease("."));
    }

    [Fact]
    public void Writers_that_open_during_a_lease_neither_end_this_process_nor_wait_long()
    {
        _directory.Write("file");
        byte[] path = [.. _directory["file"].Span, 0];
        BytePath file = _directory["file"];
        using var stop = new CancellationTokenSource();
        int metLease = 0;
        int failed = 0;
        var writer = new Thread(() =>
        {
            for (int i = 0; !stop.IsCancellationRequested; i++)
            {
                // Opened with O_NONBLOCK: EAGAIN means that it met the lease, and the kernel has signalled its holder.
                int errno = PathOps.TryOpen(file, OpenMode.Append, 0, out SafeFileHandle? handle);
                handle?.Dispose();
                metLease += errno == Errno.EAGAIN ? 1 : 0;
                failed += errno is 0 or Errno.EAGAIN ? 0 : 1;
                Thread.SpinWait(i % 1000);
            }
        });
        writer.Start();

        var seen = new HashSet<WriterState>();
        Wait.Until(() =>
        {
            for (int i = 0; i < 1000; i++)
                seen.Add(WriterProbe.ByLease(path));
            return seen.Count == 2 && Volatile.Read(ref metLease) > 0;
        });
        stop.Cancel();
        writer.Join();

        Assert.Equal(0, failed);
        Assert.Equal([WriterState.None, WriterState.Writing], seen.Order());
        Assert.Equal(WriterState.None, WriterProbe.ByLease(path));
    }

    [Fact]
    public void Asking_for_a_lease_allocates_nothing_and_leaves_no_descriptor()
    {
        byte[] path = [.. _directory.Write("file").Span, 0];
        WriterProbe.ByLease(path);
        int descriptors = Directory.GetFiles("/proc/self/fd").Length;
        long before = GC.GetAllocatedBytesForCurrentThread();

        for (int i = 0; i < 1000; i++)
            WriterProbe.ByLease(path);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.InRange(Directory.GetFiles("/proc/self/fd").Length, 0, descriptors + 500); // other tests open some too
    }

    [Fact]
    public void The_walk_over_proc_finds_a_writer_and_no_reader()
    {
        _directory.Write("file");
        bool maySeeAll = FileStatReader.TryReadTarget(new BytePath("/proc/1/fd/0"u8), out _) == 0;
        WriterState idle = maySeeAll ? WriterState.None : WriterState.Unknown;
        using SafeFileHandle reader = _directory.Open("file", OpenMode.Read);
        Assert.Equal(idle, WriterProbe.ByProc(_directory.Stat("file")));

        using (_directory.Open("file", OpenMode.Append))
            Assert.Equal(WriterState.Writing, WriterProbe.ByProc(_directory.Stat("file")));
        using (_directory.Open("file", OpenMode.ReadWrite))
            Assert.Equal(WriterState.Writing, WriterProbe.ByProc(_directory.Stat("file")));

        Assert.Equal(idle, WriterProbe.ByProc(_directory.Stat("file")));
    }

    [Fact]
    public void The_walk_over_proc_finds_a_writer_in_another_process_after_a_rename()
    {
        BytePath log = _directory["log"];
        var start = new ChildStart(
            new BytePath("/bin/sh"u8),
            ["sh"u8.ToArray(), "-c"u8.ToArray(), "echo started; while :; do sleep 1000; done"u8.ToArray()],
            ["PATH=/usr/bin:/bin"u8.ToArray()],
            _directory.Path,
            log);
        Assert.Equal(0, ChildProcess.TryStart(start, out ChildProcess? child));
        Wait.Until(() => _directory.Exists("log") && _directory.Stat("log").SizeBytes > 0);
        _directory.Rename("log", @"renamed\xFF");

        Assert.Equal(WriterState.Writing, WriterProbe.ByProc(_directory.Stat(@"renamed\xFF")));

        child!.Signal(Signals.SIGKILL);
        child.Wait();
    }

    [Fact]
    public void Without_a_stable_inode_the_walk_over_proc_knows_nothing() =>
        Assert.Equal(WriterState.Unknown, WriterProbe.ByProc(default));

    private WriterState ByLease(string name) => WriterProbe.ByLease([.. _directory[name].Span, 0]);
}
