using AutoCrunch.Tests.EndToEnd.Harness;

namespace AutoCrunch.Tests.EndToEnd;

/// <summary>rsync as it is used most: a temporary, then a rename. Every row is a case of its own.</summary>
public sealed class RenameModeTests(RenameService fixture) : IClassFixture<RenameService>
{
    private const string SendOld = "new $S/f.raw 100000; rsync -a $S/ $D/";

    private static readonly Dictionary<string, Step[]> s_cases = new()
    {
        ["-r"] = [new("new $S/f.raw; rsync -r $S/ $D/", "f.raw"), new("new $S/f.raw 1500; rsync -r $S/ $D/", "f.raw")],
        ["-rt"] = [new("new $S/f.raw; rsync -rt $S/ $D/", "f.raw"), new("new $S/f.raw 1500; rsync -rt $S/ $D/",
            "f.raw")],
        ["-a"] = [new("new $S/f.raw; rsync -a $S/ $D/", "f.raw"), new("new $S/f.raw 1500; rsync -a $S/ $D/", "f.raw")],
        ["-a, 32 MB"] = [new("new $S/f.raw 33554432; rsync -a $S/ $D/", "f.raw")],
        ["-a, empty, then not, then empty"] =
        [
            new("new $S/f.raw 0; rsync -a $S/ $D/", "f.raw"), new("new $S/f.raw 10; rsync -a $S/ $D/", "f.raw"),
            new("new $S/f.raw 0; rsync -a $S/ $D/", "f.raw"),
        ],
        ["umask 077, -r"] = [new("new $S/f.raw; chmod 600 $S/f.raw; umask 077; rsync -r $S/ $D/", "f.raw")],
        ["slow"] = [new("new $S/f.raw 4194304; slow -a $S/ h:$D/; wait $slow", "f.raw")],
        ["push through a pipe"] = [new("new $S/f.raw 3000000; rsync -a --rsh=$RSH $S/ h:$D/", "f.raw")],
        ["pull through a pipe"] = [new("new $S/f.raw 3000000; rsync -a --rsh=$RSH h:$S/ $D/", "f.raw")],
        ["to another name"] = [new("new $S/f.raw; rsync -a $S/f.raw $D/other.dat", "other.dat")],
        ["--files-from"] = [new("new $S/x/f.raw; echo x/f.raw >list; rsync -a --files-from=list $S/ $D/", "x/f.raw")],
        ["-R"] = [new("new $S/x/y/f.raw; cd $S; rsync -aR x/y/f.raw $D/", "x/y/f.raw")],
        ["--mkpath"] = [new("new $S/f.raw; rsync -a --mkpath $S/ $D/a/b/", "a/b/f.raw")],
        ["--remove-source-files"] = [new("new $S/f.raw; rsync -a --remove-source-files $S/ $D/", "f.raw")],
        ["--write-batch, --read-batch"] =
        [
            new("new $S/f.raw; rsync -a --write-batch=$B/batch $S/ $D/", "f.raw"), new("rm $D/f.raw"),
            new("rsync -a --read-batch=$B/batch $D/", "f.raw"),
        ],
        ["--iconv"] =
        [
            new("new $S/$'\\xe9t\\xe9.raw'; rsync -a --iconv=iso-8859-1,utf-8 --rsh=$RSH $S/ h:$D/", "été.raw"),
        ],
        ["--log-file in the tree"] = [new("new $S/f.raw; rsync -a --log-file=$D/rsync.log $S/ $D/", "f.raw")],
        ["-n, then up to date"] =
        [
            new("new $S/f.raw; rsync -an $S/ $D/"), new("rsync -a $S/ $D/", "f.raw"), new("rsync -a $S/ $D/"),
        ],
        ["--existing, new"] = [new("new $S/f.raw; rsync -a --existing $S/ $D/")],
        ["--ignore-existing"] = [new(SendOld, "f.raw"), new("new $S/f.raw 9; rsync -a --ignore-existing $S/ $D/")],
        ["-u, newer here"] = [new(SendOld, "f.raw"), new("new $S/f.raw 9 2019-01-01; rsync -au $S/ $D/")],
        ["-rc, same content"] = [new(SendOld, "f.raw"), new("rsync -rc $S/ $D/")],
        ["only the time differs: sent again"] =
            [new(SendOld, "f.raw"), new("touch -d 2021-01-01 $S/f.raw; rsync -a $S/ $D/", "f.raw")],
        ["only the time differs, --size-only"] =
            [new(SendOld, "f.raw"), new("touch -d 2021-01-01 $S/f.raw; rsync -a --size-only $S/ $D/")],
        ["only the time differs, -c"] =
            [new(SendOld, "f.raw"), new("touch -d 2021-01-01 $S/f.raw; rsync -ac $S/ $D/")],
        ["only the mode differs"] = [new(SendOld, "f.raw"), new("chmod 600 $S/f.raw; rsync -a $S/ $D/")],
        ["only an ACL differs"] = [new(SendOld, "f.raw"), new("setfacl -m u:1000:r $S/f.raw; rsync -aA $S/ $D/")],
        ["only an extended attribute differs"] =
            [new(SendOld, "f.raw"), new("setfattr -n user.k -v 1 $S/f.raw; rsync -aX $S/ $D/")],
        ["new, with ACL and extended attribute"] =
        [
            new("new $S/f.raw; setfacl -m u:1000:r $S/f.raw; setfattr -n user.k -v 1 $S/f.raw; rsync -aAX $S/ $D/",
                "f.raw"),
        ],
        ["a file over a symlink"] =
            [new("ln -s /nowhere $D/f.raw; new $S/f.raw; rsync -a $S/ $D/", "f.raw")],
        ["--force, a file over a directory"] =
        [
            new("new $S/f.raw/x; rsync -a $S/ $D/", "f.raw/x"),
            new("rm -r $S/f.raw; new $S/f.raw; rsync -a --force --delete $S/ $D/", "f.raw"),
        ],
        ["symlinks"] =
        [
            new("ln -s target $S/l.raw; rsync -a $S/ $D/; ln -sfn other $S/l.raw; rsync -a $S/ $D/"),
            new("rm $S/l.raw; new $S/l.raw; rsync -a $S/ $D/", "l.raw"),
            new("rm $S/l.raw; ln -s target $S/l.raw; rsync -a $S/ $D/"),
        ],
        ["a fifo"] = [new("mkfifo $S/p.raw; rsync -a $S/ $D/")],
        ["devices, where root may make them"] =
        [
            new("""
                mknod $S/n.raw c 1 3 || exit 0
                rsync -a $S/ $D/; rm $S/n.raw; mknod $S/n.raw c 1 5; rsync -a $S/ $D/
                """),
        ],
        ["--delete"] = Deleting("--delete"),
        ["--delete-before"] = Deleting("--delete-before"),
        ["--delete-during"] = Deleting("--delete-during"),
        ["--delete-delay"] = Deleting("--delete-delay"),
        ["--delete-after"] = Deleting("--delete-after"),
    };

    public static TheoryData<string> Names => [.. s_cases.Keys];

    public static TheoryData<string> Options =>
    [
        "-W", "--no-W", "-z", "-S", "--preallocate", "--fsync", "-c", "-I", "-U", "--fuzzy", "--chmod=F640",
        "--chown=$(id -u):$(id -g)", "-X", "-A", "--fake-super", "-u", "--existing", "--partial",
        "--partial-dir=.rsync-partial",
    ];

    [Theory]
    [MemberData(nameof(Names))]
    public void Arrives_once_and_complete(string name) => fixture.Run(s_cases[name]);

    [Theory]
    [MemberData(nameof(Options))]
    public void An_update_arrives_once_and_complete_with(string option) => fixture.Run(
        new Step(SendOld, "f.raw"),
        new Step($"new $S/f.raw 120000 2021-01-01; rsync -a {option} $S/ $D/", "f.raw"));

    [Fact]
    public void Pain_14_rsync_temporary_names_never_reach_a_job()
    {
        var arena = new Arena(fixture.Service);
        arena.RunsAll("for i in {1..50}; do new $S/f$i.raw 3000; done; rsync -a --fsync $S/ $D/", 50);
        arena.Nothing();
        Assert.All(arena.Started(), record => Assert.StartsWith("f", record.Path.Name.ToString(),
            StringComparison.Ordinal));
    }

    [Fact]
    public void Pain_35_sending_unchanged_data_again_makes_no_job()
    {
        var arena = new Arena(fixture.Service);
        arena.RunsAll("for i in {1..20}; do new $S/sub/f$i.raw; done; rsync -a $S/ $D/", 20);
        arena.Runs("rsync -a $S/ $D/; rsync -ac $S/ $D/; chmod 600 $S/sub/*; rsync -a $S/ $D/");
    }

    private static Step[] Deleting(string option) =>
    [
        new("new $S/f.raw 500; new $S/gone.raw; new $S/sub/x.raw; rsync -a $S/ $D/", "f.raw", "gone.raw", "sub/x.raw"),
        new($$"""
            head -c 500 /dev/urandom >$D/.f.raw.AbC123   # as a killed receiver leaves it
            rm -r $S/gone.raw $S/sub; new $S/f.raw 1000
            rsync -a {{option}} $S/ $D/
            test ! -e $D/gone.raw -a ! -e $D/.f.raw.AbC123
            """,
            "f.raw"),
    ];
}
