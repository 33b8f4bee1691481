namespace AutoCrunch.Core.Tests;

public sealed class PendingMovesTests
{
    // 255 UTF-16 units are what VFAT, exFAT, NTFS and CIFS allow.
    [Fact]
    public void A_name_of_more_than_255_bytes_waits_for_its_partner_like_any_other()
    {
        var rule = new WatchRule { Name = "raw", Path = BytePath.Parse("/in") };
        var directory = new TrackedDirectory(rule, null, [], isIgnored: false);
        byte[] name = new byte[765];
        Array.Fill(name, (byte)'n');
        var moves = new PendingMoves();

        moves.Add(
            new FileEvent(directory, name, FileEventKind.MovedOut, 7, new Moment(1, 1), new Moment(0, 0)), null, true);

        Assert.True(moves.Find(7)!.Name.SequenceEqual(name));
    }
}
