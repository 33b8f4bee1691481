using System.Buffers.Binary;
using AutoCrunch.Core;
using AutoCrunch.Linux;
using Microsoft.Win32.SafeHandles;
using static AutoCrunch.Linux.InotifyMask;

namespace AutoCrunch.Tests.Linux;

public sealed class InotifyTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly Inotify _inotify = Inotify.Create();

    public void Dispose()
    {
        _inotify.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public void A_rename_is_two_events_with_one_cookie()
    {
        _directory.Write("from");
        int wd = _inotify.AddWatch(_directory.Path, IN_MOVED_FROM | IN_MOVED_TO);

        _directory.Rename("from", "to");

        List<(int Wd, uint Mask, uint Cookie, string Name)> events = ReadAll();
        Assert.Equal(2, events.Count);
        Assert.NotEqual(0u, events[0].Cookie);
        Assert.Equal((wd, IN_MOVED_FROM, events[0].Cookie, "from"), events[0]);
        Assert.Equal((wd, IN_MOVED_TO, events[0].Cookie, "to"), events[1]);
    }

    [Fact]
    public void Nothing_queued_is_an_empty_batch_and_never_blocks()
    {
        Assert.True(_inotify.Read().IsEmpty);
        _inotify.AddWatch(_directory.Path, IN_CREATE);
        Assert.Equal(0, _inotify.QueuedBytes());
        Assert.True(_inotify.Read().IsEmpty);

        _directory.Write("a");

        Assert.Equal(32, _inotify.QueuedBytes()); // the header and a name padded to 16
        Assert.Equal(32, _inotify.Read().Length);
        Assert.Equal(0, _inotify.QueuedBytes());
    }

    [Fact]
    public void A_directory_watched_twice_has_one_descriptor_and_the_later_mask()
    {
        int first = _inotify.AddWatch(_directory.Path, IN_CREATE);
        Assert.Equal(first, _inotify.AddWatch(_directory.Path, IN_DELETE));

        _directory.Write("a");
        _directory.Unlink("a");

        Assert.Equal([(first, IN_DELETE, 0u, "a")], ReadAll());
    }

    [Fact]
    public void A_removed_watch_says_so_and_is_silent_afterwards()
    {
        int wd = _inotify.AddWatch(_directory.Path, IN_CREATE);

        Assert.Equal(0, _inotify.RemoveWatch(wd));
        _directory.Write("a");

        Assert.Equal([(wd, IN_IGNORED, 0u, "")], ReadAll());
        Assert.Equal(-Errno.EINVAL, _inotify.RemoveWatch(wd));
    }

    [Fact]
    public void A_deleted_directory_ends_its_own_watch()
    {
        BytePath inner = _directory.MakeDirectory("inner");
        int wd = _inotify.AddWatch(inner, IN_CREATE | IN_DELETE_SELF | IN_ONLYDIR);

        Assert.Equal(0, PathOps.TryRemoveDirectory(inner));

        Assert.Equal([(wd, IN_DELETE_SELF, 0u, ""), (wd, IN_IGNORED, 0u, "")], ReadAll());
    }

    [Fact]
    public void A_new_directory_is_marked_as_one()
    {
        int wd = _inotify.AddWatch(_directory.Path, IN_CREATE);

        _directory.MakeDirectory("inner");

        Assert.Equal([(wd, IN_CREATE | IN_ISDIR, 0u, "inner")], ReadAll());
    }

    [Fact]
    public void What_cannot_be_watched_is_a_negative_errno()
    {
        _directory.Write("file");
        File.CreateSymbolicLink(_directory.Text + "/link", _directory.Text);

        Assert.Equal(-Errno.ENOENT, _inotify.AddWatch(_directory["nothing"], IN_CREATE));
        Assert.Equal(-Errno.ENOTDIR, _inotify.AddWatch(_directory["file"], IN_CREATE | IN_ONLYDIR));
        Assert.Equal(-Errno.ENOTDIR, _inotify.AddWatch(_directory["link"], IN_CREATE | IN_ONLYDIR | IN_DONT_FOLLOW));
        Assert.Equal(-Errno.ENAMETOOLONG, _inotify.AddWatch(_directory[new string('x', 5000)], IN_CREATE));
    }

    [Fact]
    public void After_disposal_watches_are_refused_and_nothing_is_thrown()
    {
        Inotify disposed = Inotify.Create();
        disposed.Dispose();

        Assert.Equal(-Errno.EBADF, disposed.AddWatch(_directory.Path, IN_CREATE));
        Assert.Equal(-Errno.EBADF, disposed.RemoveWatch(1));
    }

    [Fact]
    public void An_overflow_is_an_event_without_a_watch()
    {
        byte[] batch = [.. Event(-1, IN_Q_OVERFLOW, 0, [])];
        var reader = new InotifyEventReader(batch);

        Assert.True(reader.MoveNext());
        Assert.Equal((-1, IN_Q_OVERFLOW), (reader.Wd, reader.Mask));
        Assert.True(reader.Name.IsEmpty);
        Assert.False(reader.MoveNext());
    }

    [Fact]
    public void More_events_than_the_kernel_queues_end_in_an_overflow_after_all_that_were_kept()
    {
        int limit = int.Parse(File.ReadAllText("/proc/sys/fs/inotify/max_queued_events"));
        int wd = _inotify.AddWatch(_directory.Path, IN_ATTRIB);
        _directory.Write("a");
        _directory.Write("b"); // two names in turn: the kernel merges equal neighbours

        for (int i = 0; i <= limit; i++)
            File.SetUnixFileMode(_directory.Text + (i % 2 == 0 ? "/a" : "/b"), (UnixFileMode)(0x180 + (i & 1)));

        List<(int Wd, uint Mask, uint Cookie, string Name)> events = ReadAll();
        Assert.Equal(limit + 1, events.Count);
        Assert.All(events[..^1], one => Assert.Equal((wd, IN_ATTRIB), (one.Wd, one.Mask)));
        Assert.Equal((-1, IN_Q_OVERFLOW, 0u, ""), events[^1]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(17)]
    public void A_batch_that_is_cut_off_is_a_bug_and_never_read_beyond(int missing)
    {
        byte[] whole = [.. Event(1, IN_CREATE, 0, "name\0\0\0\0\0\0\0\0\0\0\0\0"u8)];

        Assert.Throws<InvariantException>(() =>
        {
            var reader = new InotifyEventReader(whole.AsMemory(0, whole.Length - missing));
            while (reader.MoveNext())
                Assert.True(reader.Name.Length <= 4);
        });
    }

    [Fact]
    public void A_name_without_an_end_or_an_absurd_length_is_a_bug()
    {
        Assert.Throws<InvariantException>(() => MoveOnce(Event(1, IN_CREATE, 0, "abcd"u8)));
        byte[] absurd = Event(1, IN_CREATE, 0, "name\0\0\0\0\0\0\0\0\0\0\0\0"u8);
        BinaryPrimitives.WriteUInt32LittleEndian(absurd.AsSpan(12), uint.MaxValue);
        Assert.Throws<InvariantException>(() => MoveOnce(absurd));
        Assert.Throws<InvariantException>(() => MoveOnce(Event(0, IN_CREATE, 0, [])));
    }

    [Fact]
    public void Reading_allocates_nothing()
    {
        using SafeFileHandle writer = _directory.Open("a", OpenMode.Replace);
        _inotify.AddWatch(_directory.Path, IN_MODIFY);
        byte[] content = [1];
        RandomAccess.Write(writer, content, 0);
        int seen = Drain(); // warm
        long before = GC.GetAllocatedBytesForCurrentThread();

        for (int i = 0; i < 1000; i++)
        {
            RandomAccess.Write(writer, content, 0);
            seen += Drain();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(1001, seen);
    }

    [Theory]
    [InlineData(IN_CREATE | IN_ISDIR, "CREATE|ISDIR")]
    [InlineData(IN_CLOSE_WRITE, "CLOSE_WRITE")]
    [InlineData(IN_Q_OVERFLOW, "Q_OVERFLOW")]
    [InlineData(0u, "0")]
    [InlineData(0x1000u, "0x1000")]
    [InlineData(IN_CREATE | 0x1000u, "CREATE|0x1000")]
    public void A_mask_is_described_by_the_kernels_names(uint mask, string expected) =>
        Assert.Equal(expected, Describe(mask));

    [Fact]
    public void Every_bit_has_a_name()
    {
        foreach (var field in typeof(InotifyMask).GetFields().Where(field => field.IsLiteral))
            Assert.Equal(field.Name, "IN_" + Describe((uint)field.GetRawConstantValue()!));
    }

    private static void MoveOnce(byte[] batch) => new InotifyEventReader(batch).MoveNext();

    private static byte[] Event(int wd, uint mask, uint cookie, ReadOnlySpan<byte> paddedName)
    {
        byte[] bytes = new byte[16 + paddedName.Length];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, wd);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4), mask);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), cookie);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), paddedName.Length);
        paddedName.CopyTo(bytes.AsSpan(16));
        return bytes;
    }

    private int Drain()
    {
        int count = 0;
        for (ReadOnlyMemory<byte> batch = _inotify.Read(); !batch.IsEmpty; batch = _inotify.Read())
        {
            var reader = new InotifyEventReader(batch);
            while (reader.MoveNext())
                count += reader.Name.Length;
        }

        return count;
    }

    private List<(int Wd, uint Mask, uint Cookie, string Name)> ReadAll()
    {
        var events = new List<(int, uint, uint, string)>();
        for (ReadOnlyMemory<byte> batch = _inotify.Read(); !batch.IsEmpty; batch = _inotify.Read())
        {
            var reader = new InotifyEventReader(batch);
            while (reader.MoveNext())
                events.Add((reader.Wd, reader.Mask, reader.Cookie, BytePath.Escape(reader.Name.Span)));
        }

        return events;
    }
}
