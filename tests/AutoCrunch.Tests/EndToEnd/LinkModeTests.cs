using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.EndToEnd;

/// <summary>
/// Backups, files from another destination, hard links: arrivals and look-alikes without a temporary.
/// </summary>
public sealed class LinkModeTests(RenameService fixture) : IClassFixture<RenameService>
{
    private const string SendOld = "new $S/f.raw 500; rsync -a $S/ $D/";
    private const string Previous = """
        new $S/f.raw; new $S/g.raw; mkdir prev
        rsync -a $S/ prev/
        new $S/g.raw 1500
        """;

    private static readonly Dictionary<string, Step[]> s_cases = new()
    {
        ["--backup"] = [new(SendOld, "f.raw"), new("new $S/f.raw; rsync -ab $S/ $D/", "f.raw")],
        ["--backup twice"] =
        [
            new(SendOld, "f.raw"), new("new $S/f.raw; rsync -ab $S/ $D/", "f.raw"),
            new("new $S/f.raw 1500; rsync -ab $S/ $D/", "f.raw"),
        ],
        ["--backup --suffix=.raw: the backup is a file like any other"] =
        [
            new(SendOld, "f.raw"), new("new $S/f.raw; rsync -ab --suffix=.raw $S/ $D/", "f.raw", "f.raw.raw"),
        ],
        ["--backup-dir in the tree"] =
            [new(SendOld, "f.raw"), new("new $S/f.raw; rsync -ab --backup-dir=.old $S/ $D/; test -e $D/.old/f.raw",
                "f.raw")],
        ["--backup-dir outside"] =
            [new(SendOld, "f.raw"), new("new $S/f.raw; rsync -ab --backup-dir=$B/old $S/ $D/", "f.raw")],
        ["--backup-dir on another file system"] =
            [new(SendOld, "f.raw"), new("new $S/f.raw; rsync -ab --backup-dir=$O/old $S/ $D/", "f.raw")],
        ["--backup --delete"] =
        [
            new("new $S/f.raw 500; new $S/gone.raw; rsync -a $S/ $D/", "f.raw", "gone.raw"),
            new("rm $S/gone.raw; new $S/f.raw; rsync -ab --delete $S/ $D/; test -e $D/gone.raw~", "f.raw"),
        ],
        ["--link-dest"] = [new(Previous + "\nrsync -a --link-dest=$B/prev $S/ $D/", "f.raw", "g.raw")],
        ["--link-dest, only the time differs"] =
        [
            new(Previous + "\ntouch -d 2019-01-01 prev/f.raw; rsync -a --link-dest=$B/prev $S/ $D/", "f.raw", "g.raw"),
        ],
        ["--link-dest over another file"] =
        [
            new("new $S/f.raw 55; rsync -a $S/ $D/", "f.raw"),
            new("rm $S/f.raw\n" + Previous + "\nrsync -a --link-dest=$B/prev $S/ $D/", "f.raw", "g.raw"),
            new("rsync -a --link-dest=$B/prev $S/ $D/"),
        ],
        ["--copy-dest"] = [new(Previous + "\nrsync -a --copy-dest=$B/prev $S/ $D/", "f.raw", "g.raw")],
        ["--copy-dest over another file"] =
        [
            new("new $S/f.raw 55; rsync -a $S/ $D/", "f.raw"),
            new("rm $S/f.raw\n" + Previous + "\nrsync -a --copy-dest=$B/prev $S/ $D/", "f.raw", "g.raw"),
        ],
        ["--compare-dest"] =
            [new(Previous + "\nrsync -a --compare-dest=$B/prev $S/ $D/; test ! -e $D/f.raw", "g.raw")],
        ["-H, new group"] =
        [
            new("new $S/a.raw; ln $S/a.raw $S/b.raw; ln $S/a.raw $S/c.raw; rsync -aH $S/ $D/", "a.raw", "b.raw",
                "c.raw"),
        ],
        ["-H, a link over another file"] =
        [
            new("new $S/a.raw; new $S/b.raw 77; rsync -aH $S/ $D/", "a.raw", "b.raw"),
            new("ln -f $S/a.raw $S/b.raw; rsync -aH $S/ $D/", "b.raw"),
        ],
        ["-H, update of the whole group"] =
        [
            new("new $S/a.raw; ln $S/a.raw $S/b.raw; rsync -aH $S/ $D/", "a.raw", "b.raw"),
            new("echo more >>$S/a.raw; touch -d 2021-01-01 $S/a.raw; rsync -aH $S/ $D/", "a.raw", "b.raw"),
        ],
    };

    public static TheoryData<string> Names => [.. s_cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Arrives_once_and_complete(string name) => fixture.Run(s_cases[name]);
}
