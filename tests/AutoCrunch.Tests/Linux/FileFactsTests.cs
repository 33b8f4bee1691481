using System.Globalization;
using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Tests.Linux;

/// <summary>statx, directory listing and the operations on names.</summary>
public sealed class FileFactsTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void The_facts_are_those_that_stat_prints_to_the_nanosecond()
    {
        BytePath path = _directory.Write("file", "12345");
        Tool.Run("touch", "-d", "2001-02-03 04:05:06.123456789Z", path.ToString());
        Tool.Run("ln", path.ToString(), path + ".link");
        Tool.Run("chmod", "2640", path.ToString());

        FileStat stat = _directory.Stat("file");

        string[] printed = Tool.Run("stat", "-c", "%i %s %.9Y %.9Z %.9W %a %h %d", path.ToString()).Trim().Split(' ');
        Assert.Equal(FileType.Regular, stat.Type);
        Assert.Equal(printed[0], stat.Inode.ToString(CultureInfo.InvariantCulture));
        Assert.Equal(printed[1], stat.SizeBytes.ToString(CultureInfo.InvariantCulture));
        Assert.Equal(981173106_123456789, stat.MtimeNs);
        Assert.Equal(printed[2].Replace(".", ""), stat.MtimeNs.ToString(CultureInfo.InvariantCulture));
        Assert.Equal(printed[3].Replace(".", ""), stat.CtimeNs.ToString(CultureInfo.InvariantCulture));
        Assert.Equal(decimal.Parse(printed[4], CultureInfo.InvariantCulture) * 1_000_000_000, stat.BirthNs);
        Assert.Equal(printed[5], Convert.ToString(stat.Mode, 8));
        Assert.Equal(printed[6], stat.LinkCount.ToString(CultureInfo.InvariantCulture));
        Assert.Equal(printed[7], stat.Device.ToString(CultureInfo.InvariantCulture));
    }

    [Fact]
    public void A_birth_lies_between_the_clock_before_and_after()
    {
        long before = Clock.WallNs();
        _directory.Write("file");
        long after = Clock.WallNs();

        long birth = _directory.Stat("file").BirthNs;

        const long TickNs = 20_000_000; // file times are those of the kernel's last tick
        if (birth != 0) // not every file system keeps it
            Assert.InRange(birth, before - TickNs, after);
    }

    [Fact]
    public void Types_are_told_apart_and_symlinks_not_followed()
    {
        _directory.Write("file");
        _directory.MakeDirectory("dir");
        Tool.Run("ln", "-s", "file", _directory.Text + "/link");
        Tool.Run("ln", "-s", "gone", _directory.Text + "/dangling");
        Tool.Run("mkfifo", _directory.Text + "/fifo");

        Assert.Equal(FileType.Regular, _directory.Stat("file").Type);
        Assert.Equal(FileType.Directory, _directory.Stat("dir").Type);
        Assert.Equal(FileType.Symlink, _directory.Stat("link").Type);
        Assert.Equal(FileType.Symlink, _directory.Stat("dangling").Type);
        Assert.Equal(FileType.Other, _directory.Stat("fifo").Type);
        Assert.Equal(0, FileStatReader.TryReadTarget(_directory["link"], out FileStat target));
        Assert.Equal(_directory.Stat("file"), target);
        Assert.Equal(Errno.ENOENT, FileStatReader.TryReadTarget(_directory["dangling"], out _));

        var types = new Dictionary<string, FileType>();
        Assert.Equal(0, DirectoryReader.TryOpen(_directory.Path, out DirectoryReader? reader));
        using (reader)
        {
            while (reader!.Read(out ReadOnlySpan<byte> name, out FileType type))
                types.Add(BytePath.Escape(name), type);
        }

        Assert.Equal(5, types.Count);
        Assert.All(types, entry => Assert.Equal(_directory.Stat(entry.Key).Type, entry.Value));
    }

    [Fact]
    public void Failures_are_errnos()
    {
        _directory.Write("file");
        Tool.Run("ln", "-s", "loop", _directory.Text + "/loop");

        Assert.Equal(Errno.ENOENT, FileStatReader.TryRead(_directory["nothing"], out _));
        Assert.Equal(Errno.ENOTDIR, FileStatReader.TryRead(_directory["file/x"], out _));
        Assert.Equal(Errno.ELOOP, FileStatReader.TryReadTarget(_directory["loop"], out _));
        Assert.Equal(Errno.ENAMETOOLONG, FileStatReader.TryRead(_directory[new string('x', 256)], out _));
        Assert.Equal(Errno.ENAMETOOLONG, FileStatReader.TryRead(_directory[new string('x', 9999)], out _));
        Assert.Equal(Errno.EBADF, FileStatReader.TryReadAt(-1, "file"u8, out _));
        Assert.Equal(Errno.ENOENT, DirectoryReader.TryOpen(_directory["nothing"], out _));
        Assert.Equal(Errno.ENOTDIR, DirectoryReader.TryOpen(_directory["file"], out _));
    }

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(-1, 999_999_999, -1)]
    [InlineData(9_223_372_036, 854_775_807, long.MaxValue)]
    [InlineData(9_223_372_036, 854_775_808, long.MaxValue)]
    [InlineData(15_032_385_535, 0, long.MaxValue)] // ext4's last second, in 2446
    [InlineData(long.MaxValue, 999_999_999, long.MaxValue)]
    [InlineData(-9_223_372_037, 145_224_192, long.MinValue)]
    [InlineData(long.MinValue, 0, long.MinValue)]
    public void Times_beyond_a_long_are_saturated(long seconds, uint nanoseconds, long expected) =>
        Assert.Equal(expected, FileStatReader.Nanoseconds(seconds, nanoseconds));

    [Fact]
    public void A_symlink_to_a_directory_is_opened_only_as_a_target()
    {
        _directory.Write("dir/file");
        Tool.Run("ln", "-s", "dir", _directory.Text + "/link");

        Assert.Equal(Errno.ENOTDIR, DirectoryReader.TryOpen(_directory["link"], out DirectoryReader? refused));
        Assert.Null(refused);
        Assert.Equal(0, DirectoryReader.TryOpenTarget(_directory["link"], out DirectoryReader? reader));
        using (reader)
        {
            Assert.True(reader!.Read(out ReadOnlySpan<byte> name, out _));
            Assert.Equal("file"u8, name);
        }
    }

    [Fact]
    public void A_directory_of_many_long_names_is_listed_completely_and_once()
    {
        var expected = new HashSet<string>();
        for (int i = 0; i < 2000; i++)
            expected.Add(i.ToString("D4") + new string('n', 251));
        foreach (string name in expected)
            _directory.Write(name, "");

        var listed = new List<string>();
        Assert.Equal(0, DirectoryReader.TryOpen(_directory.Path, out DirectoryReader? reader));
        using (reader)
        {
            while (reader!.Read(out ReadOnlySpan<byte> name, out _))
                listed.Add(BytePath.Escape(name));
            Assert.False(reader.Read(out _, out _));
        }

        Assert.Equal(expected.Count, listed.Count);
        Assert.True(expected.SetEquals(listed));
    }

    [Fact]
    public void A_directory_removed_while_open_is_empty()
    {
        BytePath inner = _directory.MakeDirectory("inner");
        Assert.Equal(0, DirectoryReader.TryOpen(inner, out DirectoryReader? reader));
        using (reader)
        {
            Assert.Equal(0, PathOps.TryRemoveDirectory(inner));
            Assert.False(reader!.Read(out _, out _));
        }
    }

    [Fact]
    public void Looking_allocates_nothing()
    {
        for (int i = 0; i < 50; i++)
            _directory.Write("file" + i);
        byte[] path = [.. _directory["file7"].Span, 0];
        BytePath bytePath = _directory["file7"];
        _ = Look(path, bytePath, listing: false);
        _ = Look(path, bytePath, listing: true);
        int sizes = 0;
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 200; i++)
            sizes += Look(path, bytePath, listing: false);
        long after = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(0, after - before);
        Assert.Equal(200 * 3 * "content".Length, sizes);

        DirectoryReader.TryOpen(_directory.Path, out DirectoryReader? reader);
        using (reader)
        {
            int count = 0;
            before = GC.GetAllocatedBytesForCurrentThread();
            while (reader!.Read(out ReadOnlySpan<byte> name, out _))
                count += FileStatReader.TryReadAt(reader.FileDescriptor, name, out _) == 0 ? 1 : 0;
            after = GC.GetAllocatedBytesForCurrentThread();
            Assert.Equal(50, count);
            Assert.Equal(0, after - before);
        }
    }

    [Fact]
    public void Names_are_made_moved_and_removed()
    {
        const uint Rights = 0x1ED;
        Assert.Equal(0, PathOps.TryMakeDirectory(_directory[@"a\xFF"], Rights));
        Assert.Equal(Errno.EEXIST, PathOps.TryMakeDirectory(_directory[@"a\xFF"], Rights));
        Assert.Equal(0, PathOps.TryMakeDirectories(_directory[@"a\xFF/b/c"], Rights));
        Assert.Equal(0, PathOps.TryMakeDirectories(_directory[@"a\xFF/b/c"], Rights));
        Assert.Equal(Errno.ENOTEMPTY, PathOps.TryRemoveDirectory(_directory[@"a\xFF/b"]));
        _directory.Write("file");
        Assert.Equal(Errno.ENOTDIR, PathOps.TryMakeDirectories(_directory["file/x"], Rights));
        Assert.Equal(Errno.ENOTDIR, PathOps.TryMakeDirectories(_directory["file"], Rights));
        Assert.Equal(0, PathOps.TryRename(_directory["file"], _directory[@"a\xFF/b/c/f"]));
        Assert.Equal(Errno.EISDIR, PathOps.TryUnlink(_directory[@"a\xFF"]));
        Assert.Equal(0, PathOps.TryUnlink(_directory[@"a\xFF/b/c/f"]));
        Assert.Equal(0, PathOps.TryRemoveDirectory(_directory[@"a\xFF/b/c"]));
        Assert.Equal(Errno.ENOENT, PathOps.TryUnlink(_directory[@"a\xFF/b/c/f"]));
    }

    [Fact]
    public void The_real_path_is_without_links()
    {
        BytePath real = _directory.MakeDirectory(@"dir\xFF");
        File.CreateSymbolicLink(_directory.Text + "/link", "one");
        _directory.Rename(@"dir\xFF", "one");

        Assert.Equal(0, PathOps.TryRealPath(_directory["link/../link/."], out BytePath found));
        Assert.Equal(_directory["one"], found);
        _directory.Rename("one", @"dir\xFF");
        Assert.Equal(0, PathOps.TryRealPath(_directory[@"./dir\xFF/"], out found));
        Assert.Equal(real, found);
        Assert.Equal(Errno.ENOENT, PathOps.TryRealPath(_directory["link"], out found));
        Assert.True(found.IsEmpty);
        Assert.Equal(0, PathOps.TryCurrentDirectory(out BytePath current));
        Assert.Equal(Environment.CurrentDirectory, current.ToString());
    }

    [Fact]
    public void A_file_that_is_not_executable_or_not_there_is_refused()
    {
        _directory.Write("file");
        Tool.Run("chmod", "0644", _directory.Text + "/file");

        Assert.Equal(0, PathOps.TryAccess(_directory["file"], AccessMode.Read | AccessMode.Write));
        Assert.Equal(Errno.EACCES, PathOps.TryAccess(_directory["file"], AccessMode.Execute));
        Assert.Equal(Errno.ENOENT, PathOps.TryAccess(_directory["nothing"], AccessMode.Exists));
        Assert.Equal(0, PathOps.TryAccess(new BytePath("/bin/sh"u8), AccessMode.Read | AccessMode.Execute));
    }

    [Fact]
    public void Small_files_are_read_whole_and_large_ones_refused()
    {
        byte[] content = new byte[100_000];
        Random.Shared.NextBytes(content);
        BytePath path = _directory.Write("file", content);

        Assert.Equal(0, PathOps.TryReadSmallFile(path, out byte[] read));
        Assert.Equal(content, read);
        Assert.Equal(0, PathOps.TryReadSmallFile(path, out _, content.Length));
        Assert.Equal(Errno.EFBIG, PathOps.TryReadSmallFile(path, out read, content.Length - 1));
        Assert.Empty(read);
        Assert.Equal(0, PathOps.TryReadSmallFile(new BytePath("/proc/self/stat"u8), out read));
        Assert.NotEmpty(read);
    }

    [Fact]
    public void A_lock_is_held_by_one_at_a_time()
    {
        BytePath path = _directory["lock"];
        Assert.Equal(0, FileLock.TryTake(path, out FileLock? first));
        Assert.Equal(Errno.EAGAIN, FileLock.TryTake(path, out FileLock? second));
        Assert.Null(second);
        Assert.Equal(1, Tool.TryRun("flock", "--nonblock", path.ToString(), "true").ExitCode);

        first!.Dispose();

        Assert.Equal(0, FileLock.TryTake(path, out second));
        second!.Dispose();
    }

    private static int Look(byte[] path, BytePath bytePath, bool listing)
    {
        int size = 0;
        FileStatReader.TryRead(path, out FileStat stat);
        size += (int)stat.SizeBytes;
        FileStatReader.TryRead(bytePath, out stat);
        size += (int)stat.SizeBytes;
        FileStatReader.TryReadTarget(bytePath, out stat);
        size += (int)stat.SizeBytes;
        if (listing && DirectoryReader.TryOpen(bytePath.Directory, out DirectoryReader? reader) == 0)
        {
            while (reader!.Read(out ReadOnlySpan<byte> name, out _))
                FileStatReader.TryReadAt(reader.FileDescriptor, name, out _);
            reader.Dispose();
        }

        return size;
    }
}
