using AutoCrunch.Core;
using AutoCrunch.Linux;

namespace AutoCrunch.Tests.Linux;

/// <summary>Every name that Linux takes comes through unchanged: no encoding is ever applied.</summary>
public sealed class NameTests : IDisposable
{
    private const uint Mask = InotifyMask.IN_CREATE | InotifyMask.IN_CLOSE_WRITE | InotifyMask.IN_MOVED_FROM
        | InotifyMask.IN_MOVED_TO | InotifyMask.IN_DELETE;

    private readonly TempDirectory _directory = new();

    public static TheoryData<string> Names =>
    [
        @"plain.raw", @"a\xFF.raw", @"a\xFE.raw", @"\xC0\xAF", @"line\x0Abreak", @"-rf", @"..x", @"quote'""", @" ",
        new string('n', 255), @"\x01\x02\x7F",
    ];

    public void Dispose() => _directory.Dispose();

    [Theory]
    [MemberData(nameof(Names))]
    public void A_name_is_the_same_bytes_in_the_event_in_the_listing_and_in_stat(string name)
    {
        BytePath expected = BytePath.Parse(name);
        using Inotify inotify = Inotify.Create();
        Assert.True(inotify.AddWatch(_directory.Path, Mask) >= 1);

        _directory.Write(name, "12345");

        var events = new InotifyEventReader(inotify.Read());
        Assert.True(events.MoveNext());
        Assert.Equal(InotifyMask.IN_CREATE, events.Mask);
        Assert.Equal(expected, new BytePath(events.Name.Span));
        Assert.True(events.MoveNext());
        Assert.Equal(InotifyMask.IN_CLOSE_WRITE, events.Mask);
        Assert.Equal(expected, new BytePath(events.Name.Span));
        Assert.False(events.MoveNext());

        Assert.Equal(0, DirectoryReader.TryOpen(_directory.Path, out DirectoryReader? reader));
        using (reader)
        {
            Assert.True(reader!.Read(out ReadOnlySpan<byte> listed, out FileType type));
            Assert.Equal(expected, new BytePath(listed));
            Assert.Equal(FileType.Regular, type);
            Assert.Equal(0, FileStatReader.TryReadAt(reader.FileDescriptor, listed, out FileStat at));
            Assert.Equal(5, at.SizeBytes);
            Assert.Equal(at, _directory.Stat(name));
            Assert.False(reader.Read(out _, out _));
        }
    }
}
