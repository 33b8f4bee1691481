using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.EndToEnd;

/// <summary><c>--delay-updates</c>, <c>--partial-dir</c>, and <c>--temp-dir</c> in all its shapes.</summary>
public sealed class DelayAndTempDirTests(InPlaceService fixture) : IClassFixture<InPlaceService>
{
    private const string Three = "for n in a b c; do new $S/$n.raw 1000; done\n";
    private const string ThreeMore = "for n in a b c; do new $S/$n.raw 1500; done\n";

    private static readonly Dictionary<string, Step[]> s_cases = new()
    {
        ["--delay-updates"] =
        [
            new(Three + "rsync -a --delay-updates $S/ $D/", "a.raw", "b.raw", "c.raw"),
            new(ThreeMore + "rsync -a --delay-updates $S/ $D/", "a.raw", "b.raw", "c.raw"),
        ],
        ["--delay-updates --backup"] =
        [
            new(Three + "rsync -a --delay-updates $S/ $D/", "a.raw", "b.raw", "c.raw"),
            new(ThreeMore + "rsync -ab --delay-updates $S/ $D/", "a.raw", "b.raw", "c.raw"),
        ],
        ["--delay-updates, a small one and a slow one"] =
        [
            new("new $S/a.raw; new $S/f.raw 4194304; slow -a --delay-updates $S/ h:$D/; wait $slow", "a.raw", "f.raw"),
        ],
        ["--delay-updates, partial directory elsewhere"] =
        [
            new(Three + "mkdir stage; rsync -a --delay-updates --partial-dir=$B/stage $S/ $D/", "a.raw", "b.raw",
                "c.raw"),
        ],
        ["--delay-updates, partial directory on another file system: nothing arrives"] =
            [new(Three + "fails rsync -a --delay-updates --partial-dir=$O $S/ $D/")],
        ["--temp-dir in the tree, a dot directory"] =
        [
            new("new $S/f.raw; mkdir $D/.tmp; rsync -a --exclude=.tmp --temp-dir=.tmp $S/ $D/", "f.raw"),
            new("new $S/f.raw 1200; rsync -a --exclude=.tmp --temp-dir=.tmp $S/ $D/", "f.raw"),
        ],
        ["--temp-dir outside, same file system"] =
        [
            new("new $S/f.raw; mkdir tmp; rsync -a --temp-dir=$B/tmp $S/ $D/", "f.raw"),
            new("new $S/f.raw 1200; rsync -a --temp-dir=$B/tmp $S/ $D/", "f.raw"),
        ],
        ["--temp-dir on another file system"] =
        [
            new("new $S/f.raw; rsync -a --temp-dir=$O $S/ $D/", "f.raw"),
            new("new $S/f.raw 1200; rsync -a --temp-dir=$O $S/ $D/", "f.raw"),
            new("new $S/f.raw 0; rsync -a --temp-dir=$O $S/ $D/", "f.raw"),
            new("new $S/f.raw 1300; rsync -r --temp-dir=$O $S/ $D/", "f.raw"),
        ],
        ["--temp-dir on another file system, 200 MB"] =
            [new("head -c 209715200 /dev/zero >$S/f.raw; touch -d 2020-01-01 $S/f.raw; rsync -a --temp-dir=$O $S/ $D/",
                "f.raw")],
        ["--temp-dir on another file system, --backup"] =
        [
            new("new $S/f.raw; rsync -a $S/ $D/", "f.raw"),
            new("new $S/f.raw 1200; rsync -ab --temp-dir=$O $S/ $D/", "f.raw"),
        ],
        ["--temp-dir on another file system, --partial-dir"] =
        [
            new("new $S/f.raw; rsync -a $S/ $D/", "f.raw"),
            new("new $S/f.raw 1200; rsync -a --temp-dir=$O --partial-dir=.rp $S/ $D/", "f.raw"),
        ],
        ["--temp-dir on another file system, --delay-updates"] =
            [new(Three + "rsync -a --temp-dir=$O --delay-updates $S/ $D/", "a.raw", "b.raw", "c.raw")],
        ["--delete beside a kept partial directory"] =
        [
            new("""
                new $S/f.raw; new $D/.rsync-partial/g.raw 500
                rsync -a --delete --partial-dir=.rsync-partial $S/ $D/
                """, "f.raw"),
        ],
    };

    public static TheoryData<string> Names => [.. s_cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Arrives_once_and_complete(string name) => fixture.Run(s_cases[name]);

    // Without a leading dot nothing tells these temporaries from files: patterns do, or IgnoredDirectories.
    [Fact]
    public void A_temp_dir_with_a_plain_name_in_the_tree_is_left_out_by_patterns()
    {
        using var service = new ServiceUnderTest(new RuleText { Include = ["*.raw"] });
        service.Start();
        new Arena(service).Runs("""
            new $S/f.raw 4194304; mkdir $D/tmp
            slow -a --exclude=tmp --temp-dir=tmp $S/ h:$D/; wait $slow
            """, "f.raw");
        service.Stop();
    }

    [Theory]
    [InlineData("--delay-updates", ".~tmp~")]
    [InlineData("--partial-dir=.rsync-partial", ".rsync-partial")]
    public void Pain_15_what_lies_in_staging_directories_never_runs(string option, string directory)
    {
        var arena = new Arena(fixture.Service);
        arena.Runs($$"""
            new $S/f.raw 4194304
            interrupt sender KILL "$D/.f.raw.??????" -a {{option}}
            test -e "$D/{{directory}}/f.raw"
            """);
        arena.Runs($"resume -a {option}", "f.raw");
        arena.Nothing();
    }
}
