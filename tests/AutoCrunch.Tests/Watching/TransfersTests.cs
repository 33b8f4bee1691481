using System.Globalization;
using AutoCrunch.Core;
using AutoCrunch.Watching;

namespace AutoCrunch.Tests.Watching;

/// <summary>What is remembered of rsync's temporary names: a little, and never more.</summary>
public sealed class TransfersTests
{
    private static readonly TrackedDirectory s_root = new(
        new WatchRule { Name = "raw", Path = BytePath.Parse("/in") }, null, [], isIgnored: false);

    private readonly Transfers _transfers = new();
    private long _now;

    [Fact]
    public void A_temporary_name_is_known_until_it_is_renamed_or_removed()
    {
        var sub = new TrackedDirectory(s_root.Rule, s_root, "sub"u8.ToArray(), isIgnored: false);
        Tell(FileEventKind.Created, ".a.raw.Ab12Cd");
        Tell(FileEventKind.Created, @".\xFF.raw.Ab12Cd", sub);
        Tell(FileEventKind.Created, "a.raw");
        Tell(FileEventKind.Deleted, "a.raw");
        Tell(FileEventKind.MovedOut, ".a.raw.Ab12Cd", sub); // of the same name elsewhere
        Assert.Equal([".a.raw.Ab12Cd", @"sub/.\xFF.raw.Ab12Cd"], Paths());

        Tell(FileEventKind.MovedOut, ".a.raw.Ab12Cd");
        Tell(FileEventKind.MovedOut, ".a.raw.Ab12Cd");
        Assert.Equal([@"sub/.\xFF.raw.Ab12Cd"], Paths());
        Tell(FileEventKind.Deleted, @".\xFF.raw.Ab12Cd", sub);
        Assert.Empty(Paths());
    }

    [Fact]
    public void What_is_in_a_directory_is_forgotten_with_it()
    {
        var sub = new TrackedDirectory(s_root.Rule, s_root, "sub"u8.ToArray(), isIgnored: false);
        for (int i = 0; i < 10; i++)
            Tell(FileEventKind.Created, Name(i), i % 2 == 0 ? sub : s_root);
        _transfers.Forget(sub);
        Assert.Equal(Enumerable.Range(0, 10).Where(i => i % 2 == 1).Select(Name), Paths());
    }

    [Fact]
    public void When_there_is_no_room_the_oldest_is_forgotten()
    {
        for (int i = 0; i < Transfers.Most + 3; i++)
            Tell(FileEventKind.Created, Name(i));
        Tell(FileEventKind.Created, Name(Transfers.Most)); // again: it began anew
        Assert.Equal(
            [.. Enumerable.Range(3, Transfers.Most).Where(i => i != Transfers.Most).Select(Name), Name(Transfers.Most)],
            Paths());
        for (int i = 0; i < Transfers.Most + 3; i++)
            Tell(FileEventKind.MovedOut, Name(i));
        Assert.Empty(Paths());
    }

    private static string Name(int i) => string.Create(CultureInfo.InvariantCulture, $".f{i}.raw.Ab12Cd");

    private string[] Paths() => [.. _transfers.List().Select(transfer => transfer.Path.ToString())];

    private void Tell(FileEventKind kind, string name, TrackedDirectory? directory = null)
    {
        var time = new Moment(++_now, _now);
        _transfers.Observe(new FileEvent(directory ?? s_root, BytePath.Parse(name).Memory, kind, 0, time, time));
    }
}
