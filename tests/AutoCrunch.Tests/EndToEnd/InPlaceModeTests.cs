using AutoCrunch.Core;
using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.EndToEnd;

/// <summary>
/// rsync that writes under the final name: <c>--inplace</c>, <c>--append</c>, <c>--append-verify</c>.
/// </summary>
public sealed class InPlaceModeTests(InPlaceService fixture) : IClassFixture<InPlaceService>
{
    private const string SendOld = "new $S/f.raw 5000 2019-01-01; rsync -a $S/ $D/";

    private static readonly Dictionary<string, Step[]> s_cases = new()
    {
        ["-a --inplace"] =
        [
            new("new $S/f.raw; rsync -a --inplace $S/ $D/", "f.raw"),
            new("new $S/f.raw 1500; rsync -a --inplace $S/ $D/", "f.raw"),
            new("new $S/f.raw 300; rsync -a --inplace $S/ $D/", "f.raw"),
            new("new $S/f.raw 0; rsync -a --inplace $S/ $D/", "f.raw"),
        ],
        ["-a --inplace, empty"] = [new("new $S/f.raw 0; rsync -a --inplace $S/ $D/", "f.raw")],
        ["-r --inplace"] =
        [
            new("new $S/f.raw; rsync -r --inplace $S/ $D/", "f.raw"),
            new("new $S/f.raw 1500; rsync -r --inplace $S/ $D/", "f.raw"),
        ],
        ["-a --inplace, slow, new"] = [new("new $S/f.raw 4194304; slow -a --inplace $S/ h:$D/; wait $slow", "f.raw")],
        ["-a --inplace, slow, update of the same size"] =
        [
            new("new $S/f.raw 4194304 2019-01-01; rsync -a $S/ $D/", "f.raw"),
            new("new $S/f.raw 4194304; slow -a --inplace $S/ h:$D/; wait $slow", "f.raw"),
        ],
        ["-a --inplace, only the time differs"] =
            [new(SendOld, "f.raw"), new("touch -d 2020-01-01 $S/f.raw; rsync -a --inplace --no-W $S/ $D/", "f.raw")],
        ["--inplace, 100 bytes of 32 MB differ"] =
        [
            new("new $S/f.raw 33554432 2019-01-01; rsync -a $S/ $D/", "f.raw"),
            new("""
                head -c 100 /dev/urandom | dd of=$S/f.raw bs=100 seek=160000 conv=notrunc 2>/dev/null
                touch -d 2020-01-01 $S/f.raw; rsync -a --inplace --no-W $S/ $D/
                """, "f.raw"),
        ],
        ["--inplace -S"] = Update("-S"),
        ["--inplace --preallocate"] = Update("--preallocate"),
        ["--inplace --fsync"] = Update("--fsync"),
        ["--inplace -X"] = Update("-X"),
        ["--inplace --backup"] = Update("--backup"),
        ["--copy-dest --inplace"] =
        [
            new("new $S/f.raw 55 2019-01-01; rsync -a $S/ $D/", "f.raw"),
            new("new $S/f.raw; mkdir prev; cp -p $S/f.raw prev/; rsync -a --inplace --copy-dest=$B/prev $S/ $D/",
                "f.raw"),
        ],
        ["--append, new"] = [new("new $S/f.raw; rsync -a --append $S/ $D/", "f.raw")],
        ["--append, same length"] =
            [new("new $S/f.raw; rsync -a $S/ $D/", "f.raw"), new("touch $S/f.raw; rsync -r --append $S/ $D/")],
        ["--append, a source that grows"] =
        [
            new("new $S/f.raw 3000; rsync -a --append $S/ $D/", "f.raw"),
            new("head -c 500 /dev/urandom >>$S/f.raw; rsync -a --append $S/ $D/", "f.raw"),
            new("head -c 500 /dev/urandom >>$S/f.raw; rsync -a --append $S/ $D/", "f.raw"),
        ],
        ["--append-verify"] =
        [
            new("new $S/f.raw 3000; rsync -a $S/ $D/", "f.raw"),
            new("head -c 500 /dev/urandom >>$S/f.raw; rsync -a --append-verify $S/ $D/", "f.raw"),
        ],
        ["--append-verify, the beginning differs: sent twice"] =
        [
            new("new $S/f.raw 1000 2019-01-01; rsync -a $S/ $D/", "f.raw"),
            new("new $S/f.raw 3000; rsync -a --append-verify $S/ $D/; cmp $S/f.raw $D/f.raw", "f.raw"),
        ],
        ["--append-verify, the beginning and the mode differ"] =
        [
            new("new $S/f.raw 1000 2019-01-01; rsync -a $S/ $D/", "f.raw"),
            new("new $S/f.raw 3000; chmod 600 $S/f.raw; rsync -a --append-verify $S/ $D/; cmp $S/f.raw $D/f.raw",
                "f.raw"),
        ],
        ["a read-only target"] =
        [
            new("new $S/f.raw 500 2019-01-01; chmod 444 $S/f.raw; rsync -a $S/ $D/", "f.raw"),
            new("chmod 644 $S/f.raw; new $S/f.raw; chmod 444 $S/f.raw; rsync -rtp --inplace $S/ $D/", "f.raw"),
        ],
        ["a read-only target of another user than root, where root runs the tests"] =
        [
            new("new $S/f.raw 500 2019-01-01; chmod 444 $S/f.raw; rsync -a $S/ $D/", "f.raw"),
            new("""
                new $S/f.raw 1000; as=
                if [ $(id -u) = 0 ]; then
                    chown -R 65534:65534 $S $D; as='setpriv --reuid=65534 --regid=65534 --clear-groups'
                fi
                $as rsync -rtp --inplace $S/ $D/
                """, "f.raw"),
        ],
        ["verification fails and the file is sent again"] =
        [
            new("new $S/f.raw 4194304 2019-01-01; rsync -a $S/ $D/", "f.raw"),
            new("""
                new $S/f.raw.new 2097152; tail -c 2097152 $S/f.raw >>$S/f.raw.new; mv $S/f.raw.new $S/f.raw
                touch -d 2020-01-01 $S/f.raw
                slow -a --inplace --no-W $S/ h:$D/
                midway "$D/f.raw"
                printf ZZZZ | dd of=$D/f.raw bs=1 seek=4190000 conv=notrunc 2>/dev/null
                wait $slow; cmp $S/f.raw $D/f.raw
                """, "f.raw"),
        ],
        ["two at once on one name"] =
        [
            new("""
                new $S/f.raw 4194304; new $B/src2/f.raw 4194304 2021-01-01
                slow -a --inplace $S/ h:$D/; first=$slow
                midway "$D/f.raw"
                slow -a --inplace $B/src2/ h:$D/
                wait $first || true; wait $slow || true
                """, "f.raw"),
        ],
    };

    public static TheoryData<string> Names => [.. s_cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Arrives_once_and_complete(string name) => fixture.Run(s_cases[name]);

    [Fact]
    public void A_redo_after_ten_other_files_runs_the_right_content_last()
    {
        // The bad first pass is closed for longer than the quiet period before the second one comes: no tracker can
        // know.
        var arena = new Arena(fixture.Service);
        arena.Runs("new $S/a.raw 1000 2019-01-01; rsync -a $S/ $D/", "a.raw");
        arena.Script("""
            new $S/a.raw 3000; for i in 1 2 3 4; do new $S/b$i.raw 2097152; done
            slow -a --append-verify $S/ h:$D/; wait $slow; cmp $S/a.raw $D/a.raw
            """);
        fixture.Service.Quiesce();
        BytePath a = BytePath.Parse(arena.Destination + "/a.raw");
        JobRecord last = arena.Started().Last(record => record.Path == a);
        Assert.Equal(arena.Files()[BytePath.Parse("a.raw")], (last.SizeBytes, last.Hash));
        Assert.All([1, 2, 3, 4], i => Assert.Single(
            arena.Started(), record => record.Path.Name == BytePath.Parse($"b{i}.raw")));
    }

    [Fact]
    public void Pain_10_a_writer_that_pauses_with_the_file_open_is_waited_for()
    {
        // Longer than the quiet period; the file is closed in between by another writer that also had it open.
        var arena = new Arena(fixture.Service);
        arena.Runs("""
            exec 3>>$D/f.raw
            for i in 1 2 3; do head -c 5000 /dev/urandom >&3; (echo part >>$D/f.raw); sleep 1.5; done
            echo end >&3
            exec 3>&-
            """, "f.raw");
        arena.Nothing();
    }

    private static Step[] Update(string option) =>
    [
        new(SendOld, "f.raw"),
        new($"new $S/f.raw 12000; rsync -a --inplace {option} $S/ $D/", "f.raw"),
    ];
}
